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

typedef struct
{
  guint pid;
  gulong delay_us;
} Killing;

static gpointer
kill_later (gpointer data)
{
  const Killing *killing = data;

  g_usleep (killing->delay_us);
  kill (killing->pid, SIGKILL);
  return NULL;
}

/* Takes and drops until the tracer is killed. */
static void
take_until_killed (HapTestProcess *process, GRand *random)
{
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  Killing killing = { hap_test_get_tracer_pid (target), g_rand_int_range (random, 0, 8000) };
  GThread *killer = g_thread_new ("killer", kill_later, &killing);

  /* The test allows one tracer: the next one is refused. */
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (target, NULL, &error);

      if (g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED))
        break;
    }
  g_thread_join (killer);
}

/* What is left of it is gone with the next tracer, as soon as it has ended. */
static void
check_unharmed (HapTestProcess *process)
{
  guint pid = hap_test_process_get_pid (process);

  do
    {
      g_autoptr (HapTarget) target = tracer_test_attach (process);

      hap_snapshot_free (take (target));
    }
  while (count_children (pid) > 0);
  g_assert_false (tracer_test_is_traced (pid, pid));
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_kill (gconstpointer data)
{
  const char *const *argv = data;
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with (argv[0], argv[1]);
  g_autoptr (GRand) random = g_rand_new_with_seed (g_test_rand_int ());

  for (guint i = 0; i < n_kills; i++)
    {
      take_until_killed (process, random);
      g_assert_true (hap_test_process_is_alive (process));
      if (i % 8 == 7)
        check_unharmed (process);
    }
  check_unharmed (process);
}

int
main (int argc, char **argv)
{
  /*
   * Computing, with little and with much to share out; in futex(), nanosleep(), pause(), poll() and read(), which the
   * kernel restarts. (A call that ends at any stop does so when nobody is there any more to undo that.)
   */
  static const char *const killed[][2] = {
    { "main-compute", "0" }, { "main-ballast", "200" }, { "main-wait", "6" },  { "main-wait", "8" },
    { "main-wait", "9" },    { "main-wait", "10" },     { "main-wait", "12" },
  };

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
  for (guint i = 0; i < G_N_ELEMENTS (killed); i++)
    {
      g_autofree char *path = g_strdup_printf ("/tracer/freeze/killed/%s-%s", killed[i][0], killed[i][1]);

      g_test_add_data_func (path, killed[i], test_kill);
    }
  return g_test_run ();
}
