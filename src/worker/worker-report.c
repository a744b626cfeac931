/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The report of a worker: each result is one call to the service, which opens every file itself. Used from
 * the action's thread.
 */

#include "worker-report.h"

#include <gio/gunixfdlist.h>
#include <gio/gunixoutputstream.h>

#include "worker-service.h"

struct _WorkerReport
{
  GObject parent_instance;

  GDBusConnection *service;
  gint64 start_time;
};

static void worker_report_iface_init (HapReportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WorkerReport,
                               worker_report,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_REPORT, worker_report_iface_init))

/* Calls a method that answers nothing. */
static gboolean
tell (HapReport *report, const char *method, GVariant *arguments, GError **error)
{
  WorkerReport *self = WORKER_REPORT (report);
  g_autoptr (GVariant) reply = worker_service_call (self->service, method, arguments, NULL, NULL, error);

  return reply != NULL;
}

static gint64
worker_report_get_start_time (HapReport *report)
{
  return WORKER_REPORT (report)->start_time;
}

static gboolean
worker_report_entry (HapReport *report, const char *message, GVariant *fields, GError **error)
{
  return tell (report, "Entry", g_variant_new ("(s@a{sv})", message, fields), error);
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

  reply = worker_service_call (self->service, "CreateArtifact", g_variant_new ("(sss)", name, mime, title),
                               "(h)", &fds, error);
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
  g_clear_object (&WORKER_REPORT (object)->service);
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
}

HapReport *
worker_report_new (GDBusConnection *service, gint64 start_time)
{
  WorkerReport *self = g_object_new (WORKER_TYPE_REPORT, NULL);

  self->service = g_object_ref (service);
  self->start_time = start_time;
  return HAP_REPORT (self);
}
