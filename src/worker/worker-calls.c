/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The system calls of a worker: all that are let through, in one table. A call that is missing here fails
 * with EPERM, which the C library and GLib bear.
 */

#include "worker-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hap-error.h"

#define MAX_CONDITIONS 2

/* A call, and what its arguments must be for it; with no condition it is let through as it is. */
typedef struct
{
  int number;
  unsigned n_conditions;
  struct scmp_arg_cmp conditions[MAX_CONDITIONS];
} Call;

/* clang-format off */
#define CALL(name) { SCMP_SYS (name), 0, { { 0 } } }
#define CALL_IF(name, ...) { SCMP_SYS (name), 1, { __VA_ARGS__ } }
#define CALL_IF_BOTH(name, ...) { SCMP_SYS (name), 2, { __VA_ARGS__ } }
#define IS(n, value) { n, SCMP_CMP_EQ, (scmp_datum_t)(value), 0 }
#define HAS(n, mask, value) { n, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value) }
/* clang-format on */

/* What makes a clone() a thread of ours, and what it must not make besides. */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define NAMESPACE_FLAGS                                                                                      \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/*
 * Unusual ones. clone: threads are clones that share all. clone3 hides its flags from a filter, so it is
 * answered as by a kernel that lacks it, at which the C library takes clone. newfstatat and statx: how
 * fstat() asks; a filter does not see whether the path is empty, so a worker can ask what its uid may know of
 * a name. epoll: how GIO finds out whether a descriptor can be waited for. setpriority, sched_setattr: a
 * sampler is in a hurry, as far as its RLIMIT_NICE lets it; GLib hands a thread's scheduling on to those it
 * starts.
 */
/* clang-format off */
static const Call calls[] = {
  /* descriptors that are there */
  CALL (read), CALL (readv), CALL (pread64), CALL (preadv), CALL (preadv2), CALL (write), CALL (writev),
  CALL (pwrite64), CALL (pwritev), CALL (lseek), CALL (_llseek), CALL (ftruncate), CALL (ftruncate64),
  CALL (fsync), CALL (fdatasync), CALL (fadvise64), CALL (close), CALL (close_range),
  CALL (eventfd2), CALL (fstat), CALL (fstat64), CALL_IF (newfstatat, IS (3, AT_EMPTY_PATH)),
  CALL_IF (statx, HAS (2, AT_EMPTY_PATH, AT_EMPTY_PATH)), CALL_IF (fcntl, IS (1, F_GETFD)),
  CALL_IF (fcntl, IS (1, F_SETFD)), CALL_IF (fcntl, IS (1, F_GETFL)), CALL_IF (fcntl, IS (1, F_SETFL)),
  CALL_IF (fcntl, IS (1, F_DUPFD_CLOEXEC)),
  /* the memory files of code for the target */
  CALL_IF (fcntl, IS (1, F_SETLK)), CALL_IF (fcntl, IS (1, F_ADD_SEALS)),
  CALL_IF (fallocate, IS (1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)),
  /* waiting */
  CALL (poll), CALL (ppoll), CALL (select), CALL (pselect6),
  CALL (epoll_create1), CALL (epoll_ctl),

  /* its two sockets: to the service and to its tracer */
  CALL (sendmsg), CALL (sendto), CALL (recvmsg), CALL (recvfrom), CALL (shutdown), CALL (getsockopt),
  CALL (setsockopt), CALL (getsockname), CALL (getpeername),

  /* memory, never executable */
  CALL (brk), CALL_IF (mmap, HAS (2, PROT_EXEC, 0)), CALL_IF (mmap2, HAS (2, PROT_EXEC, 0)),
  CALL_IF (mprotect, HAS (2, PROT_EXEC, 0)), CALL (munmap), CALL (mremap), CALL (madvise),

  /* threads */
  CALL_IF (clone, HAS (0, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)), CALL (futex), CALL (futex_time64),
  CALL (set_robust_list), CALL (rseq), CALL (membarrier), CALL (sched_yield), CALL (sched_getaffinity),
  CALL (sched_getattr), CALL_IF (sched_setattr, IS (0, 0)),
  CALL_IF_BOTH (setpriority, IS (0, PRIO_PROCESS), IS (1, 0)), CALL (exit), CALL (exit_group),
  CALL_IF (prctl, IS (0, PR_SET_TIMERSLACK)), CALL_IF (prctl, IS (0, PR_SET_NAME)),

  /* time and signals */
  CALL (clock_gettime), CALL (clock_gettime64), CALL (clock_getres), CALL (clock_nanosleep),
  CALL (clock_nanosleep_time64), CALL (gettimeofday), CALL (nanosleep), CALL (restart_syscall), CALL (times),
  CALL (rt_sigaction), CALL (rt_sigprocmask), CALL (rt_sigreturn), CALL (sigreturn), CALL (sigaltstack),

  /* what it is, and what it uses */
  CALL (getpid), CALL (gettid), CALL (getppid), CALL (getuid), CALL (geteuid), CALL (getgid), CALL (getegid),
  CALL (getrandom), CALL (getrusage), CALL (sysinfo), CALL (uname), CALL (getrlimit), CALL (ugetrlimit),
  CALL_IF_BOTH (prlimit64, IS (0, 0), IS (2, 0)),
};
/* clang-format on */

static int
add_calls (scmp_filter_ctx filter)
{
  int status = 0;

  for (guint i = 0; status == 0 && i < G_N_ELEMENTS (calls); i++)
    status = seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, calls[i].number, calls[i].n_conditions,
                                     calls[i].conditions);
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  /* abort() */
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1,
                               SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t)getpid ()));
  return status;
}

gboolean
worker_calls_restrict (GError **error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  int status = filter != NULL ? add_calls (filter) : -ENOMEM;

  if (status == 0)
    status = seccomp_load (filter);
  seccomp_release (filter);
  if (status == 0)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The worker cannot lock itself in: seccomp: %s",
               g_strerror (-status));
  return FALSE;
}
