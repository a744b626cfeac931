/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * empty-run PID COUNT: runs code that does nothing in a process, COUNT times, and prints how many
 * milliseconds that takes from the wish to the result: median, 95th percentile, maximum; and for how many
 * the process stood still (median). For tests/bench/run.
 */

#include <stdio.h>
#include <stdlib.h>

#include "hap-test.h"
#include "py-run.h"

#define TIMEOUT 10

static gint
compare (gconstpointer a, gconstpointer b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double
get_share (GArray *sorted, double share)
{
  return g_array_index (sorted, double, (guint)(share * (sorted->len - 1)));
}

static gboolean
measure (HapTarget *target, PyRuntime *runtime, GArray *times, GArray *pauses, GError **error)
{
  g_autoptr (PyRun) run = py_run_new (target, runtime);
  g_autoptr (JsonNode) value = NULL;
  gint64 begin = g_get_monotonic_time ();
  PyRunEvent event;
  double milliseconds;

  if (!py_run_start (run, "def run(arguments):\n    return None\n", NULL, TIMEOUT, NULL, error)
      || !py_run_next (run, &event, &value, TIMEOUT, NULL, error))
    return FALSE;
  milliseconds = (double)(g_get_monotonic_time () - begin) / 1e3;
  g_array_append_val (times, milliseconds);
  milliseconds = (double)py_run_get_pause_ns (run) / 1e6;
  g_array_append_val (pauses, milliseconds);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target =
      argc == 3 ? hap_test_attach ((guint)strtoul (argv[1], NULL, 10), TRUE, &error) : NULL;
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) pauses = g_array_new (FALSE, FALSE, sizeof (double));

  if (target != NULL)
    {
      hap_test_allow_tracers (target, G_MAXUINT);
      runtime = py_runtime_attach (target, &error);
    }
  for (gint i = 0; runtime != NULL && error == NULL && i < atoi (argv[2]); i++)
    measure (target, runtime, times, pauses, &error);
  if (error != NULL || times->len == 0)
    {
      g_printerr ("empty-run: %s\n", error != NULL ? error->message : "usage: empty-run PID COUNT");
      return EXIT_FAILURE;
    }
  g_array_sort (times, compare);
  g_array_sort (pauses, compare);
  printf ("%.2f %.2f %.2f %.2f\n", get_share (times, 0.5), get_share (times, 0.95), get_share (times, 1),
          get_share (pauses, 0.5));
  return EXIT_SUCCESS;
}
