/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * How much of the time the target may be held, however often the peer asks: half of it, and
 * TRACER_DUTY_BURST_MS at once. Who wants more waits. An honest sampler at its highest rate comes to a fifth.
 */
#define TRACER_DUTY_BURST_MS 100

typedef struct
{
  int64_t credit;   /* nanoseconds that it may still be held; negative: it was held longer */
  uint64_t counted; /* up to when time has brought credit */
  uint64_t began;   /* 0: it is not held */
} TracerDuty;

/* A hold begins: waits until there is credit. */
void tracer_duty_begin (TracerDuty *self);

/* It has ended; nothing if none began. */
void tracer_duty_end (TracerDuty *self);
