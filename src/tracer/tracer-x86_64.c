/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a stop depends on the processor: x86_64. */

#include "tracer.h"

#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

/* include/linux/errno.h: "restart if no handler"; what a program under a tracer can see, and the kernel acts
 * on. */
#define ERESTARTNOHAND 514

/*
 * The calls that fail with EINTR after a mere stop (signal(7), "Interruption of system calls and library
 * functions by stop signals"), because the kernel cannot restart them with the rest of their timeout.
 * Restarted by us, their timeout begins anew: it is late by what they had waited. No other call is touched:
 * an EINTR of close() or of a device must not be undone.
 */
static bool
is_restartable (long number)
{
  switch (number)
    {
    case SYS_accept:
    case SYS_accept4:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_epoll_wait:
    case SYS_io_getevents:
    case SYS_io_pgetevents:
    case SYS_recvfrom:
    case SYS_recvmmsg:
    case SYS_recvmsg:
    case SYS_rt_sigtimedwait:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_sendmmsg:
    case SYS_sendmsg:
    case SYS_sendto:
      return true;
    default:
      return false;
    }
}

/*
 * We do not rewind the call ourselves: the stop is inside the kernel's delivery of signals, which looks at
 * the result when the thread goes on. If a signal with a handler comes until then, it makes EINTR of it
 * again, as it must; otherwise it restarts the call.
 */
void
tracer_undo_interrupt (pid_t tid)
{
  struct user_regs_struct registers;
  struct iovec set = { &registers, sizeof registers };

  /* A 32-bit program has a shorter set, with calls of other numbers: left alone. */
  if (ptrace (PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &set) != 0 || set.iov_len != sizeof registers)
    return;
  if ((long)registers.rax != -EINTR || !is_restartable (registers.orig_rax))
    return;
  registers.rax = -ERESTARTNOHAND;
  ptrace (PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &set);
}
