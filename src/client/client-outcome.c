/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done with a job that has ended. How its result looks is client-result.c's.
 */
#include "client-outcome.h"

#include "client-artifacts.h"
#include "client-json.h"
#include "client-output.h"
#include "client-result.h"

gboolean
client_outcome_conclude (Client *client, ClientJob *job, GError **error)
{
  g_autoptr (GVariant) artifacts = client_job_get (job, "Artifacts", "aa{sv}");
  g_autoptr (GVariant) whole = client_job_describe (job);
  g_autoptr (GError) failure = client_job_get_failure (job);

  if (client->json)
    {
      g_autoptr (JsonNode) node = client_json_from_variant (whole);

      client_output_json (node);
      /* The document tells of the failure; a second one would break it. */
      client->json = FALSE;
    }
  else
    client_result_print (client, job);
  if (client->output_dir != NULL && artifacts != NULL
      && !client_artifacts_save_all (client, artifacts, client->output_dir, error))
    return FALSE;
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

gboolean
client_outcome_watch (Client *client, const char *name, GError **error)
{
  g_autoptr (ClientJob) job = client_job_new (client, name, error);

  return job != NULL && client_job_follow (job, FALSE, error) && client_outcome_conclude (client, job, error);
}
