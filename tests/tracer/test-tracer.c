/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tracer, through its client and by its socket alone, on targets that count what must not happen to them.
 */

#include "hap-test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer-protocol.h"

#define STORM 500
#define KILLS 200
#define TRIES 10

static HapTestProcess *
spawn (const char *mode)
{
  const HapTestPython program = { .path = (char *)TRACER_TARGET };
  const char *argv[] = { mode, NULL };

  return hap_test_spawn (&program, argv);
}

static HapTarget *
attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  return target;
}

static GArray *
list_threads (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task", pid);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  GArray *tids = g_array_new (FALSE, FALSE, sizeof (guint));
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      guint tid = g_ascii_strtoull (name, NULL, 10);

      g_array_append_val (tids, tid);
    }
  return tids;
}

/* '\0': it has ended. */
static char
get_state (guint pid, guint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/stat", pid, tid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return '\0';
  return strrchr (text, ')')[2];
}

static void
wait_for_state (guint pid, guint tid, const char *states)
{
  while (strchr (states, get_state (pid, tid)) == NULL)
    g_thread_yield ();
}

static guint
get_other_thread (guint pid)
{
  g_autoptr (GArray) tids = list_threads (pid);

  for (guint i = 0; i < tids->len; i++)
    if (g_array_index (tids, guint, i) != pid)
      return g_array_index (tids, guint, i);
  g_assert_not_reached ();
}

static gboolean
is_traced (guint pid, guint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/status", pid, tid);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && strstr (text, "\nTracerPid:\t0\n") == NULL;
}

static gint64
get_count (HapTestProcess *process)
{
  g_autofree char *line = NULL;

  hap_test_process_write_line (process, "count");
  line = hap_test_process_read_line (process);
  g_assert_nonnull (line);
  return g_ascii_strtoll (line, NULL, 10);
}

/* On a loaded machine a stop may take too long, or we may be too late to end it: then it was no stop, and
 * that is all. */
static gboolean
hold (HapTarget *target, guint tid)
{
  g_autoptr (GError) error = NULL;

  if (hap_target_hold (target, tid, &error))
    return TRUE;
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  return FALSE;
}

static gboolean
let_go (HapTarget *target)
{
  g_autoptr (GError) error = NULL;

  if (hap_target_let_go (target, NULL, &error))
    return TRUE;
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  return FALSE;
}

static void
visit (HapTarget *target, guint tid)
{
  if (hold (target, tid))
    let_go (target);
}

static void
test_hold_one (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint busy = get_other_thread (pid);
  char held, other;
  guint64 pause;
  g_autoptr (GError) error = NULL;

  do
    {
      g_clear_error (&error);
      while (!hold (target, busy))
        continue;
      held = get_state (pid, busy);
      other = get_state (pid, pid);
    }
  while (!hap_target_let_go (target, &pause, &error));
  g_assert_cmpint (held, ==, 't');
  g_assert_cmpint (other, !=, 't');
  g_assert_cmpuint (pause, >, 0);

  g_assert_cmpint (get_state (pid, busy), ==, 'R');
  g_assert_false (is_traced (pid, busy));
}

/* All of them are stopped, also while the target makes and ends threads all the time. */
static void
test_hold_all (void)
{
  g_autoptr (HapTestProcess) process = spawn ("churn");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint proofs = 0;

  while (proofs < 100)
    {
      g_autoptr (GArray) tids = NULL;
      guint running = 0;

      if (!hold (target, 0))
        continue;
      tids = list_threads (pid);
      for (guint i = 0; i < tids->len; i++)
        running += strchr ("tZX", get_state (pid, g_array_index (tids, guint, i))) == NULL;
      if (!let_go (target))
        continue;
      g_assert_cmpuint (running, ==, 0);
      proofs++;
    }
  g_assert_cmpint (get_count (process), ==, 0);
}

static void
test_hold_python (gconstpointer data)
{
  static const char *const argv[] = { "threads.py", "20", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GArray) tids = list_threads (pid);
  guint stopped = 0;

  g_assert_cmpuint (tids->len, ==, 21);
  while (stopped != tids->len)
    {
      if (!hold (target, 0))
        continue;
      stopped = 0;
      for (guint i = 0; i < tids->len; i++)
        stopped += get_state (pid, g_array_index (tids, guint, i)) == 't';
      if (let_go (target))
        g_assert_cmpuint (stopped, ==, tids->len);
      else
        stopped = 0;
    }
  for (guint i = 0; i < tids->len; i++)
    g_assert_false (is_traced (pid, g_array_index (tids, guint, i)));
}

static void
test_hold_expires (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint busy = get_other_thread (pid);

  while (!hold (target, busy))
    continue;
  wait_for_state (pid, busy, "R");
  g_assert_false (is_traced (pid, busy));
  g_assert_false (let_go (target));

  /* That was told once; it can be held again. */
  while (!hold (target, busy) || !let_go (target))
    continue;
}

static void
test_hold_twice (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  g_assert_false (hap_target_let_go (target, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);

  do
    {
      while (!hold (target, pid))
        continue;
      g_clear_error (&error);
      if (hap_target_hold (target, pid, &error))
        continue; /* the first had expired */
    }
  while (!let_go (target));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
}

static void
test_refuse_foreign (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTestProcess) bystander = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (bystander);
  const guint foreign[] = { pid, get_other_thread (pid), 1, getpid (), 4194303, G_MAXINT32 };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (hap_target_hold (target, foreign[i], &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
    }
  g_assert_false (is_traced (pid, pid));
  visit (target, 0);
}

static void
test_refuse_ended (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  const guint tids[] = { pid, get_other_thread (pid), 0 };

  kill (pid, SIGKILL);
  while (hap_test_process_is_alive (process))
    g_thread_yield ();
  for (guint i = 0; i < G_N_ELEMENTS (tids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (hap_target_hold (target, tids[i], &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
    }
}

/* The main thread can end before the others: it stays as a zombie. */
static void
test_refuse_zombie_leader (void)
{
  g_autoptr (HapTestProcess) process = spawn ("no-leader");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (get_count (process), ==, 0);
  wait_for_state (pid, pid, "Z");
  g_assert_false (hap_target_hold (target, pid, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  while (!hold (target, 0) || !let_go (target))
    continue;
  g_assert_cmpint (get_count (process), ==, 0);
}

static void
test_refuse_traced (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) first = attach (process);
  g_autoptr (HapTarget) second = attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  do
    {
      g_clear_error (&error);
      while (!hold (first, pid))
        continue;
      if (hap_target_hold (second, pid, &error))
        let_go (second);
    }
  while (!let_go (first));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
}

/* What cannot be stopped is left running, and neither the target nor the tracer suffers. */
static void
test_refuse_vfork (void)
{
  g_autoptr (HapTestProcess) process = spawn ("vfork");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint waiting = get_other_thread (pid);
  g_autofree char *line = NULL;

  wait_for_state (pid, waiting, "D");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_false (hold (target, waiting));
      g_assert_false (is_traced (pid, waiting));
      g_assert_false (hold (target, 0));
      g_assert_false (is_traced (pid, pid));
      g_assert_cmpint (get_state (pid, pid), !=, 't');
    }
  hap_test_process_write_line (process, "go on");
  line = hap_test_process_read_line (process);
  g_assert_cmpstr (line, ==, "vfork returned");
  while (!hold (target, pid) || !let_go (target))
    continue;
}

/* A target that is stopped by SIGSTOP can be held, and is stopped after that as before: with nothing new for
 * its parent. */
static void
test_group_stop (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint tids[] = { pid, get_other_thread (pid) };
  siginfo_t info = { 0 };

  kill (pid, SIGSTOP);
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED), ==, 0);
  for (guint i = 0; i < 20; i++)
    {
      visit (target, 0);
      for (guint k = 0; k < G_N_ELEMENTS (tids); k++)
        {
          visit (target, tids[k]);
          wait_for_state (pid, tids[k], "T");
          g_assert_false (is_traced (pid, tids[k]));
        }
    }
  info.si_pid = 0;
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED | WNOHANG), ==, 0);
  g_assert_cmpint (info.si_pid, ==, 0);

  kill (pid, SIGCONT);
  g_assert_cmpint (waitid (P_PID, pid, &info, WCONTINUED), ==, 0);
  wait_for_state (pid, tids[1], "R");
  g_assert_cmpint (get_count (process), ==, 0);
}

static gpointer
send_signals (gpointer data)
{
  guint pid = GPOINTER_TO_UINT (data);
  const union sigval none = { 0 };

  for (guint i = 0; i < STORM; i++)
    while (sigqueue (pid, SIGRTMIN, none) != 0)
      g_thread_yield ();
  return NULL;
}

/* Every signal that arrives around the stops is delivered, once. */
static void
test_signals (void)
{
  g_autoptr (HapTestProcess) process = spawn ("signals");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  GThread *sender = g_thread_new ("sender", send_signals, GUINT_TO_POINTER (pid));

  for (guint i = 0; i < STORM; i++)
    visit (target, i % 4 == 0 ? 0 : pid);
  g_thread_join (sender);
  while (get_count (process) < STORM)
    continue;
  g_assert_cmpint (get_count (process), ==, STORM);
}

#ifdef __x86_64__
/* Returns how many threads were interrupted; -1 if one may have been because it did not get to its stop in
 * time. */
static gint64
storm_waits (HapTestProcess *process)
{
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GArray) tids = list_threads (pid);
  gboolean late = FALSE;
  gint64 count;

  g_assert_cmpuint (tids->len, >=, 21);
  for (guint i = 0; i < tids->len; i++)
    wait_for_state (pid, g_array_index (tids, guint, i), "S");
  for (guint i = 0; i < STORM; i++)
    {
      guint tid = i % 2 == 0 ? 0 : g_array_index (tids, guint, i / 2 % tids->len);

      if (hap_target_hold (target, tid, NULL))
        let_go (target);
      else
        late = TRUE;
    }
  count = get_count (process);
  return count > 0 && late ? -1 : count;
}

static void
test_no_interruption (void)
{
  for (guint i = 0; i < TRIES; i++)
    {
      g_autoptr (HapTestProcess) process = spawn ("waits");
      gint64 interrupted = storm_waits (process);

      if (interrupted < 0)
        continue;
      g_assert_cmpint (interrupted, ==, 0);
      return;
    }
  g_test_skip ("this machine has too much to do to stop a thread in time");
}
#else
static void
test_no_interruption (void)
{
  g_test_skip ("the kernel hides what would be needed to restart the call on this processor");
}
#endif

/* A signal that comes while the thread is held interrupts its call as it would have: nothing is restarted
 * then. */
static void
test_real_interruption (void)
{
  g_autoptr (HapTestProcess) process = spawn ("interruptible");
  g_autoptr (HapTarget) target = attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint waiting = get_other_thread (pid);

  for (guint i = 1; i <= 50; i++)
    {
      wait_for_state (pid, waiting, "S");
      while (!hold (target, waiting))
        continue;
      syscall (SYS_tgkill, pid, waiting, SIGUSR1);
      let_go (target);
      while (get_count (process) < i)
        continue;
      g_assert_cmpint (get_count (process), ==, i);
    }
}

/* A tracer that does not run keeps nobody stopped: the kernel ends it. */
static void
test_watchdog (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  guint pid = hap_test_process_get_pid (process);
  guint busy = get_other_thread (pid);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (HapTarget) target = attach (process);
      g_autoptr (GError) error = NULL;

      while (!hold (target, 0))
        continue;
      kill (hap_test_get_tracer_pid (target), SIGSTOP);
      wait_for_state (pid, busy, "R");
      wait_for_state (pid, pid, "S");

      /* Unless it let go by itself before it was stopped. */
      kill (hap_test_get_tracer_pid (target), SIGCONT);
      if (!hap_target_let_go (target, NULL, &error))
        g_assert_true (g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED)
                       || g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT));
    }
  g_assert_cmpint (get_count (process), ==, 0);
}

typedef struct
{
  guint pid;
  guint spins;
} Killing;

static gpointer
kill_later (gpointer data)
{
  Killing *killing = data;

  for (guint i = 0; i < killing->spins; i++)
    g_thread_yield ();
  kill (killing->pid, SIGKILL);
  return NULL;
}

static void
test_kill (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint pid = hap_test_process_get_pid (process);
  guint tids[] = { 0, pid, get_other_thread (pid) };

  for (guint i = 0; i < KILLS; i++)
    {
      g_autoptr (HapTarget) target = attach (process);
      Killing killing = { hap_test_get_tracer_pid (target), g_rand_int_range (random, 0, 2000) };
      GThread *killer = g_thread_new ("killer", kill_later, &killing);
      g_autoptr (GError) error = NULL;

      while (!g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED))
        {
          g_clear_error (&error);
          if (hap_target_hold (target, tids[i % G_N_ELEMENTS (tids)], &error))
            hap_target_let_go (target, NULL, &error);
        }
      g_thread_join (killer);
    }
  wait_for_state (pid, tids[2], "R");
  g_assert_false (is_traced (pid, tids[2]));
  g_assert_cmpint (get_count (process), ==, 0);
}

/* A tracer that was ended costs the hold at hand: the next one has another. */
static void
test_started_again (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  guint tid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  hap_test_allow_tracers (target, 2);
  for (guint i = 0; i < 2; i++)
    {
      while (!hold (target, tid))
        continue;
      kill (hap_test_get_tracer_pid (target), SIGKILL);
      g_assert_false (hap_target_let_go (target, NULL, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
      g_clear_error (&error);
    }
  g_assert_false (hap_target_hold (target, tid, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_cmpint (get_count (process), ==, 0);
}

/* Whoever does not keep to the protocol loses its tracer, and the target loses nothing. */
static void
test_protocol (void)
{
  static const struct
  {
    gsize size;
    guint32 words[3];
  } packets[] = {
    { 8, { 0, 0 } },
    { 8, { 3, 0 } },
    { 8, { TRACER_LET_GO, 1 } },
    { 8, { TRACER_HOLD, 0x80000000 } },
    { 4, { TRACER_HOLD } },
    { 12, { TRACER_HOLD, 0, 0 } },
    { 1, { TRACER_HOLD } },
  };
  g_autoptr (HapTestProcess) process = spawn ("compute");
  guint pid = hap_test_process_get_pid (process);
  int pidfd = syscall (SYS_pidfd_open, pid, 0);

  for (guint i = 0; i < G_N_ELEMENTS (packets); i++)
    {
      const TracerRequest hold_all = { TRACER_HOLD, 0 };
      TracerReply reply;
      guint tracer;
      int status;
      int fd = hap_test_start_tracer (pid, pidfd, &tracer, NULL);

      g_assert_cmpint (send (fd, &hold_all, sizeof hold_all, 0), ==, sizeof hold_all);
      g_assert_cmpint (recv (fd, &reply, sizeof reply, 0), ==, sizeof reply);
      g_assert_cmpint (send (fd, packets[i].words, packets[i].size, 0), ==, packets[i].size);
      g_assert_cmpint (recv (fd, &reply, sizeof reply, 0), ==, 0);
      close (fd);

      g_assert_cmpint (waitpid (tracer, &status, 0), ==, tracer);
      g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) != 0);
      g_assert_false (is_traced (pid, pid));
    }
  close (pidfd);
  g_assert_cmpint (get_count (process), ==, 0);
}

/* The worker's end, by crash or by kill, is the tracer's end. */
static void
test_peer_ends (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  guint pid = hap_test_process_get_pid (process);
  int pidfd = syscall (SYS_pidfd_open, pid, 0);
  const TracerRequest hold_all = { TRACER_HOLD, 0 };
  guint tracer;
  int status;
  int fd = hap_test_start_tracer (pid, pidfd, &tracer, NULL);

  g_assert_cmpint (send (fd, &hold_all, sizeof hold_all, 0), ==, sizeof hold_all);
  close (fd);
  close (pidfd);
  g_assert_cmpint (waitpid (tracer, &status, 0), ==, tracer);
  g_assert_false (is_traced (pid, pid));
  g_assert_cmpint (get_count (process), ==, 0);
}

static void
test_cage (void)
{
  g_autoptr (HapTestProcess) process = spawn ("compute");
  g_autoptr (HapTarget) target = attach (process);
  g_autofree char *status_path = g_strdup_printf ("/proc/%u/status", hap_test_get_tracer_pid (target));
  g_autofree char *fds_path = g_strdup_printf ("/proc/%u/fd", hap_test_get_tracer_pid (target));
  g_autoptr (GDir) fds = NULL;
  g_autofree char *status = NULL;
  const char *name;

  visit (target, 0);
  g_assert_true (g_file_get_contents (status_path, &status, NULL, NULL));
  g_assert_nonnull (strstr (status, "\nNoNewPrivs:\t1\n"));
  fds = g_dir_open (fds_path, 0, NULL);
  g_assert_nonnull (fds);
  while ((name = g_dir_read_name (fds)) != NULL)
    g_assert_cmpuint (g_ascii_strtoull (name, NULL, 10), <=, 5);
}

/* Started by hand it does nothing. */
static void
test_usage (void)
{
  g_autofree char *program =
      g_build_filename (hap_test_build_dir (), "src", "tracer", "ha-profiler-tracer", NULL);
  const char *argv[] = { program, "1", NULL };
  g_autofree char *message = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, 0, NULL, NULL, NULL, &message, &status, NULL));
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 1);
  g_assert_nonnull (strstr (message, "is started by ha-profilerd"));
}

int
main (int argc, char **argv)
{
  GPtrArray *pythons;

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tracer/hold/one", test_hold_one);
  g_test_add_func ("/tracer/hold/all", test_hold_all);
  g_test_add_func ("/tracer/hold/expires", test_hold_expires);
  g_test_add_func ("/tracer/hold/twice", test_hold_twice);
  g_test_add_func ("/tracer/refuse/foreign", test_refuse_foreign);
  g_test_add_func ("/tracer/refuse/ended", test_refuse_ended);
  g_test_add_func ("/tracer/refuse/zombie-leader", test_refuse_zombie_leader);
  g_test_add_func ("/tracer/refuse/traced", test_refuse_traced);
  g_test_add_func ("/tracer/refuse/vfork", test_refuse_vfork);
  g_test_add_func ("/tracer/stopped/stays-stopped", test_group_stop);
  g_test_add_func ("/tracer/signals/passed-on", test_signals);
  g_test_add_func ("/tracer/interruption/none", test_no_interruption);
  g_test_add_func ("/tracer/interruption/real", test_real_interruption);
  g_test_add_func ("/tracer/end/watchdog", test_watchdog);
  g_test_add_func ("/tracer/end/killed", test_kill);
  g_test_add_func ("/tracer/end/started-again", test_started_again);
  g_test_add_func ("/tracer/end/peer-ends", test_peer_ends);
  g_test_add_func ("/tracer/end/protocol", test_protocol);
  g_test_add_func ("/tracer/cage/descriptors", test_cage);
  g_test_add_func ("/tracer/cage/usage", test_usage);

  pythons = hap_test_list_pythons (TRUE);
  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = g_ptr_array_index (pythons, i);
      g_autofree char *path =
          g_strdup_printf ("/tracer/python/%s%s", python->version, python->root ? "-chroot" : "");

      g_test_add_data_func (path, python, test_hold_python);
    }
  return g_test_run ();
}
