/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One worker: its process, its private connection, and the end of both. Guards what a peer could do to us by
 * the connection itself (floods, oversized messages, descriptors, silence); what the messages mean is the
 * owner's.
 */

#include "service-worker.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <sys/socket.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-interfaces.h"
#include "service-language.h"

#define WORKER_INTERFACE "org.homeassistant.Profiler.Private.Worker"
#define STARTUP_SECONDS 15
#define GRACE_SECONDS 5
#define MAX_PENDING 16
#define MAX_MESSAGE (1024 * 1024)

typedef struct
{
  char *method;
  GVariant *parameters;
  GUnixFDList *fds;
  GVariantType *reply_type;
  guint timeout_seconds;
} Request;

struct _ServiceWorker
{
  GObject parent_instance;

  GSubprocess *process;
  GDBusConnection *connection; /* NULL until it is authenticated, and after dismissal */
  GCancellable *connecting;
  gboolean ended;
  gboolean cancelled;
  GError *broken; /* why it is ended, which its call ends with */
  guint filter, registration;

  GTask *task; /* the call under way */
  gboolean sent;
  gboolean failed; /* the call failed; how, its end will tell */
  gboolean timed_out;
  gboolean killed;
  gboolean lost; /* killed, and the kernel does not let it end */
  guint timer;   /* of startup, of the call, or of grace */

  ServiceWorkerFunc handle;
  gpointer owner;
  const ServiceLanguage *language; /* of whom it works for */

  gint n_pending;  /* atomic: messages taken in by GDBus's thread and not yet by us */
  gint misbehaved; /* atomic: that thread saw a rule broken */
};

G_DEFINE_FINAL_TYPE (ServiceWorker, service_worker, G_TYPE_OBJECT)

static void
request_free (Request *request)
{
  g_free (request->method);
  g_variant_unref (request->parameters);
  g_variant_type_free (request->reply_type);
  g_clear_object (&request->fds);
  g_free (request);
}

static gboolean on_timer (gpointer data);

static void
set_timer (ServiceWorker *self, guint seconds)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (seconds > 0)
    self->timer = g_timeout_add_seconds (seconds, on_timer, self);
}

static void
kill_process (ServiceWorker *self)
{
  if (self->ended)
    return;
  self->killed = TRUE;
  g_subprocess_force_exit (self->process);
  set_timer (self, GRACE_SECONDS);
}

/* Ends what the connection keeps of us. */
static void
close_connection (ServiceWorker *self)
{
  g_autoptr (GDBusConnection) connection = g_steal_pointer (&self->connection);

  g_cancellable_cancel (self->connecting);
  if (connection == NULL)
    return;
  g_dbus_connection_unregister_object (connection, self->registration);
  g_dbus_connection_remove_filter (connection, self->filter);
  g_dbus_connection_close (connection, NULL, NULL, NULL);
}

/* Ends the call once it has failed and it is known how the process ended. */
static void
fail_call (ServiceWorker *self)
{
  SERVICE_SPEAKS (self->language);
  g_autoptr (GTask) task = NULL;
  g_autofree char *end = NULL;

  if (self->task == NULL || (!self->ended && !self->lost))
    return;

  task = g_steal_pointer (&self->task);
  end = self->ended ? service_launcher_describe_end (self->process) : g_strdup (_ ("does not end"));
  if (self->broken != NULL)
    g_task_return_error (task, g_error_copy (self->broken));
  else if (self->cancelled)
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_CANCELLED,
                             _ ("The worker %s after it was told to stop"), end);
  else if (self->timed_out && !self->lost)
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_TIMED_OUT,
                             _ ("The worker did not answer in time and was ended"));
  else if (self->lost)
    g_task_return_new_error (
        task, HAP_ERROR, HAP_ERROR_TIMED_OUT,
        _ ("The worker cannot be ended: the kernel makes it wait for memory of the process, "
           "which lies in a file that cannot be read"));
  else
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_FAILED,
                             _ ("The worker %s before it was done; the service's log may say more"), end);
}

/* The time is up: of the worker, then of the kernel that was to end it. Its end of the connection should be
 * gone with it; somebody else may hold it. */
static gboolean
on_timer (gpointer data)
{
  ServiceWorker *self = data;

  self->timer = 0;
  if (!self->ended && !self->killed)
    {
      self->timed_out = TRUE;
      kill_process (self);
      return G_SOURCE_REMOVE;
    }
  self->lost = !self->ended;
  close_connection (self);
  if (self->failed || !self->sent)
    fail_call (self);
  return G_SOURCE_REMOVE;
}

/* Takes the call away that is answered now. */
static GTask *
steal_task (ServiceWorker *self)
{
  if (!self->cancelled)
    set_timer (self, 0);
  return g_steal_pointer (&self->task);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ServiceWorker) self = data;
  const Request *request = g_task_get_task_data (self->task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GTask) task = NULL;

  /* Who broke a rule has nothing to say any more. */
  if (self->broken == NULL && reply != NULL && g_variant_is_of_type (reply, request->reply_type))
    {
      task = steal_task (self);
      g_task_return_pointer (task, g_steal_pointer (&reply), (GDestroyNotify)g_variant_unref);
      return;
    }
  if (self->broken == NULL && reply == NULL && g_dbus_error_is_remote_error (error))
    {
      task = steal_task (self);
      hap_error_convert (&error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  self->failed = TRUE;
  if (reply != NULL)
    service_worker_break (self, "its answer is of another type");
  kill_process (self);
  fail_call (self);
}

static void
send_request (ServiceWorker *self)
{
  const Request *request = g_task_get_task_data (self->task);

  self->sent = TRUE;
  set_timer (self, request->timeout_seconds);
  g_dbus_connection_call_with_unix_fd_list (self->connection, NULL, "/", WORKER_INTERFACE, request->method,
                                            request->parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT,
                                            request->fds, NULL, on_called, g_object_ref (self));
}

static gboolean
on_misbehaved (gpointer data)
{
  service_worker_break (data, "it sent too much at once, too long a message, or descriptors");
  return G_SOURCE_REMOVE;
}

/*
 * In GDBus's thread, before a message is queued for ours. A worker waits for each answer, so that more than a
 * few calls at once are none of its business.
 */
static GDBusMessage *
filter_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  ServiceWorker *self = data;
  GVariant *body = g_dbus_message_get_body (message);
  GDBusMessageType type = g_dbus_message_get_message_type (message);
  gboolean is_call = type == G_DBUS_MESSAGE_TYPE_METHOD_CALL;

  if (!incoming)
    return message;
  if (!g_atomic_int_get (&self->misbehaved) && type != G_DBUS_MESSAGE_TYPE_SIGNAL
      && g_dbus_message_get_num_unix_fds (message) == 0
      && (body == NULL || g_variant_get_size (body) <= MAX_MESSAGE)
      && (!is_call || g_atomic_int_add (&self->n_pending, 1) < MAX_PENDING))
    return message;

  if (g_atomic_int_compare_and_exchange (&self->misbehaved, FALSE, TRUE))
    g_idle_add_full (G_PRIORITY_DEFAULT, on_misbehaved, g_object_ref (self), g_object_unref);
  g_object_unref (message);
  return NULL;
}

static void
on_job_call (GDBusConnection *connection,
             const char *sender,
             const char *path,
             const char *interface,
             const char *method,
             GVariant *parameters,
             GDBusMethodInvocation *invocation,
             gpointer data)
{
  ServiceWorker *self = data;
  SERVICE_SPEAKS (self->language);

  g_atomic_int_add (&self->n_pending, -1);
  if (self->owner != NULL && self->broken == NULL)
    self->handle (self->owner, invocation);
  else
    g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_CANCELLED,
                                           "Nobody waits for this any more");
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_job_call };
  g_autoptr (ServiceWorker) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_finish (result, &error);

  if (connection == NULL || self->ended || self->broken != NULL
      || g_cancellable_is_cancelled (self->connecting))
    {
      if (connection == NULL)
        g_debug ("A worker did not connect: %s", error->message);
      kill_process (self);
      fail_call (self);
      return;
    }

  set_timer (self, 0);
  self->connection = g_steal_pointer (&connection);
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  self->filter =
      g_dbus_connection_add_filter (self->connection, filter_message, g_object_ref (self), g_object_unref);
  self->registration = g_dbus_connection_register_object (
      self->connection, "/", (GDBusInterfaceInfo *)&org_homeassistant_profiler_private_job_interface, &vtable,
      g_object_ref (self), g_object_unref, NULL);
  g_dbus_connection_start_message_processing (self->connection);
  if (self->task != NULL)
    send_request (self);
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ServiceWorker) self = data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->ended = TRUE;
  g_cancellable_cancel (self->connecting);
  set_timer (self, 0);
  if (self->task == NULL)
    {
      close_connection (self);
      return;
    }
  /* What it answered last may still be on its way: then the call comes to its end by itself. */
  if (self->failed || !self->sent)
    fail_call (self);
  else
    set_timer (self, GRACE_SECONDS);
}

/* @fd: (transfer full) */
static gboolean
start_connecting (ServiceWorker *self, int fd, GError **error)
{
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr (GSocketConnection) stream = NULL;

  if (socket == NULL)
    {
      service_fd_clear (&fd);
      return FALSE;
    }
  stream = g_socket_connection_factory_create_connection (socket);
  g_dbus_connection_new (G_IO_STREAM (stream), guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                             | G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS
                             | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         NULL, self->connecting, on_connected, g_object_ref (self));
  set_timer (self, STARTUP_SECONDS);
  return TRUE;
}

ServiceWorker *
service_worker_new (ServiceLauncher *launcher,
                    const char *plugin,
                    ServiceWorkerFunc handle,
                    gpointer owner,
                    GError **error)
{
  g_autoptr (ServiceWorker) self = g_object_new (SERVICE_TYPE_WORKER, NULL);
  service_autofd int ours = -1;
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot make a connection for a worker: %s"),
                   strerror (errno));
      return NULL;
    }
  ours = pair[0];
  self->handle = handle;
  self->owner = owner;
  self->language = service_language_get_current ();
  self->process = service_launcher_start_worker (launcher, plugin, pair[1], error);
  if (self->process == NULL)
    return NULL;
  g_subprocess_wait_async (self->process, NULL, on_ended, g_object_ref (self));
  if (!start_connecting (self, g_steal_fd (&ours), error))
    {
      kill_process (self);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
service_worker_call (ServiceWorker *self,
                     const char *method,
                     GVariant *parameters,
                     GUnixFDList *fds,
                     const char *reply_type,
                     guint timeout_seconds,
                     GAsyncReadyCallback callback,
                     gpointer data)
{
  Request *request = g_new0 (Request, 1);

  g_return_if_fail (self->task == NULL);

  request->method = g_strdup (method);
  request->parameters = g_variant_ref_sink (parameters);
  request->fds = fds != NULL ? g_object_ref (fds) : NULL;
  request->reply_type = g_variant_type_new (reply_type);
  request->timeout_seconds = timeout_seconds;
  self->task = g_task_new (self, NULL, callback, data);
  g_task_set_source_tag (self->task, service_worker_call);
  g_task_set_task_data (self->task, request, (GDestroyNotify)request_free);
  self->sent = FALSE;

  if (self->connection != NULL && !self->ended)
    send_request (self);
  else if (self->ended)
    fail_call (self);
}

GVariant *
service_worker_call_finish (ServiceWorker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
service_worker_set_time (ServiceWorker *self, guint seconds)
{
  if (self->task != NULL && self->sent && !self->killed && !self->cancelled)
    set_timer (self, seconds);
}

void
service_worker_cancel (ServiceWorker *self)
{
  if (self->cancelled || self->ended)
    return;
  self->cancelled = TRUE;
  if (self->connection == NULL)
    {
      kill_process (self);
      return;
    }
  g_dbus_connection_call (self->connection, NULL, "/", WORKER_INTERFACE, "Cancel", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  set_timer (self, GRACE_SECONDS);
}

void
service_worker_break (ServiceWorker *self, const char *why)
{
  SERVICE_SPEAKS (self->language);

  if (self->broken != NULL)
    return;
  g_message ("A worker broke a rule and is ended: %s", why);
  service_worker_end (
      self, g_error_new (HAP_ERROR, HAP_ERROR_FAILED, _ ("The worker broke a rule and was ended: %s"), why));
}

void
service_worker_end (ServiceWorker *self, GError *why)
{
  if (self->broken != NULL)
    {
      g_error_free (why);
      return;
    }
  self->broken = why;
  kill_process (self);
}

void
service_worker_dismiss (ServiceWorker *self)
{
  self->owner = NULL;
  close_connection (self);
  if (!self->ended)
    set_timer (self, GRACE_SECONDS);
}

static void
service_worker_finalize (GObject *object)
{
  ServiceWorker *self = SERVICE_WORKER (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->connection);
  g_clear_object (&self->connecting);
  g_clear_object (&self->process);
  g_clear_error (&self->broken);
  G_OBJECT_CLASS (service_worker_parent_class)->finalize (object);
}

static void
service_worker_class_init (ServiceWorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_worker_finalize;
}

static void
service_worker_init (ServiceWorker *self)
{
  self->connecting = g_cancellable_new ();
}
