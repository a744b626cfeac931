/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies that run: each is forked off the frozen one, which stays as it is, and is confined by calls that it
 * is made to make before it goes on. It computes, reads files, writes into one descriptor, and ends with us.
 * What it computes is the peer's matter.
 */

#include "tracer-runner.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <fcntl.h>

#include "tracer-protocol.h"

#define LENGTH(array) (sizeof (array) / sizeof *(array))

/* For all that is done to begin it. Nobody waits for a copy but the peer, who gives a reply 5 s. */
#define START_LIMIT_NS 3000000000ULL
#define MAX_SIGNALS 16

/* What it may have beyond the target's own address space, and write. */
#define MAX_MEMORY (512ULL << 20)
#define MAX_FILE (256ULL << 20)

/* It is the target that has to be on time. */
#define NICE 5

/* Below the stack, where nothing is kept (System V ABI, AMD64: the red zone). */
#define RED_ZONE 128

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000 /* x32 */
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define FOREIGN_CALLS 0x80000000
#endif

#define LOAD(field) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, field))
#define LET BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define LET_CALL(name) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), LET

/* The low half of an argument, on little-endian machines. */
#define LET_CALL_WITHOUT(name, n, bits)                                                                      \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD (args[n]),                                    \
      BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1), REFUSE, LET

#define TO_WRITE (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

/* No process, thread, signal, socket or program; nothing that changes a file. */
static const struct sock_filter filter[] = {
  LOAD (arch),
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
  REFUSE,
  LOAD (nr),
  BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1),
  REFUSE,
  LET_CALL (write),
  LET_CALL (read),
  LET_CALL (pread64),
  LET_CALL (lseek),
  LET_CALL (futex),
  LET_CALL (brk),
  LET_CALL (mmap),
  LET_CALL (munmap),
  LET_CALL (mremap),
  LET_CALL (mprotect),
  LET_CALL (madvise),
  LET_CALL (getpid),
  LET_CALL (gettid),
  LET_CALL (getppid),
  LET_CALL (getuid),
  LET_CALL (geteuid),
  LET_CALL (getgid),
  LET_CALL (getegid),
  LET_CALL (clock_gettime),
  LET_CALL (gettimeofday),
  LET_CALL (nanosleep),
  LET_CALL (clock_nanosleep),
  LET_CALL (restart_syscall),
  LET_CALL (getrandom),
  LET_CALL (sched_yield),
  LET_CALL (close),
  LET_CALL (dup),
  LET_CALL (dup3),
  LET_CALL (memfd_create),
  LET_CALL (fcntl),
  LET_CALL (fstat),
  LET_CALL (newfstatat),
  LET_CALL (statx),
  LET_CALL (readlinkat),
  LET_CALL (faccessat),
  LET_CALL (getdents64),
  LET_CALL (getcwd),
  LET_CALL (uname),
  LET_CALL (sysinfo),
  LET_CALL (getrusage),
  LET_CALL (rt_sigaction),
  LET_CALL (rt_sigprocmask),
  LET_CALL (rt_sigreturn),
  LET_CALL (sigaltstack),
  LET_CALL (prctl),
  LET_CALL (exit),
  LET_CALL (exit_group),
#ifdef __x86_64__
  LET_CALL (stat),
  LET_CALL (lstat),
  LET_CALL (access),
  LET_CALL (readlink),
  LET_CALL (time),
  LET_CALL (dup2),
  LET_CALL_WITHOUT (open, 1, TO_WRITE),
#endif
  LET_CALL_WITHOUT (openat, 2, TO_WRITE),
  REFUSE,
};

/* What calls point to, in the process that makes them. */
typedef struct
{
  struct rlimit memory, file;
  struct sock_fprog program;
  struct sock_filter filter[LENGTH (filter)];
} Papers;

/* What tracer_inject() takes for a process, and until when; there is one at a time. */
static TracerHold held;
static uint64_t deadline;

static void
set_held (pid_t pid, timer_t alarm)
{
  held.alarm = alarm;
  held.n_threads = 1;
  held.threads[0] = (TracerThread){ .tid = pid, .stopped = true, .ours = true };
  held.stuck = false;
}

/* @result: (nullable): where a failure of the call itself is not one of ours */
static int
make_call (TracerCopy *self, pid_t pid, const TracerCall *call, long *result)
{
  long own;
  int status = tracer_inject (&held, pid, self->vdso, call, deadline, result != NULL ? result : &own, NULL);

  if (status != 0 || result != NULL)
    return status;
  return own < 0 ? (int)-own : 0;
}

/* The table of descriptors is the target's until here. */
static int
isolate (TracerCopy *self, int descriptor)
{
  const TracerCall above = { .number = SYS_close_range,
                             .arguments = { (uint64_t)descriptor + 1, ~0U, CLOSE_RANGE_UNSHARE } };
  const TracerCall below = { .number = SYS_close_range, .arguments = { 0, (uint64_t)descriptor - 1, 0 } };
  int status;

  if (!tracer_set_registers (self->pid, &self->registers))
    return ESRCH;
  status = make_call (self, self->pid, &above, NULL);
  if (status == 0 && descriptor > 0)
    status = make_call (self, self->pid, &below, NULL);
  self->isolated = status == 0;
  return status;
}

/* Its parent is the frozen one's, which reaps it as it does that. */
static int
fork_runner (TracerCopy *self, timer_t alarm)
{
  const TracerCall clone = { .number = SYS_clone, .arguments = { CLONE_PARENT }, .forks = true };
  long result = 0;
  pid_t child = 0;
  int status = tracer_inject (&held, self->pid, self->vdso, &clone, deadline, &result, &child);

  if (status != 0 || result < 0)
    return status != 0 ? status : (int)-result;
  if (child == 0)
    return ECHILD;
  status = tracer_await_birth (&held, child, deadline);
  self->runner = child;
  self->runner_ns_pid = (pid_t)result;
  set_held (child, alarm);
  return status == 0 && !tracer_set_registers (child, &self->registers) ? ESRCH : status;
}

static void
fill (Papers *papers, uint64_t place)
{
  const uint64_t size = tracer_read_status ("VmSize", 0);

  papers->memory.rlim_cur = papers->memory.rlim_max =
      size < UINT64_MAX >> 10 ? (size << 10) + MAX_MEMORY : MAX_MEMORY;
  papers->file.rlim_cur = papers->file.rlim_max = MAX_FILE;
  papers->program.len = LENGTH (filter);
  papers->program.filter = (struct sock_filter *)(place + offsetof (Papers, filter));
  memcpy (papers->filter, filter, sizeof filter);
}

static uint64_t
hand_papers (TracerCopy *self)
{
  const uint64_t place =
      (tracer_registers_get_stack (&self->registers) - RED_ZONE - sizeof (Papers)) & ~(uint64_t)15;
  Papers papers = { 0 };
  struct iovec local = { &papers, sizeof papers };
  struct iovec remote = { (void *)place, sizeof papers };

  fill (&papers, place);
  return process_vm_writev (self->runner, &local, 1, &remote, 1, 0) == (ssize_t)sizeof papers ? place : 0;
}

/* A limit or priority that is lower already is as good. That it cannot be dumped comes last: to write what
 * makes it make a call can take that it can. */
static int
confine (TracerCopy *self)
{
  const uint64_t place = hand_papers (self);
  const TracerCall limits[] = {
    { .number = SYS_prlimit64, .arguments = { 0, RLIMIT_AS, place + offsetof (Papers, memory) } },
    { .number = SYS_prlimit64, .arguments = { 0, RLIMIT_FSIZE, place + offsetof (Papers, file) } },
    { .number = SYS_setpriority, .arguments = { PRIO_PROCESS, 0, NICE } },
  };
  const TracerCall locks[] = {
    { .number = SYS_prctl, .arguments = { PR_SET_NO_NEW_PRIVS, 1 } },
    { .number = SYS_seccomp,
      .arguments = { SECCOMP_SET_MODE_FILTER, 0, place + offsetof (Papers, program) } },
    { .number = SYS_prctl, .arguments = { PR_SET_DUMPABLE, 0 } },
  };
  int status = place != 0 ? 0 : EFAULT;

  for (unsigned i = 0; i < LENGTH (limits) && status == 0; i++)
    {
      long result;

      status = make_call (self, self->runner, &limits[i], &result);
    }
  for (unsigned i = 0; i < LENGTH (locks) && status == 0; i++)
    status = make_call (self, self->runner, &locks[i], NULL);
  return status;
}

int
tracer_copy_run (TracerCopy *self, timer_t alarm, int descriptor)
{
  int status = 0;

  tracer_copy_kill_runner (self);
  deadline = tracer_now () + START_LIMIT_NS;
  set_held (self->pid, alarm);
  if (!self->isolated)
    status = isolate (self, descriptor);
  if (status == 0)
    status = fork_runner (self, alarm);
  if (status == 0)
    status = confine (self);
  if (status == 0 && ptrace (PTRACE_CONT, self->runner, NULL, NULL) != 0)
    status = ESRCH;
  if (status != 0)
    tracer_copy_kill_runner (self);
  return status;
}

void
tracer_copy_watch (TracerCopy *self)
{
  int status;

  for (unsigned i = 0; i < MAX_SIGNALS && self->runner != 0; i++)
    {
      pid_t changed = waitpid (self->runner, &status, __WALL | WNOHANG);

      if (changed == 0)
        break;
      if (changed == self->runner && WIFSTOPPED (status))
        {
          ptrace (PTRACE_CONT, self->runner, NULL, status >> 16 == 0 ? (long)WSTOPSIG (status) : 0);
          continue;
        }
      tracer_copy_add_zombie (self, self->runner_ns_pid);
      self->runner = 0;
    }
  /* Memory gets short, and the service has ended it. */
  if (self->pid != 0 && waitpid (self->pid, &status, __WALL | WNOHANG) == self->pid && !WIFSTOPPED (status))
    {
      tracer_copy_kill_runner (self);
      tracer_copy_forget (self);
    }
}
