/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When a job's worker gets a tracer. A worker that was taken over could end its tracer again and again, in
 * order to hold the target longer than one tracer lets it; a tracer does not know of the one before, so that
 * only the time between them bounds what they come to. After a job's last tracer what it left to the target
 * is reaped.
 */

#include "service-tracers.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-copy.h"
#include "service-fd.h"

/* A tracer that its watchdog ended is started again, so often, and not before twice the time that it could
 * hold the target for. */
#define MAX_TRACERS 1000
#define INTERVAL_MS 100

#define GRACE_SECONDS 5

/* Tracers after a job's last: each tries for more than a second. */
#define MAX_SWEEPS 10

typedef struct
{
  ServiceLauncher *launcher;
  ServiceProcess *process;
  guint n_tries;
} Sweep;

struct _ServiceTracers
{
  ServiceLauncher *launcher;
  ServiceProcess *process;
  gboolean modify;
  GSubprocess *latest; /* NULL until the worker asked for one */
  guint n_started;
  gint64 started; /* the latest; monotonic */

  GDBusMethodInvocation *waiting; /* for the next; NULL: nobody does */
  guint timer;
};

static gboolean
on_grace_over (gpointer data)
{
  g_subprocess_force_exit (data);
  return G_SOURCE_REMOVE;
}

static void
sweep_free (Sweep *self)
{
  g_object_unref (self->launcher);
  service_process_unref (self->process);
  g_free (self);
}

static void sweep (Sweep *self);

static void
on_swept (GObject *tracer, GAsyncResult *result, gpointer data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (tracer), result, NULL);
  sweep (data);
}

/* The end of a tracer without a peer: it reaps, and ends. @self: (transfer full) */
static void
sweep (Sweep *self)
{
  g_autoptr (GArray) left = service_copy_list_left (self->process);
  g_autoptr (GSubprocess) tracer = NULL;
  int pair[2];

  if (left->len > 0 && self->n_tries++ < MAX_SWEEPS
      && socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0)
    {
      close (pair[0]);
      tracer = service_launcher_start_tracer (self->launcher, self->process, FALSE, pair[1], NULL);
    }
  if (tracer != NULL)
    g_subprocess_wait_async (tracer, NULL, on_swept, self);
  else
    sweep_free (self);
}

/* What the last tracer had no time to have reaped. */
static void
sweep_after (ServiceTracers *self)
{
  Sweep *next = g_new0 (Sweep, 1);

  next->launcher = g_object_ref (self->launcher);
  next->process = service_process_ref (self->process);
  g_subprocess_wait_async (self->latest, NULL, on_swept, next);
}

/* A tracer ends with its worker's end of the socket. */
static void
drop_latest (ServiceTracers *self)
{
  if (self->latest != NULL && g_subprocess_get_identifier (self->latest) != NULL)
    g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, GRACE_SECONDS, on_grace_over, g_object_ref (self->latest),
                                g_object_unref);
  g_clear_object (&self->latest);
}

/* Starts a tracer and returns the worker's end of its socket; -1 with @error */
static int
start (ServiceTracers *self, GError **error)
{
  service_autofd int workers = -1;
  int pair[2];

  if (self->n_started == MAX_TRACERS)
    {
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_FAILED,
          _ ("%u tracers of this job have ended: the machine has no time to stop a thread safely, or "
             "somebody ends them"),
          self->n_started);
      return -1;
    }
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot make a connection for a tracer: %s"),
                   strerror (errno));
      return -1;
    }
  workers = pair[0];

  drop_latest (self);
  self->latest = service_launcher_start_tracer (self->launcher, self->process, self->modify, pair[1], error);
  if (self->latest == NULL)
    return -1;
  self->n_started++;
  self->started = g_get_monotonic_time ();
  return g_steal_fd (&workers);
}

/* @invocation: (transfer full) */
static void
answer (ServiceTracers *self, GDBusMethodInvocation *invocation)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GError *error = NULL;
  service_autofd int workers = start (self, &error);

  if (workers >= 0 && g_unix_fd_list_append (fds, workers, &error) >= 0)
    {
      g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0), fds);
      return;
    }
  hap_error_convert (&error);
  g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
on_interval_over (gpointer data)
{
  ServiceTracers *self = data;

  self->timer = 0;
  answer (self, g_steal_pointer (&self->waiting));
  return G_SOURCE_REMOVE;
}

void
service_tracers_answer (ServiceTracers *self, GDBusMethodInvocation *invocation)
{
  gint64 wait_us = self->started + INTERVAL_MS * G_TIME_SPAN_MILLISECOND - g_get_monotonic_time ();

  if (self->waiting != NULL)
    {
      g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_BUSY,
                                             "A tracer is being started already");
      return;
    }
  if (self->n_started == 0 || wait_us <= 0)
    {
      answer (self, invocation);
      return;
    }
  self->waiting = invocation;
  self->timer = g_timeout_add ((guint)(wait_us / G_TIME_SPAN_MILLISECOND) + 1, on_interval_over, self);
}

guint
service_tracers_get_pid (ServiceTracers *self)
{
  const char *pid = self->latest != NULL ? g_subprocess_get_identifier (self->latest) : NULL;

  return pid != NULL ? (guint)strtoul (pid, NULL, 10) : 0;
}

ServiceTracers *
service_tracers_new (ServiceLauncher *launcher, ServiceProcess *process, gboolean modify)
{
  ServiceTracers *self = g_new0 (ServiceTracers, 1);

  self->launcher = g_object_ref (launcher);
  self->process = service_process_ref (process);
  self->modify = modify;
  return self;
}

void
service_tracers_free (ServiceTracers *self)
{
  if (self->latest != NULL)
    sweep_after (self);
  drop_latest (self);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->waiting != NULL)
    g_dbus_method_invocation_return_error (g_steal_pointer (&self->waiting), HAP_ERROR, HAP_ERROR_CANCELLED,
                                           "The job has ended");
  g_object_unref (self->launcher);
  service_process_unref (self->process);
  g_free (self);
}
