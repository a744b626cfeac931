/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ha-profiler-tracer PID: the only code with ptrace rights. It does what its peer asks, a few fixed
 * operations, to the one process that it was started for, and bounds each in time; it parses nothing of the
 * target and opens no path. Its peer parses the target's bytes and may have been taken over by them: nothing
 * that it sends is believed.
 */

#include "tracer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer-protocol.h"

#define NS_PER_MS 1000000ULL

/* How long threads may take to stop, of the time that they may be held at all. */
#define STOP_LIMIT_MS (TRACER_HOLD_LIMIT_MS / 2)

typedef struct
{
  pid_t pid;
  timer_t watchdog;
  TracerHold hold;
  bool expired;   /* the hold ended without the peer's asking, which it has not heard yet */
  uint64_t pause; /* how long the last hold lasted */

  TracerReply reply; /* for main() to send, if it has a kind */
  pid_t server;      /* the thread that attaches */
} Session;

/* The kernel kills us, and so lets go of all threads, if it is not disarmed in time: even if we are stopped
 * ourselves. */
static void
set_watchdog (Session *self, unsigned ms)
{
  const struct itimerspec time = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS } };

  if (timer_settime (self->watchdog, 0, &time, NULL) != 0)
    _exit (EXIT_FAILURE);
}

static void
let_go (Session *self)
{
  tracer_let_go (&self->hold);
  self->pause = tracer_now () - self->hold.started;
  if (!self->hold.stuck)
    set_watchdog (self, 0);
}

static int
handle_hold (Session *self, uint32_t tid, uint64_t *n_threads)
{
  int status;

  if (self->hold.n_threads > 0)
    return EINVAL;
  self->expired = false;
  set_watchdog (self, TRACER_WATCHDOG_MS);
  status = tracer_hold (&self->hold, self->pid, tid, tracer_now () + STOP_LIMIT_MS * NS_PER_MS);
  if (status != 0 && !self->hold.stuck)
    set_watchdog (self, 0);
  *n_threads = self->hold.n_threads;
  return status;
}

static int
handle_let_go (Session *self, uint64_t *pause)
{
  bool expired = self->expired;

  self->expired = false;
  if (self->hold.n_threads > 0)
    let_go (self);
  else if (!expired)
    return EINVAL;
  *pause = self->pause;
  return expired ? ETIMEDOUT : 0;
}

/* A peer that does not keep to the protocol is no peer. */
static TracerReply
handle (Session *self, const TracerRequest *request)
{
  TracerReply reply = { .kind = request->kind };

  if (request->kind == TRACER_HOLD && request->argument <= INT32_MAX)
    reply.status = handle_hold (self, request->argument, &reply.value);
  else if (request->kind == TRACER_LET_GO && request->argument == 0)
    reply.status = handle_let_go (self, &reply.value);
  else
    _exit (EXIT_FAILURE);
  return reply;
}

/* One reply to each request always has room, unless the peer sends without reading. */
static void
send_reply (const TracerReply *reply)
{
  if (send (TRACER_SOCKET, reply, sizeof *reply, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof *reply)
    _exit (EXIT_FAILURE);
}

/* FALSE when the time to hold is over before a request came. A late SIGALRM is no request. */
static bool
wait_for_request (Session *self)
{
  const uint64_t end = self->hold.started + TRACER_HOLD_LIMIT_MS * NS_PER_MS;
  struct pollfd request = { .fd = TRACER_SOCKET, .events = POLLIN };
  uint64_t now;

  while ((now = tracer_now ()) < end)
    {
      const struct timespec left = { .tv_nsec = end - now };

      if (ppoll (&request, 1, &left, NULL) > 0)
        return true;
    }
  return false;
}

static void
receive (TracerRequest *request)
{
  ssize_t size;

  do
    size = recv (TRACER_SOCKET, request, sizeof *request, MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  if (size != sizeof *request)
    _exit (size == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void
on_alarm (int signal)
{
}

static int
set_alarm_mask (int how)
{
  sigset_t alarm;

  sigemptyset (&alarm);
  sigaddset (&alarm, SIGALRM);
  return pthread_sigmask (how, &alarm, NULL);
}

/* The thread that attaches to others: when one is stuck, it ends, and what it asked for is answered after
 * that. */
static void *
serve (void *data)
{
  Session *self = data;
  TracerRequest request;

  self->server = syscall (SYS_gettid);
  set_alarm_mask (SIG_UNBLOCK);
  while (!self->hold.stuck)
    {
      if (self->hold.n_threads > 0 && !wait_for_request (self))
        {
          let_go (self);
          self->expired = true;
          continue;
        }
      receive (&request);
      self->reply = handle (self, &request);
      if (self->hold.stuck)
        break;
      send_reply (&self->reply);
      self->reply.kind = 0;
    }
  return NULL;
}

/* Runs a serving thread to its end, that is until the kernel has detached what it had attached to. */
static void
run_server (Session *self)
{
  pthread_t thread;

  self->hold.stuck = false;
  self->reply.kind = 0;
  if (pthread_create (&thread, NULL, serve, self) != 0)
    _exit (EXIT_FAILURE);
  pthread_join (thread, NULL);

  /* Joined is not gone: the kernel detaches later, just before the number is free. */
  while (syscall (SYS_tgkill, getpid (), self->server, 0) == 0)
    sched_yield ();
  set_watchdog (self, 0);
}

/* Everything that keeps us from doing more than we are for. The only place for it. */
static void
tracer_cage (void)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl (PR_SET_DUMPABLE, 0) != 0
      || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || close_range (TRACER_TASKS + 1, ~0U, 0) != 0)
    _exit (EXIT_FAILURE);
}

static bool
check_descriptors (void)
{
  struct stat tasks;
  int type;
  socklen_t size = sizeof type;

  return getsockopt (TRACER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET
         && (syscall (SYS_pidfd_send_signal, TRACER_PIDFD, 0, NULL, 0) == 0 || errno == ESRCH
             || errno == EPERM)
         && fstat (TRACER_TASKS, &tasks) == 0 && S_ISDIR (tasks.st_mode);
}

static void
session_init (Session *self)
{
  struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
  struct sigevent alarm = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
  const struct sigaction action = { .sa_handler = on_alarm };

  if (set_alarm_mask (SIG_BLOCK) != 0 || sigaction (SIGALRM, &action, NULL) != 0
      || timer_create (CLOCK_MONOTONIC, &kill, &self->watchdog) != 0
      || timer_create (CLOCK_MONOTONIC, &alarm, &self->hold.alarm) != 0)
    _exit (EXIT_FAILURE);
}

int
main (int argc, char **argv)
{
  static Session session;
  char *end = NULL;
  long pid = argc == 2 ? strtol (argv[1], &end, 10) : 0;

  if (pid <= 0 || pid > INT32_MAX || *end != '\0' || !check_descriptors ())
    {
      fputs ("ha-profiler-tracer is started by ha-profilerd, with descriptors of one process\n", stderr);
      return EXIT_FAILURE;
    }
  tracer_cage ();
  session.pid = pid;
  session_init (&session);

  while (true)
    {
      run_server (&session);
      if (session.reply.kind != 0)
        send_reply (&session.reply);
    }
}
