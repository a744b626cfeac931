/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * The protocol between a worker and its tracer: one request, one reply, each one packet of a SOCK_SEQPACKET
 * socket pair, in the machine's own byte order (both ends are one build). The tracer takes nothing else: a
 * packet of another size, kind or value ends it. Held threads are let go after TRACER_HOLD_LIMIT_MS without a
 * request; TRACER_WATCHDOG_MS after a stop began the kernel kills the tracer, which lets go of everything.
 */

#define TRACER_HOLD_LIMIT_MS 20
#define TRACER_WATCHDOG_MS 50

typedef enum
{
  TRACER_HOLD = 1,   /* argument: a tid in our pid namespace, or 0 for all threads */
  TRACER_LET_GO = 2, /* argument: 0 */
} TracerRequestKind;

typedef struct
{
  uint32_t kind;
  uint32_t argument;
} TracerRequest;

typedef struct
{
  uint32_t kind;  /* the request's */
  int32_t status; /* 0, or an errno: ESRCH ended, EPERM refused, EBUSY traced by another, ETIMEDOUT, EINVAL no
                     hold or a second one */
  uint64_t value; /* HOLD: the number of threads held; LET_GO: nanoseconds from the first stop to the last
                     release */
} TracerReply;
