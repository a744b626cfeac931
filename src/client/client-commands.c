/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the command line to one sub-command: ours from a table, the service's from its descriptions, and the
 * exit status of it all.
 */
#include "client.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "client-artifacts.h"
#include "client-agent.h"
#include "client-bus.h"
#include "client-command.h"
#include "client-complete.h"
#include "client-format.h"
#include "client-help.h"
#include "client-job.h"
#include "client-json.h"
#include "client-listing.h"
#include "client-outcome.h"
#include "client-output.h"
#include "client-remote.h"
#include "client-result.h"
#include "config.h"

typedef gboolean (*ClientCommandFunc) (Client *client, const char *argument, GError **error);

/* In the order of client_command_list(). */
static const ClientCommandFunc functions[] = {
  client_listing_targets, client_listing_jobs,     client_listing_cancel,  client_artifacts_list,
  client_artifacts_open,  client_artifacts_remove, client_listing_version,
};

Client *
client_new (void)
{
  Client *self = g_new0 (Client, 1);

  self->bus = g_strdup ("system");
  self->cancellable = g_cancellable_new ();
  self->colour = client_output_has_colour (STDOUT_FILENO);
  self->width = client_output_get_width (STDOUT_FILENO);
  return self;
}

void
client_free (Client *self)
{
  g_clear_object (&self->connection);
  g_object_unref (self->cancellable);
  g_clear_pointer (&self->agent, client_agent_stop);
  g_free (self->bus);
  g_free (self->host);
  g_free (self->output);
  g_free (self->output_dir);
  g_free (self);
}

static gboolean
on_text_option (const char *option, const char *text, gpointer data, GError **error)
{
  Client *client = data;
  char **place = &client->bus;

  if (g_str_equal (option, "--output"))
    place = &client->output;
  else if (g_str_equal (option, "--output-dir"))
    place = &client->output_dir;
  else if (g_str_equal (option, "--host"))
    place = &client->host;
  else if (place == &client->bus && !g_str_equal (text, "system") && !g_str_equal (text, "session")
           && !g_dbus_is_address (text))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("--bus takes system, session or the address of a bus, not “%s”."), text);
      return FALSE;
    }
  if (place == &client->host && !client_remote_is_host (text))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("--host takes a machine as ssh does: “user@machine”, not “%s”."), text);
      return FALSE;
    }
  g_free (*place);
  *place = g_strdup (text);
  return TRUE;
}

#define TEXT_OPTION(name)                                                                                    \
  {                                                                                                          \
    name, 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer)(GOptionArgFunc)on_text_option, NULL,  \
        NULL                                                                                                 \
  }

/* General options are taken before and after the sub-command. */
static GOptionContext *
make_context (Client *client, gboolean output, gboolean job)
{
  GOptionContext *context = g_option_context_new (NULL);
  GOptionGroup *group = g_option_group_new ("client", "", "", client, NULL);
  const GOptionEntry general[] = {
    TEXT_OPTION ("bus"),
    TEXT_OPTION ("host"),
    { "json", 0, 0, G_OPTION_ARG_NONE, &client->json, NULL, NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &client->quiet, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &client->help, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &client->version, NULL, NULL },
    { NULL },
  };
  const GOptionEntry of_open[] = { TEXT_OPTION ("output"), { NULL } };
  const GOptionEntry of_jobs[] = {
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &client->no_wait, NULL, NULL },
    TEXT_OPTION ("output-dir"),
    { NULL },
  };

  g_option_group_add_entries (group, general);
  if (output)
    g_option_group_add_entries (group, of_open);
  if (job)
    g_option_group_add_entries (group, of_jobs);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_main_group (context, group);
  return context;
}

/* @command: (nullable): whose help to name */
static gboolean
fail_usage (const char *command, GError *cause, GError **error)
{
  g_autoptr (GError) taken = cause;

  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE,
               _ ("%s\n“ha-profiler%s%s --help” tells what there is."), taken->message,
               command != NULL ? " " : "", command != NULL ? command : "");
  return FALSE;
}

/* @arguments: the sub-command and what follows it; what is left behind are its arguments. */
static gboolean
parse (GOptionContext *context, char ***arguments, GError **error)
{
  g_autofree char *command = g_strdup ((*arguments)[0]);
  GError *cause = NULL;

  if (g_option_context_parse_strv (context, arguments, &cause))
    return TRUE;
  return fail_usage (command, cause, error);
}

static void
print_started (Client *client, ClientJob *job)
{
  const char *path = client_job_get_path (job);

  if (client->json)
    {
      g_autoptr (GVariant) started = g_variant_ref_sink (g_variant_new_parsed ("{'job': <%s>}", path));
      g_autoptr (JsonNode) node = client_json_from_variant (started);

      client_output_json (node);
      return;
    }
  client_output_print (client, CLIENT_STYLE_PLAIN, _ ("Job %s started; “ha-profiler jobs %s” follows it."),
                       client_job_path_to_name (path), client_job_path_to_name (path));
}

static gboolean
run_job (Client *client, const ClientAction *action, GVariant *data, GError **error)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (data);
  g_autoptr (ClientJob) job = NULL;

  /* Better now than after the minutes of a job. */
  if (client->output_dir != NULL
      && (g_mkdir_with_parents (client->output_dir, 0777) == -1 || access (client->output_dir, W_OK) == -1))
    {
      g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_FAILED, _ ("“%s” cannot be written to: %s"),
                   client->output_dir, g_strerror (errno));
      return FALSE;
    }
  job = client_job_start (client, action->method, taken, error);
  if (job == NULL)
    return FALSE;
  if (client->no_wait)
    {
      print_started (client, job);
      return TRUE;
    }
  return client_job_follow (job, TRUE, error) && client_outcome_conclude (client, job, error);
}

static gboolean
run_report (Client *client, const ClientAction *action, GVariant *data, GError **error)
{
  gboolean report = g_str_equal (action->reply, "report");
  const ClientCall call = { .interface = CLIENT_ACTIONS_INTERFACE,
                            .method = action->method,
                            .reply = report ? "(aa{sv})" : "()" };
  g_autoptr (GVariant) reply = client_bus_call (client, &call, g_variant_new ("(@a{sv})", data), NULL, error);
  g_autoptr (GVariant) entries = NULL;

  if (reply == NULL)
    return FALSE;
  entries =
      report ? g_variant_get_child_value (reply, 0) : g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  if (client->json)
    {
      g_autoptr (JsonNode) node = client_json_from_variant (entries);

      client_output_json (node);
    }
  else if (report)
    client_result_print_report (client, entries);
  else
    client_output_note (client, _ ("%s: done"), action->command);
  return TRUE;
}

static gboolean
fail_extra_argument (const char *command, const char *argument, GError **error)
{
  GError *cause =
      g_error_new (CLIENT_ERROR, CLIENT_ERROR_USAGE, _ ("“%s” is one argument too many."), argument);

  return fail_usage (command, cause, error);
}

static gboolean
run_action (Client *client, ClientAction *action, char ***arguments, GError **error)
{
  gboolean job = g_str_equal (action->reply, "job");
  g_autoptr (GOptionContext) context = make_context (client, FALSE, job);
  g_autoptr (GHashTable) values = NULL;
  GVariant *data;

  values = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
  client_action_add_options (action, context, values);
  if (!parse (context, arguments, error))
    return FALSE;
  if (client->help)
    {
      client_help_print_action (client, action);
      return TRUE;
    }
  if ((*arguments)[1] != NULL)
    return fail_extra_argument (action->command, (*arguments)[1], error);
  data = client_action_make_data (action, values, error);
  if (data == NULL)
    return FALSE;
  return job ? run_job (client, action, data, error) : run_report (client, action, data, error);
}

static gboolean
run_command (Client *client, const ClientCommand *command, char ***arguments, GError **error)
{
  g_autoptr (GOptionContext) context = make_context (client, command->has_output, FALSE);
  const char *argument;

  if (!parse (context, arguments, error))
    return FALSE;
  if (client->help)
    {
      client_help_print_command (client, command);
      return TRUE;
    }
  argument = (*arguments)[1];
  if (argument == NULL && command->argument != NULL && !command->optional)
    {
      GError *cause = g_error_new (CLIENT_ERROR, CLIENT_ERROR_USAGE, _ ("“%s” needs %s."), command->name,
                                   _ (command->argument));

      return fail_usage (command->name, cause, error);
    }
  if (argument != NULL && command->argument == NULL)
    return fail_extra_argument (command->name, argument, error);
  if (argument != NULL && (*arguments)[2] != NULL)
    return fail_extra_argument (command->name, (*arguments)[2], error);
  if (argument != NULL && !g_utf8_validate (argument, -1, NULL))
    {
      g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE, _ ("“%s” is not UTF-8."), argument);
      return FALSE;
    }
  return functions[command - client_command_list ()](client, argument, error);
}

static gboolean
run_named (Client *client, char ***arguments, GError **error)
{
  const char *name = (*arguments)[0];
  const ClientCommand *command = client_command_find (name);
  g_autoptr (GPtrArray) actions = NULL;
  ClientAction *action;

  if (command != NULL)
    return run_command (client, command, arguments, error);
  actions = client_actions_load (client, error);
  if (actions == NULL)
    return FALSE;
  action = client_actions_find (actions, name);
  if (action != NULL)
    return run_action (client, action, arguments, error);
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE,
               _ ("There is no command “%s”: “ha-profiler --help” lists all."), name);
  return FALSE;
}

static gboolean
run_general (Client *client, GError **error)
{
  g_autoptr (GPtrArray) actions = NULL;
  g_autoptr (GError) unreachable = NULL;

  if (client->version)
    {
      client_output_print (client, CLIENT_STYLE_PLAIN, _ ("ha-profiler %s"), HAP_VERSION);
      return TRUE;
    }
  if (client->help)
    {
      actions = client_actions_load (client, &unreachable);
      client_help_print (client, actions);
      return TRUE;
    }
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE,
               _ ("Which command? “ha-profiler --help” lists them."));
  return FALSE;
}

static gboolean
run (Client *client, char ***arguments, GError **error)
{
  g_autoptr (GOptionContext) context = make_context (client, FALSE, FALSE);
  g_auto (GStrv) rest = NULL;
  GError *cause = NULL;

  /* Options up to the sub-command; the others are the sub-command's. */
  g_option_context_set_strict_posix (context, TRUE);
  if (!g_option_context_parse_strv (context, arguments, &cause))
    return fail_usage (NULL, cause, error);
  if ((*arguments)[0] == NULL || (*arguments)[1] == NULL || client->version)
    return run_general (client, error);
  rest = g_strdupv (*arguments + 1);
  return run_named (client, &rest, error);
}

int
client_run (Client *self, char **argv)
{
  g_auto (GStrv) arguments = g_strdupv (argv);
  g_autoptr (GError) error = NULL;
  int status = CLIENT_STATUS_SUCCESS;

  /* Asked for by the completions of shells: not a command for people. */
  if (arguments[0] != NULL && g_strcmp0 (arguments[1], "complete") == 0
      && g_strcmp0 (arguments[2], "--") == 0)
    client_complete (self, (const char *const *)arguments + 3);
  else if (!run (self, &arguments, &error))
    {
      client_error_convert (&error);
      client_output_error (self, error);
      status = client_error_get_status (error);
    }
  if (!client_output_finish (self) && status == CLIENT_STATUS_SUCCESS)
    status = CLIENT_STATUS_FAILED;
  return status;
}
