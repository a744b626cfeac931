/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The page of a memory profile: what it is told. How it looks and behaves is heap-page.css and heap-page.js.
 */

#include "hap-heap-page.h"

#include "config.h"
#include "hap-page.h"

static void
put_count (HapWriter *writer, const HapHeapCount *count)
{
  hap_writer_printf (
      writer, ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
      count->objects, count->bytes, count->new_objects, count->new_bytes);
}

static void
put_facts (HapWriter *writer, const HapHeapProfile *profile)
{
  hap_writer_text (writer, "{\"generator\":\"ha-profiler " HAP_VERSION "\",\"title\":");
  hap_page_put_text (writer, profile->title);
  hap_writer_printf (writer, ",\"pid\":%u,\"start\":%" G_GINT64_FORMAT ",\"duration\":", profile->pid,
                     profile->start_time_us);
  hap_writer_json_double (writer, profile->duration);
  hap_writer_printf (writer, ",\"shared\":%" G_GUINT64_FORMAT ",\"verdict\":[", profile->shared_bytes);
  if (profile->verdict != NULL)
    {
      g_auto (GStrv) paragraphs = g_strsplit (profile->verdict, "\n", -1);

      for (guint i = 0; paragraphs[i] != NULL; i++)
        {
          hap_writer_text (writer, i == 0 ? "" : ",");
          hap_page_put_text (writer, paragraphs[i]);
        }
    }
  hap_writer_text (writer, "],\n\"total\":[0");
  put_count (writer, &profile->total);
}

static void
put_areas (HapWriter *writer, const char *name, const HapResidentAreas *areas)
{
  hap_writer_printf (writer, ",\n\"%s\":{\"resident\":%" G_GUINT64_FORMAT ",\"swapped\":%" G_GUINT64_FORMAT,
                     name, areas->resident, areas->swapped);
  for (guint area = 0; area < HAP_N_AREAS; area++)
    hap_writer_printf (writer, ",\"%s\":%" G_GUINT64_FORMAT, hap_area_to_string (area), areas->bytes[area]);
  hap_writer_text (writer, "}");
}

static void
put_origins (HapWriter *writer, const HapHeapProfile *profile)
{
  hap_writer_text (writer, ",\n\"origins\":[");
  for (guint i = 0; i < profile->origins->len; i++)
    {
      const HapHeapOrigin *row = &g_array_index (profile->origins, HapHeapOrigin, i);

      hap_writer_printf (writer, "%s[\"%s\",", i == 0 ? "" : ",\n",
                         row->origin != NULL ? hap_origin_kind_to_string (row->origin->kind) : "shared");
      hap_page_put_text (writer, row->origin != NULL ? row->origin->name : "");
      put_count (writer, &row->count);
    }
  hap_writer_text (writer, "],\n\"cells\":[");
  for (guint i = 0; i < profile->cells->len; i++)
    {
      const HapHeapCell *row = &g_array_index (profile->cells, HapHeapCell, i);

      hap_writer_printf (writer, "%s[%u,", i == 0 ? "" : ",\n", row->origin);
      hap_page_put_text (writer, row->type);
      put_count (writer, &row->count);
    }
  hap_writer_text (writer, "]");
}

static void
put_types (HapWriter *writer, const HapHeapProfile *profile)
{
  hap_writer_text (writer, ",\n\"types\":[");
  for (guint i = 0; i < profile->types->len; i++)
    {
      const HapHeapType *row = &g_array_index (profile->types, HapHeapType, i);

      hap_writer_text (writer, i == 0 ? "[" : ",\n[");
      hap_page_put_text (writer, row->type);
      hap_writer_text (writer, ",");
      hap_page_put_text (writer, row->referrers);
      put_count (writer, &row->count);
    }
  hap_writer_text (writer, "]");
}

static void
put_objects (HapWriter *writer, const HapHeapProfile *profile)
{
  hap_writer_text (writer, ",\n\"objects\":[");
  for (guint i = 0; i < profile->objects->len; i++)
    {
      const HapHeapObject *row = &g_array_index (profile->objects, HapHeapObject, i);

      hap_writer_printf (writer, "%s[%u,", i == 0 ? "" : ",\n", row->origin);
      hap_page_put_text (writer, row->type);
      hap_writer_text (writer, ",");
      hap_page_put_text (writer, row->chain);
      hap_writer_printf (writer, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]", row->is_new, row->bytes,
                         row->held);
    }
  hap_writer_text (writer, "],\n\"duplicates\":[");
  for (guint i = 0; i < profile->duplicates->len; i++)
    {
      const HapHeapDuplicate *row = &g_array_index (profile->duplicates, HapHeapDuplicate, i);

      hap_writer_text (writer, i == 0 ? "[" : ",\n[");
      hap_page_put_text (writer, row->chain);
      hap_writer_printf (writer, ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
                         row->length, row->copies, row->bytes);
    }
  hap_writer_text (writer, "]}");
}

static void
put_data (HapWriter *writer, gpointer data)
{
  const HapHeapProfile *profile = data;

  put_facts (writer, profile);
  put_areas (writer, "before", &profile->before);
  put_areas (writer, "after", &profile->after);
  put_origins (writer, profile);
  put_types (writer, profile);
  put_objects (writer, profile);
}

gboolean
hap_heap_page_write (GOutputStream *stream,
                     const HapHeapProfile *profile,
                     GCancellable *cancellable,
                     GError **error)
{
  HapWriter writer;

  hap_writer_init (&writer, stream, cancellable);
  hap_page_put (&writer, "heap-page.html", profile->title, put_data, (gpointer)profile);
  return hap_writer_finish (&writer, error);
}
