/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the service has: processes, jobs, its version. Artifacts are client-artifacts.c's.
 */
#include "client-listing.h"

#include <glib/gi18n.h>
#include <pwd.h>

#include "client-bus.h"
#include "client-outcome.h"
#include "client-format.h"
#include "client-job.h"
#include "client-json.h"
#include "client-rows.h"
#include "config.h"

static gboolean
lookup_boolean (GVariant *row, const char *key)
{
  gboolean value = FALSE;

  return g_variant_lookup (row, key, "b", &value) && value;
}

static char *
format_plain_number (GVariant *row, const char *key)
{
  double number;

  return client_lookup_number (row, key, &number) ? g_strdup_printf ("%.0f", number) : NULL;
}

static char *
format_state (GVariant *row, const char *key)
{
  static const char *const states[] = { N_ ("running"), N_ ("finished"), N_ ("failed"), N_ ("cancelled") };
  g_autofree char *state = client_lookup_text (row, key);

  for (guint i = 0; state != NULL && i < G_N_ELEMENTS (states); i++)
    {
      if (g_str_equal (state, states[i]))
        return g_strdup (_ (states[i]));
    }
  return g_steal_pointer (&state);
}

static char *
format_user (GVariant *row, const char *key)
{
  struct passwd entry, *found = NULL;
  char buffer[4096];
  double uid;

  if (!client_lookup_number (row, key, &uid))
    return NULL;
  if (getpwuid_r ((uid_t)uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    return g_strdup (found->pw_name);
  return g_strdup_printf ("%.0f", uid);
}

/* In a few words: Home Assistant and its version, or why it cannot be profiled. */
static char *
format_nature (GVariant *row, const char *key)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *reason = client_lookup_text (row, "reason");
  g_autofree char *version = client_lookup_text (row, "home_assistant_version");

  if (lookup_boolean (row, "home_assistant"))
    g_string_append_printf (text, _ ("Home Assistant %s"), version != NULL ? version : "");
  g_strchomp (text->str);
  text->len = strlen (text->str);
  if (lookup_boolean (row, "container"))
    g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", _ ("container"));
  if (!lookup_boolean (row, "supported"))
    g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "",
                            reason != NULL ? reason : _ ("not supported"));
  return g_strdup (text->str);
}

static const ClientField target_fields[] = {
  { "pid", format_plain_number, { N_ ("PID"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_STRONG } },
  { "uid", format_user, { N_ ("USER"), FALSE, 8, CLIENT_CUT_END, 4, CLIENT_STYLE_PLAIN } },
  { "python", NULL, { N_ ("PYTHON"), FALSE, 6, CLIENT_CUT_END, 2, CLIENT_STYLE_PLAIN } },
  { "name", NULL, { N_ ("NAME"), FALSE, 8, CLIENT_CUT_END, 3, CLIENT_STYLE_PLAIN } },
  { "command", NULL, { N_ ("COMMAND"), FALSE, 16, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "reason", format_nature, { N_ ("REMARK"), FALSE, 24, CLIENT_CUT_END, 1, CLIENT_STYLE_FAINT } },
  { NULL },
};

static void
print_json (GVariant *value)
{
  g_autoptr (JsonNode) node = client_json_from_variant (value);

  client_output_json (node);
}

gboolean
client_listing_targets (Client *client, const char *argument, GError **error)
{
  const ClientCall call = { .interface = CLIENT_MANAGER_INTERFACE,
                            .method = "ListTargets",
                            .reply = "(aa{sv})" };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) targets = NULL;

  reply = client_bus_call (client, &call, g_variant_new_parsed ("(@a{sv} {},)"), NULL, error);
  if (reply == NULL)
    return FALSE;
  targets = g_variant_get_child_value (reply, 0);
  if (client->json)
    print_json (targets);
  else if (g_variant_n_children (targets) == 0)
    client_output_note (client, _ ("No Python process is running here that you may see."));
  else
    client_rows_print (client, targets, target_fields, NULL, 0);
  return TRUE;
}

/* Returns: (transfer floating): `aa{sv}`: the jobs as the other lists are, from their objects */
static GVariant *
flatten_jobs (GVariant *objects)
{
  GVariantBuilder rows;
  GVariantIter iterator;
  const char *path;
  GVariant *interfaces;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_iter_init (&iterator, objects);
  while (g_variant_iter_loop (&iterator, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) properties = NULL;
      g_autoptr (GVariant) row = NULL;

      properties = g_variant_lookup_value (interfaces, CLIENT_JOB_INTERFACE, G_VARIANT_TYPE_VARDICT);
      if (properties == NULL)
        continue;
      row = client_job_describe_properties (path, properties);
      g_variant_builder_add_value (&rows, row);
    }
  return g_variant_builder_end (&rows);
}

static char *
format_job (GVariant *row, const char *key)
{
  g_autofree char *path = NULL;

  g_variant_lookup (row, key, "s", &path);
  return g_strdup (path != NULL ? client_job_path_to_name (path) : "");
}

static char *
format_progress (GVariant *row, const char *key)
{
  double progress;

  return client_lookup_number (row, key, &progress) ? g_strdup_printf ("%.0f %%", progress * 100) : NULL;
}

static char *
format_start (GVariant *row, const char *key)
{
  double started;

  return client_lookup_number (row, key, &started) ? client_format_time ((gint64)started) : NULL;
}

static const ClientField job_fields[] = {
  { "job", format_job, { N_ ("JOB"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_STRONG } },
  { "action", NULL, { N_ ("ACTION"), FALSE, 8, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "target", format_plain_number, { N_ ("TARGET"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_PLAIN } },
  { "state", format_state, { N_ ("STATE"), FALSE, 8, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "progress", format_progress, { N_ ("DONE"), TRUE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { "started_at", format_start, { N_ ("STARTED"), FALSE, 8, CLIENT_CUT_END, 3, CLIENT_STYLE_FAINT } },
  { NULL },
};

gboolean
client_listing_jobs (Client *client, const char *argument, GError **error)
{
  const ClientCall call = { .interface = "org.freedesktop.DBus.ObjectManager",
                            .method = "GetManagedObjects",
                            .reply = "(a{oa{sa{sv}}})" };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) objects = NULL;
  g_autoptr (GVariant) jobs = NULL;

  if (argument != NULL)
    return client_outcome_watch (client, argument, error);
  reply = client_bus_call (client, &call, NULL, NULL, error);
  if (reply == NULL)
    return FALSE;
  objects = g_variant_get_child_value (reply, 0);
  jobs = g_variant_ref_sink (flatten_jobs (objects));
  if (client->json)
    print_json (jobs);
  else if (g_variant_n_children (jobs) == 0)
    client_output_note (client, _ ("No jobs."));
  else
    client_rows_print (client, jobs, job_fields, "started_at", 0);
  return TRUE;
}

gboolean
client_listing_cancel (Client *client, const char *argument, GError **error)
{
  g_autoptr (ClientJob) job = client_job_new (client, argument, error);
  g_autoptr (GVariant) done = NULL;

  if (job == NULL || !client_job_cancel (job, error))
    return FALSE;
  if (!client->json)
    {
      client_output_note (client, _ ("Job %s is cancelled."),
                          client_job_path_to_name (client_job_get_path (job)));
      return TRUE;
    }
  done = g_variant_ref_sink (g_variant_new_parsed ("{'cancelled': <%s>}", client_job_get_path (job)));
  print_json (done);
  return TRUE;
}

gboolean
client_listing_version (Client *client, const char *argument, GError **error)
{
  g_autoptr (GVariant) version = client_bus_get_property (client, "Version", "s", error);
  const char *service = version != NULL ? g_variant_get_string (version, NULL) : NULL;
  g_autofree char *escaped = service != NULL ? client_text_escape (service) : NULL;
  g_autoptr (GVariant) both = NULL;

  if (!client->json)
    {
      client_output_print (client, CLIENT_STYLE_PLAIN, _ ("ha-profiler %s"), HAP_VERSION);
      if (escaped != NULL)
        client_output_print (client, CLIENT_STYLE_PLAIN, _ ("ha-profilerd %s"), escaped);
    }
  else if (service != NULL)
    {
      both = g_variant_ref_sink (
          g_variant_new_parsed ("{'client': <%s>, 'service': <%s>}", HAP_VERSION, service));
      print_json (both);
    }
  return service != NULL;
}
