/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HapArtifactFunc:
 * @stream: where to write; buffered, closed by the caller
 * @data: what hap_report_write_artifact() was given
 *
 * Writes one whole artifact. The writers of the formats room have this shape.
 */
typedef gboolean (*HapArtifactFunc) (GOutputStream *stream,
                                     gpointer data,
                                     GCancellable *cancellable,
                                     GError **error);

#define HAP_TYPE_REPORT (hap_report_get_type ())
G_DECLARE_INTERFACE (HapReport, hap_report, HAP, REPORT, GObject)

/**
 * HapReportInterface:
 *
 * Where an action's results go. In a worker it is the connection to the service; a test records.
 * All calls block until the result is taken over; FALSE means that the job is lost and the action should end.
 */
struct _HapReportInterface
{
  GTypeInterface parent_iface;

  gint64 (*get_start_time) (HapReport *self);
  gboolean (*entry) (HapReport *self, const char *message, GVariant *fields, GError **error);
  gboolean (*progress) (HapReport *self, double fraction, GError **error);
  gboolean (*summarize) (HapReport *self, GVariant *summary, GError **error);
  gboolean (
      *notify) (HapReport *self, const char *id, const char *title, const char *message, GError **error);
  GOutputStream *(*create_artifact) (HapReport *self,
                                     const char *name,
                                     const char *mime,
                                     const char *title,
                                     GError **error);
  gboolean (*commit_artifact) (HapReport *self, const char *name, GError **error);

  gpointer padding[8];
};

/* The job's start in microseconds since 1970: one number for the names of all its artifacts and ids. */
gint64 hap_report_get_start_time (HapReport *self);

/**
 * hap_report_entry:
 * @message: one entry, word for word as Home Assistant logs it; UTF-8
 * @fields: (nullable): `a{sv}`, floating references are taken: the same facts typed; if the first is
 * "message", it is
 * @message, too
 */
gboolean hap_report_entry (HapReport *self, const char *message, GVariant *fields, GError **error);

/* @fraction: 0 to 1. */
gboolean hap_report_progress (HapReport *self, double fraction, GError **error);

/* @summary: `a{sv}`, floating references are taken: the Summary property of the job; the last one stands. */
gboolean hap_report_summarize (HapReport *self, GVariant *summary, GError **error);

/* @id, @title, @message: as Home Assistant's persistent notification; the same id replaces. */
gboolean
hap_report_notify (HapReport *self, const char *id, const char *title, const char *message, GError **error);

/**
 * hap_report_write_artifact:
 * @name: the file's name, without any '/', unique in the store
 * @mime: its MIME type
 * @title: what it is, for a person, translated
 * @write: (scope call): called once
 *
 * Creates an artifact, has @write fill it and publishes it whole; on any error nothing of it remains.
 */
gboolean hap_report_write_artifact (HapReport *self,
                                    const char *name,
                                    const char *mime,
                                    const char *title,
                                    HapArtifactFunc write,
                                    gpointer data,
                                    GCancellable *cancellable,
                                    GError **error);

G_END_DECLS
