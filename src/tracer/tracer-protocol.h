/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * The protocol between a worker and its tracer: one request, one reply, each one packet of a SOCK_SEQPACKET
 * socket pair, in the machine's own byte order (both ends are one build). The tracer takes nothing else: a
 * packet of another size, kind or value ends it. Held threads are let go after TRACER_HOLD_LIMIT_MS without a
 * request; TRACER_WATCHDOG_MS after a stop began the kernel kills the tracer, which lets go of everything.
 *
 * A stop in order to make a copy may last TRACER_WATCHDOG_MS_PER_GIB longer for each GiB that is to be
 * copied; of that, TRACER_PROTECT_MS are for what the peer does before it lets go. A copy is dropped after
 * TRACER_COPY_LIMIT_MS, one of which something runs, after TRACER_RUN_LIMIT_MS.
 */

#define TRACER_HOLD_LIMIT_MS 20
#define TRACER_WATCHDOG_MS 50
#define TRACER_WATCHDOG_MS_PER_GIB 25
#define TRACER_PROTECT_MS 15
#define TRACER_COPY_LIMIT_MS 10000
#define TRACER_RUN_LIMIT_MS 60000

typedef enum
{
  TRACER_HOLD = 1,   /* argument: a tid in our pid namespace, or 0 for all threads */
  TRACER_LET_GO = 2, /* argument: 0 */
  TRACER_FREEZE = 3, /* argument: the address of the target's vDSO. Holds all threads and makes a copy, a
                        process that stands still; they are held until LET_GO. One copy at a time */
  TRACER_DROP = 4,   /* argument: 0. Ends the copy */
  TRACER_READ_REGISTERS = 16, /* argument: a tid that is held; the answer is a TracerRegistersReply */

  /* These change the target; a tracer that was not started for that takes none of them. */
  TRACER_OPEN = 5,  /* argument: as FREEZE. Makes the target open two memory files; nothing is held before and
                       after.  They come with the reply, as descriptors */
  TRACER_CLOSE = 6, /* argument: as FREEZE. Makes it close them, as far as it has not */
  TRACER_PUBLISH = 7, /* all threads are held. A TracerPublication */
  TRACER_WAKE = 8,    /* argument: a held thread. Ends its epoll_wait(), as if the time were over */
  TRACER_PATCH = 9,   /* a TracerPublication without a text, into the copy */
  TRACER_RUN = 10,    /* argument: a descriptor. Nothing is held. Forks a process off the copy, which goes on
                         with that    one alone; an earlier one ends */
  TRACER_WATCH = 11,  /* argument: 0. Whether it runs */
} TracerRequestKind;

typedef struct
{
  uint64_t kind;
  uint64_t argument;
} TracerRequest;

#define TRACER_TEXT_SIZE 192
#define TRACER_MAX_TEXT (TRACER_TEXT_SIZE - 16)
#define TRACER_MAX_WRITE 64
#define TRACER_MAX_WRITES 6

/* Into memory that the target can write itself, whole or not at all. */
typedef struct
{
  uint64_t address;
  uint64_t size;
  uint8_t bytes[TRACER_MAX_WRITE];
} TracerWrite;

/* @text: is put TRACER_TEXT_SIZE bytes before the end of the vDSO's last page, unless it is empty. Then the
 * writes, in order. */
typedef struct
{
  uint64_t kind; /* TRACER_PUBLISH, TRACER_PATCH */
  uint64_t vdso;
  uint64_t n_writes;
  char text[TRACER_MAX_TEXT]; /* ends with a NUL */
  TracerWrite writes[TRACER_MAX_WRITES];
} TracerPublication;

typedef struct
{
  uint32_t kind; /* the request's */
  int32_t
      status; /* 0, or an errno. HOLD, LET_GO: ESRCH ended, EPERM refused, EBUSY traced by another, ETIMEDOUT,
                 EINVAL no hold or a second one. FREEZE, besides: EAGAIN, ENOMEM the kernel refuses another
                 process, EACCES the target is under seccomp, ENXIO no room for what makes it fork, ENOSYS not
                 on this processor, EINVAL a second copy. DROP: EINVAL no copy. OPEN, CLOSE: likewise, and
                 what the kernel told the target (EMFILE); OPEN: EINVAL a second pair. PUBLISH, PATCH: EFAULT.
                 PATCH, RUN, WATCH: ESRCH the copy has ended, EINVAL there is none */
  uint64_t value; /* HOLD: the number of threads held; LET_GO: nanoseconds from the first stop to the last
                     release; FREEZE: the copy's pid in our pid namespace; OPEN: the target's descriptors, the
                     second << 32; WATCH: 1 it runs */
} TracerReply;

/* The general registers of a thread by their numbers in DWARF, as the processor's ABI gives them. */
#define TRACER_MAX_REGISTERS 32

typedef struct
{
  TracerReply reply; /* value: how many registers; status: EINVAL it is not held, ESRCH it has none */
  uint64_t registers[TRACER_MAX_REGISTERS];
  uint64_t pc;
} TracerRegistersReply;
