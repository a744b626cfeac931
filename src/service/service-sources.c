/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Source files of a target for its worker. The service itself opens no path that somebody else names: it
 * starts a child that first becomes the target's user (service-source-opener.c), waits for it without waiting
 * in it, and ends it when it takes too long.
 */

#include "service-sources.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-rights.h"
#include "service-source-opener.h"

#define MAX_PATHS 64
#define MAX_PATH 4096
#define MAX_CHILDREN 4
#define CHILD_SECONDS 2

/* One call under way. */
typedef struct
{
  GDBusMethodInvocation *invocation;
  GUnixFDList *fds;
  GVariantBuilder sources;
  guint n_paths, n_taken;
  int socket;
  GPid child; /* 0 once it is reaped */
  guint watch, timer;
  gboolean answered;
} Call;

static guint n_children;

static void
call_free (Call *call)
{
  service_fd_clear (&call->socket);
  g_object_unref (call->fds);
  g_free (call);
}

/* The answer is what there is by now; the child ends in any case. */
static void
answer (Call *call)
{
  g_clear_handle_id (&call->watch, g_source_remove);
  g_clear_handle_id (&call->timer, g_source_remove);
  if (call->child != 0)
    kill (call->child, SIGKILL);
  if (call->answered)
    return;
  call->answered = TRUE;
  g_dbus_method_invocation_return_value_with_unix_fd_list (
      g_steal_pointer (&call->invocation), g_variant_new ("(a(uh))", &call->sources), call->fds);
}

/* Takes one message of the child. FALSE: there are no more now. */
static gboolean
take_source (Call *call)
{
  guint32 index;
  service_autofd int fd = service_fd_receive (call->socket, &index);
  gint handle;

  if (fd < 0)
    return FALSE;
  if (index >= call->n_paths || call->n_taken++ >= call->n_paths)
    return FALSE;
  handle = g_unix_fd_list_append (call->fds, fd, NULL);
  if (handle < 0)
    return FALSE;
  g_variant_builder_add (&call->sources, "(uh)", index, handle);
  return TRUE;
}

static void
on_child_ended (GPid pid, gint status, gpointer data)
{
  Call *call = data;

  call->child = 0;
  n_children--;
  if (status != 0)
    g_debug ("The child that opens source files ended with status %d", status);
  while (!call->answered && take_source (call))
    ;
  answer (call);
  call_free (call);
}

static gboolean
on_timer (gpointer data)
{
  Call *call = data;

  call->timer = 0;
  g_message ("Opening source files of a target takes too long: the rest is left out");
  answer (call);
  return G_SOURCE_REMOVE;
}

static gboolean
on_source (gint fd, GIOCondition condition, gpointer data)
{
  Call *call = data;

  while (take_source (call))
    ;
  if ((condition & (G_IO_HUP | G_IO_ERR)) == 0)
    return G_SOURCE_CONTINUE;
  call->watch = 0;
  answer (call);
  return G_SOURCE_REMOVE;
}

/* The numbers of a line of /proc/PID/status; returns how many there are, at most @max. */
static gsize
read_numbers (const char *status, const char *name, guint32 *numbers, gsize max)
{
  const char *at = strstr (status, name);
  gsize n = 0;

  if (at == NULL)
    return 0;
  for (at += strlen (name); n < max; n++)
    {
      char *end;
      guint64 number;

      at += strspn (at, " \t");
      number = g_ascii_strtoull (at, &end, 10);
      if (*at == '\n' || end == at || number >= G_MAXUINT32)
        break;
      numbers[n] = (guint32)number;
      at = end;
    }
  return n;
}

static gboolean
all_equal (const guint32 *numbers, gsize n)
{
  for (gsize i = 1; i < n; i++)
    {
      if (numbers[i] != numbers[0])
        return FALSE;
    }
  return n == 4;
}

/*
 * Whom the child becomes. Only a process that is one user's through and through has one: whoever is on the
 * way from one to another (a set-uid program) could make us open with rights that were not its own when it
 * was looked at.
 */
static gboolean
read_identity (ServiceProcess *process, ServiceSourceOpener *opener, GError **error)
{
  service_autofd int fd = service_process_open_file (process, "status", error);
  char status[8192];
  guint32 uids[4], gids[4];
  gssize length;

  if (fd < 0)
    return FALSE;
  length = pread (fd, status, sizeof status - 1, 0);
  status[MAX (length, 0)] = '\0';
  if (!all_equal (uids, read_numbers (status, "\nUid:", uids, 4))
      || !all_equal (gids, read_numbers (status, "\nGid:", gids, 4))
      || uids[0] != service_process_get_uid (process))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, _ ("Process %u is not one user's alone"),
                   service_process_get_pid (process));
      return FALSE;
    }
  opener->change = service_rights_can_change ();
  opener->uid = uids[0];
  opener->gid = gids[0];
  opener->n_groups = read_numbers (status, "\nGroups:", opener->groups, G_N_ELEMENTS (opener->groups));
  return TRUE;
}

static gboolean
check_paths (const char *const *paths, GError **error)
{
  gboolean sound = g_strv_length ((GStrv)paths) <= MAX_PATHS;

  for (gsize i = 0; sound && paths[i] != NULL; i++)
    sound = paths[i][0] == '/' && strlen (paths[i]) < MAX_PATH;
  if (!sound)
    g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                 "These are too many paths, too long ones, or none");
  return sound;
}

/* Forks; @call gets the child and its socket. */
static gboolean
start_child (Call *call, ServiceSourceOpener *opener, GError **error)
{
  int pair[2];
  GPid child;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot make a socket: %s"), strerror (errno));
      return FALSE;
    }
  opener->socket = pair[1];
  child = fork ();
  if (child == 0)
    service_source_opener_run (opener);
  close (pair[1]);
  if (child < 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot start a process: %s"), strerror (errno));
      close (pair[0]);
      return FALSE;
    }
  call->socket = pair[0];
  call->child = child;
  return TRUE;
}

static gboolean
start (ServiceProcess *process, GDBusMethodInvocation *invocation, const char *const *paths, GError **error)
{
  ServiceSourceOpener opener = { .paths = paths };
  service_autofd int root = -1;
  Call *call;

  if (!check_paths (paths, error) || !read_identity (process, &opener, error))
    return FALSE;
  if (n_children >= MAX_CHILDREN)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY, _ ("Too many source files are being opened"));
      return FALSE;
    }
  root = service_process_open_root (process, error);
  if (root < 0)
    return FALSE;
  opener.root = root;

  call = g_new0 (Call, 1);
  call->socket = -1;
  call->fds = g_unix_fd_list_new ();
  if (!start_child (call, &opener, error))
    {
      call_free (call);
      return FALSE;
    }
  n_children++;
  call->invocation = invocation;
  call->n_paths = g_strv_length ((GStrv)paths);
  g_variant_builder_init (&call->sources, G_VARIANT_TYPE ("a(uh)"));
  call->watch = g_unix_fd_add (call->socket, G_IO_IN | G_IO_HUP | G_IO_ERR, on_source, call);
  call->timer = g_timeout_add_seconds (CHILD_SECONDS, on_timer, call);
  g_child_watch_add (call->child, on_child_ended, call);
  return TRUE;
}

void
service_sources_answer (ServiceProcess *process, GDBusMethodInvocation *invocation)
{
  g_autofree const char **paths = NULL;
  GError *error = NULL;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(u^a&s)", NULL, &paths);
  if (!start (process, invocation, paths, &error))
    g_dbus_method_invocation_take_error (invocation, error);
}
