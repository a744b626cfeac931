/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints what reading a heap costs: objects a second and bytes of ours an object, from a frozen copy of a
 * program with as many objects as it is told, beside the program's own walk through what its collector knows.
 * Asserts nothing.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hap-test.h"
#include "py-heap-copy.h"

/* Of this thread's work: what others do on the machine meanwhile counts little. */
static double
get_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* A line of /proc/self/status, in bytes. */
static guint64
get_memory (const char *line)
{
  g_autofree char *status = NULL;
  const char *found;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  found = strstr (status, line);
  return found != NULL ? g_ascii_strtoull (found + strlen (line), NULL, 10) * 1024 : 0;
}

static void
check (gboolean done, GError *error)
{
  if (!done)
    g_error ("bench-heap: %s", error->message);
}

/* What the kernel counts as the most that we ever had is what we have, again. */
static void
reset_peak (void)
{
  g_file_set_contents_full ("/proc/self/clear_refs", "5", 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
}

/* The program's own: seconds and objects. */
static void
walk_inside (HapTestProcess *process)
{
  g_autofree char *line = NULL;
  g_auto (GStrv) words = NULL;

  hap_test_process_write_line (process, "walk");
  line = hap_test_process_read_line (process);
  words = g_strsplit (line, " ", 2);
  g_print ("  gc.get_objects(), sys.getsizeof(), gc.get_referents() in it: %.2f s, %.2f M objects/s\n",
           g_ascii_strtod (words[0], NULL),
           g_ascii_strtod (words[1], NULL) / g_ascii_strtod (words[0], NULL) / 1e6);
}

static void
read_heap (HapTarget *target, PyRuntime *runtime, PyHeapFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_auto (PyHeapCopy) copy = { 0 };
  guint64 before = get_memory ("VmRSS:"), peak;
  double begin, read, referrers = 0;
  guint32 n;

  reset_peak ();
  begin = get_time ();
  check (py_heap_copy_take (&copy, target, runtime, flags, NULL, &error), error);
  read = get_time () - begin;
  if ((flags & PY_HEAP_TRACKED_ONLY) != 0)
    {
      n = py_heap_get_stats (copy.heap)->n_tracked;
      g_print ("  counted: %u objects, %.3f s, %.2f M objects/s, %.0f MiB read\n", n, read, n / read / 1e6,
               (double)py_heap_get_stats (copy.heap)->bytes_read / 0x1p20);
      return;
    }
  py_heap_drop_window (copy.heap);
  if ((flags & PY_HEAP_WITH_REFERENCES) != 0)
    {
      begin = get_time ();
      check (py_heap_make_referrers (copy.heap, NULL, &error), error);
      referrers = get_time () - begin;
    }
  peak = get_memory ("VmHWM:") - before;
  n = py_heap_get_n_objects (copy.heap);
  g_print (
      "  %s: %u objects of %.0f bytes, %.3f s, referrers %.3f s, %.2f M objects/s; %.0f MiB read; peak %.1f "
      "bytes an object; paused %.1f ms\n",
      flags == PY_HEAP_ALL ? "read" : "with references", n, (double)py_heap_get_stats (copy.heap)->bytes / n,
      read, referrers, n / (read + referrers) / 1e6,
      (double)py_heap_get_stats (copy.heap)->bytes_read / 0x1p20, (double)peak / n, copy.pause * 1e3);
}

static const HapTestPython *
find_python (const char *version)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = pythons->len; i > 0; i--)
    {
      const HapTestPython *python = pythons->pdata[i - 1];

      if (python->root == NULL && g_str_has_prefix (python->version, version))
        return python;
    }
  g_error ("bench-heap: there is no Python %s", version);
}

int
main (int argc, char **argv)
{
  const char *n_objects = argc > 1 ? argv[1] : "1200000";
  guint rounds = argc > 2 ? strtoul (argv[2], NULL, 10) : 3;
  const HapTestPython *python = find_python (argc > 3 ? argv[3] : "");
  g_autofree char *script =
      g_build_filename (hap_test_source_dir (), "tests", "bench", "memory_workload.py", NULL);
  const char *const words[] = { script, n_objects, NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, words);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (PyRuntime) runtime = NULL;

  check (target != NULL, error);
  hap_test_allow_tracers (target, 100);
  runtime = py_runtime_attach (target, &error);
  check (runtime != NULL, error);
  for (guint i = 0; i < rounds; i++)
    {
      g_print ("Python %s\n", python->version);
      walk_inside (process);
      read_heap (target, runtime, PY_HEAP_TRACKED_ONLY);
      read_heap (target, runtime, PY_HEAP_ALL);
      read_heap (target, runtime, PY_HEAP_WITH_REFERENCES);
    }
  return EXIT_SUCCESS;
}
