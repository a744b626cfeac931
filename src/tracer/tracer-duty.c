/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The share of the time that the target may be held. What a hold is, is tracer.c's. */

#include "tracer-duty.h"

#include <time.h>

#include "tracer.h"

#define NS_PER_SECOND 1000000000
#define BURST (TRACER_DUTY_BURST_MS * 1000000LL)

/* A tracer begins without credit: who is started anew has no more than who stayed. */
static void
count (TracerDuty *self, uint64_t now)
{
  if (self->counted == 0)
    self->counted = now;
  self->credit += (int64_t)(now - self->counted);
  if (self->credit > BURST)
    self->credit = BURST;
  self->counted = now;
}

void
tracer_duty_begin (TracerDuty *self)
{
  count (self, tracer_now ());
  while (self->credit < 0)
    {
      const struct timespec time = { .tv_sec = -self->credit / NS_PER_SECOND,
                                     .tv_nsec = -self->credit % NS_PER_SECOND };

      nanosleep (&time, NULL);
      count (self, tracer_now ());
    }
  self->began = self->counted;
}

/* Of the time that it was held, none brings credit. */
void
tracer_duty_end (TracerDuty *self)
{
  uint64_t now = tracer_now ();

  if (self->began == 0)
    return;
  self->credit -= (int64_t)(now - self->began);
  self->counted = now;
  self->began = 0;
}
