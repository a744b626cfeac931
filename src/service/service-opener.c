/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A child that opens one thing where the service itself must not wait, or must not go, and hands it over.
 * What is opened, with which rights and by what way is for others to say.
 */

#include "service-opener.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "hap-error.h"
#include "service-fd.h"

#define MAX_CHILDREN 12
#define CHILD_SECONDS 2

/* One child; it is over when that has ended. */
typedef struct
{
  GPid child;
  int socket;
  guint timer;
  ServiceOpenerDone done;
  gpointer data;
} Opening;

static guint n_children;

static G_NORETURN void
run_child (ServiceOpenerFunc open, gconstpointer what, int socket)
{
  int fd;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  fd = open (what);
  if (fd < 0)
    _exit (errno);
  _exit (service_fd_send (socket, 0, fd) ? 0 : EIO);
}

static void
on_child_ended (GPid pid, gint status, gpointer data)
{
  g_autofree Opening *opening = data;
  guint32 number;
  int fd = service_fd_receive (opening->socket, &number);

  n_children--;
  g_clear_handle_id (&opening->timer, g_source_remove);
  service_fd_clear (&opening->socket);
  opening->done (fd, status, opening->data);
}

static gboolean
on_timer (gpointer data)
{
  Opening *opening = data;

  opening->timer = 0;
  kill (opening->child, SIGKILL);
  return G_SOURCE_REMOVE;
}

gboolean
service_opener_start (ServiceOpenerFunc open,
                      gconstpointer what,
                      ServiceOpenerDone done,
                      gpointer data,
                      GError **error)
{
  service_autofd int ours = -1;
  service_autofd int childs = -1;
  Opening *opening;
  GPid child;
  int pair[2];

  if (n_children >= MAX_CHILDREN)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY, _ ("Too many files of processes are being opened"));
      return FALSE;
    }
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot make a socket: %s"), strerror (errno));
      return FALSE;
    }
  ours = pair[0];
  childs = pair[1];
  child = fork ();
  if (child == 0)
    run_child (open, what, childs);
  if (child < 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot start a process: %s"), strerror (errno));
      return FALSE;
    }
  n_children++;
  opening = g_new (Opening, 1);
  *opening = (Opening){ .child = child, .socket = g_steal_fd (&ours), .done = done, .data = data };
  opening->timer = g_timeout_add_seconds (CHILD_SECONDS, on_timer, opening);
  g_child_watch_add (child, on_child_ended, opening);
  return TRUE;
}
