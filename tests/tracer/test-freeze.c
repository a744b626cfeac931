/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots: that they are what the target was at one moment, that nothing of them shows in the target, and
 * that nothing is left, whoever is killed when. Arguments: --kills=N and --rounds=N for more of them than a
 * suite has time for.
 */

#include "tracer-test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-snapshot.h"

#define N_WAITS 20

static guint n_kills = 60;
static guint n_rounds = 500;

/* On a loaded machine a stop may take too long: then it is tried again. */
static HapSnapshot *
take (HapTarget *target)
{
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      HapSnapshot *snapshot = hap_target_snapshot (target, NULL, &error);

      if (snapshot != NULL)
        return snapshot;
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
    }
}

static guint
count_children (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/children", pid, pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) children = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  children = g_strsplit (g_strstrip (text), " ", -1);
  return g_strv_length (children);
}

static void
test_basic (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (HapSnapshot) snapshot = take (target);
  char magic[4];

  g_assert_true (hap_snapshot_is_fork (snapshot));
  g_assert_true (hap_memory_read (hap_snapshot_get_memory (snapshot),
                                  hap_maps_get (hap_snapshot_get_maps (snapshot), 0)->start, magic, 4));
  g_assert_cmpmem (magic, 4, "\177ELF", 4);
  g_assert_cmpuint (hap_snapshot_get_pause_ns (snapshot), >, 0);
  g_test_message ("pause %.3f ms", hap_snapshot_get_pause_ns (snapshot) / 1e6);
  g_assert_cmpuint (count_children (pid), ==, 1);
  g_clear_pointer (&snapshot, hap_snapshot_free);
  g_assert_cmpuint (count_children (pid), ==, 0);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_rounds (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint64 most = 0, sum = 0;

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (HapSnapshot) snapshot = take (target);

      most = MAX (most, hap_snapshot_get_pause_ns (snapshot));
      sum += hap_snapshot_get_pause_ns (snapshot);
    }
  g_test_message ("pause: mean %.3f ms, most %.3f ms", sum / 1e6 / n_rounds, most / 1e6);
  g_assert_cmpuint (count_children (pid), ==, 0);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* No call of the main thread's ends because of it. */
static void
test_no_interruption (gconstpointer data)
{
  g_autofree char *argument = g_strdup_printf ("%u", GPOINTER_TO_UINT (data));
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with ("main-wait", argument);
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);

  tracer_test_wait_for_state (pid, pid, "S");
  for (guint i = 0; i < 10; i++)
    hap_snapshot_free (take (target));
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
  g_assert_cmpuint (count_children (pid), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (int i = 1; i < argc; i++)
    {
      if (g_str_has_prefix (argv[i], "--kills="))
        n_kills = atoi (strchr (argv[i], '=') + 1);
      if (g_str_has_prefix (argv[i], "--rounds="))
        n_rounds = atoi (strchr (argv[i], '=') + 1);
    }

  g_test_add_func ("/tracer/freeze/basic", test_basic);
  g_test_add_func ("/tracer/freeze/rounds", test_rounds);
  for (guint i = 0; i < N_WAITS; i++)
    {
      g_autofree char *path = g_strdup_printf ("/tracer/freeze/no-interruption/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_no_interruption);
    }
  return g_test_run ();
}
