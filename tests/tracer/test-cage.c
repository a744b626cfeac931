/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A peer that was taken over: whatever it sends, the tracer reaches no process but its own, holds that for
 * half of the time at most, and has no right to do more. HAP_TEST_PACKETS: how many packets of chance (1000).
 */

#include "tracer-test.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer-duty.h"
#include "tracer-protocol.h"

#define MAX_PACKET 96
#define DUTY_SECONDS 2

typedef struct
{
  guint pid; /* of the target */
  int pidfd;
  int socket; /* -1: it has ended */
  guint tracer;
  guint n_killed; /* by their watchdogs */
} Peer;

static void
peer_start (Peer *self)
{
  g_autoptr (GError) error = NULL;

  self->socket = hap_test_start_tracer (self->pid, self->pidfd, &self->tracer, &error);
  g_assert_no_error (error);
}

static void
peer_end (Peer *self)
{
  if (self->socket < 0)
    return;
  close (self->socket);
  g_assert_cmpint (waitpid ((pid_t)self->tracer, NULL, 0), ==, self->tracer);
  self->socket = -1;
}

static void
peer_init (Peer *self, HapTestProcess *process)
{
  self->pid = hap_test_process_get_pid (process);
  self->pidfd = (int)syscall (SYS_pidfd_open, self->pid, 0);
  peer_start (self);
}

static void
peer_clear (Peer *self)
{
  peer_end (self);
  close (self->pidfd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Peer, peer_clear)

/* FALSE: the tracer ended instead of answering. */
static gboolean
exchange (Peer *self, const void *packet, gsize size, TracerReply *reply)
{
  guint8 answer[4096];
  gssize n;

  if (send (self->socket, packet, size, MSG_NOSIGNAL) != (gssize)size)
    return FALSE;
  n = recv (self->socket, answer, sizeof answer, 0);
  if (n < (gssize)sizeof *reply)
    return FALSE;
  memcpy (reply, answer, sizeof *reply);
  return TRUE;
}

/* A tracer that its watchdog ended was asked for nothing: the next one is, and says EINVAL to who lets go. */
static TracerReply
ask (Peer *self, TracerRequestKind kind, guint argument)
{
  const TracerRequest request = { .kind = kind, .argument = argument };
  TracerReply reply = { 0 };

  while (!exchange (self, &request, sizeof request, &reply))
    {
      int status;

      close (self->socket);
      g_assert_cmpint (waitpid ((pid_t)self->tracer, &status, 0), ==, self->tracer);
      g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
      self->n_killed++;
      peer_start (self);
    }
  return reply;
}

static guint64
read_status (guint pid, const char *name, guint base)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/status", pid);
  g_autofree char *line = g_strdup_printf ("\n%s:", name);
  g_autofree char *text = NULL;
  const char *at;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  at = strstr (text, line);
  g_assert_nonnull (at);
  return g_ascii_strtoull (at + strlen (line), NULL, base);
}

static void
test_rights (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_auto (Peer) peer = { .socket = -1 };
  g_autofree char *fds = NULL;
  guint64 all;
  guint n_fds = 0;

  peer_init (&peer, process);
  ask (&peer, TRACER_HOLD, 0);
  ask (&peer, TRACER_LET_GO, 0);

  all = read_status (peer.tracer, "CapPrm", 16) | read_status (peer.tracer, "CapEff", 16)
        | read_status (peer.tracer, "CapInh", 16) | read_status (peer.tracer, "CapAmb", 16);
  g_assert_cmphex (all & ~(G_GUINT64_CONSTANT (1) << CAP_SYS_PTRACE), ==, 0);
  g_assert_cmpuint (read_status (peer.tracer, "NoNewPrivs", 10), ==, 1);
  g_assert_cmpuint (read_status (peer.tracer, "Seccomp", 10), ==, 2);

  fds = g_strdup_printf ("/proc/%u/fd", peer.tracer);
  {
    g_autoptr (GDir) directory = g_dir_open (fds, 0, NULL);

    while (directory != NULL && g_dir_read_name (directory) != NULL)
      n_fds++;
  }
  /* The three that everybody has, and its own. */
  g_assert_cmpuint (n_fds, <=, 9);
}

static void
test_other_processes (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTestProcess) other = tracer_test_spawn ("compute");
  g_auto (Peer) peer = { .socket = -1 };
  guint pid = hap_test_process_get_pid (other);
  const guint others[] = { 1,   2,          (guint)getpid (),    (guint)getppid (),
                           pid, G_MAXINT32, 4 * 1024 * 1024 - 1, 4 * 1024 * 1024 };
  g_autoptr (GArray) tids = tracer_test_list_threads (pid);

  peer_init (&peer, process);
  g_array_append_vals (tids, others, G_N_ELEMENTS (others));
  for (guint i = 0; i < tids->len; i++)
    {
      g_assert_cmpint (ask (&peer, TRACER_HOLD, g_array_index (tids, guint, i)).status, ==, ESRCH);
      g_assert_cmpint (ask (&peer, TRACER_LET_GO, 0).status, ==, EINVAL);
    }
  g_assert_false (tracer_test_is_traced (pid, pid));
}

static gsize
make_packet (GRand *rand, guint pid, guint8 packet[MAX_PACKET])
{
  TracerRequest request = { 0 };
  gsize size = sizeof request;

  for (gsize i = 0; i < MAX_PACKET; i++)
    packet[i] = (guint8)g_rand_int (rand);
  if (g_rand_int_range (rand, 0, 8) > 0)
    {
      const guint kinds[] = { TRACER_HOLD, TRACER_HOLD, TRACER_LET_GO, 3, 4, 5, 6, 8, 10, 11, 16 };
      const guint arguments[] = { 0, pid, pid + 1, 1, g_rand_int (rand), G_MAXUINT32 };

      request.kind = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
      request.argument = arguments[g_rand_int_range (rand, 0, G_N_ELEMENTS (arguments))];
      memcpy (packet, &request, sizeof request);
    }
  if (g_rand_int_range (rand, 0, 8) == 0)
    size = (gsize)g_rand_int_range (rand, 1, MAX_PACKET);
  return size;
}

static void
test_chance (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_autoptr (HapTestProcess) other = tracer_test_spawn ("compute");
  g_autoptr (GRand) rand = g_rand_new_with_seed (6);
  g_auto (Peer) peer = { .socket = -1 };
  const char *given = g_getenv ("HAP_TEST_PACKETS");
  guint n_packets = given != NULL ? (guint)atoi (given) : 1000;
  guint n_ended = 0;

  peer_init (&peer, process);
  for (guint i = 0; i < n_packets; i++)
    {
      guint pid = hap_test_process_get_pid (g_rand_boolean (rand) ? process : other);
      guint8 packet[MAX_PACKET];
      gsize size = make_packet (rand, pid, packet);
      TracerReply reply;

      if (exchange (&peer, packet, size, &reply))
        continue;
      n_ended++;
      peer_end (&peer);
      peer_start (&peer);
    }
  g_test_message ("%u packets, %u of them ended the tracer", n_packets, n_ended);
  g_assert_cmpuint (n_ended, >, 0);
  peer_end (&peer);

  g_assert_true (hap_test_process_is_alive (process));
  g_assert_true (hap_test_process_is_alive (other));
  g_assert_false (tracer_test_is_traced (peer.pid, peer.pid));
  g_assert_cmpint (tracer_test_get_count (process), >=, 0);
}

/* A peer that wants the target stopped all the time has it for half of it. */
static void
test_share (void)
{
  g_autoptr (HapTestProcess) process = tracer_test_spawn ("compute");
  g_auto (Peer) peer = { .socket = -1 };
  gint64 start = g_get_monotonic_time ();
  gint64 held_us = 0, elapsed_us = 0;

  peer_init (&peer, process);
  while (elapsed_us < DUTY_SECONDS * G_USEC_PER_SEC)
    {
      gint64 since;

      if (ask (&peer, TRACER_HOLD, 0).status == 0)
        {
          for (since = g_get_monotonic_time (); g_get_monotonic_time () - since < 15000;)
            g_thread_yield ();
          held_us += (gint64)ask (&peer, TRACER_LET_GO, 0).value / 1000;
        }
      elapsed_us = g_get_monotonic_time () - start;
    }
  g_test_message ("held for %d %% of the time", (int)(held_us * 100 / elapsed_us));
  g_assert_cmpint (held_us, >, 0);
  /* Each tracer has a burst and an end of its own. */
  g_assert_cmpint (held_us, <=,
                   elapsed_us / 2 + (peer.n_killed + 1) * (TRACER_DUTY_BURST_MS + TRACER_WATCHDOG_MS) * 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tracer/cage/rights", test_rights);
  g_test_add_func ("/tracer/cage/other-processes", test_other_processes);
  g_test_add_func ("/tracer/cage/chance", test_chance);
  g_test_add_func ("/tracer/cage/share", test_share);
  return g_test_run ();
}
