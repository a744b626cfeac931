/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Heapy's stat dump: a header, and a line for each set of referrers' kinds.
 *
 * Owns the text. What is counted, and in which order it comes, is the census's.
 */

#include "hap-hpy.h"

#include "hap-labels.h"
#include "hap-writer.h"

static void
put_row (HapWriter *writer, const HapCensusRow *row)
{
  /* A newline would end the row, and Profile Browser: escaped as all that cannot be printed. */
  g_autofree char *name = hap_label_escape (row->name);

  hap_writer_printf (writer, ".r: %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s\n", row->count, row->bytes,
                     name);
}

gboolean
hap_hpy_write (GOutputStream *stream,
               HapCensus *census,
               gint64 time_us,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (GArray) rows = hap_census_list_rows (census);
  guint64 count = 0, bytes = 0;
  HapWriter writer;

  for (guint i = 0; i < rows->len; i++)
    {
      count += g_array_index (rows, HapCensusRow, i).count;
      bytes += g_array_index (rows, HapCensusRow, i).bytes;
    }

  hap_writer_init (&writer, stream, cancellable);
  hap_writer_printf (&writer,
                     ".loader: _load_stat\n.format: SetFormat\n.timemade: %" G_GINT64_FORMAT
                     ".%06" G_GINT64_FORMAT "\n",
                     time_us / G_USEC_PER_SEC, time_us % G_USEC_PER_SEC);
  hap_writer_printf (&writer,
                     ".count: %" G_GUINT64_FORMAT "\n.size: %" G_GUINT64_FORMAT
                     "\n.kindname: \n.kindheader: Referrers by Kind (class / dict of class)\n.numrows: %u\n",
                     count, bytes, rows->len);
  for (guint i = 0; i < rows->len; i++)
    put_row (&writer, &g_array_index (rows, HapCensusRow, i));
  hap_writer_text (&writer, ".end: .loader: _load_stat\n");
  return hap_writer_finish (&writer, error);
}
