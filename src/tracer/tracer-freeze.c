/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies of the target: made by a fork that it is made to do while all of its threads are held, never run,
 * ended by a kill, reaped by the target itself, each by its own number. When a copy is made and dropped is
 * tracer.c's matter.
 */

#include "tracer-freeze.h"

#include <errno.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer-protocol.h"

#define NS_PER_MS 1000000ULL

void
tracer_copy_add_zombie (TracerCopy *self, pid_t ns_pid)
{
  if (ns_pid > 0 && self->n_zombies < TRACER_MAX_ZOMBIES)
    self->zombies[self->n_zombies++] = ns_pid;
}

/* The copy was attached to by its birth. From here on it ends with us. */
int
tracer_await_birth (TracerHold *hold, pid_t pid, uint64_t deadline)
{
  int status;
  pid_t changed = tracer_wait (hold, pid, &status, deadline);

  if (changed == pid && WIFSTOPPED (status)
      && ptrace (PTRACE_SETOPTIONS, pid, NULL, (long)PTRACE_O_EXITKILL) == 0)
    return 0;

  /* What detaches it, and so brings it to its end, is the end of our thread. */
  hold->stuck = true;
  return ETIMEDOUT;
}

/*
 * The files are shared, so that what the target closes is closed; there is no exit signal, so that neither
 * its waitpid(-1) nor its handler of SIGCHLD sees the copy.
 */
int
tracer_freeze (TracerCopy *self, TracerHold *hold, pid_t pid, uint64_t deadline, bool *refused)
{
  const TracerCall clone = { .number = SYS_clone, .arguments = { CLONE_FILES }, .forks = true };
  long result = 0;
  pid_t child = 0;
  int status = tracer_inject (hold, pid, self->vdso, &clone, deadline, &result, &child);

  *refused = false;
  if (status == 0 && result < 0)
    {
      *refused = true;
      return (int)-result;
    }
  if (status == 0 && child == 0)
    status = ECHILD; /* it was not given to us */
  if (status == 0)
    status = tracer_await_birth (hold, child, deadline);
  if (status == 0 && !tracer_get_registers (pid, &self->registers))
    {
      hold->stuck = true;
      status = ESRCH;
    }
  if (status != 0)
    {
      tracer_copy_add_zombie (self, result);
      return status;
    }
  self->pid = child;
  self->ns_pid = result;
  self->made = tracer_now ();
  self->isolated = false;
  return 0;
}

/* Needs no right to send signals. Before Linux 5.18 it lets the copy go on instead, which is to its end. */
static void
end (pid_t pid)
{
  int status;
  pid_t changed;

  ptrace (PTRACE_KILL, pid, NULL, NULL);
  do
    changed = waitpid (pid, &status, __WALL);
  while ((changed < 0 && errno == EINTR) || (changed == pid && WIFSTOPPED (status)));
}

void
tracer_copy_kill_runner (TracerCopy *self)
{
  if (self->runner == 0)
    return;
  end (self->runner);
  tracer_copy_add_zombie (self, self->runner_ns_pid);
  self->runner = 0;
}

void
tracer_copy_kill (TracerCopy *self)
{
  tracer_copy_kill_runner (self);
  if (self->pid == 0)
    return;
  end (self->pid);
  tracer_copy_forget (self);
}

uint64_t
tracer_copy_get_end (const TracerCopy *self)
{
  return self->made + (self->isolated ? TRACER_RUN_LIMIT_MS : TRACER_COPY_LIMIT_MS) * NS_PER_MS;
}

void
tracer_copy_forget (TracerCopy *self)
{
  if (self->pid == 0)
    return;
  tracer_copy_add_zombie (self, self->ns_pid);
  if (self->runner != 0)
    tracer_copy_add_zombie (self, self->runner_ns_pid);
  self->pid = self->ns_pid = self->runner = 0;
}

int
tracer_copy_reap (TracerCopy *self, TracerHold *hold, pid_t pid, uint64_t deadline)
{
  while (self->n_zombies > 0)
    {
      const TracerCall wait = { .number = SYS_wait4,
                                .arguments = { self->zombies[self->n_zombies - 1], 0, WNOHANG | __WALL } };
      long result;
      int status = tracer_inject (hold, pid, self->vdso, &wait, deadline, &result, NULL);

      if (status != 0)
        return status;
      if (result == 0)
        return EAGAIN; /* it still is about to end */
      self->n_zombies--;
    }
  return 0;
}
