/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One question to polkit: its subject, its details, how long an answer is waited for, and what no answer
 * means. Which action is asked for, and when, is service-authority.c's.
 */

#include "service-polkit.h"

#include <polkit/polkit.h>
#include <string.h>

#include <glib/gi18n.h>

#include "config.h"
#include "hap-error.h"
#include "service-language.h"

typedef struct
{
  GDBusConnection *bus;
  char *sender;
  char *action_id;
  PolkitDetails *details;
  const ServiceLanguage *language;
  gboolean interactive;
  GCancellable *cancellable;
  const char *cancelled; /* why */
  guint timer;
  guint watch;
} Ask;

static void
ask_free (Ask *ask)
{
  g_clear_handle_id (&ask->timer, g_source_remove);
  g_clear_handle_id (&ask->watch, g_bus_unwatch_name);
  g_object_unref (ask->bus);
  g_object_unref (ask->cancellable);
  g_object_unref (ask->details);
  g_free (ask->sender);
  g_free (ask->action_id);
  g_free (ask);
}

static void
cancel (Ask *ask, const char *why)
{
  if (ask->cancelled == NULL)
    ask->cancelled = why;
  g_cancellable_cancel (ask->cancellable);
}

static gboolean
on_timer (gpointer data)
{
  Ask *ask = data;

  ask->timer = 0;
  cancel (ask, N_ ("polkit did not answer in time"));
  return G_SOURCE_REMOVE;
}

static void
on_caller_left (GDBusConnection *connection, const char *name, gpointer data)
{
  cancel (data, N_ ("the caller has left"));
}

/* Names of a target stand in prompts: "$(" there would be taken for a detail of ours. */
static char *
make_detail (const char *text)
{
  char *detail = g_strdup (text);

  return g_strdelimit (detail, "$", '?');
}

static const char *
get_prompt (const char *action_id)
{
  static const struct
  {
    const char *action, *prompt;
  } prompts[] = {
    { "observe",
      N_ ("Authentication is required to observe process $(target-pid) ($(target-command)) of user "
          "$(target-uid) with the profiler ($(action))") },
    { "profile",
      N_ ("Authentication is required to profile process $(target-pid) ($(target-command)) of user "
          "$(target-uid) ($(action))") },
    { "inspect", N_ ("Authentication is required to read the objects of process $(target-pid) "
                     "($(target-command)) of user $(target-uid), which can hold secrets ($(action))") },
    { "inspect-secrets", N_ ("Authentication is required to read the objects of process $(target-pid) "
                             "($(target-command)) of user $(target-uid) with passwords and tokens in clear "
                             "text ($(action))") },
    { "modify", N_ ("Authentication is required to run code in process $(target-pid) ($(target-command)) of "
                    "user $(target-uid) ($(action))") },
  };
  const char *action = strrchr (action_id, '.') + 1;

  for (guint i = 0; i < G_N_ELEMENTS (prompts); i++)
    {
      if (g_str_equal (prompts[i].action, action))
        return prompts[i].prompt;
    }
  return NULL;
}

static PolkitDetails *
make_details (const ServicePolkitQuestion *question)
{
  PolkitDetails *details = polkit_details_new ();
  g_autofree char *pid = NULL;
  g_autofree char *uid = NULL;
  g_autofree char *command = NULL;

  polkit_details_insert (details, "action", question->member);
  if (question->owner != NULL)
    polkit_details_insert (details, "owner-uid", question->owner);
  if (question->process == NULL)
    return details;

  pid = g_strdup_printf ("%u", service_process_get_pid (question->process));
  uid = g_strdup_printf ("%u", service_process_get_uid (question->process));
  command = make_detail (service_process_get_command (question->process));
  polkit_details_insert (details, "target-pid", pid);
  polkit_details_insert (details, "target-uid", uid);
  polkit_details_insert (details, "target-command", command);
  if (get_prompt (question->action_id) != NULL)
    {
      polkit_details_insert (details, "polkit.message", get_prompt (question->action_id));
      polkit_details_insert (details, "polkit.gettext_domain", HAP_GETTEXT_DOMAIN);
    }
  return details;
}

static void
return_denied (GTask *task, const char *why)
{
  const Ask *ask = g_task_get_task_data (task);
  SERVICE_SPEAKS (ask->language);

  g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, _ ("%s is not allowed: %s"),
                           ask->action_id, why);
}

static void
return_failure (GTask *task, GError *owned_error)
{
  g_autoptr (GError) error = owned_error;
  const Ask *ask = g_task_get_task_data (task);
  SERVICE_SPEAKS (ask->language);
  g_autofree char *why = NULL;

  g_dbus_error_strip_remote_error (error);
  why = g_strdup_printf (_ ("polkit, which decides it, cannot be asked (%s); only root may do it without"),
                         error->message);
  return_denied (task, ask->cancelled != NULL ? ask->cancelled : why);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Ask *ask = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer =
      polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);

  if (answer == NULL)
    return_failure (task, error);
  else if (ask->cancelled != NULL)
    return_denied (task, ask->cancelled);
  else if (polkit_authorization_result_get_is_authorized (answer))
    g_task_return_boolean (task, TRUE);
  else if (polkit_authorization_result_get_dismissed (answer))
    return_denied (task, N_ ("the prompt for a password was dismissed"));
  else if (!polkit_authorization_result_get_is_challenge (answer))
    return_denied (task, N_ ("polkit's rules refuse it, or the password was wrong"));
  else if (ask->interactive)
    return_denied (task, N_ ("a password is needed and there is no agent that asks for it (see pkttyagent)"));
  else
    return_denied (task, N_ ("a password is needed, and the call does not allow to ask for it"));
}

/* The library's one authority does not bear to be freed while an answer is on its way. */
static void
keep (PolkitAuthority *authority)
{
  static PolkitAuthority *kept;

  g_set_object (&kept, authority);
}

static void
on_authority (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Ask *ask = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PolkitAuthority) authority = polkit_authority_get_finish (result, &error);
  g_autoptr (PolkitSubject) subject = NULL;

  if (authority != NULL)
    keep (authority);
  if (authority == NULL || ask->cancelled != NULL)
    {
      return_failure (task, error != NULL ? error : g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "-"));
      return;
    }
  subject = polkit_system_bus_name_new (ask->sender);
  polkit_authority_check_authorization (authority, subject, ask->action_id, ask->details,
                                        ask->interactive
                                            ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                                            : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
                                        ask->cancellable, on_answer, g_steal_pointer (&task));
}

void
service_polkit_ask (const ServicePolkitQuestion *question, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);
  Ask *ask = g_new0 (Ask, 1);

  ask->bus = g_object_ref (question->bus);
  ask->sender = g_strdup (question->sender);
  ask->action_id = g_strdup (question->action_id);
  ask->details = make_details (question);
  ask->interactive = question->interactive;
  ask->language = service_language_get_current ();
  ask->cancellable = g_cancellable_new ();
  g_task_set_source_tag (task, service_polkit_ask);
  g_task_set_task_data (task, ask, (GDestroyNotify)ask_free);
  ask->timer = g_timeout_add_seconds (question->patience, on_timer, ask);
  ask->watch = g_bus_watch_name_on_connection (ask->bus, ask->sender, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                               on_caller_left, ask, NULL);
  polkit_authority_get_async (ask->cancellable, on_authority, task);
}

gboolean
service_polkit_ask_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
