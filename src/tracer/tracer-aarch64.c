/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What of a stop and of an injected call depends on the processor: aarch64, where no call is injected: a stub
 * would have to give up a register for its jump back.
 */

#include "tracer-inject.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/*
 * Here the kernel looks at a call's result before the stop, and the result has overwritten the call's first
 * argument, whose copy it shows to nobody (arch/arm64/kernel/signal.c, do_signal()). So the few calls that
 * fail with EINTR after a stop do: what a program has to expect after SIGSTOP and SIGCONT as well.
 */
void
tracer_undo_interrupt (pid_t tid)
{
}

/* Of no use without injected calls. */
void
tracer_end_wait (pid_t tid)
{
}

bool
tracer_get_registers (pid_t tid, TracerRegisters *registers)
{
  struct iovec set = { registers, sizeof *registers };

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
  return self->pc;
}

uint64_t
tracer_registers_get_stack (const TracerRegisters *self)
{
  return self->sp;
}

long
tracer_registers_get_result (const TracerRegisters *self)
{
  return (long)self->regs[0];
}

void
tracer_registers_set_call (TracerRegisters *self, uint64_t pc, const TracerCall *call)
{
  self->pc = pc;
  self->regs[8] = call->number;
  for (unsigned i = 0; i < sizeof call->arguments / sizeof call->arguments[0]; i++)
    self->regs[i] = call->arguments[i];
}

size_t
tracer_build_stub (uint8_t stub[TRACER_STUB_SIZE], const TracerCall *call, const TracerRegisters *registers)
{
  return 0;
}

/* DWARF for the Arm 64-bit Architecture: X0 to X30, then SP. */
unsigned
tracer_registers_to_dwarf (const TracerRegisters *self, uint64_t numbered[TRACER_MAX_DWARF_REGISTERS])
{
  memcpy (numbered, self->regs, sizeof self->regs);
  numbered[31] = self->sp;
  return 32;
}
