/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * No profile shows what cannot be: on targets whose possible stacks are known, on every interpreter at hand.
 * The suite looks at some thousand stacks each; tests/bench/truth at as many as it is told.
 */

#include "truth.h"

#define SAMPLES 2000

typedef struct
{
  const HapTestPython *python;
  const char *argv[3];
  PyPrecision precision;
} Case;

static void
test_truth (gconstpointer data)
{
  const Case *item = data;
  Truth truth;

  truth_measure (item->python, item->argv, item->precision, SAMPLES, &truth);
  g_test_message ("%" G_GUINT64_FORMAT " samples, %" G_GUINT64_FORMAT " impossible, %" G_GUINT64_FORMAT
                  " unreadable; live %" G_GUINT64_FORMAT ", still %" G_GUINT64_FORMAT
                  ", stopped %" G_GUINT64_FORMAT ", dropped %" G_GUINT64_FORMAT
                  "; %.1f us a pause, %.1f us at most; %.2f s",
                  truth.samples, truth.impossible, truth.unreadable, truth.counts.live, truth.counts.still,
                  truth.counts.stopped, truth.counts.dropped,
                  (double)truth.counts.pause_ns_total / 1e3 / (double)MAX (truth.counts.stopped, 1),
                  (double)truth.counts.pause_ns_max / 1e3, truth.seconds);

  g_assert_cmpuint (truth.impossible, ==, 0);
  g_assert_cmpuint (truth.unreadable, ==, 0);
  /* Nothing is dropped but what moved at each of several tries. */
  g_assert_cmpuint (truth.counts.dropped, <=, SAMPLES / 100);
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
  static const struct
  {
    const char *name;
    PyPrecision precision;
  } precisions[] = { { "auto", PY_PRECISION_AUTO }, { "exact", PY_PRECISION_EXACT } };
  GPtrArray *pythons;

  g_test_init (&argc, &argv, NULL);
  pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (targets); j++)
      for (guint k = 0; k < G_N_ELEMENTS (precisions); k++)
        {
          const HapTestPython *python = g_ptr_array_index (pythons, i);
          Case *item = g_new0 (Case, 1);
          g_autofree char *path =
              g_strdup_printf ("/cpu/truth/%s/%s/%s%s", targets[j].name, precisions[k].name, python->version,
                               python->root != NULL ? "-container" : "");

          item->python = python;
          item->precision = precisions[k].precision;
          memcpy (item->argv, targets[j].argv, sizeof item->argv);
          g_test_add_data_func_full (path, item, test_truth, g_free);
        }
  return g_test_run ();
}
