/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a word of the command line may become, for the completions of shells: they know nothing and ask here,
 * so that they know whatever the service offers now. It never asks for a password, and where the service does
 * not answer there are fewer proposals.
 */
#include "client-complete.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include "client-actions.h"
#include "client-bus.h"
#include "client-command.h"
#include "client-job.h"
#include "client-text.h"

static const char *const general_options[] = {
  "--bus", "--host", "--json", "--quiet", "--help", "--version"
};
static const char *const job_options[] = { "--no-wait", "--output-dir" };

/* Completes @prefix, to which @typed is put in front. Names are the service's: none that a shell could take
 * for more is proposed. */
static void
propose (const char *typed, const char *prefix, const char *word, const char *meaning)
{
  g_autofree char *escaped = client_text_escape (meaning != NULL ? meaning : "");

  if (!g_str_has_prefix (word, prefix))
    return;
  for (const char *p = word; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && strchr ("._-", *p) == NULL)
        return;
    }
  printf ("%s%s\t%s\n", typed, word, escaped);
}

static void
propose_all (const char *prefix, const char *const *words, guint n)
{
  for (guint i = 0; i < n; i++)
    propose ("", prefix, words[i], NULL);
}

/* Returns: (nullable): the answer of a method without arguments, or with the one that is given */
static GVariant *
ask (Client *client, const char *interface, const char *method, const char *reply, GVariant *parameters)
{
  const ClientCall call = { .interface = interface, .method = method, .reply = reply };
  g_autoptr (GVariant) answer = client_bus_call (client, &call, parameters, NULL, NULL);

  return answer != NULL ? g_variant_get_child_value (answer, 0) : NULL;
}

static void
propose_rows (GVariant *rows, const char *prefix, const char *key, const char *meaning_key)
{
  for (gsize i = 0; rows != NULL && i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *word, *meaning = "";

      g_variant_lookup (row, meaning_key, "&s", &meaning);
      if (g_variant_lookup (row, key, "&s", &word))
        propose ("", prefix, word, meaning);
    }
}

static void
propose_targets (Client *client, const char *prefix)
{
  g_autoptr (GVariant) rows = ask (client, CLIENT_MANAGER_INTERFACE, "ListTargets", "(aa{sv})",
                                   g_variant_new_parsed ("(@a{sv} {},)"));

  propose_rows (rows, prefix, "name", "command");
  for (gsize i = 0; rows != NULL && i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_autofree char *number = NULL;
      const char *command = "";
      guint pid;

      if (!g_variant_lookup (row, "pid", "u", &pid))
        continue;
      number = g_strdup_printf ("%u", pid);
      g_variant_lookup (row, "command", "&s", &command);
      propose ("", prefix, number, command);
    }
}

static void
propose_jobs (Client *client, const char *prefix)
{
  g_autoptr (GVariant) objects =
      ask (client, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "(a{oa{sa{sv}}})", NULL);
  GVariantIter iter;
  const char *path;
  GVariant *interfaces;

  if (objects == NULL)
    return;
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) properties =
          g_variant_lookup_value (interfaces, CLIENT_JOB_INTERFACE, G_VARIANT_TYPE_VARDICT);
      const char *action = "";

      if (properties != NULL)
        g_variant_lookup (properties, "Action", "&s", &action);
      propose ("", prefix, client_job_path_to_name (path), action);
    }
}

/* A list is completed by its last part. */
static void
propose_choices (const ClientAttribute *attribute, const char *prefix)
{
  const char *comma = attribute->type[0] == 'a' ? strrchr (prefix, ',') : NULL;
  const char *part = comma != NULL ? comma + 1 : prefix;
  g_autofree char *typed = g_strndup (prefix, (gsize)(part - prefix));

  for (char **choice = attribute->choices; choice != NULL && *choice != NULL; choice++)
    propose (typed, part, *choice, NULL);
}

static void
propose_value (Client *client, const ClientAttribute *attribute, const char *prefix)
{
  if (g_str_equal (attribute->key, "target"))
    propose_targets (client, prefix);
  else
    propose_choices (attribute, prefix);
}

static void
propose_options (const ClientAction *action, const char *prefix)
{
  for (guint i = 0; i < action->attributes->len; i++)
    {
      const ClientAttribute *attribute = g_ptr_array_index (action->attributes, i);
      g_autofree char *option = g_strconcat ("--", attribute->option, NULL);
      g_autofree char *negative = g_strconcat ("--no-", attribute->option, NULL);

      propose ("", prefix, option, attribute->help);
      if (attribute->type[0] == 'b')
        propose ("", prefix, negative, attribute->help);
    }
  if (g_str_equal (action->reply, "job"))
    propose_all (prefix, job_options, G_N_ELEMENTS (job_options));
  propose_all (prefix, general_options, G_N_ELEMENTS (general_options));
}

static const ClientAttribute *
find_attribute (const ClientAction *action, const char *option)
{
  for (guint i = 0; i < action->attributes->len; i++)
    {
      const ClientAttribute *attribute = g_ptr_array_index (action->attributes, i);

      if (g_str_has_prefix (option, "--") && g_str_equal (option + 2, attribute->option)
          && attribute->type[0] != 'b')
        return attribute;
    }
  return NULL;
}

static void
propose_commands (GPtrArray *actions, const char *prefix)
{
  for (const ClientCommand *command = client_command_list (); command->name != NULL; command++)
    propose ("", prefix, command->name, _ (command->summary));
  for (guint i = 0; actions != NULL && i < actions->len; i++)
    {
      const ClientAction *action = g_ptr_array_index (actions, i);

      propose ("", prefix, action->command, action->summary);
    }
}

static void
propose_of_command (Client *client, const char *command, const char *prefix)
{
  if (prefix[0] == '-')
    propose_all (prefix, general_options, G_N_ELEMENTS (general_options));
  else if (g_str_equal (command, "jobs") || g_str_equal (command, "cancel"))
    propose_jobs (client, prefix);
  else if (g_str_equal (command, "open") || g_str_equal (command, "remove"))
    {
      g_autoptr (GVariant) rows = ask (client, CLIENT_MANAGER_INTERFACE, "ListArtifacts", "(aa{sv})", NULL);

      propose_rows (rows, prefix, "name", "title");
    }
}

void
client_complete (Client *client, const char *const *words)
{
  guint n = g_strv_length ((GStrv)words);
  const char *prefix = n > 0 ? words[n - 1] : "";
  const char *before = n > 1 ? words[n - 2] : "";
  guint at = 0;
  g_autoptr (GPtrArray) actions = NULL;
  const ClientAction *action;
  const ClientAttribute *attribute;

  client->unattended = TRUE;
  /* Another machine may ask for a password, and take its time. */
  if (g_strv_contains (words, "--host"))
    return;
  if (g_str_equal (before, "--bus"))
    {
      propose ("", prefix, "system", NULL);
      propose ("", prefix, "session", NULL);
      return;
    }
  /* Up to the sub-command. */
  for (; at + 1 < n && words[at][0] == '-'; at++)
    {
      if (g_str_equal (words[at], "--bus") && at + 2 < n)
        {
          g_free (client->bus);
          client->bus = g_strdup (words[++at]);
        }
    }
  if (at + 1 < n && client_command_find (words[at]) != NULL)
    {
      propose_of_command (client, words[at], prefix);
      return;
    }
  actions = client_actions_load (client, NULL);
  if (at + 1 >= n && prefix[0] == '-')
    propose_all (prefix, general_options, G_N_ELEMENTS (general_options));
  else if (at + 1 >= n)
    propose_commands (actions, prefix);
  else if (actions != NULL && (action = client_actions_find (actions, words[at])) != NULL)
    {
      attribute = find_attribute (action, before);
      if (attribute != NULL)
        propose_value (client, attribute, prefix);
      else
        propose_options (action, prefix);
    }
}
