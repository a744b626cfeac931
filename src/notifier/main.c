/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ha-profiler-notifier: the command line of the desktop's agent.
 */

#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>

#include "config.h"
#include "notifier.h"

static gboolean
parse_arguments (int argc, char **argv, gboolean *version, GError **error)
{
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_translation_domain (context, HAP_GETTEXT_DOMAIN);
  g_option_context_set_summary (context, N_ ("Shows in the desktop session what the Profiler for Home "
                                             "Assistant does, and opens what it found."));
  g_option_context_add_main_entries (context, entries, HAP_GETTEXT_DOMAIN);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 1)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       _ ("wrong arguments: see ha-profiler-notifier --help"));
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean version = FALSE;

  setlocale (LC_ALL, "");
  bindtextdomain (HAP_GETTEXT_DOMAIN, HAP_LOCALE_DIR);
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);

  if (!parse_arguments (argc, argv, &version, &error))
    {
      g_printerr ("ha-profiler-notifier: %s\n", error->message);
      return EXIT_FAILURE;
    }
  if (version)
    {
      g_print ("ha-profiler-notifier %s\n", HAP_VERSION);
      return EXIT_SUCCESS;
    }
  if (!notifier_run (&error))
    {
      g_printerr ("ha-profiler-notifier: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
