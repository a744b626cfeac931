/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which artifacts a CPU profile leaves, and their names, which are Home Assistant's where it has them. How
 * each is written is the formats room's.
 */

#include "cpu-artifacts.h"

#include "hap-callgrind.h"
#include "hap-collapsed.h"
#include "hap-flamegraph.h"
#include "hap-pstats.h"
#include "hap-speedscope.h"

#include <glib/gi18n.h>

typedef gboolean (*Writer) (GOutputStream *stream,
                            const HapProfile *profile,
                            GCancellable *cancellable,
                            GError **error);

typedef gboolean (*CountsWriter) (GOutputStream *stream,
                                  const HapProfile *profile,
                                  const HapCallCounts *counts,
                                  GCancellable *cancellable,
                                  GError **error);

/* @prefix and @suffix: around the start time. @write_counts: (nullable): where exact counts can be shown, too
 */
static const struct
{
  CpuFormats format;
  const char *prefix, *suffix;
  const char *mime;
  const char *title;
  Writer write;
  CountsWriter write_counts;
} artifacts[] = {
  { CPU_FORMAT_CPROF, "profile.", ".cprof", "application/x-cprofile", N_ ("cProfile data"), hap_pstats_write,
    hap_pstats_write_counts },
  { CPU_FORMAT_CALLGRIND, "callgrind.out.", "", "application/x-kcachegrind", N_ ("Callgrind data"),
    hap_callgrind_write, hap_callgrind_write_counts },
  { CPU_FORMAT_FLAMEGRAPH, "flamegraph.", ".html", "text/html", N_ ("Flame graph"), hap_flamegraph_write },
  { CPU_FORMAT_SPEEDSCOPE, "profile.", ".speedscope.json", "application/json", N_ ("Speedscope profile"),
    hap_speedscope_write },
  { CPU_FORMAT_COLLAPSED, "profile.", ".collapsed", "text/plain", N_ ("Collapsed stacks"),
    hap_collapsed_write },
};

typedef struct
{
  const HapProfile *profile;
  const HapCallCounts *counts;
  guint artifact;
} WriteData;

static gboolean
write_profile (GOutputStream *stream, gpointer data, GCancellable *cancellable, GError **error)
{
  const WriteData *write_data = data;
  guint i = write_data->artifact;

  if (write_data->counts != NULL && artifacts[i].write_counts != NULL)
    return artifacts[i].write_counts (stream, write_data->profile, write_data->counts, cancellable, error);
  return artifacts[i].write (stream, write_data->profile, cancellable, error);
}

char *
cpu_artifacts_get_name (CpuFormats format, gint64 start_time_us)
{
  for (guint i = 0; i < G_N_ELEMENTS (artifacts); i++)
    {
      if (artifacts[i].format == format)
        return g_strdup_printf ("%s%" G_GINT64_FORMAT "%s", artifacts[i].prefix, start_time_us,
                                artifacts[i].suffix);
    }
  g_return_val_if_reached (NULL);
}

gboolean
cpu_artifacts_write (HapReport *report,
                     const HapProfile *profile,
                     const HapCallCounts *counts,
                     CpuFormats formats,
                     GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (artifacts); i++)
    {
      g_autofree char *name = NULL;
      WriteData data = { profile, counts, i };

      if ((formats & artifacts[i].format) == 0)
        continue;
      /* Not cancellable: who cancels a profile wants what there is of it. */
      name = cpu_artifacts_get_name (artifacts[i].format, profile->start_time_us);
      if (!hap_report_write_artifact (report, name, artifacts[i].mime, _ (artifacts[i].title), write_profile,
                                      &data, NULL, error))
        return FALSE;
    }
  return TRUE;
}
