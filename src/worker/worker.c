/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The worker's side of the private connection: takes one task, runs it in a thread of its own and answers
 * when it is done. What the action reports goes through worker-report.c; this file only starts, cancels and
 * ends.
 */

#include "worker.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "hap-live-memory.h"
#include "hap-target.h"
#include "worker-broker.h"
#include "worker-discover.h"
#include "worker-private.h"
#include "worker-report.h"
#include "worker-service.h"

struct _Worker
{
  GObject parent_instance;

  GDBusConnection *service;
  HapPluginEngine *engine;
  GCancellable *cancellable;
  WorkerPrivateWorker *skeleton;
  gboolean taken; /* one task a process */
};

/* One action on its way through its thread. */
typedef struct
{
  HapAction *action;
  HapTarget *target;
  HapReport *report;
} Run;

G_DEFINE_FINAL_TYPE (Worker, worker, G_TYPE_OBJECT)

static void
run_free (Run *run)
{
  g_clear_object (&run->action);
  g_clear_object (&run->target);
  g_clear_object (&run->report);
  g_free (run);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Run, run_free)

static int
take_named_fd (GVariant *process, GUnixFDList *fds, const char *name, GError **error)
{
  GVariant *handle = g_variant_lookup_value (process, name, G_VARIANT_TYPE_HANDLE);

  if (handle == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The service gave no descriptor “%s”", name);
      return -1;
    }
  return worker_service_take_fd (fds, handle, error);
}

/* Descriptors that are missing are -1 where they may be. */
static HapTarget *
make_target (Worker *self, GVariant *process, GUnixFDList *fds, GError **error)
{
  g_autoptr (HapMemory) memory = NULL;
  g_autoptr (HapBroker) broker = NULL;
  guint pid = 0;
  int fd, maps_fd, pidfd;

  g_variant_lookup (process, "pid", "u", &pid);
  fd = take_named_fd (process, fds, "mem", error);
  if (fd < 0)
    return NULL;
  memory = hap_live_memory_new (fd);

  maps_fd = take_named_fd (process, fds, "maps", error);
  if (maps_fd < 0)
    return NULL;
  pidfd = take_named_fd (process, fds, "pidfd", NULL);
  broker = worker_broker_new (self->service, pid);
  return hap_target_new (pid, pidfd, maps_fd, memory, broker);
}

static void
run_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Run *run = data;
  g_autoptr (GError) error = NULL;
  gboolean done;

  done = hap_action_run (run->action, run->target, run->report, cancellable, &error);
  worker_report_flush (run->report);
  if (done)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  hap_error_convert (&error);
  g_task_return_error (task, g_steal_pointer (&error));
}

static void
on_run_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Worker *self = WORKER_WORKER (source);
  GDBusMethodInvocation *invocation = data;
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    worker_private_worker_complete_run (self->skeleton, invocation, NULL);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
}

static Run *
prepare_run (Worker *self,
             const char *plugin,
             const char *method,
             GVariant *data,
             gint64 start_time,
             GVariant *target,
             GUnixFDList *fds,
             GError **error)
{
  g_autoptr (Run) run = g_new0 (Run, 1);
  GType type;

  type = hap_plugin_engine_load (self->engine, plugin, method, error);
  if (type == G_TYPE_INVALID)
    return NULL;
  run->action = hap_action_new (type, data, error);
  if (run->action == NULL)
    return NULL;
  run->target = make_target (self, target, fds, error);
  if (run->target == NULL)
    return NULL;
  run->report = worker_report_new (self->service, start_time);
  return g_steal_pointer (&run);
}

/* FALSE, and answered, when this process has had its task already. */
static gboolean
take_task (Worker *self, GDBusMethodInvocation *invocation)
{
  if (self->taken)
    {
      g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_BUSY,
                                             "This worker has its task already");
      return FALSE;
    }
  self->taken = TRUE;
  return TRUE;
}

static gboolean
handle_run (WorkerPrivateWorker *skeleton,
            GDBusMethodInvocation *invocation,
            GUnixFDList *fds,
            const char *plugin,
            const char *method,
            GVariant *data,
            gint64 start_time,
            GVariant *target,
            Worker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTask) task = NULL;
  Run *run;

  if (!take_task (self, invocation))
    return TRUE;
  run = prepare_run (self, plugin, method, data, start_time, target, fds, &error);
  if (run == NULL)
    {
      hap_error_convert (&error);
      g_dbus_method_invocation_return_gerror (invocation, error);
      return TRUE;
    }

  task = g_task_new (self, self->cancellable, on_run_done, invocation);
  /* What an action returns when it is cancelled is its result: it decides what it has. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, run, (GDestroyNotify)run_free);
  g_task_run_in_thread (task, run_in_thread);
  return TRUE;
}

/* Before the first byte of it is read, at which this process may have to wait for ever. */
static GVariant *
tell_looking_at (Worker *self, GVariant *candidate)
{
  guint pid = 0;

  g_variant_lookup (candidate, "pid", "u", &pid);
  return worker_service_call (self->service, "LookAt", g_variant_new ("(u)", pid), NULL, NULL, NULL);
}

static gboolean
handle_discover (WorkerPrivateWorker *skeleton,
                 GDBusMethodInvocation *invocation,
                 GUnixFDList *fds,
                 GVariant *candidates,
                 Worker *self)
{
  GVariantBuilder targets;

  g_variant_builder_init (&targets, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (candidates); i++)
    {
      g_autoptr (GVariant) candidate = g_variant_get_child_value (candidates, i);
      g_autoptr (HapTarget) target = make_target (self, candidate, fds, NULL);
      g_autoptr (GVariant) noted = tell_looking_at (self, candidate);
      int cmdline_fd = take_named_fd (candidate, fds, "cmdline", NULL);
      GVariant *discovered = target != NULL ? worker_discover (target, cmdline_fd) : NULL;

      if (discovered != NULL)
        g_variant_builder_add_value (&targets, discovered);
      if (cmdline_fd >= 0)
        close (cmdline_fd);
    }
  worker_private_worker_complete_discover (skeleton, invocation, NULL, g_variant_builder_end (&targets));
  return TRUE;
}

static gboolean
handle_cancel (WorkerPrivateWorker *skeleton, GDBusMethodInvocation *invocation, Worker *self)
{
  g_cancellable_cancel (self->cancellable);
  worker_private_worker_complete_cancel (skeleton, invocation);
  return TRUE;
}

static void
worker_finalize (GObject *object)
{
  Worker *self = WORKER_WORKER (object);

  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_clear_object (&self->skeleton);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->engine);
  g_clear_object (&self->service);
  G_OBJECT_CLASS (worker_parent_class)->finalize (object);
}

static void
worker_class_init (WorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = worker_finalize;
}

static void
worker_init (Worker *self)
{
  self->cancellable = g_cancellable_new ();
  self->skeleton = worker_private_worker_skeleton_new ();
  g_signal_connect (self->skeleton, "handle-run", G_CALLBACK (handle_run), self);
  g_signal_connect (self->skeleton, "handle-discover", G_CALLBACK (handle_discover), self);
  g_signal_connect (self->skeleton, "handle-cancel", G_CALLBACK (handle_cancel), self);
}

Worker *
worker_new (GDBusConnection *service, HapPluginEngine *engine, GError **error)
{
  g_autoptr (Worker) self = g_object_new (WORKER_TYPE_WORKER, NULL);

  self->service = g_object_ref (service);
  self->engine = g_object_ref (engine);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), service, "/", error))
    return NULL;
  return g_steal_pointer (&self);
}
