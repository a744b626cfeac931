/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints how true observations are, on each interpreter at hand and each target whose stacks are known, with
 * as many samples as it is told. Asserts nothing.
 */

#include <stdlib.h>

#include "truth.h"

static void
print_row (const HapTestPython *python, const char *name, const char *precision, const Truth *truth)
{
  const PyObserverCounts *counts = &truth->counts;

  g_print ("%-9s %-16s %-6s %9" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT
           " %9" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT " %8" G_GUINT64_FORMAT " %9.0f %8.1f %8.0f\n",
           python->version, name, precision, truth->samples, truth->impossible + truth->unreadable,
           counts->live, counts->still, counts->stopped, counts->dropped,
           (double)truth->samples / truth->seconds,
           (double)counts->pause_ns_total / 1e3 / (double)MAX (counts->stopped, 1),
           (double)counts->pause_ns_max / 1e3);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    const char *argv[3];
  } targets[] = {
    { "empty-functions", { "truth_tree.py", "0", NULL } },
    { "some-work", { "truth_tree.py", "40", NULL } },
    { "deep-recursion", { "truth_deep.py", NULL } },
    { "coroutines", { "truth_async.py", NULL } },
  };
  static const char *const precisions[] = { "auto", "exact", "fast" };
  guint64 samples = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 100000;
  const char *version = argc > 2 ? argv[2] : "";
  const char *precision = argc > 3 ? argv[3] : "";
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  g_print ("%-9s %-16s %-6s %9s %10s %9s %9s %9s %8s %9s %8s %8s\n", "python", "target", "mode", "samples",
           "impossible", "live", "still", "stopped", "dropped", "a second", "pause us", "max us");
  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (targets); j++)
      for (guint k = 0; k < G_N_ELEMENTS (precisions); k++)
        {
          const HapTestPython *python = g_ptr_array_index (pythons, i);
          Truth truth;

          if (!g_str_has_prefix (python->version, version) || !g_str_has_prefix (precisions[k], precision))
            continue;
          truth_measure (python, targets[j].argv, (PyPrecision)k, samples, &truth);
          print_row (python, targets[j].name, precisions[k], &truth);
        }
  return EXIT_SUCCESS;
}
