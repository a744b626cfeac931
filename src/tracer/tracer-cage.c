/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The confinement of the tracer, in case its peer finds a way to make it run what it should not: it has the
 * right to look into every process, and is left no way to bring out what it sees but its one socket, to reach
 * a process by another way than ptrace, or to become anything else. The service already gave it a uid of its
 * own and this one capability; a test or a user may start it with more.
 */

#include "tracer-cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer.h"

#define LENGTH(array) (sizeof (array) / sizeof *(array))

/* What makes a clone() a thread of ours, and what it must not make besides. */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define NAMESPACE_FLAGS                                                                                      \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* No kill, and no right to: a copy of the target is ended by PTRACE_KILL. */
static const int calls[] = {
  /* the target */
  SCMP_SYS (process_vm_readv),
  SCMP_SYS (process_vm_writev),
  SCMP_SYS (pidfd_send_signal),
  SCMP_SYS (pidfd_getfd),
  SCMP_SYS (tgkill),
  SCMP_SYS (wait4),
  SCMP_SYS (waitid),
  /* our descriptors */
  SCMP_SYS (sendto),
  SCMP_SYS (sendmsg),
  SCMP_SYS (recvfrom),
  SCMP_SYS (recvmsg),
  SCMP_SYS (poll),
  SCMP_SYS (ppoll),
  SCMP_SYS (lseek),
  SCMP_SYS (getdents64),
  SCMP_SYS (read),
  SCMP_SYS (pread64),
  SCMP_SYS (fstat),
  SCMP_SYS (close),
  /* time */
  SCMP_SYS (timer_settime),
  SCMP_SYS (clock_gettime),
  SCMP_SYS (nanosleep),
  SCMP_SYS (clock_nanosleep),
  SCMP_SYS (restart_syscall),
  SCMP_SYS (rt_sigreturn),
  SCMP_SYS (rt_sigprocmask),
  SCMP_SYS (rt_sigaction),
  /* a thread of ours, and its end; the kernel detaches then */
  SCMP_SYS (futex),
  SCMP_SYS (set_robust_list),
  SCMP_SYS (rseq),
  SCMP_SYS (munmap),
  SCMP_SYS (madvise),
  SCMP_SYS (brk),
  SCMP_SYS (sched_yield),
  SCMP_SYS (getpid),
  SCMP_SYS (gettid),
  SCMP_SYS (exit),
  SCMP_SYS (exit_group),
};

/* To stop and let go, to make one call, to end a copy. Not to step, nor to attach by a signal. */
static const int requests[] = {
  PTRACE_SEIZE,    PTRACE_INTERRUPT,  PTRACE_DETACH,      PTRACE_CONT,
  PTRACE_SYSCALL,  PTRACE_LISTEN,     PTRACE_GETREGSET,   PTRACE_SETREGSET,
  PTRACE_POKETEXT, PTRACE_PEEKTEXT,   PTRACE_SETOPTIONS,  PTRACE_GETEVENTMSG,
  PTRACE_KILL,     PTRACE_GETSIGINFO, PTRACE_PEEKSIGINFO, PTRACE_GET_RSEQ_CONFIGURATION,
};

/* Whoever had more has this one now, and whoever had less has less. */
static bool
keep_one_capability (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

  if (syscall (SYS_capget, &header, sets) != 0)
    return false;
  sets[0].permitted &= 1u << CAP_SYS_PTRACE;
  sets[0].effective = sets[0].permitted;
  sets[0].inheritable = 0;
  sets[1] = (struct __user_cap_data_struct){ 0 };
  return syscall (SYS_capset, &header, sets) == 0;
}

static int
add_calls (scmp_filter_ctx filter)
{
  int status = 0;

  for (unsigned i = 0; status == 0 && i < LENGTH (calls); i++)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, calls[i], 0);
  for (unsigned i = 0; status == 0 && i < LENGTH (requests); i++)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (ptrace), 1,
                               SCMP_A0_32 (SCMP_CMP_EQ, (scmp_datum_t)requests[i]));
  return status;
}

/* Calls of which only a form is harmless. */
static int
add_conditional_calls (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp data = SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const struct scmp_arg_cmp thread =
      SCMP_A0 (SCMP_CMP_MASKED_EQ, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS);
  const struct scmp_arg_cmp status_of_descriptor = SCMP_A3 (SCMP_CMP_EQ, AT_EMPTY_PATH);
  int status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1, data);

  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1, data);
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (newfstatat), 1, status_of_descriptor);
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1, thread);
  /* Its flags are hidden from a filter: answered as by a kernel that lacks it, at which clone is taken. */
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  return status;
}

static bool
restrict_calls (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  bool done = filter != NULL && add_calls (filter) == 0 && add_conditional_calls (filter) == 0
              && seccomp_load (filter) == 0;

  seccomp_release (filter);
  return done;
}

/* The filter's answer, and no other's: these would mostly fail without it, too. */
static bool
is_refused (long result)
{
  return result == -1 && errno == EPERM;
}

static const char *
find_open_lock (void)
{
  long child;

  if (!is_refused (open ("/", O_PATH | O_CLOEXEC)))
    return "it can open files";
  if (!is_refused (socket (AF_UNIX, SOCK_STREAM, 0)))
    return "it can make sockets";
  if (!is_refused (execve ("/", (char *[]){ NULL }, (char *[]){ NULL })))
    return "it can run programs";
  if (!is_refused (kill (getppid (), 0)))
    return "it can signal others";
  if (!is_refused (ptrace (PTRACE_TRACEME, 0, NULL, NULL)))
    return "it can be traced";
  child = syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0)
    _exit (0);
  return is_refused (child) ? NULL : "it can start processes";
}

bool
tracer_check_descriptors (void)
{
  struct stat tasks, status, owner, mark;
  int type;
  socklen_t size = sizeof type;

  return getsockopt (TRACER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET
         && (syscall (SYS_pidfd_send_signal, TRACER_PIDFD, 0, NULL, 0) == 0 || errno == ESRCH
             || errno == EPERM)
         && fstat (TRACER_TASKS, &tasks) == 0 && S_ISDIR (tasks.st_mode)
         && fstat (TRACER_STATUS, &status) == 0 && S_ISREG (status.st_mode)
         && fstat (TRACER_OWNER, &owner) == 0 && S_ISDIR (owner.st_mode) && fstat (TRACER_MARK, &mark) == 0
         && S_ISREG (mark.st_mode);
}

const char *
tracer_cage_enter (void)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl (PR_SET_DUMPABLE, 0) != 0
      || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || close_range (TRACER_MARK + 1, ~0U, 0) != 0)
    return "the kernel refuses";
  if (!keep_one_capability ())
    return "it keeps rights";
  if (!restrict_calls ())
    return "the kernel refuses its filter of system calls";
  return find_open_lock ();
}
