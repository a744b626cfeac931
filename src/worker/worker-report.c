/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The report of a worker: each result is one call to the service, which opens every file itself. Used from
 * the action's thread. Entries come by the thousand: they are sent together, before any other result and
 * soon, and a few such calls are on their way at a time, in order, as all calls are.
 */

#include "worker-report.h"

#include <gio/gunixfdlist.h>
#include <gio/gunixoutputstream.h>
#include <string.h>

#include "worker-service.h"

/* Fewer than the service lets wait. */
#define MAX_UNANSWERED 8

/* How long an entry may wait for others, and how much they may come to: far less than the service takes at
 * once. */
#define GATHER_MS 20
#define GATHER_SIZE (256 * 1024)

#define MESSAGE "message"

struct _WorkerReport
{
  GObject parent_instance;

  GDBusConnection *service;
  gint64 start_time;

  GMutex lock;        /* of what follows, which the main thread changes */
  GPtrArray *entries; /* of GVariant, `a{sv}`: not sent yet */
  gsize size;         /* of them */
  GCond answered;
  guint n_unanswered;
  GError *failure; /* the first entry's that was not taken */
};

static void worker_report_iface_init (HapReportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WorkerReport,
                               worker_report,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_REPORT, worker_report_iface_init))

static void
on_entries_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (WorkerReport) self = data;
  GError *error = NULL;

  worker_service_send_finish (G_DBUS_CONNECTION (source), result, &error);
  g_mutex_lock (&self->lock);
  self->n_unanswered--;
  if (self->failure == NULL)
    self->failure = g_steal_pointer (&error);
  g_cond_signal (&self->answered);
  g_mutex_unlock (&self->lock);
  g_clear_error (&error);
}

/* The lock is held. */
static void
send_entries (WorkerReport *self)
{
  g_autoptr (GVariant) entries = NULL;
  g_autoptr (GBytes) bytes = NULL;
  GVariant *packed;

  if (self->entries->len == 0)
    return;
  entries = g_variant_ref_sink (g_variant_new_array (
      G_VARIANT_TYPE_VARDICT, (GVariant *const *)self->entries->pdata, self->entries->len));
  bytes = g_variant_get_data_as_bytes (entries);
  packed = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
  self->n_unanswered++;
  worker_service_send (self->service, "Entries", g_variant_new ("(@ay)", packed), on_entries_answered,
                       g_object_ref (self));
  g_ptr_array_set_size (self->entries, 0);
  self->size = 0;
}

/* The lock is held, and not while we wait. */
static void
wait_and_send_entries (WorkerReport *self)
{
  while (self->n_unanswered >= MAX_UNANSWERED)
    g_cond_wait (&self->answered, &self->lock);
  send_entries (self);
}

static gboolean
on_gathered (gpointer data)
{
  WorkerReport *self = data;
  gboolean sent;

  /* It is the main thread that the answers come to: it must not wait for them. */
  g_mutex_lock (&self->lock);
  if (self->n_unanswered < MAX_UNANSWERED)
    send_entries (self);
  sent = self->entries->len == 0;
  g_mutex_unlock (&self->lock);
  return sent ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void
worker_report_flush (HapReport *report)
{
  WorkerReport *self = WORKER_REPORT (report);

  g_mutex_lock (&self->lock);
  wait_and_send_entries (self);
  g_mutex_unlock (&self->lock);
}

/* Calls a method, after all entries until now. */
static GVariant *
ask (WorkerReport *self,
     const char *method,
     GVariant *arguments,
     const char *type,
     GUnixFDList **fds,
     GError **error)
{
  worker_report_flush (HAP_REPORT (self));
  return worker_service_call (self->service, method, arguments, type, fds, error);
}

/* Calls a method that answers nothing. */
static gboolean
tell (HapReport *report, const char *method, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) reply = ask (WORKER_REPORT (report), method, arguments, NULL, NULL, error);

  return reply != NULL;
}

static gint64
worker_report_get_start_time (HapReport *report)
{
  return WORKER_REPORT (report)->start_time;
}

/* The lock is held. */
static void
gather (WorkerReport *self, GVariant *entry)
{
  gsize size = g_variant_get_size (entry);

  if (self->entries->len > 0 && self->size + size > GATHER_SIZE)
    wait_and_send_entries (self);
  if (self->entries->len == 0)
    g_timeout_add_full (G_PRIORITY_DEFAULT, GATHER_MS, on_gathered, g_object_ref (self), g_object_unref);
  g_ptr_array_add (self->entries, entry);
  self->size += size;
}

/* Whoever has tens of thousands of them can put it there. The bytes of an `a{sv}` begin with its first key. */
static gboolean
has_message (GVariant *fields)
{
  return g_variant_get_size (fields) > sizeof MESSAGE
         && memcmp (g_variant_get_data (fields), MESSAGE, sizeof MESSAGE) == 0;
}

/* @fields with the message first. */
static GVariant *
make_entry (const char *message, GVariant *fields)
{
  GVariantBuilder builder;

  if (has_message (fields))
    return g_variant_ref (fields);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add_value (
      &builder, g_variant_new_dict_entry (g_variant_new_string (MESSAGE),
                                          g_variant_new_variant (g_variant_new_string (message))));
  for (gsize i = 0; i < g_variant_n_children (fields); i++)
    {
      g_autoptr (GVariant) field = g_variant_get_child_value (fields, i);

      g_variant_builder_add_value (&builder, field);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Entries that are refused end the report at the next one. */
static gboolean
worker_report_entry (HapReport *report, const char *message, GVariant *fields, GError **error)
{
  WorkerReport *self = WORKER_REPORT (report);
  GVariant *entry = make_entry (message, fields);
  GError *failure = NULL;

  g_mutex_lock (&self->lock);
  gather (self, entry);
  if (self->failure != NULL)
    failure = g_error_copy (self->failure);
  g_mutex_unlock (&self->lock);

  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
worker_report_progress (HapReport *report, double fraction, GError **error)
{
  return tell (report, "Progress", g_variant_new ("(d)", fraction), error);
}

static gboolean
worker_report_summarize (HapReport *report, GVariant *summary, GError **error)
{
  return tell (report, "Summarize", g_variant_new ("(@a{sv})", summary), error);
}

static gboolean
worker_report_notify (HapReport *report,
                      const char *id,
                      const char *title,
                      const char *message,
                      GError **error)
{
  return tell (report, "Notify", g_variant_new ("(sss)", id, title, message), error);
}

static GOutputStream *
worker_report_create_artifact (HapReport *report,
                               const char *name,
                               const char *mime,
                               const char *title,
                               GError **error)
{
  WorkerReport *self = WORKER_REPORT (report);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  int fd;

  reply = ask (self, "CreateArtifact", g_variant_new ("(sss)", name, mime, title), "(h)", &fds, error);
  if (reply == NULL)
    return NULL;

  fd = worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
  return fd >= 0 ? g_unix_output_stream_new (fd, TRUE) : NULL;
}

static gboolean
worker_report_commit_artifact (HapReport *report, const char *name, GError **error)
{
  return tell (report, "CommitArtifact", g_variant_new ("(s)", name), error);
}

static void
worker_report_finalize (GObject *object)
{
  WorkerReport *self = WORKER_REPORT (object);

  g_clear_object (&self->service);
  g_ptr_array_unref (self->entries);
  g_clear_error (&self->failure);
  g_cond_clear (&self->answered);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (worker_report_parent_class)->finalize (object);
}

static void
worker_report_iface_init (HapReportInterface *iface)
{
  iface->get_start_time = worker_report_get_start_time;
  iface->entry = worker_report_entry;
  iface->progress = worker_report_progress;
  iface->summarize = worker_report_summarize;
  iface->notify = worker_report_notify;
  iface->create_artifact = worker_report_create_artifact;
  iface->commit_artifact = worker_report_commit_artifact;
}

static void
worker_report_class_init (WorkerReportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = worker_report_finalize;
}

static void
worker_report_init (WorkerReport *self)
{
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->answered);
}

HapReport *
worker_report_new (GDBusConnection *service, gint64 start_time)
{
  WorkerReport *self = g_object_new (WORKER_TYPE_REPORT, NULL);

  self->service = g_object_ref (service);
  self->start_time = start_time;
  return HAP_REPORT (self);
}
