/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One job: running, and from that once to finished, failed or cancelled. Starts its worker and ends it; what
 * the worker tells is checked by service-intake.c, when it gets a tracer is service-tracers.c's, which jobs
 * there are service-jobs.c's.
 */

#include "service-job.h"

#include "service-copy.h"
#include "service-intake.h"
#include "service-journal.h"
#include "service-mapping.h"
#include "service-notifications.h"
#include "service-sockets.h"
#include "service-sources.h"
#include "service-tracers.h"
#include "service-worker.h"

#define JOB_INTERFACE "org.homeassistant.Profiler.Job"
#define ACTIONS_INTERFACE "org.homeassistant.Profiler"
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 4)

typedef enum
{
  RUNNING,
  FINISHED,
  FAILED,
  CANCELLED,
} State;

/* Somebody waits for a report: it takes seconds at the most, on a large and slow target a minute. */
#define REPORT_SECONDS 600

static const char *const state_names[] = { "running", "finished", "failed", "cancelled" };

struct _ServiceJob
{
  GObject parent_instance;

  const ServiceContext *context;
  HapAction *action;
  char *plugin;
  ServiceProcess *process; /* NULL once it has ended */
  guint pid;
  char *caller;
  guint uid;
  gint64 start_time;
  char *path;

  State state;
  State wanted; /* FINISHED when it was stopped, CANCELLED when it was cancelled; else RUNNING */
  GError *error;
  ServiceIntake *intake;
  ServiceNotifications *notifications;
  ServiceWorker *worker;
  ServiceTracers *tracers; /* NULL once it has ended */
  gint64 progress_sent;    /* monotonic */
};

enum
{
  SIGNAL_SETTLED,
  SIGNAL_ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ServiceJob, service_job, G_TYPE_OBJECT)

static const char *
get_method (ServiceJob *self)
{
  return HAP_ACTION_GET_CLASS (self->action)->method;
}

/* @names: NULL-terminated */
static void
send_properties_changed (ServiceJob *self, ServiceAudience audience, const char *const *names)
{
  GVariantBuilder builder;

  if (self->path == NULL)
    return;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (const char *const *name = names; *name != NULL; name++)
    g_variant_builder_add (&builder, "{sv}", *name, service_job_get_dbus_property (self, *name));
  service_subscribers_send (self->context->subscribers, audience, self->uid, self->caller, self->path,
                            "org.freedesktop.DBus.Properties", "PropertiesChanged",
                            g_variant_new ("(sa{sv}as)", JOB_INTERFACE, &builder, NULL));
}

/* Progress that comes fast is told now and then; the last value comes with the job's end. */
static void
on_changed (gpointer owner, const char *name)
{
  ServiceJob *self = owner;
  const char *names[] = { name, NULL };
  gint64 now = g_get_monotonic_time ();

  if (g_str_equal (name, "Progress"))
    {
      if (self->progress_sent == 0)
        g_signal_emit (self, signals[SIGNAL_SETTLED], 0);
      if (now - self->progress_sent < PROGRESS_INTERVAL)
        return;
      self->progress_sent = now;
    }
  send_properties_changed (
      self, g_str_equal (name, "Summary") ? SERVICE_AUDIENCE_INSPECTORS : SERVICE_AUDIENCE_OBSERVERS, names);
}

static void
on_entry (gpointer owner, const char *message, GVariant *fields)
{
  ServiceJob *self = owner;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  service_journal_entry (get_method (self), self->pid, self->start_time, message, fields);
  if (!service_subscribers_has (self->context->subscribers, SERVICE_AUDIENCE_INSPECTORS, self->uid))
    return;
  g_variant_dict_clear (&dict);
  g_variant_dict_init (&dict, fields);
  g_variant_dict_remove (&dict, "message");
  service_subscribers_send (
      self->context->subscribers, SERVICE_AUDIENCE_INSPECTORS, self->uid, NULL, SERVICE_PATH,
      ACTIONS_INTERFACE, "LogEntry",
      g_variant_new ("(ss@a{sv})", get_method (self), message, g_variant_dict_end (&dict)));
}

static GVariant *
list_artifact_names (ServiceJob *self)
{
  g_autoptr (GVariant) artifacts = g_variant_ref_sink (service_intake_get_artifacts (self->intake));
  GVariantBuilder builder;
  GVariantIter iter;
  GVariant *artifact;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  g_variant_iter_init (&iter, artifacts);
  while ((artifact = g_variant_iter_next_value (&iter)) != NULL)
    {
      g_autoptr (GVariant) owned = artifact;
      const char *name;

      if (g_variant_lookup (owned, "name", "&s", &name))
        g_variant_builder_add (&builder, "s", name);
    }
  return g_variant_builder_end (&builder);
}

static gboolean
on_notify (gpointer owner, const char *id, const char *title, const char *message)
{
  ServiceJob *self = owner;

  return service_notifications_take (self->notifications, id, title, message);
}

static void
on_overrun (gpointer owner, GError *error)
{
  service_worker_end (((ServiceJob *)owner)->worker, error);
}

/* The names of things alone, since who may observe hears it. */
static GVariant *
describe_notification (gpointer owner)
{
  ServiceJob *self = owner;
  GVariantBuilder hints;

  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "action", g_variant_new_string (get_method (self)));
  g_variant_builder_add (&hints, "{sv}", "target", g_variant_new_uint32 (self->pid));
  g_variant_builder_add (&hints, "{sv}", "state", service_job_get_dbus_property (self, "State"));
  g_variant_builder_add (&hints, "{sv}", "progress", service_job_get_dbus_property (self, "Progress"));
  g_variant_builder_add (&hints, "{sv}", "artifacts", list_artifact_names (self));
  if (self->path != NULL)
    g_variant_builder_add (&hints, "{sv}", "job", g_variant_new_object_path (self->path));
  return g_variant_builder_end (&hints);
}

/* A notification stands until somebody dismisses it: none may say forever that its job runs. */
static void
end_notifications (ServiceJob *self)
{
  g_autoptr (GVariant) artifacts = g_variant_ref_sink (list_artifact_names (self));
  g_autofree char *title = NULL;

  if (self->state == FAILED)
    {
      /* Why can hold secrets. */
      title = g_strdup_printf ("%s failed", get_method (self));
      service_notifications_replace (self->notifications, title, "The property Error of the job says why.");
    }
  else if (self->wanted == FINISHED || (self->state == CANCELLED && g_variant_n_children (artifacts) == 0))
    service_notifications_dismiss (self->notifications);
  else
    service_notifications_flush (self->notifications);
}

static void
drop_children (ServiceJob *self)
{
  if (self->worker != NULL)
    service_worker_dismiss (self->worker);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->tracers, service_tracers_free);
}

/* @error: (transfer full) (nullable) */
static void
end (ServiceJob *self, GError *error)
{
  static const char *const inspected[] = { "Error", "Summary", NULL };
  static const char *const observed[] = { "Artifacts", "Progress", "State", NULL };

  hap_error_convert (&error);
  self->error = error;
  /* What was stopped may say so. */
  if (self->wanted == CANCELLED)
    self->state = CANCELLED;
  else if (error == NULL || (self->wanted == FINISHED && error->code == HAP_ERROR_CANCELLED))
    self->state = FINISHED;
  else
    self->state = FAILED;
  if (self->state == FINISHED)
    g_clear_error (&self->error);

  service_intake_close (self->intake);
  drop_children (self);
  g_clear_pointer (&self->process, service_process_unref);
  if (self->state == FAILED)
    g_message ("%s of process %u failed: %s", get_method (self), self->pid, error->message);
  /* Who sees the State change has the results already. */
  send_properties_changed (self, SERVICE_AUDIENCE_INSPECTORS, inspected);
  send_properties_changed (self, SERVICE_AUDIENCE_OBSERVERS, observed);
  end_notifications (self);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0);
}

static void
on_run_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ServiceJob) self = data;
  GError *error = NULL;
  g_autoptr (GVariant) reply = service_worker_call_finish (SERVICE_WORKER (source), result, &error);

  end (self, error);
}

/* @invocation: (transfer full) */
static void
answer_open_copy (ServiceJob *self, GDBusMethodInvocation *invocation)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GError *error = NULL;
  GVariant *answer;
  guint copy;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(uu)", NULL, &copy);
  answer = service_copy_open (self->process, service_tracers_get_pid (self->tracers), copy, fds, &error);
  service_process_return (self->process, invocation, answer, fds, error);
}

/* What the worker asks and tells. */
static void
handle_call (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceJob *self = owner;
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  const char *broken = NULL;
  guint pid;

  if (!g_str_has_prefix (method, "Open") && !g_str_has_prefix (method, "Read"))
    {
      if (!g_str_equal (method, "Notify"))
        service_notifications_flush (self->notifications);
      broken = service_intake_take (self->intake, invocation);
      if (broken != NULL)
        service_worker_break (self->worker, broken);
      return;
    }

  g_variant_get_child (g_dbus_method_invocation_get_parameters (invocation), 0, "u", &pid);
  if (pid != self->pid)
    {
      broken = "it asks for another process than its own";
      g_dbus_method_invocation_return_error_literal (invocation, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, broken);
      service_worker_break (self->worker, broken);
    }
  else if (g_str_equal (method, "OpenTracer"))
    service_tracers_answer (self->tracers, invocation);
  else if (g_str_equal (method, "OpenCopy"))
    answer_open_copy (self, invocation);
  else if (g_str_equal (method, "OpenMapping"))
    service_mapping_answer (self->process, invocation);
  else if (g_str_equal (method, "OpenSources"))
    service_sources_answer (self->process, invocation);
  else if (g_str_equal (method, "ReadSockets") || g_str_equal (method, "OpenSocketDiag")
           || g_str_equal (method, "OpenSocketTables"))
    service_sockets_answer (self->process, invocation);
  else
    service_process_answer (self->process, invocation);
}

static gboolean
add_handle (GVariantBuilder *builder, GUnixFDList *fds, const char *key, int fd, GError **error)
{
  gint handle = g_unix_fd_list_append (fds, fd, error);

  if (handle < 0)
    return FALSE;
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_handle (handle));
  return TRUE;
}

/* Returns: (transfer floating): what Run takes for its target */
static GVariant *
describe_target (ServiceJob *self, GUnixFDList *fds, GError **error)
{
  g_auto (GVariantBuilder) builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "pid", g_variant_new_uint32 (self->pid));
  if (!add_handle (&builder, fds, "pidfd", service_process_get_pidfd (self->process), error)
      || !add_handle (&builder, fds, "mem", service_process_get_mem_fd (self->process), error)
      || !add_handle (&builder, fds, "maps", service_process_get_maps_fd (self->process), error))
    return NULL;
  return g_variant_builder_end (&builder);
}

gboolean
service_job_start (ServiceJob *self, GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) target = describe_target (self, fds, error);

  if (target == NULL)
    return FALSE;
  g_variant_ref_sink (target);
  self->worker = service_worker_new (self->context->launcher, self->plugin, handle_call, self, error);
  if (self->worker == NULL)
    return FALSE;
  service_worker_call (self->worker, "Run",
                       g_variant_new ("(ss@a{sv}x@a{sv})", self->plugin, get_method (self),
                                      hap_action_get_data (self->action), self->start_time, target),
                       fds, "()",
                       HAP_ACTION_GET_CLASS (self->action)->reply == HAP_REPLY_REPORT ? REPORT_SECONDS : 0,
                       on_run_done, g_object_ref (self));
  return TRUE;
}

static void
bring_to_end (ServiceJob *self, State wanted)
{
  if (self->state != RUNNING || self->wanted != RUNNING)
    return;
  self->wanted = wanted;
  service_worker_cancel (self->worker);
}

void
service_job_cancel (ServiceJob *self)
{
  bring_to_end (self, CANCELLED);
}

void
service_job_stop (ServiceJob *self)
{
  bring_to_end (self, FINISHED);
}

void
service_job_tell (ServiceJob *self, const char *name)
{
  service_notifications_tell (self->notifications, name);
}

gboolean
service_job_is_running (ServiceJob *self)
{
  return self->state == RUNNING;
}

const char *
service_job_get_state (ServiceJob *self)
{
  return state_names[self->state];
}

const char *
service_job_get_path (ServiceJob *self)
{
  return self->path;
}

const char *
service_job_get_caller (ServiceJob *self)
{
  return self->caller;
}

guint
service_job_get_uid (ServiceJob *self)
{
  return self->uid;
}

guint
service_job_get_pid (ServiceJob *self)
{
  return self->pid;
}

HapActionClass *
service_job_get_action_class (ServiceJob *self)
{
  return HAP_ACTION_GET_CLASS (self->action);
}

gint64
service_job_get_remaining (ServiceJob *self)
{
  g_autoptr (GVariant) data = g_variant_ref_sink (hap_action_get_data (self->action));
  double seconds;
  gint64 end_time;

  if (!g_variant_lookup (data, "seconds", "d", &seconds))
    return -1;
  end_time = self->start_time + (gint64)(seconds * G_USEC_PER_SEC);
  return MAX (end_time - g_get_real_time (), 0);
}

const GError *
service_job_get_error (ServiceJob *self)
{
  return self->error;
}

GVariant *
service_job_get_entries (ServiceJob *self)
{
  return service_intake_get_entries (self->intake);
}

static GVariant *
get_dbus_error (ServiceJob *self)
{
  if (self->state != FAILED)
    return g_variant_new ("(ss)", "", "");
  return g_variant_new ("(ss)", hap_error_get_dbus_name (self->error->code), self->error->message);
}

GVariant *
service_job_get_dbus_property (ServiceJob *self, const char *name)
{
  if (g_str_equal (name, "Action"))
    return g_variant_new_string (get_method (self));
  if (g_str_equal (name, "Target"))
    return g_variant_new_uint32 (self->pid);
  if (g_str_equal (name, "State"))
    return g_variant_new_string (state_names[self->state]);
  if (g_str_equal (name, "Progress"))
    return g_variant_new_double (self->state == FINISHED ? 1.0 : service_intake_get_progress (self->intake));
  if (g_str_equal (name, "StartedAt"))
    return g_variant_new_uint64 ((guint64)self->start_time);
  if (g_str_equal (name, "Artifacts"))
    return service_intake_get_artifacts (self->intake);
  if (g_str_equal (name, "Error"))
    return get_dbus_error (self);
  g_return_val_if_fail (g_str_equal (name, "Summary"), NULL);
  return service_intake_get_summary (self->intake);
}

static void
service_job_finalize (GObject *object)
{
  ServiceJob *self = SERVICE_JOB (object);

  drop_children (self);
  service_notifications_free (self->notifications);
  service_intake_free (self->intake);
  g_clear_error (&self->error);
  g_clear_object (&self->action);
  g_clear_pointer (&self->process, service_process_unref);
  g_free (self->plugin);
  g_free (self->caller);
  g_free (self->path);
  G_OBJECT_CLASS (service_job_parent_class)->finalize (object);
}

static void
service_job_class_init (ServiceJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_job_finalize;

  signals[SIGNAL_SETTLED] =
      g_signal_new ("settled", SERVICE_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENDED] =
      g_signal_new ("ended", SERVICE_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
service_job_init (ServiceJob *self)
{
}

ServiceJob *
service_job_new (const ServiceContext *context,
                 HapAction *action,
                 const char *plugin,
                 ServiceProcess *process,
                 ServiceCaller *caller,
                 gint64 start_time,
                 const char *path)
{
  static const ServiceIntakeFuncs funcs = { on_changed, on_entry, on_notify, on_overrun };
  ServiceJob *self = g_object_new (SERVICE_TYPE_JOB, NULL);

  self->context = context;
  self->action = g_object_ref (action);
  self->plugin = g_strdup (plugin);
  self->process = service_process_ref (process);
  self->tracers = service_tracers_new (context->launcher, process, hap_action_enters (action));
  self->pid = service_process_get_pid (process);
  self->caller = g_strdup (service_caller_get_name (caller));
  self->uid = service_caller_get_uid (caller);
  self->start_time = start_time;
  self->path = g_strdup (path);
  self->notifications =
      service_notifications_new (context->subscribers, self->uid, path != NULL, describe_notification, self);
  self->intake = service_intake_new (
      context->artifacts, context->limits,
      &(ServiceArtifactInfo){ .action = get_method (self), .target = self->pid, .owner = self->uid },
      path == NULL, &funcs, self);
  return self;
}
