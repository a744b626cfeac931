/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/user.h>

#include "tracer.h"

/*
 * A system call that the target's main thread is made to make. What it runs for that is a stub in the unused
 * end of the vDSO's last page: the call, then instructions that load all registers as they were, then a jump
 * back. Our writing the thread's registers is the moment of no return, and an orderly one: whenever we are
 * killed, the thread comes back to where it was by itself.
 */
typedef struct
{
  long number;
  uint64_t arguments[5];
  bool forks; /* in the child, which returns 0, the stub ends the process with TRACER_COPY_STATUS */
} TracerCall;

/* How a copy ends that nobody holds. */
#define TRACER_COPY_STATUS 113

typedef struct user_regs_struct TracerRegisters;

/**
 * tracer_inject:
 * @hold: holds the main thread, at least. It still does so afterwards, as if nothing had been.
 * @vdso: where the target's vDSO is; believed only if it is there
 * @deadline: when to give up
 * @result: what the call returned, as the kernel does: negative errnos
 * @child: (nullable): the new process, in our pid namespace; for a call that forks
 *
 * Returns: 0, or an errno: EAGAIN: not at this moment (a signal is about to be delivered, or the thread is in
 * a restartable sequence or in a stub already): let go and try again; ENOSYS: not on this processor; EACCES:
 * the target is under seccomp; ENXIO: @vdso is not our kernel's vDSO, or has no room; ESRCH; ETIMEDOUT
 */
int tracer_inject (TracerHold *hold,
                   pid_t pid,
                   uint64_t vdso,
                   const TracerCall *call,
                   uint64_t deadline,
                   long *result,
                   pid_t *child);

/**
 * tracer_put_text:
 * @offset: in the room for texts, TRACER_TEXT_SIZE bytes that nothing else uses: the end of the vDSO's last
 * page
 * @text: as long as there is room after @offset
 *
 * The main thread is held. Returns: where in the target the text is; 0: there is no room
 */
uint64_t tracer_put_text (pid_t pid, uint64_t vdso, size_t offset, const char *text);

/* What depends on the processor. */

/* FALSE: the thread is a 32-bit program's, or has ended. */
bool tracer_get_registers (pid_t tid, TracerRegisters *registers);
bool tracer_set_registers (pid_t tid, const TracerRegisters *registers);
uint64_t tracer_registers_get_pc (const TracerRegisters *self);
uint64_t tracer_registers_get_stack (const TracerRegisters *self);
long tracer_registers_get_result (const TracerRegisters *self);

#define TRACER_MAX_DWARF_REGISTERS 32

/* Copies them by their numbers in DWARF; returns how many there are. */
unsigned
tracer_registers_to_dwarf (const TracerRegisters *self, uint64_t numbered[TRACER_MAX_DWARF_REGISTERS]);

/* @self becomes that of a thread about to make @call by the instruction at @pc. */
void tracer_registers_set_call (TracerRegisters *self, uint64_t pc, const TracerCall *call);

/* The longest stub. */
#define TRACER_STUB_SIZE 160

/* Writes the stub that makes @call and goes back to what @registers say. Returns its size; 0: there is none
 * for this processor. */
size_t
tracer_build_stub (uint8_t stub[TRACER_STUB_SIZE], const TracerCall *call, const TracerRegisters *registers);
