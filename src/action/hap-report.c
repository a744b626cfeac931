/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where an action's results go, as an interface, and the one rule that all artifacts share: whole or not at
 * all.
 */

#include "hap-report.h"

G_DEFINE_INTERFACE (HapReport, hap_report, G_TYPE_OBJECT)

static void
hap_report_default_init (HapReportInterface *iface)
{
}

gint64
hap_report_get_start_time (HapReport *self)
{
  return HAP_REPORT_GET_IFACE (self)->get_start_time (self);
}

gboolean
hap_report_entry (HapReport *self, const char *message, GVariant *fields, GError **error)
{
  g_autoptr (GVariant) owned = NULL;

  if (fields == NULL)
    fields = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
  owned = g_variant_ref_sink (fields);

  return HAP_REPORT_GET_IFACE (self)->entry (self, message, owned, error);
}

gboolean
hap_report_progress (HapReport *self, double fraction, GError **error)
{
  return HAP_REPORT_GET_IFACE (self)->progress (self, CLAMP (fraction, 0.0, 1.0), error);
}

gboolean
hap_report_summarize (HapReport *self, GVariant *summary, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (summary);

  return HAP_REPORT_GET_IFACE (self)->summarize (self, owned, error);
}

gboolean
hap_report_notify (HapReport *self, const char *id, const char *title, const char *message, GError **error)
{
  return HAP_REPORT_GET_IFACE (self)->notify (self, id, title, message, error);
}

gboolean
hap_report_write_artifact (HapReport *self,
                           const char *name,
                           const char *mime,
                           const char *title,
                           HapArtifactFunc write,
                           gpointer data,
                           GCancellable *cancellable,
                           GError **error)
{
  HapReportInterface *iface = HAP_REPORT_GET_IFACE (self);
  g_autoptr (GOutputStream) file = NULL;
  g_autoptr (GOutputStream) stream = NULL;

  file = iface->create_artifact (self, name, mime, title, error);
  if (file == NULL)
    return FALSE;

  stream = g_buffered_output_stream_new_sized (file, 64 * 1024);
  if (!write (stream, data, cancellable, error))
    {
      /* Closing flushes; what it says does not matter any more: without a commit nothing of the file remains.
       */
      g_output_stream_close (stream, NULL, NULL);
      return FALSE;
    }
  if (!g_output_stream_close (stream, cancellable, error))
    return FALSE;

  return iface->commit_artifact (self, name, error);
}
