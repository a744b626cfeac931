/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a tracer ends, by its watchdog, by a kill, by its peer, and that no target is harmed by it; and what it
 * may do at all.
 */

#include "tracer-test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer-protocol.h"

#define KILLS 200

/* A tracer that does not run keeps nobody stopped: the kernel ends it. */
static void
test_watchdog (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  guint pid = hap_test_process_get_pid (process);
  guint busy = tracer_test_get_other_thread (pid);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (HapTarget) target = tracer_test_attach (process);
      g_autoptr (GError) error = NULL;

      while (!tracer_test_hold (target, 0))
        continue;
      kill (hap_test_get_tracer_pid (target), SIGSTOP);
      tracer_test_wait_for_state (pid, busy, "R");
      tracer_test_wait_for_state (pid, pid, "S");

      /* Unless it let go by itself before it was stopped. */
      kill (hap_test_get_tracer_pid (target), SIGCONT);
      if (!hap_target_let_go (target, NULL, &error))
        g_assert_true (g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED)
                       || g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT));
    }
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
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
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint pid = hap_test_process_get_pid (process);
  guint tids[] = { 0, pid, tracer_test_get_other_thread (pid) };

  for (guint i = 0; i < KILLS; i++)
    {
      g_autoptr (HapTarget) target = tracer_test_attach (process);
      Killing killing = { hap_test_get_tracer_pid (target), g_rand_int_range (random, 0, 2000) };
      GThread *killer = g_thread_new ("killer", kill_later, &killing);
      g_autoptr (GError) error = NULL;

      hap_test_allow_tracers (target, 1);
      while (!g_error_matches (error, HAP_ERROR, HAP_ERROR_FAILED))
        {
          g_clear_error (&error);
          if (hap_target_hold (target, tids[i % G_N_ELEMENTS (tids)], &error))
            hap_target_let_go (target, NULL, &error);
        }
      g_thread_join (killer);
    }
  tracer_test_wait_for_state (pid, tids[2], "R");
  g_assert_false (tracer_test_is_traced (pid, tids[2]));
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* A tracer that was ended costs the hold at hand: the next one has another. */
static void
test_started_again (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  guint tid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      while (!tracer_test_hold (target, tid))
        continue;
      kill (hap_test_get_tracer_pid (target), SIGKILL);
      g_assert_false (hap_target_let_go (target, NULL, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
      g_clear_error (&error);
    }
  hap_test_allow_tracers (target, 0);
  g_assert_false (hap_target_hold (target, tid, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

typedef struct
{
  gsize size;
  guint64 words[3];
} Packet;

/* FALSE: its watchdog ended the tracer before it could take the packet. */
static gboolean
breach (guint pid, int pidfd, const Packet *packet)
{
  const TracerRequest hold_all = { TRACER_HOLD, 0 };
  TracerReply reply;
  guint tracer;
  int status;
  int fd = hap_test_start_tracer (pid, pidfd, &tracer, NULL);

  g_assert_cmpint (send (fd, &hold_all, sizeof hold_all, 0), ==, sizeof hold_all);
  if (recv (fd, &reply, sizeof reply, 0) == sizeof reply
      && send (fd, packet->words, packet->size, MSG_NOSIGNAL) == (gssize)packet->size)
    g_assert_cmpint (recv (fd, &reply, sizeof reply, 0), <=, 0);
  close (fd);

  g_assert_cmpint (waitpid ((pid_t)tracer, &status, 0), ==, tracer);
  g_assert_false (tracer_test_is_traced (pid, pid));
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    return FALSE;
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) != 0);
  return TRUE;
}

/* Whoever does not keep to the protocol loses its tracer, and the target loses nothing. */
static void
test_protocol (void)
{
  static const Packet packets[] = {
    { 16, { 0, 0 } },
    { 16, { 1000, 0 } },
    { 16, { TRACER_LET_GO, 1 } },
    { 16, { TRACER_DROP, 1 } },
    { 16, { TRACER_HOLD, 0x80000000 } },
    { 16, { (G_GUINT64_CONSTANT (1) << 32) + TRACER_HOLD, 0 } },
    { 8, { TRACER_HOLD } },
    { 24, { TRACER_HOLD, 0, 0 } },
    { 1, { TRACER_HOLD } },
  };
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  guint pid = hap_test_process_get_pid (process);
  int pidfd = syscall (SYS_pidfd_open, pid, 0);

  for (guint i = 0; i < G_N_ELEMENTS (packets); i++)
    while (!breach (pid, pidfd, &packets[i]))
      continue;
  close (pidfd);
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

/* The worker's end, by crash or by kill, is the tracer's end. */
static void
test_peer_ends (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
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
  g_assert_false (tracer_test_is_traced (pid, pid));
  g_assert_cmpint (tracer_test_get_count (process), ==, 0);
}

static void
test_cage (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTarget) target = tracer_test_attach (process);
  g_autofree char *status_path = g_strdup_printf ("/proc/%u/status", hap_test_get_tracer_pid (target));
  g_autofree char *fds_path = g_strdup_printf ("/proc/%u/fd", hap_test_get_tracer_pid (target));
  g_autoptr (GDir) fds = NULL;
  g_autofree char *status = NULL;
  const char *name;

  tracer_test_visit (target, 0);
  g_assert_true (g_file_get_contents (status_path, &status, NULL, NULL));
  g_assert_nonnull (strstr (status, "\nNoNewPrivs:\t1\n"));
  fds = g_dir_open (fds_path, 0, NULL);
  g_assert_nonnull (fds);
  while ((name = g_dir_read_name (fds)) != NULL)
    g_assert_cmpuint (g_ascii_strtoull (name, NULL, 10), <=, 8);
}

/* What a process becomes after it was authorised is not held, by whatever tracer of then. */
static void
assert_turns (const char *mode, const char *argument)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn_with (mode, argument);
  g_autoptr (HapTarget) before = tracer_test_attach (process);
  g_autoptr (HapTarget) after = NULL;
  guint pid = hap_test_process_get_pid (process);

  tracer_test_visit (before, pid);
  hap_test_process_write_line (process, "");
  g_free (hap_test_process_read_line (process)); /* "ready", as what it is now */
  for (guint tid = 0; tid <= pid; tid += pid)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (hap_target_hold (before, tid, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
    }
  tracer_test_wait_until_free (pid, pid);
  g_assert_true (hap_test_process_is_alive (process));

  after = tracer_test_attach (process);
  tracer_test_visit (after, pid);
}

static void
test_other_program (void)
{
  assert_turns ("execs", "1");
}

static void
test_other_owner (void)
{
  if (geteuid () != 0)
    {
      g_test_skip ("only root can give a process to somebody else");
      return;
    }
  assert_turns ("turns", "user");
  assert_turns ("turns", "group");
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
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tracer/end/watchdog", test_watchdog);
  g_test_add_func ("/tracer/end/killed", test_kill);
  g_test_add_func ("/tracer/end/started-again", test_started_again);
  g_test_add_func ("/tracer/end/peer-ends", test_peer_ends);
  g_test_add_func ("/tracer/end/protocol", test_protocol);
  g_test_add_func ("/tracer/cage/descriptors", test_cage);
  g_test_add_func ("/tracer/cage/usage", test_usage);
  g_test_add_func ("/tracer/turned/program", test_other_program);
  g_test_add_func ("/tracer/turned/owner", test_other_owner);
  return g_test_run ();
}
