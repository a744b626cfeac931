/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ha-profiler-worker: started by the service for one action, with its connection as descriptor 3.
 */

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "config.h"
#include "hap-error.h"
#include "worker-cage.h"
#include "worker.h"

#define CONNECTION_FD 3

/* Without the service there is nobody to work for. */
static void
on_closed (GDBusConnection *service, gboolean vanished, GError *error, gpointer data)
{
  exit (EXIT_SUCCESS);
}

static GDBusConnection *
connect_to_service (GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (CONNECTION_FD, error);
  g_autoptr (GSocketConnection) stream = NULL;

  if (socket == NULL)
    return NULL;
  stream = g_socket_connection_factory_create_connection (socket);
  return g_dbus_connection_new_sync (G_IO_STREAM (stream), NULL,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                         | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                     NULL, NULL, error);
}

/*
 * A worker is short-lived and fills memory from one thread. An arena of that thread's own would grow page by
 * page, a system call each; the only one grows, and shrinks, by megabytes.
 */
static void
tune_allocator (void)
{
#ifdef __GLIBC__
  mallopt (M_ARENA_MAX, 1);
  mallopt (M_TOP_PAD, 4 * 1024 * 1024);
  mallopt (M_TRIM_THRESHOLD, 64 * 1024 * 1024);
#endif
}

/* What is read from files when it is first needed has to be read before the cage is shut. */
static void
load_texts (void)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();

  setlocale (LC_ALL, "");
  bindtextdomain (HAP_GETTEXT_DOMAIN, HAP_LOCALE_DIR);
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);
  gettext ("");
  g_dgettext ("glib20", "");
  strerror (EPERM);
  tzset ();
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) plugin_dirs = NULL;
  g_autofree char *plugin = NULL;
  const GOptionEntry options[] = {
    { "plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &plugin_dirs, "Where plugins are found", "DIR" },
    { "plugin", 0, 0, G_OPTION_ARG_STRING, &plugin, "What may be asked to run", "NAME" },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GDBusConnection) service = NULL;
  g_autoptr (HapPluginEngine) engine = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (Worker) worker = NULL;

  /* Before the first error comes over the connection: else GDBus does not know it for one of ours. */
  hap_error_quark ();
  tune_allocator ();
  load_texts ();

  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    engine = hap_plugin_engine_new ((const char *const *)plugin_dirs);
  if (engine != NULL && (plugin == NULL || hap_plugin_engine_prepare (engine, plugin, &error))
      && worker_cage_enter (&error))
    service = connect_to_service (&error);
  if (service != NULL)
    worker = worker_new (service, engine, &error);
  if (worker == NULL)
    {
      g_printerr ("ha-profiler-worker: %s (it is started by ha-profilerd, not by hand)\n", error->message);
      return EXIT_FAILURE;
    }

  g_signal_connect (service, "closed", G_CALLBACK (on_closed), NULL);
  g_dbus_connection_start_message_processing (service);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
