/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the target's main thread make one system call. Where the stub goes and when it must not is decided
 * here; its instructions are the processor's file's, which call it is and why, the caller's.
 *
 * The vDSO is the kernel's, so that ours tells where its unused end is in the target's, too: nothing of the
 * target is parsed. Writing there gives the target a copy of that page of its own, which it keeps.
 */

#include "tracer-inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tracer-protocol.h"

/* Stops of a thread on its way through a call: two that every call has, a fork's, and those of a SIGSTOP. */
#define MAX_STOPS 16

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* Results by which the kernel means that the call is to be made again. */
#define FIRST_RESTART (-516)
#define LAST_RESTART (-512)

#define MAX_VDSO (64 * 1024)
#define PAGE 4096
#define WORD sizeof (uint64_t)

/* What of the vDSO is used, and where stubs go: behind a word that counts them. */
typedef struct
{
  const uint8_t *image;
  size_t used;
  unsigned n_slots;
} Vdso;

static size_t
align (size_t size, size_t unit)
{
  return (size + unit - 1) / unit * unit;
}

static size_t
later (size_t one, size_t other)
{
  return one > other ? one : other;
}

/* Our own, which the kernel made: sound. */
static Vdso
find_vdso (void)
{
  Vdso self = { .image = (const uint8_t *)getauxval (AT_SYSINFO_EHDR) };
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)self.image;
  size_t end, room;

  if (header == NULL)
    return self;
  end = later (sizeof *header, header->e_shoff + (size_t)header->e_shnum * header->e_shentsize);
  for (unsigned i = 0; i < header->e_phnum; i++)
    {
      const Elf64_Phdr *segment = (const Elf64_Phdr *)(self.image + header->e_phoff) + i;

      end = later (end, segment->p_offset + segment->p_filesz);
    }
  self.used = align (end, 16);
  room = align (self.used, PAGE) - self.used;
  if (room > WORD + TRACER_TEXT_SIZE && self.used <= MAX_VDSO)
    self.n_slots = (room - WORD - TRACER_TEXT_SIZE) / TRACER_STUB_SIZE;
  return self;
}

static bool
read_memory (pid_t pid, uint64_t address, void *buffer, size_t size)
{
  struct iovec local = { buffer, size };
  struct iovec remote = { (void *)address, size };

  return process_vm_readv (pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* The target's program may have moved its vDSO, or be of another kind than we are: then it is not there. */
static bool
is_vdso (const Vdso *vdso, pid_t pid, uint64_t address)
{
  static uint8_t theirs[MAX_VDSO];

  return vdso->n_slots > 0 && address % PAGE == 0 && read_memory (pid, address, theirs, vdso->used)
         && memcmp (vdso->image, theirs, vdso->used) == 0;
}

/* include/uapi/linux/rseq.h: the program is in a sequence that must begin again if the thread is moved away.
 */
static bool
is_in_sequence (pid_t tid, uint64_t pc)
{
  struct __ptrace_rseq_configuration rseq;
  uint64_t address;
  struct
  {
    uint32_t version, flags;
    uint64_t start, length, abort;
  } sequence;

  if (ptrace (PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof rseq, &rseq) <= 0 || rseq.rseq_abi_pointer == 0)
    return false;
  if (!read_memory (tid, rseq.rseq_abi_pointer + 8, &address, sizeof address) || address == 0)
    return false;
  return !read_memory (tid, address, &sequence, sizeof sequence) || pc - sequence.start < sequence.length;
}

static bool
write_words (pid_t tid, uint64_t address, const void *bytes, size_t size)
{
  for (size_t at = 0; at < size; at += WORD)
    {
      long word;

      memcpy (&word, (const uint8_t *)bytes + at, WORD);
      if (ptrace (PTRACE_POKETEXT, tid, (void *)(address + at), (void *)word) != 0)
        return false;
    }
  return true;
}

/*
 * Puts the stub into the slot after the last one. A signal's handler may have interrupted a thread in an
 * earlier stub, when the tracer of then was killed: it finds its stub unchanged when it returns.
 */
static uint64_t
write_stub (const Vdso *vdso, pid_t tid, uint64_t address, const uint8_t *stub, size_t size)
{
  uint64_t counter_address = address + vdso->used;
  uint64_t counter, place;

  if (!read_memory (tid, counter_address, &counter, sizeof counter))
    return 0;
  counter = (counter + 1) % vdso->n_slots;
  place = counter_address + WORD + counter * TRACER_STUB_SIZE;
  if (!write_words (tid, place, stub, align (size, WORD))
      || !write_words (tid, counter_address, &counter, sizeof counter))
    return 0;
  return place;
}

uint64_t
tracer_put_text (pid_t pid, uint64_t vdso_address, size_t offset, const char *text)
{
  const Vdso vdso = find_vdso ();
  uint64_t place = vdso_address + align (vdso.used, PAGE) - TRACER_TEXT_SIZE + offset;
  char words[TRACER_TEXT_SIZE] = { 0 };

  if (offset >= sizeof words || !is_vdso (&vdso, pid, vdso_address))
    return 0;
  strncpy (words, text, sizeof words - offset - 1);
  return write_words (pid, place, words, align (strlen (words) + 1, WORD)) ? place : 0;
}

/* Lets the thread run to its next stop. What is returned is an errno, and the stop is @status. */
static int
run_to_stop (TracerHold *hold, TracerThread *thread, int request, uint64_t deadline, int *status)
{
  pid_t changed;

  if (ptrace (request, thread->tid, NULL, NULL) != 0)
    return ESRCH;
  thread->stopped = false;
  changed = tracer_wait (hold, thread->tid, status, deadline);
  if (changed == 0)
    return ETIMEDOUT;
  if (changed != thread->tid || !WIFSTOPPED (*status))
    return ESRCH;
  thread->stopped = true;
  return 0;
}

static bool
is_signal (int status)
{
  return status >> 16 == 0 && WSTOPSIG (status) != SYSCALL_STOP;
}

/* From the stub's first instruction to the end of the call. EAGAIN: a signal came first. */
static int
run_call (TracerHold *hold, TracerThread *thread, uint64_t deadline, long *result, pid_t *child)
{
  TracerRegisters registers;
  unsigned n_halves = 0;

  for (unsigned i = 0; i < MAX_STOPS && n_halves < 2; i++)
    {
      unsigned long message;
      int stop;
      int status = run_to_stop (hold, thread, PTRACE_SYSCALL, deadline, &stop);

      if (status != 0)
        return status;
      if (is_signal (stop))
        {
          thread->signal = WSTOPSIG (stop);
          return EAGAIN;
        }
      if (stop >> 16 == PTRACE_EVENT_CLONE && ptrace (PTRACE_GETEVENTMSG, thread->tid, NULL, &message) == 0
          && child != NULL)
        *child = message;
      n_halves += stop >> 16 == 0;
    }
  if (n_halves < 2)
    return ETIMEDOUT;
  if (!tracer_get_registers (thread->tid, &registers))
    return ESRCH;
  *result = tracer_registers_get_result (&registers);
  return *result >= FIRST_RESTART && *result <= LAST_RESTART ? EAGAIN : 0;
}

/*
 * Brings the thread back to where it was held: to a stop in the kernel's delivery of signals, which deals
 * with the call that was interrupted there when the thread goes on.
 */
static int
come_back (TracerHold *hold, TracerThread *thread, const TracerRegisters *registers, uint64_t deadline)
{
  if (thread->signal == 0)
    {
      int stop, status;

      if (ptrace (PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0)
        return ESRCH;
      status = run_to_stop (hold, thread, PTRACE_CONT, deadline, &stop);
      if (status != 0)
        return status;
      if (is_signal (stop))
        thread->signal = WSTOPSIG (stop);
    }
  return tracer_set_registers (thread->tid, registers) ? 0 : ESRCH;
}

/* The thread is stopped, with @registers, and is moved now. */
static int
call_from_stub (TracerHold *hold,
                TracerThread *thread,
                uint64_t place,
                const TracerCall *call,
                const TracerRegisters *registers,
                uint64_t deadline,
                long *result,
                pid_t *child)
{
  const unsigned long options = PTRACE_O_TRACESYSGOOD | (call->forks ? PTRACE_O_TRACECLONE : 0)
                                | (thread->ours ? PTRACE_O_EXITKILL : 0);
  TracerRegisters moved = *registers;
  int status, back;

  tracer_registers_set_call (&moved, place, call);
  if (ptrace (PTRACE_SETOPTIONS, thread->tid, NULL, options) != 0
      || !tracer_set_registers (thread->tid, &moved))
    return ESRCH;
  status = run_call (hold, thread, deadline, result, child);
  if (status == 0 || status == EAGAIN)
    {
      back = come_back (hold, thread, registers, deadline);
      status = back != 0 ? back : status;
    }
  /* It comes back by itself when it is let go of, wherever it is; and so does a new process to its end. */
  if (status != 0 && status != EAGAIN)
    hold->stuck = true;
  return status;
}

static TracerThread *
find_main_thread (TracerHold *hold, pid_t pid)
{
  for (unsigned i = 0; i < hold->n_threads; i++)
    if (hold->threads[i].tid == pid && hold->threads[i].stopped)
      return &hold->threads[i];
  return NULL;
}

int
tracer_inject (TracerHold *hold,
               pid_t pid,
               uint64_t vdso_address,
               const TracerCall *call,
               uint64_t deadline,
               long *result,
               pid_t *child)
{
  const Vdso vdso = find_vdso ();
  TracerThread *thread = find_main_thread (hold, pid);
  uint8_t stub[TRACER_STUB_SIZE] = { 0 };
  TracerRegisters registers;
  uint64_t pc, place;
  size_t size;

  if (thread == NULL)
    return ESRCH;
  if (tracer_read_status ("Seccomp", 0) != 0)
    return EACCES;
  if (!tracer_get_registers (pid, &registers) || !is_vdso (&vdso, pid, vdso_address))
    return ENXIO;
  pc = tracer_registers_get_pc (&registers);
  if (thread->signal != 0 || pc - vdso_address - vdso.used < PAGE || is_in_sequence (pid, pc))
    return EAGAIN;
  size = tracer_build_stub (stub, call, &registers);
  if (size == 0)
    return ENOSYS;
  place = write_stub (&vdso, pid, vdso_address, stub, size);
  if (place == 0)
    return ENXIO;
  return call_from_stub (hold, thread, place, call, &registers, deadline, result, child);
}
