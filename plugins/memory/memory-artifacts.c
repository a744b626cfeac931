/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which artifacts a memory profile leaves, and their names. How each is written is the formats room's.
 */

#include "memory-artifacts.h"

#include "hap-heap-page.h"
#include "hap-hpy.h"

#include <glib/gi18n.h>

typedef struct
{
  HapCensus *census;
  const HapHeapProfile *profile;
} WriteData;

static gboolean
write_hpy (GOutputStream *stream, gpointer data, GCancellable *cancellable, GError **error)
{
  const WriteData *write_data = data;
  const HapHeapProfile *profile = write_data->profile;

  return hap_hpy_write (stream, write_data->census,
                        profile->start_time_us + (gint64)(profile->duration * G_USEC_PER_SEC), cancellable,
                        error);
}

static gboolean
write_page (GOutputStream *stream, gpointer data, GCancellable *cancellable, GError **error)
{
  return hap_heap_page_write (stream, ((const WriteData *)data)->profile, cancellable, error);
}

static const struct
{
  MemoryFormats format;
  const char *suffix;
  const char *mime;
  const char *title;
  HapArtifactFunc write;
} artifacts[] = {
  { MEMORY_FORMAT_HPY, "hpy", "text/plain", N_ ("Heapy memory profile"), write_hpy },
  { MEMORY_FORMAT_PAGE, "html", "text/html", N_ ("Memory profile"), write_page },
};

char *
memory_artifacts_get_name (MemoryFormats format, gint64 start_time_us)
{
  for (guint i = 0; i < G_N_ELEMENTS (artifacts); i++)
    if (artifacts[i].format == format)
      return g_strdup_printf ("heap_profile.%" G_GINT64_FORMAT ".%s", start_time_us, artifacts[i].suffix);
  g_return_val_if_reached (NULL);
}

gboolean
memory_artifacts_write (HapReport *report,
                        HapCensus *census,
                        const HapHeapProfile *profile,
                        MemoryFormats formats,
                        GError **error)
{
  WriteData data = { census, profile };

  for (guint i = 0; i < G_N_ELEMENTS (artifacts); i++)
    {
      g_autofree char *name = NULL;

      if ((formats & artifacts[i].format) == 0)
        continue;
      name = memory_artifacts_get_name (artifacts[i].format, profile->start_time_us);
      /* Not cancellable: who ends a profile early wants what there is of it. */
      if (!hap_report_write_artifact (report, name, artifacts[i].mime, _ (artifacts[i].title),
                                      artifacts[i].write, &data, NULL, error))
        return FALSE;
    }
  return TRUE;
}
