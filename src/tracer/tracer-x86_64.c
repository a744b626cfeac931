/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a stop and of an injected call depends on the processor: x86_64. */

#include "tracer-inject.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* include/linux/errno.h: results that a program under a tracer can see, and the kernel acts on. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

#define SYSCALL_SIZE 2

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
  TracerRegisters registers;

  if (!tracer_get_registers (tid, &registers))
    return;
  if ((long)registers.rax != -EINTR || !is_restartable (registers.orig_rax))
    return;
  registers.rax = -ERESTARTNOHAND;
  tracer_set_registers (tid, &registers);
}

/* An event that happens meanwhile is there at the next call: EPOLLET and EPOLLONESHOT count what was taken.
 */
void
tracer_end_wait (pid_t tid)
{
  TracerRegisters registers;

  if (!tracer_get_registers (tid, &registers)
      || ((long)registers.rax != -EINTR && (long)registers.rax != -ERESTARTNOHAND))
    return;
  switch (registers.orig_rax)
    {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      registers.rax = 0;
      registers.orig_rax = -1;
      tracer_set_registers (tid, &registers);
      break;
    default:
      break;
    }
}

bool
tracer_get_registers (pid_t tid, TracerRegisters *registers)
{
  struct iovec set = { registers, sizeof *registers };

  /* A 32-bit program has a shorter set, with calls of other numbers. */
  return ptrace (PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &set) == 0 && set.iov_len == sizeof *registers;
}

bool
tracer_set_registers (pid_t tid, const TracerRegisters *registers)
{
  struct iovec set = { (void *)registers, sizeof *registers };

  return ptrace (PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &set) == 0;
}

uint64_t
tracer_registers_get_pc (const TracerRegisters *self)
{
  return self->rip;
}

uint64_t
tracer_registers_get_stack (const TracerRegisters *self)
{
  return self->rsp;
}

long
tracer_registers_get_result (const TracerRegisters *self)
{
  return (long)self->rax;
}

void
tracer_registers_set_call (TracerRegisters *self, uint64_t pc, const TracerCall *call)
{
  self->rip = pc;
  self->rax = call->number;
  self->orig_rax = -1; /* no call that the kernel should restart */
  self->rdi = call->arguments[0];
  self->rsi = call->arguments[1];
  self->rdx = call->arguments[2];
  self->r10 = call->arguments[3];
  self->r8 = call->arguments[4];
}

/*
 * Where the thread would be and what it would hold, had the kernel dealt with the call that our stop
 * interrupted (arch/x86/kernel/signal.c, arch_do_signal_or_restart()).
 */
static void
restart_interrupted_call (TracerRegisters *registers)
{
  if ((long)registers->orig_rax < 0)
    return;
  switch (-(long)registers->rax)
    {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
      registers->rax = registers->orig_rax;
      registers->rip -= SYSCALL_SIZE;
      break;
    case ERESTART_RESTARTBLOCK:
      registers->rax = SYS_restart_syscall;
      registers->rip -= SYSCALL_SIZE;
      break;
    default:
      break;
    }
}

typedef struct
{
  uint8_t *code;
  size_t size;
} Stub;

static void
emit (Stub *stub, const void *bytes, size_t size)
{
  memcpy (stub->code + stub->size, bytes, size);
  stub->size += size;
}

/* movabs $value, %register */
static void
emit_load (Stub *stub, unsigned number, uint64_t value)
{
  const uint8_t instruction[] = { number >= 8 ? 0x49 : 0x48, 0xb8 | (number & 7) };

  emit (stub, instruction, sizeof instruction);
  emit (stub, &value, sizeof value);
}

/* Reloads what a call takes or changes, and goes back. No instruction of it changes the flags. */
static void
emit_return (Stub *stub, const TracerRegisters *registers)
{
  static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 }; /* jmp *0(%rip) */

  emit_load (stub, 0, registers->rax);
  emit_load (stub, 1, registers->rcx);
  emit_load (stub, 2, registers->rdx);
  emit_load (stub, 6, registers->rsi);
  emit_load (stub, 7, registers->rdi);
  emit_load (stub, 8, registers->r8);
  emit_load (stub, 10, registers->r10);
  emit_load (stub, 11, registers->r11);
  emit (stub, jump, sizeof jump);
  emit (stub, &registers->rip, sizeof registers->rip);
}

size_t
tracer_build_stub (uint8_t code[TRACER_STUB_SIZE], const TracerCall *call, const TracerRegisters *registers)
{
  static const uint8_t syscall[] = { 0x0f, 0x05 };
  static const uint8_t test[] = { 0x48, 0x89, 0xc1, 0xe3, 0 }; /* mov %rax, %rcx; jrcxz child */
  static const uint8_t child[] = { 0xbf, TRACER_COPY_STATUS,
                                   0,    0,
                                   0, /* mov $status, %edi */
                                   0xb8, SYS_exit_group,
                                   0,    0,
                                   0, /* mov $exit_group, %eax */
                                   0x0f, 0x05,
                                   0x0f, 0x0b }; /* syscall; ud2 */
  TracerRegisters after = *registers;
  Stub stub = { code, 0 };
  size_t tested;

  restart_interrupted_call (&after);
  emit (&stub, syscall, sizeof syscall);
  if (call->forks)
    emit (&stub, test, sizeof test);
  tested = stub.size;
  emit_return (&stub, &after);
  if (call->forks)
    {
      code[tested - 1] = stub.size - tested;
      emit (&stub, child, sizeof child);
    }
  return stub.size;
}

/* System V ABI, AMD64 Architecture Processor Supplement, figure 3.36: DWARF Register Number Mapping. */
unsigned
tracer_registers_to_dwarf (const TracerRegisters *self, uint64_t numbered[TRACER_MAX_DWARF_REGISTERS])
{
  const uint64_t registers[] = { self->rax, self->rdx, self->rcx, self->rbx, self->rsi, self->rdi,
                                 self->rbp, self->rsp, self->r8,  self->r9,  self->r10, self->r11,
                                 self->r12, self->r13, self->r14, self->r15, self->rip };

  memcpy (numbered, registers, sizeof registers);
  return sizeof registers / sizeof *registers;
}
