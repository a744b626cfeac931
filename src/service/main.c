/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ha-profilerd: the command line of the service.
 */

#include <locale.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <glib/gi18n.h>

#include "config.h"
#include "service-configuration.h"
#include "service-journal.h"
#include "service.h"

#define DEFAULT_STATE_DIR "/var/lib/ha-profiler"
#define DEFAULT_WORKER HAP_LIBEXEC_DIR "/ha-profiler-worker"
#define DEFAULT_TRACER HAP_LIBEXEC_DIR "/ha-profiler-tracer"
#define DEFAULT_CONFIG HAP_SYSCONF_DIR "/ha-profiler/ha-profilerd.conf"

typedef struct
{
  char *bus;
  char *config;
  char *state_dir;
  GStrv plugin_dirs;
  char *worker;
  char *tracer;
  char *target;
  int idle_seconds;
  gboolean version;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->bus);
  g_free (arguments->config);
  g_free (arguments->state_dir);
  g_strfreev (arguments->plugin_dirs);
  g_free (arguments->worker);
  g_free (arguments->tracer);
  g_free (arguments->target);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
parse_arguments (Arguments *arguments, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "bus", 0, 0, G_OPTION_ARG_STRING, &arguments->bus, N_ ("The bus to serve: system (default) or session"),
      N_ ("BUS") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &arguments->config,
      N_ ("The configuration file; on the system bus there is one in /etc/ha-profiler"), N_ ("FILE") },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments->state_dir, N_ ("Where artifacts are kept"),
      N_ ("DIR") },
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->plugin_dirs,
      N_ ("Where plugins are found, instead of the installed ones; may be given more than once"),
      N_ ("DIR") },
    { "worker", 0, 0, G_OPTION_ARG_FILENAME, &arguments->worker, N_ ("The program ha-profiler-worker"),
      N_ ("PATH") },
    { "tracer", 0, 0, G_OPTION_ARG_FILENAME, &arguments->tracer, N_ ("The program ha-profiler-tracer"),
      N_ ("PATH") },
    { "target", 0, 0, G_OPTION_ARG_STRING, &arguments->target,
      N_ ("What is profiled when a caller names nothing, instead of the Home Assistant that is found"),
      N_ ("PID|NAME") },
    { "idle-seconds", 0, 0, G_OPTION_ARG_INT, &arguments->idle_seconds,
      N_ ("Exit after this time without anything to do (60)"), N_ ("N") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  arguments->idle_seconds = -1;
  g_option_context_set_summary (context, _ ("Profiles Home Assistant from outside, for callers on D-Bus."));
  g_option_context_add_main_entries (context, entries, HAP_GETTEXT_DOMAIN);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;

  if (argc > 1 || arguments->idle_seconds < -1
      || (arguments->bus != NULL && !g_str_equal (arguments->bus, "system")
          && !g_str_equal (arguments->bus, "session")))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("wrong arguments: see ha-profilerd --help"));
      return FALSE;
    }
  return TRUE;
}

static char *
get_default_state_dir (GBusType bus_type)
{
  /* Set by systemd, from StateDirectory=. */
  const char *given = g_getenv ("STATE_DIRECTORY");

  if (bus_type == G_BUS_TYPE_SESSION)
    return g_build_filename (g_get_user_state_dir (), "ha-profiler", NULL);
  return g_strdup (given != NULL && g_path_is_absolute (given) ? given : DEFAULT_STATE_DIR);
}

/* Each job takes some descriptors, and each look around hundreds. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
load_configuration (const Arguments *arguments,
                    GBusType bus_type,
                    ServiceConfiguration *configuration,
                    GError **error)
{
  gboolean has_default = bus_type == G_BUS_TYPE_SYSTEM && g_file_test (DEFAULT_CONFIG, G_FILE_TEST_EXISTS);

  if (arguments->config != NULL || has_default)
    {
      if (!service_configuration_load (configuration,
                                       arguments->config != NULL ? arguments->config : DEFAULT_CONFIG, error))
        return FALSE;
    }
  if (arguments->idle_seconds >= 0)
    configuration->idle_seconds = (guint)arguments->idle_seconds;
  if (arguments->target != NULL)
    {
      g_free (configuration->target);
      configuration->target = g_strdup (arguments->target);
    }
  return TRUE;
}

static gboolean
run (const Arguments *arguments, GError **error)
{
  g_auto (ServiceConfiguration) configuration;
  g_autofree char *state_dir = NULL;
  ServiceOptions options = {
    .bus_type = g_strcmp0 (arguments->bus, "session") == 0 ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM,
    .plugin_dirs = (const char *const *)arguments->plugin_dirs,
    .worker = arguments->worker != NULL ? arguments->worker : DEFAULT_WORKER,
    .tracer = arguments->tracer != NULL ? arguments->tracer : DEFAULT_TRACER,
    .configuration = &configuration,
  };

  service_configuration_init (&configuration);
  if (!load_configuration (arguments, options.bus_type, &configuration, error))
    return FALSE;
  state_dir = arguments->state_dir != NULL ? g_strdup (arguments->state_dir)
                                           : get_default_state_dir (options.bus_type);
  options.state_dir = state_dir;
  return service_run (&options, error);
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean done;

  setlocale (LC_ALL, "");
  bindtextdomain (HAP_GETTEXT_DOMAIN, HAP_LOCALE_DIR);
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);
  bind_textdomain_codeset ("libc", "UTF-8"); /* strerror() */
  umask (0077);

  if (!parse_arguments (&arguments, argc, argv, &error))
    {
      g_printerr ("ha-profilerd: %s\n", error->message);
      return EXIT_FAILURE;
    }
  if (arguments.version)
    {
      g_print ("ha-profilerd %s\n", HAP_VERSION);
      return EXIT_SUCCESS;
    }

  /* It would be spoken in place of a caller's language. */
  g_unsetenv ("LANGUAGE");
  service_journal_install ();
  raise_descriptor_limit ();
  done = run (&arguments, &error);
  service_journal_finish ();
  if (!done)
    {
      g_printerr ("ha-profilerd: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
