/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding threads and letting them go: who is held, who is refused, and that nothing of it shows in the
 * target.
 */

#include "tracer-test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer-protocol.h"

#define STORM 500
#define TRIES 10

static void
test_hold_one (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint busy = tracer_test_get_other_thread (pid);
  char held, other;
  guint64 pause;
  g_autoptr (GError) error = NULL;

  do
    {
      g_clear_error (&error);
      while (!tracer_test_hold (target, busy))
        continue;
      held = tracer_test_get_state (pid, busy);
      other = tracer_test_get_state (pid, pid);
    }
  while (!hap_target_let_go (target, &pause, &error));
  g_assert_cmpint (held, ==, 't');
  g_assert_cmpint (other, !=, 't');
  g_assert_cmpuint (pause, >, 0);

  tracer_test_wait_for_state (pid, busy, "R");
  g_assert_false (tracer_test_is_traced (pid, busy));
}

/* Of a thread that is held, and of no other: its stack pointer is in its stack. */
static void
test_registers (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  HapRegisters registers = { 0 };
  gboolean read, other;
  guint64 word;

  do
    {
      while (!tracer_test_hold (target, pid))
        continue;
      read = hap_target_read_registers (target, pid, &registers, NULL);
      other = hap_target_read_registers (target, tracer_test_get_other_thread (pid), &registers, NULL);
    }
  while (!hap_target_let_go (target, NULL, NULL));
  g_assert_true (read);
  g_assert_false (other);
  g_assert_cmpuint (registers.n, >=, 17);
  g_assert_true (hap_memory_read_u64 (hap_target_get_memory (target), registers.pc, &word));
  g_assert_false (hap_target_read_registers (target, pid, &registers, NULL));
}

/* All of them are stopped, also while the target makes and ends threads all the time. */
static void
test_hold_all (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("churn");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint proofs = 0;

  while (proofs < 100)
    {
      g_autoptr (GArray) tids = NULL;
      guint running = 0;

      if (!tracer_test_hold (target, 0))
        continue;
      tids = tracer_test_list_threads (pid);
      for (guint i = 0; i < tids->len; i++)
        running += strchr ("tZX", tracer_test_get_state (pid, g_array_index (tids, guint, i))) == NULL;
      if (!tracer_test_let_go (target))
        continue;
      g_assert_cmpuint (running, ==, 0);
      proofs++;
    }
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_hold_python (gconstpointer data)
{
  static const char *const argv[] = { "threads.py", "20", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GArray) tids = tracer_test_list_threads (pid);
  guint stopped = 0;

  g_assert_cmpuint (tids->len, ==, 21);
  while (stopped != tids->len)
    {
      if (!tracer_test_hold (target, 0))
        continue;
      stopped = 0;
      for (guint i = 0; i < tids->len; i++)
        stopped += tracer_test_get_state (pid, g_array_index (tids, guint, i)) == 't';
      if (tracer_test_let_go (target))
        g_assert_cmpuint (stopped, ==, tids->len);
      else
        stopped = 0;
    }
  for (guint i = 0; i < tids->len; i++)
    g_assert_false (tracer_test_is_traced (pid, g_array_index (tids, guint, i)));
}

static void
test_hold_expires (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint busy = tracer_test_get_other_thread (pid);

  while (!tracer_test_hold (target, busy))
    continue;
  tracer_test_wait_for_state (pid, busy, "R");
  g_assert_false (tracer_test_is_traced (pid, busy));
  g_assert_false (tracer_test_let_go (target));

  /* That was told once; it can be held again. */
  while (!tracer_test_hold (target, busy) || !tracer_test_let_go (target))
    continue;
}

static void
test_hold_twice (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  g_assert_false (hap_target_let_go (target, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);

  do
    {
      g_clear_error (&error);
      while (!tracer_test_hold (target, pid))
        continue;
      if (hap_target_hold (target, pid, &error))
        g_assert_null (error); /* the first had expired */
      hap_target_let_go (target, NULL, NULL);
    }
  while (error == NULL || g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
}

static void
test_refuse_foreign (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTestProcess) bystander = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (bystander);
  const guint foreign[] = { pid, tracer_test_get_other_thread (pid), 1, getpid (), 4194303, G_MAXINT32 };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (hap_target_hold (target, foreign[i], &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
    }
  g_assert_false (tracer_test_is_traced (pid, pid));
  tracer_test_visit (target, 0);
}

static void
test_refuse_ended (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  const guint tids[] = { pid, tracer_test_get_other_thread (pid), 0 };

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
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("no-leader");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
  tracer_test_wait_for_state (pid, pid, "Z");
  g_assert_false (hap_target_hold (target, pid, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  while (!tracer_test_hold (target, 0) || !tracer_test_let_go (target))
    continue;
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_refuse_traced (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) first = tracer_test_attach (process);
  g_autoptr (HapTarget) second = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  do
    {
      g_clear_error (&error);
      while (!tracer_test_hold (first, pid))
        continue;
      if (hap_target_hold (second, pid, &error))
        tracer_test_let_go (second);
    }
  while (!tracer_test_let_go (first) || g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
}

/* Who wants all threads waits for its turn, and gets it: the first one's hold expires. Who holds for good is
 * told of. */
static void
test_turn (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) first = tracer_test_attach (process);
  g_autoptr (HapTarget) second = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  while (!tracer_test_hold (second, 0))
    continue;
  tracer_test_let_go (second);
  while (!tracer_test_hold (first, 0))
    continue;
  while (!tracer_test_hold (second, 0))
    continue;
  tracer_test_let_go (second);

  tracer_test_wait_until_free (pid, pid);
  g_assert_cmpint (ptrace (PTRACE_SEIZE, pid, NULL, NULL), ==, 0);
  g_assert_false (hap_target_hold (second, 0, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
  g_clear_error (&error);
  /* A tracee that runs is let go of by the end of who traces it, or at a stop. */
  g_assert_cmpint (ptrace (PTRACE_INTERRUPT, pid, NULL, NULL), ==, 0);
  g_assert_cmpint (waitpid ((pid_t)pid, NULL, __WALL), ==, pid);
  g_assert_cmpint (ptrace (PTRACE_DETACH, pid, NULL, NULL), ==, 0);
  while (!tracer_test_hold (second, 0))
    continue;
  tracer_test_let_go (second);
}

/* What cannot be stopped is left running, and neither the target nor the tracer suffers. */
static void
test_refuse_vfork (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("vfork");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint waiting = tracer_test_get_other_thread (pid);
  g_autofree char *line = NULL;

  tracer_test_wait_for_state (pid, waiting, "D");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_false (tracer_test_hold (target, waiting));
      tracer_test_wait_until_free (pid, waiting);
      g_assert_false (tracer_test_hold (target, 0));
      tracer_test_wait_until_free (pid, pid);
      g_assert_cmpint (tracer_test_get_state (pid, pid), !=, 't');
    }
  hap_test_process_write_line (process, "go on");
  line = hap_test_process_read_line (process);
  g_assert_cmpstr (line, ==, "vfork returned");
  while (!tracer_test_hold (target, pid) || !tracer_test_let_go (target))
    continue;
}

/* A target that is stopped by SIGSTOP can be held, and is stopped after that as before: with nothing new for
 * its parent. */
static void
test_group_stop (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint tids[] = { pid, tracer_test_get_other_thread (pid) };
  siginfo_t info = { 0 };

  kill (pid, SIGSTOP);
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED), ==, 0);
  for (guint i = 0; i < 20; i++)
    {
      tracer_test_visit (target, 0);
      for (guint k = 0; k < G_N_ELEMENTS (tids); k++)
        {
          tracer_test_visit (target, tids[k]);
          tracer_test_wait_until_free (pid, tids[k]);
          tracer_test_wait_for_state (pid, tids[k], "T");
        }
    }
  info.si_pid = 0;
  g_assert_cmpint (waitid (P_PID, pid, &info, WSTOPPED | WNOHANG), ==, 0);
  g_assert_cmpint (info.si_pid, ==, 0);

  kill (pid, SIGCONT);
  g_assert_cmpint (waitid (P_PID, pid, &info, WCONTINUED), ==, 0);
  tracer_test_wait_for_state (pid, tids[1], "R");
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
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
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("signals");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  GThread *sender = g_thread_new ("sender", send_signals, GUINT_TO_POINTER (pid));

  for (guint i = 0; i < STORM; i++)
    tracer_test_visit (target, i % 4 == 0 ? 0 : pid);
  g_thread_join (sender);
  while (tracer_test_get_count (process) < STORM)
    continue;
  g_assert_cmpint (tracer_test_get_count (process), ==, STORM);
}

#ifdef __x86_64__
/* Returns how many threads were interrupted; -1 if one may have been because it did not get to its stop in
 * time. */
static gint64
storm_waits (HapTestProcess *process)
{
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GArray) tids = tracer_test_list_threads (pid);
  gboolean late = FALSE;
  gint64 count;

  g_assert_cmpuint (tids->len, >=, 21);
  for (guint i = 0; i < tids->len; i++)
    tracer_test_wait_for_state (pid, g_array_index (tids, guint, i), "S");
  for (guint i = 0; i < STORM; i++)
    {
      guint tid = i % 2 == 0 ? 0 : g_array_index (tids, guint, i / 2 % tids->len);

      if (hap_target_hold (target, tid, NULL))
        tracer_test_let_go (target);
      else
        late = TRUE;
    }
  count = tracer_test_get_count (process);
  return count > 0 && late ? -1 : count;
}

static void
test_no_interruption (void)
{
  for (guint i = 0; i < TRIES; i++)
    {
      g_autoptr (HapTestProcess) process = tracer_test_spawn ("waits");
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
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("interruptible");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint pid = hap_test_process_get_pid (process);
  guint waiting = tracer_test_get_other_thread (pid);

  for (guint i = 0; i < 50; i++)
    {
      gint64 before = tracer_test_get_count (process);
      guint n_late = 0;

      tracer_test_wait_for_state (pid, waiting, "S");
      while (!tracer_test_hold (target, waiting))
        n_late++;
      syscall (SYS_tgkill, pid, waiting, SIGUSR1);
      tracer_test_let_go (target);
      while (tracer_test_get_count (process) <= before)
        continue;
      /* Who did not get to its stop in time may have been interrupted by that. */
      if (n_late == 0)
        g_assert_cmpint (tracer_test_get_count (process), ==, before + 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tracer/hold/one", test_hold_one);
  g_test_add_func ("/tracer/hold/registers", test_registers);
  g_test_add_func ("/tracer/hold/all", test_hold_all);
  g_test_add_func ("/tracer/hold/expires", test_hold_expires);
  g_test_add_func ("/tracer/hold/twice", test_hold_twice);
  g_test_add_func ("/tracer/refuse/foreign", test_refuse_foreign);
  g_test_add_func ("/tracer/refuse/ended", test_refuse_ended);
  g_test_add_func ("/tracer/refuse/zombie-leader", test_refuse_zombie_leader);
  g_test_add_func ("/tracer/refuse/traced", test_refuse_traced);
  g_test_add_func ("/tracer/refuse/vfork", test_refuse_vfork);
  g_test_add_func ("/tracer/turn", test_turn);
  g_test_add_func ("/tracer/stopped/stays-stopped", test_group_stop);
  g_test_add_func ("/tracer/signals/passed-on", test_signals);
  g_test_add_func ("/tracer/interruption/none", test_no_interruption);
  g_test_add_func ("/tracer/interruption/real", test_real_interruption);
  hap_test_add ("/tracer/python", test_hold_python);
  return g_test_run ();
}
