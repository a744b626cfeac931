/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stopping threads and letting them go. SEIZE and INTERRUPT only: the kernel lets go of all that we hold at
 * the moment we end, however we end. Which thread may be stopped for how long is tracer.c's matter.
 */

#include "tracer.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracer-protocol.h"

/* The kernel's limit of a tid, and one bit for each that is held. */
#define MAX_TID (4 * 1024 * 1024)
static uint8_t held[MAX_TID / 8];

/* A thread on another CPU stops within microseconds: asking again is cheaper than going to sleep. One on ours
 * waits for us. */
#define SPINS 20

#define NS_PER_SECOND 1000000000ULL
#define ALARM_INTERVAL 1000000
#define STRAGGLER_LIMIT (TRACER_WATCHDOG_MS * 1000000ULL * 3 / 5)

uint64_t
tracer_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static struct timespec
to_timespec (uint64_t time)
{
  return (struct timespec){ .tv_sec = time / NS_PER_SECOND, .tv_nsec = time % NS_PER_SECOND };
}

static bool
is_held (pid_t tid)
{
  return (held[tid / 8] & (1 << tid % 8)) != 0;
}

static void
set_held (pid_t tid, bool is)
{
  held[tid / 8] = (held[tid / 8] & ~(1 << tid % 8)) | is << tid % 8;
}

/*
 * The number @tid is one of the target's threads now: of the process that has the number @pid, which is the
 * target as long as this has not been reaped. Asked after attaching too: then it cannot become another's any
 * more.
 */
static bool
belongs (pid_t pid, pid_t tid)
{
  if (syscall (SYS_tgkill, pid, tid, 0) != 0 && errno == ESRCH)
    return false;
  return syscall (SYS_pidfd_send_signal, TRACER_PIDFD, 0, NULL, 0) == 0 || errno != ESRCH;
}

/* SEIZE says EPERM for three reasons. A read of its memory needs the same right and tells them apart. */
static int
explain_refusal (pid_t tid, int code)
{
  char byte;
  struct iovec local = { &byte, 1 };
  struct iovec remote = { NULL, 1 };

  if (code != EPERM || process_vm_readv (tid, &local, 1, &remote, 1, 0) >= 0)
    return code;
  if (errno == ESRCH)
    return ESRCH; /* a zombie */
  return errno == EFAULT ? EBUSY : EPERM;
}

/* Tells a thread to stop. It has not stopped yet when this returns. */
static int
interrupt (TracerHold *hold, pid_t pid, pid_t tid)
{
  if (!belongs (pid, tid))
    return ESRCH;
  if (ptrace (PTRACE_SEIZE, tid, NULL, NULL) != 0)
    return explain_refusal (tid, errno);

  if (hold->n_threads == 0)
    hold->started = tracer_now ();
  if (!belongs (pid, tid) || ptrace (PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
    {
      hold->stuck = true;
      return ESRCH;
    }
  hold->threads[hold->n_threads++] = (TracerThread){ .tid = tid };
  set_held (tid, true);
  return 0;
}

/* The thread at @index is no longer ours. */
static void
forget (TracerHold *hold, unsigned index)
{
  set_held (hold->threads[index].tid, false);
  hold->threads[index] = hold->threads[--hold->n_threads];
}

/*
 * Sleeps until the thread changes, or the deadline: SIGALRM has a handler that does nothing and comes again
 * and again, so that one which comes before we sleep does no harm.
 */
static pid_t
wait_until (pid_t tid, int *status, timer_t alarm, uint64_t deadline)
{
  struct itimerspec time = { .it_interval = { .tv_nsec = ALARM_INTERVAL },
                             .it_value = to_timespec (deadline) };
  const struct itimerspec never = { 0 };
  pid_t changed;

  if (timer_settime (alarm, TIMER_ABSTIME, &time, NULL) != 0)
    return 0;
  do
    changed = waitpid (tid, status, __WALL);
  while (changed < 0 && errno == EINTR && tracer_now () < deadline);
  timer_settime (alarm, 0, &never, NULL);
  return changed < 0 && errno == EINTR ? 0 : changed;
}

pid_t
tracer_wait (TracerHold *hold, pid_t tid, int *status, uint64_t deadline)
{
  pid_t changed = 0;

  for (unsigned i = 0; i < SPINS && changed == 0; i++)
    changed = waitpid (tid, status, __WALL | WNOHANG);
  return changed != 0 ? changed : wait_until (tid, status, hold->alarm, deadline);
}

static int
await_stop (TracerHold *hold, unsigned index, uint64_t deadline)
{
  pid_t tid = hold->threads[index].tid;
  bool group_stop, delivery;
  int status;
  pid_t changed = tracer_wait (hold, tid, &status, deadline);

  if (changed == 0)
    return ETIMEDOUT;
  if (changed != tid || !WIFSTOPPED (status))
    {
      forget (hold, index);
      return ESRCH;
    }

  /* Of the stops that a seized thread makes, only the one before a signal has no event. */
  hold->threads[index].stopped = true;
  delivery = status >> 16 == 0;
  group_stop = !delivery && WSTOPSIG (status) != SIGTRAP;
  if (delivery)
    hold->threads[index].signal = WSTOPSIG (status);
  if (!group_stop)
    tracer_undo_interrupt (tid);
  return 0;
}

/* Tells the threads that are listed and not held to stop. Those that end meanwhile are none. */
static int
interrupt_listed (TracerHold *hold, pid_t pid)
{
  _Alignas(struct dirent64) char entries[8192];
  ssize_t size;

  if (lseek (TRACER_TASKS, 0, SEEK_SET) != 0)
    return ESRCH;
  while ((size = getdents64 (TRACER_TASKS, entries, sizeof entries)) > 0)
    for (ssize_t at = 0; at < size; at += ((struct dirent64 *)(entries + at))->d_reclen)
      {
        const struct dirent64 *entry = (struct dirent64 *)(entries + at);
        long tid = isdigit (entry->d_name[0]) ? strtol (entry->d_name, NULL, 10) : 0;
        int status;

        if (tid <= 0 || tid >= MAX_TID || is_held (tid))
          continue;
        if (hold->n_threads == TRACER_MAX_THREADS)
          return ETIMEDOUT;
        status = interrupt (hold, pid, tid);
        if (status != 0 && status != ESRCH)
          return status;
      }
  return 0;
}

/* A thread that still runs can make another: the list has to be read until it shows none that is new. */
static int
hold_all (TracerHold *hold, pid_t pid, uint64_t deadline)
{
  unsigned before;

  do
    {
      int status;

      before = hold->n_threads;
      status = interrupt_listed (hold, pid);
      if (status != 0)
        return status;

      /* From the end, for a thread that ended is replaced by the last. */
      for (unsigned i = hold->n_threads; i > before; i--)
        if (await_stop (hold, i - 1, deadline) == ETIMEDOUT)
          return ETIMEDOUT;
    }
  while (hold->n_threads > before);
  return hold->n_threads > 0 ? 0 : ESRCH;
}

int
tracer_hold (TracerHold *hold, pid_t pid, pid_t tid, uint64_t deadline)
{
  int status;

  if (tid >= MAX_TID)
    return ESRCH;
  if (tid == 0)
    status = hold_all (hold, pid, deadline);
  else if ((status = interrupt (hold, pid, tid)) == 0)
    status = await_stop (hold, 0, deadline);
  if (status == 0 && !tracer_is_same (hold->uid, hold->gid))
    status = ESRCH;

  if (status != 0)
    tracer_let_go (hold);
  return status;
}

static void
detach (TracerHold *hold, unsigned index)
{
  const TracerThread *thread = &hold->threads[index];

  if (ptrace (PTRACE_DETACH, thread->tid, NULL, (long)thread->signal) != 0)
    hold->stuck = true;
  forget (hold, index);
}

/*
 * A thread that was told to stop and did not yet cannot be detached. It is given some more time, for only at
 * its stop can the interruption be undone; at the end of ours the kernel takes it off, and a signal that it
 * is about to receive stays with it.
 */
static void
let_go_of_stragglers (TracerHold *hold)
{
  const uint64_t deadline = hold->started + STRAGGLER_LIMIT;

  while (hold->n_threads > 0)
    {
      unsigned last = hold->n_threads - 1;
      int status = await_stop (hold, last, deadline);

      if (status == 0)
        detach (hold, last);
      if (status != ETIMEDOUT)
        continue;
      hold->stuck = true;
      forget (hold, last);
    }
}

void
tracer_let_go (TracerHold *hold)
{
  for (unsigned i = hold->n_threads; i > 0; i--)
    if (hold->threads[i - 1].stopped)
      detach (hold, i - 1);
  let_go_of_stragglers (hold);
}

bool
tracer_holds (const TracerHold *hold, pid_t tid)
{
  return hold->n_threads > 0 && tid > 0 && tid < MAX_TID && is_held (tid);
}
