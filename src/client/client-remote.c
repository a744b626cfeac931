/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another machine, as systemctl reaches it: ssh starts systemd-stdio-bridge there, and the bus is spoken over
 * its standard input and output. Who may do what is decided there, for the user that ssh logs in.
 */
#include "client-remote.h"

#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

gboolean
client_remote_is_host (const char *host)
{
  return host[0] != '\0' && host[0] != '-';
}

/* The variable is systemd's, too. */
static const char *
get_ssh (void)
{
  const char *given = g_getenv ("SYSTEMD_SSH");

  return given != NULL && given[0] != '\0' ? given : "ssh";
}

static void
fail_to_reach (Client *client, GError *cause, GError **error)
{
  g_autoptr (GError) taken = cause;

  g_dbus_error_strip_remote_error (taken);
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE,
               _ ("The bus of %s cannot be reached through ssh: %s"), client->host, taken->message);
}

/* Ctrl-C is for us, who may have a job to cancel over the connection. */
static void
ignore_interrupts (gpointer data)
{
  signal (SIGINT, SIG_IGN);
}

static GSubprocess *
start_ssh (Client *client, GSubprocessLauncher *launcher, const char *command, GError **error)
{
  g_subprocess_launcher_set_child_setup (launcher, ignore_interrupts, NULL, NULL);
  return g_subprocess_launcher_spawn (launcher, error, get_ssh (), "-xT", "--", client->host, command, NULL);
}

GDBusConnection *
client_remote_connect (Client *client, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *command = NULL;
  g_autoptr (GSubprocess) ssh = NULL;
  g_autoptr (GIOStream) stream = NULL;
  GDBusConnection *connection = NULL;
  GError *cause = NULL;

  if (strchr (client->bus, ':') != NULL)
    {
      /* The remote shell takes the command apart. */
      g_autofree char *address = g_shell_quote (client->bus);

      command = g_strdup_printf ("exec systemd-stdio-bridge -p %s", address);
    }
  ssh = start_ssh (client, launcher, command != NULL ? command : "exec systemd-stdio-bridge", &cause);
  if (ssh != NULL)
    {
      stream = g_simple_io_stream_new (g_subprocess_get_stdout_pipe (ssh), g_subprocess_get_stdin_pipe (ssh));
      connection = g_dbus_connection_new_sync (stream, NULL,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                   | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, client->cancellable, &cause);
    }
  if (connection == NULL)
    fail_to_reach (client, cause, error);
  else /* It lives as long as its pipes are used. */
    g_object_set_data_full (G_OBJECT (connection), "client-ssh", g_steal_pointer (&ssh), g_object_unref);
  return connection;
}

/* A file without a name. */
static int
open_scratch (GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("ha-profiler-XXXXXX", &path, error);

  if (fd >= 0)
    g_unlink (path);
  return fd;
}

GInputStream *
client_remote_open_artifact (Client *client, const char *name, GError **error)
{
  g_autofree char *bus = g_shell_quote (client->bus);
  g_autofree char *quoted = g_shell_quote (name);
  g_autofree char *command =
      g_strdup_printf ("exec ha-profiler --quiet --bus=%s open --output=- -- %s", bus, quoted);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) ssh = NULL;
  int fd = open_scratch (error);

  if (fd < 0)
    return NULL;
  g_subprocess_launcher_take_stdout_fd (launcher, dup (fd));
  ssh = start_ssh (client, launcher, command, error);
  if (ssh == NULL || !g_subprocess_wait_check (ssh, client->cancellable, error)
      || lseek (fd, 0, SEEK_SET) != 0)
    {
      g_prefix_error (error, _ ("The artifact does not come from %s: "), client->host);
      g_close (fd, NULL);
      return NULL;
    }
  return g_unix_input_stream_new (fd, TRUE);
}
