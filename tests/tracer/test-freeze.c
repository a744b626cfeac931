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
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "hap-snapshot.h"

#define N_WAITS 20
#define MAX_TRIES 5

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
  hap_test_sweep (pid);
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
  hap_test_sweep (pid);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static gboolean
is_interrupted (guint wait)
{
  g_autofree char *argument = g_strdup_printf ("%u", wait);
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with ("main-wait", argument);
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);

  tracer_test_wait_for_state (pid, pid, "S");
  for (guint i = 0; i < 10; i++)
    hap_snapshot_free (take (target));
  hap_test_sweep (pid);
  return tracer_test_get_count (process) > 0;
}

/* No call of the main thread's ends because of it. A tracer that a loaded machine gives no time is ended by
 * its watchdog, and with it a call that the kernel does not restart by itself: then once more. */
static void
test_no_interruption (gconstpointer data)
{
  guint n_tries = 1;

  while (is_interrupted (GPOINTER_TO_UINT (data)))
    g_assert_cmpuint (n_tries++, <, MAX_TRIES);
}

/* What the target closes is closed, whom it waits for is not the copy, and no signal says that it ended. */
static void
test_invisible (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-files");
  g_autoptr (HapTarget) target = tracer_test_attach (process);

  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (HapSnapshot) snapshot = take (target);

      g_assert_true (hap_snapshot_is_fork (snapshot));
      g_assert_cmpint (tracer_test_get_count (process), ==, 0);
    }
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* Of up to a MiB of each mapping. */
static char *
sum_up (HapSnapshot *snapshot)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
  HapMaps *maps = hap_snapshot_get_maps (snapshot);
  g_autofree guint8 *bytes = g_malloc (1024 * 1024);

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      gsize size = MIN (mapping->end - mapping->start, 1024 * 1024);

      if (mapping->shared || g_str_has_prefix (mapping->path, "[vvar"))
        continue;
      size = hap_memory_read_some (hap_snapshot_get_memory (snapshot), mapping->start, bytes, size);
      g_checksum_update (sum, bytes, size);
    }
  return g_strdup (g_checksum_get_string (sum));
}

/* The copy stays as it was, whatever the target does. */
static void
test_still (gconstpointer data)
{
  static const char *const argv[] = { "threads.py", "20", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);

  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (HapSnapshot) snapshot = take (target);
      g_autofree char *first = sum_up (snapshot);
      g_autofree char *second = sum_up (snapshot);

      g_assert_true (hap_snapshot_is_fork (snapshot));
      g_assert_cmpstr (first, ==, second);
    }
  hap_test_sweep (pid);
}

/* A call that was begun when its tracer was ended comes to its end only when the process goes on: until then
 * no other can be made. */
static void
go_on_and_stop (guint pid)
{
  siginfo_t info = { 0 };

  kill (pid, SIGCONT);
  tracer_test_wait_for_state (pid, pid, "RS");
  kill (pid, SIGSTOP);
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED), ==, 0);
}

static void
test_stopped (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  siginfo_t info = { 0 };

  kill (pid, SIGSTOP);
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED), ==, 0);
  for (guint n_taken = 0; n_taken < 10;)
    {
      g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (target, NULL, NULL);

      n_taken += snapshot != NULL;

      if (snapshot == NULL)
        go_on_and_stop (pid);
      else
        tracer_test_wait_for_state (pid, pid, "T");
    }
  info.si_pid = 0;
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED | WNOHANG), ==, 0);
  g_assert_cmpint (info.si_pid, ==, 0);
  kill (pid, SIGCONT);
  hap_test_sweep (pid);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* Takes what is no fork, since the target is small, and says why. */
static void
check_copied (HapTestProcess *process, const char *why)
{
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (HapSnapshot) snapshot = take (target);

  g_assert_false (hap_snapshot_is_fork (snapshot));
  g_assert_nonnull (strstr (hap_snapshot_get_refusal (snapshot), why));
  hap_test_sweep (pid);
  g_assert_true (hap_snapshot_is_alive (snapshot));
  g_assert_cmpuint (hap_snapshot_get_pause_ns (snapshot), >, 0);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_seccomp (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-seccomp");

  check_copied (process, "seccomp");
}

/* The limit binds only who is not root. */
static void
test_process_limit (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-nobody");

  check_copied (process, "limit of processes");
}

/* The directory of a new control group for numbers of processes; NULL: there are none to be made here. */
static char *
make_group (void)
{
  static const char *const roots[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup" };

  for (guint i = 0; i < G_N_ELEMENTS (roots); i++)
    {
      g_autofree char *group = g_strdup_printf ("%s/hap-test-%d", roots[i], getpid ());
      g_autofree char *limit = g_build_filename (group, "pids.max", NULL);

      if (g_mkdir (group, 0755) != 0)
        continue;
      if (access (limit, W_OK) == 0)
        return g_steal_pointer (&group);
      g_rmdir (group);
    }
  return NULL;
}

static gboolean
write_number (const char *group, const char *name, guint number)
{
  g_autofree char *path = g_build_filename (group, name, NULL);
  FILE *file = fopen (path, "w");
  gboolean written = file != NULL && fprintf (file, "%u", number) > 0;

  return file != NULL && fclose (file) == 0 && written;
}

static void
test_process_group (void)
{
  g_autofree char *group = make_group ();

  if (group == NULL)
    {
      g_test_skip ("no control group can be made here");
      return;
    }
  {
    g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");

    g_assert_true (write_number (group, "cgroup.procs", hap_test_process_get_pid (process)));
    g_assert_true (write_number (group, "pids.max", 1));
    check_copied (process, "limit of processes");
  }
  while (g_rmdir (group) != 0)
    g_assert_cmpint (errno, ==, EBUSY);
}

/* What cannot be copied either is refused, with both reasons. */
static void
test_too_large (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with ("main-seccomp", "100");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autoptr (GError) error = NULL;

  do
    {
      g_clear_error (&error);
      g_assert_null (hap_target_snapshot (target, NULL, &error));
    }
  while (g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, "seccomp"));
  g_assert_nonnull (strstr (error->message, "MiB"));
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_twice (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autoptr (HapSnapshot) snapshot = take (target);
  g_autoptr (GError) error = NULL;

  g_assert_null (hap_target_snapshot (target, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
  g_assert_true (hap_snapshot_is_alive (snapshot));
}

/* The copy does not outlive the target. */
static void
test_target_ends (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autoptr (HapSnapshot) snapshot = take (target);

  kill (hap_test_process_get_pid (process), SIGKILL);
  while (hap_snapshot_is_alive (snapshot))
    g_thread_yield ();
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

static void
test_target_killed (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (g_test_rand_int ());

  for (guint i = 0; i < n_kills / 2; i++)
    {
      g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
      g_autoptr (HapTarget) target = tracer_test_attach (process);
      Killing killing = { hap_test_process_get_pid (process), g_rand_int_range (random, 0, 8000) };
      GThread *killer = g_thread_new ("killer", kill_later, &killing);
      g_autoptr (GError) error = NULL;

      while (hap_target_is_alive (target))
        {
          g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (target, NULL, &error);

          g_clear_error (&error);
        }
      g_thread_join (killer);
      g_assert_null (hap_target_snapshot (target, NULL, &error));
    }
}

/* A target that becomes another program again and again: what is taken is its or nothing, and it gets to its
 * end. */
static void
test_target_execs (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with ("execs", "100");
  guint n_taken = 0, n_tries = 0;
  g_autofree char *line = NULL;

  hap_test_process_write_line (process, "go");
  while (n_tries++ < 150)
    {
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, NULL);
      g_autoptr (HapSnapshot) snapshot = target != NULL ? hap_target_snapshot (target, NULL, NULL) : NULL;

      n_taken += snapshot != NULL;
    }
  g_test_message ("%u of %u", n_taken, n_tries);
  line = hap_test_process_read_line (process);
  g_assert_cmpstr (line, ==, "ready");
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* Nor the tracer. */
/* A copy that its tracer left is reaped by the next one, also if its peer is gone already. */
static void
test_swept (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autoptr (HapSnapshot) snapshot = take (target);
  guint pid = hap_test_process_get_pid (process);

  kill (hap_test_get_tracer_pid (target), SIGKILL);
  while (hap_snapshot_is_alive (snapshot))
    g_thread_yield ();
  g_assert_cmpuint (count_children (pid), ==, 1);
  hap_test_sweep (pid);
  g_assert_cmpuint (count_children (pid), ==, 0);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_tracer_ends (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("main-compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autoptr (HapSnapshot) snapshot = take (target);

  kill (hap_test_get_tracer_pid (target), SIGKILL);
  while (hap_snapshot_is_alive (snapshot))
    g_thread_yield ();
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* Takes and drops until the tracer is killed. */
static void
take_until_killed (HapTestProcess *process, GRand *random)
{
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  Killing killing = { hap_test_get_tracer_pid (target), g_rand_int_range (random, 0, 8000) };
  GThread *killer = g_thread_new ("killer", kill_later, &killing);

  /* The next one is refused. */
  hap_test_allow_tracers (target, 1);
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (target, NULL, &error);

      if (g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED))
        break;
      /* The target lives, and so do its rights: all else would be untrue. */
      if (error != NULL)
        g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
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

/* In namespaces of its own, too, where the copies have other numbers. */
static void
test_kill_python (gconstpointer data)
{
  static const char *const argv[] = { "threads.py", "5", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (GRand) random = g_rand_new_with_seed (g_test_rand_int ());
  guint pid = hap_test_process_get_pid (process);

  for (guint i = 0; i < n_kills / 4; i++)
    take_until_killed (process, random);
  do
    {
      g_autoptr (HapTarget) target = tracer_test_attach (process);

      hap_snapshot_free (take (target));
    }
  while (count_children (pid) > 0);
  g_assert_true (hap_test_process_is_alive (process));
  g_assert_false (tracer_test_is_traced (pid, pid));
}

int
main (int argc, char **argv)
{
  /*
   * Computing, with little and with much to share out; in futex(), nanosleep(), pause(), poll() and read(),
   * which the kernel restarts. (A call that ends at any stop does so when nobody is there any more to undo
   * that.)
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
  g_test_add_func ("/tracer/freeze/invisible", test_invisible);
  g_test_add_func ("/tracer/freeze/stopped", test_stopped);
  g_test_add_func ("/tracer/freeze/twice", test_twice);
  g_test_add_func ("/tracer/freeze/target-ends", test_target_ends);
  g_test_add_func ("/tracer/freeze/target-killed", test_target_killed);
  g_test_add_func ("/tracer/freeze/target-execs", test_target_execs);
  g_test_add_func ("/tracer/freeze/tracer-ends", test_tracer_ends);
  g_test_add_func ("/tracer/freeze/swept", test_swept);
  g_test_add_func ("/tracer/freeze/refused/seccomp", test_seccomp);
  g_test_add_func ("/tracer/freeze/refused/process-limit", test_process_limit);
  g_test_add_func ("/tracer/freeze/refused/process-group", test_process_group);
  g_test_add_func ("/tracer/freeze/refused/too-large", test_too_large);
  hap_test_add ("/tracer/freeze/still", test_still);
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
  hap_test_add ("/tracer/freeze/killed/python", test_kill_python);
  return g_test_run ();
}
