/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ha-profiler-tracer [--modify] PID UID GID [VDSO [ZOMBIE...]]: the only code with ptrace rights. It does
 * what its peer asks, a few fixed operations, to the one process, of this user and group, that it was started
 * for, and bounds each in time; it parses nothing of the target and opens no path. Its peer parses the
 * target's bytes and may have been taken over by them: nothing that it sends is believed. --modify: it may
 * ask for what changes the target. VDSO: where the target's is. ZOMBIE: a copy that an earlier tracer left.
 */

#include "tracer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer-arguments.h"
#include "tracer-cage.h"
#include "tracer-duty.h"
#include "tracer-freeze.h"
#include "tracer-inject.h"
#include "tracer-peer.h"
#include "tracer-publish.h"
#include "tracer-runner.h"

#define NS_PER_MS 1000000ULL
#define KIB_PER_GIB (1024 * 1024)

/* How long threads may take to stop, of the time that they may be held at all. */
#define STOP_LIMIT_MS (TRACER_HOLD_LIMIT_MS / 2)

/* How often a thread is stopped that is not where a call can be injected, and the time between. */
#define INJECT_TRIES 10
#define INJECT_INTERVAL NS_PER_MS

/* Until reaping is tried again, each time twice as long; after the peer's end at most so long. */
#define REAP_INTERVAL (20 * NS_PER_MS)
#define MAX_REAP_INTERVAL (640 * NS_PER_MS)

/* How often what runs of a copy is looked at. */
#define WATCH_INTERVAL (20 * NS_PER_MS)

typedef struct
{
  pid_t pid;
  timer_t watchdog;
  TracerDuty duty;
  TracerHold hold;
  uint64_t hold_end; /* when it is let go of, at the latest */
  bool expired;      /* the hold ended without the peer's asking, which it has not heard yet */
  bool made_copy;    /* the hold was for that, and it does not matter when it ends */
  uint64_t pause;    /* how long the last hold lasted */
  TracerCopy copy;
  bool copy_ended; /* without the peer's asking, as above */
  uint64_t reap_interval;
  bool may_modify;
  TracerFiles files;
  uint64_t files_vdso; /* as the peer said */
  bool published;
  bool brings_files; /* the reply */

  TracerReply reply; /* for main() to send, if it has a kind */
  pid_t server;      /* the thread that attaches */
} Session;

/* The kernel kills us, and so lets go of all threads, if it is not disarmed (0) in time: even if we are
 * stopped ourselves. While it is armed the target is held. */
static void
set_watchdog (Session *self, unsigned ms)
{
  const struct itimerspec time = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS } };

  if (ms > 0)
    tracer_duty_begin (&self->duty);
  if (timer_settime (self->watchdog, 0, &time, NULL) != 0)
    _exit (EXIT_FAILURE);
  if (ms == 0)
    tracer_duty_end (&self->duty);
}

static void
let_go (Session *self)
{
  tracer_let_go (&self->hold);
  self->pause = tracer_now () - self->hold.started;
  if (!self->hold.stuck)
    set_watchdog (self, 0);
}

/* Holds thread @tid, or all, for @limit_ms at most. */
static int
hold (Session *self, pid_t tid, unsigned limit_ms)
{
  int status;

  set_watchdog (self, limit_ms);
  status = tracer_hold (&self->hold, self->pid, tid, tracer_now () + STOP_LIMIT_MS * NS_PER_MS);
  if (status != 0 && !self->hold.stuck)
    set_watchdog (self, 0);
  return status;
}

static int
handle_hold (Session *self, uint32_t tid, uint64_t *n_threads)
{
  int status;

  if (self->hold.n_threads > 0)
    return EINVAL;
  self->expired = self->made_copy = false;
  status = hold (self, tid, TRACER_WATCHDOG_MS);
  self->hold_end = self->hold.started + TRACER_HOLD_LIMIT_MS * NS_PER_MS;
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
  return expired && !self->made_copy ? ETIMEDOUT : 0;
}

static void
pass_time (long ns)
{
  nanosleep (&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* What cannot be reaped now is tried again later, or by the next tracer. */
static void
reap (Session *self)
{
  for (unsigned i = 0; i < INJECT_TRIES && self->copy.n_zombies > 0 && !self->hold.stuck; i++)
    {
      int status;

      if (i > 0)
        pass_time (INJECT_INTERVAL);
      status = hold (self, self->pid, TRACER_WATCHDOG_MS);
      if (status == ESRCH)
        self->copy.n_zombies = 0; /* nobody is left to reap them but init */
      if (status != 0)
        continue;
      status = tracer_copy_reap (&self->copy, &self->hold, self->pid,
                                 self->hold.started + TRACER_HOLD_LIMIT_MS * NS_PER_MS);
      let_go (self);
      if (status != EAGAIN)
        break;
    }
}

static void
watch (Session *self)
{
  const bool had_copy = self->copy.pid != 0;

  tracer_copy_watch (&self->copy);
  if (had_copy && self->copy.pid == 0)
    self->copy_ended = true;
}

static void
drop (Session *self)
{
  tracer_copy_kill (&self->copy);
  self->reap_interval = REAP_INTERVAL;
  reap (self);
}

static bool
has_zombies (const Session *self)
{
  return self->copy.n_zombies > 0 && self->copy.vdso != 0 && self->copy.pid == 0 && self->hold.n_threads == 0
         && !self->hold.stuck;
}

static void
reap_again (Session *self)
{
  self->reap_interval *= 2;
  reap (self);
}

/* One stop, and a fork in it. On success all threads are held. */
static int
freeze (Session *self, unsigned limit_ms, bool *refused)
{
  int status = hold (self, 0, limit_ms);
  uint64_t end;

  *refused = false;
  if (status != 0)
    return status;
  end = self->hold.started + limit_ms * NS_PER_MS;
  status = tracer_freeze (&self->copy, &self->hold, self->pid, end - TRACER_PROTECT_MS * NS_PER_MS, refused);
  if (status != 0)
    {
      let_go (self);
      return status;
    }
  self->hold_end = tracer_now () + TRACER_PROTECT_MS / 2 * NS_PER_MS;
  self->made_copy = true;
  return 0;
}

/* How long a fork may take: by the memory that it shares out. */
static unsigned
get_freeze_limit (void)
{
  const uint64_t kib = tracer_read_status ("RssAnon", 0);

  return TRACER_WATCHDOG_MS
         + (kib < (uint64_t)UINT32_MAX ? kib * TRACER_WATCHDOG_MS_PER_GIB / KIB_PER_GIB : 0);
}

static int
handle_freeze (Session *self, uint64_t vdso, uint64_t *pid)
{
  const unsigned limit_ms = get_freeze_limit ();
  bool refused = false;
  int status = EAGAIN;

  if (self->hold.n_threads > 0 || self->copy.pid != 0)
    return EINVAL;
  self->expired = self->copy_ended = false;
  self->copy.vdso = vdso;
  reap (self);
  for (unsigned i = 0; i < INJECT_TRIES && status == EAGAIN && !refused && !self->hold.stuck; i++)
    {
      if (i > 0)
        pass_time (INJECT_INTERVAL);
      status = freeze (self, limit_ms, &refused);
    }
  *pid = self->copy.pid;
  return self->hold.stuck || (status == EAGAIN && !refused) ? ETIMEDOUT : status;
}

static int
handle_drop (Session *self)
{
  bool ended = self->copy_ended;

  self->copy_ended = false;
  if (self->copy.pid == 0)
    return ended ? 0 : EINVAL;
  if (self->hold.n_threads > 0)
    let_go (self);
  drop (self);
  return 0;
}

typedef int (*HeldFunc) (Session *self, uint64_t deadline);

/* Holds all threads for what injects calls, again and again until it is at a moment when that can be. */
static int
do_held (Session *self, HeldFunc func)
{
  int status = EAGAIN;

  for (unsigned i = 0; i < INJECT_TRIES && status == EAGAIN && !self->hold.stuck; i++)
    {
      if (i > 0)
        pass_time (INJECT_INTERVAL);
      status = hold (self, 0, TRACER_WATCHDOG_MS);
      if (status != 0)
        return status;
      status = func (self, self->hold.started + TRACER_HOLD_LIMIT_MS * NS_PER_MS);
      let_go (self);
    }
  return status == EAGAIN ? ETIMEDOUT : status;
}

static int
open_files (Session *self, uint64_t deadline)
{
  return tracer_files_open (&self->files, &self->hold, self->pid, self->files_vdso, deadline);
}

static int
close_files (Session *self, uint64_t deadline)
{
  return tracer_files_close (&self->files, &self->hold, self->pid, self->files_vdso, deadline);
}

/* What an attempt that failed has opened is of use to the next. An earlier pair that was published is the
 * matter of whom it was published to. */
static int
handle_open (Session *self, uint64_t vdso, uint64_t *numbers)
{
  int status;

  if (self->hold.n_threads > 0 || (self->files.n_open == TRACER_N_FILES && !self->published))
    return EINVAL;
  if (self->published)
    self->files.n_open = 0;
  self->published = false;
  self->files_vdso = vdso;
  status = do_held (self, open_files);
  self->brings_files = status == 0;
  *numbers = (uint32_t)self->files.numbers[0] | (uint64_t)self->files.numbers[1] << 32;
  return status;
}

static int
handle_close (Session *self)
{
  return self->hold.n_threads > 0 ? EINVAL : self->files.n_open > 0 ? do_held (self, close_files) : 0;
}

static int
handle_publish (Session *self, const TracerPublication *publication)
{
  if (self->hold.n_threads == 0)
    return self->expired ? ETIMEDOUT : EINVAL;
  if (!tracer_publication_is_sound (publication))
    _exit (EXIT_FAILURE);
  self->published = true;
  return tracer_publish (self->pid, publication);
}

static int
handle_wake (Session *self, uint64_t tid)
{
  if (tid > INT32_MAX || !tracer_holds (&self->hold, (pid_t)tid))
    return self->expired ? ETIMEDOUT : EINVAL;
  tracer_end_wait ((pid_t)tid);
  return 0;
}

static int
handle_patch (Session *self, const TracerPublication *publication)
{
  if (self->copy.pid == 0)
    return self->copy_ended ? ESRCH : EINVAL;
  if (!tracer_publication_is_sound (publication) || publication->text[0] != '\0')
    _exit (EXIT_FAILURE);
  return tracer_publish (self->copy.pid, publication);
}

static int
handle_run (Session *self, uint64_t descriptor)
{
  if (self->hold.n_threads > 0 || self->copy.pid == 0 || descriptor > INT32_MAX)
    return self->copy_ended ? ESRCH : EINVAL;
  return tracer_copy_run (&self->copy, self->hold.alarm, (int)descriptor);
}

static int
handle_watch (Session *self, uint64_t *runs)
{
  watch (self);
  if (self->copy.pid == 0)
    return self->copy_ended ? ESRCH : EINVAL;
  *runs = self->copy.runner != 0;
  return 0;
}

/* A request that changes the target. FALSE: there is none of this kind, or not for this peer. */
static bool
handle_modification (Session *self, const TracerPacket *packet, TracerReply *reply)
{
  if (!self->may_modify)
    return false;
  switch (packet->request.kind)
    {
    case TRACER_OPEN:
      reply->status = handle_open (self, packet->request.argument, &reply->value);
      return true;
    case TRACER_CLOSE:
      reply->status = handle_close (self);
      return true;
    case TRACER_PUBLISH:
      reply->status = handle_publish (self, &packet->publication);
      return true;
    case TRACER_WAKE:
      reply->status = handle_wake (self, packet->request.argument);
      return true;
    case TRACER_PATCH:
      reply->status = handle_patch (self, &packet->publication);
      return true;
    case TRACER_RUN:
      reply->status = handle_run (self, packet->request.argument);
      return true;
    case TRACER_WATCH:
      reply->status = handle_watch (self, &reply->value);
      return true;
    default:
      return false;
    }
}

/* A peer that does not keep to the protocol is no peer. */
static TracerReply
handle (Session *self, const TracerPacket *packet)
{
  const TracerRequest *request = &packet->request;
  TracerReply reply = { .kind = request->kind };

  if (request->kind == TRACER_HOLD && request->argument <= INT32_MAX)
    reply.status = handle_hold (self, request->argument, &reply.value);
  else if (request->kind == TRACER_LET_GO && request->argument == 0)
    reply.status = handle_let_go (self, &reply.value);
  else if (request->kind == TRACER_FREEZE)
    reply.status = handle_freeze (self, request->argument, &reply.value);
  else if (request->kind == TRACER_DROP && request->argument == 0)
    reply.status = handle_drop (self);
  else if (!handle_modification (self, packet, &reply))
    _exit (EXIT_FAILURE);
  return reply;
}

static void
send_reply (Session *self, TracerReply *reply)
{
  tracer_send (reply, self->brings_files ? &self->files : NULL);
  self->brings_files = false;
  reply->kind = 0;
}

/* Beside a copy; of one that runs, what becomes of it is looked at meanwhile. FALSE: its time is over, or the
 * target's, or it has ended. */
static bool
wait_beside_copy (Session *self)
{
  const uint64_t end = tracer_copy_get_end (&self->copy);

  while (self->copy.runner != 0)
    {
      const uint64_t next = tracer_now () + WATCH_INTERVAL;

      if (tracer_wait_for_request (next < end ? next : end, false))
        return true;
      if (next >= end || tracer_now () < next)
        return false;
      watch (self);
    }
  return self->copy.pid != 0 && tracer_wait_for_request (end, false);
}

/* The peer's end is ours, and the copy's, and that of files that nobody in the target knows of. */
static void
receive (Session *self, TracerPacket *packet)
{
  bool ended;

  if (tracer_receive (packet, &ended))
    return;
  if (self->hold.n_threads > 0)
    let_go (self);
  if (!self->hold.stuck)
    drop (self);
  while (has_zombies (self) && self->reap_interval <= MAX_REAP_INTERVAL)
    {
      pass_time (self->reap_interval);
      reap_again (self);
    }
  if (self->files.n_open > 0 && !self->published && !self->hold.stuck)
    do_held (self, close_files);
  _exit (ended ? EXIT_SUCCESS : EXIT_FAILURE);
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

/* The thread that attaches to others: when one is stuck, it ends; what it asked for is answered then. */
static void *
serve (void *data)
{
  Session *self = data;
  TracerPacket packet;

  self->server = syscall (SYS_gettid);
  set_alarm_mask (SIG_UNBLOCK);
  while (!self->hold.stuck)
    {
      if (self->hold.n_threads > 0 && !tracer_wait_for_request (self->hold_end, true))
        {
          let_go (self);
          self->expired = true;
          continue;
        }
      if (self->hold.n_threads == 0 && self->copy.pid != 0 && !wait_beside_copy (self))
        {
          drop (self);
          self->copy_ended = true;
          continue;
        }
      if (has_zombies (self) && !tracer_wait_for_request (tracer_now () + self->reap_interval, false))
        {
          reap_again (self);
          continue;
        }
      receive (self, &packet);
      if (packet.request.kind == TRACER_READ_REGISTERS)
        {
          tracer_send_registers (&self->hold, packet.request.argument);
          continue;
        }
      self->reply = handle (self, &packet);
      if (self->hold.stuck)
        break;
      send_reply (self, &self->reply);
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
  if (self->copy.pid != 0)
    {
      tracer_copy_forget (&self->copy);
      self->copy_ended = true;
    }
  if (pthread_create (&thread, NULL, serve, self) != 0)
    _exit (EXIT_FAILURE);
  pthread_join (thread, NULL);

  /* Joined is not gone: the kernel detaches later, just before the number is free. */
  while (syscall (SYS_tgkill, getpid (), self->server, 0) == 0)
    sched_yield ();
  set_watchdog (self, 0);
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
  static Session session = { .reap_interval = REAP_INTERVAL };
  const char *open_lock;

  if (!tracer_parse_arguments (argc, argv, &session.pid, &session.hold, &session.may_modify, &session.copy)
      || !tracer_check_descriptors ())
    {
      fputs ("ha-profiler-tracer is started by ha-profilerd, with descriptors of one process\n", stderr);
      return EXIT_FAILURE;
    }
  session_init (&session);
  open_lock = tracer_cage_enter ();
  if (open_lock != NULL)
    {
      fprintf (stderr, "ha-profiler-tracer: the cage does not hold: %s\n", open_lock);
      return EXIT_FAILURE;
    }

  while (true)
    {
      run_server (&session);
      /* It may have left a copy whose number nobody told us: the next tracer is told. */
      if (session.reply.kind == TRACER_FREEZE && session.reply.status != 0)
        return EXIT_FAILURE;
      if (session.reply.kind != 0)
        send_reply (&session, &session.reply);
    }
}
