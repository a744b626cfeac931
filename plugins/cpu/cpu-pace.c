/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The moments of observations; sleeping until then and observing is cpu-sampler.c's. */

#include "cpu-pace.h"

#define WINDOW 100   /* strides that are judged together; */
#define MAX_MISSED 2 /* in one: the bias that is left, in the worst case, is their part of it */
#define RECOVER 4    /* windows in which nothing was missed until a faster pace is tried */

/* Above it whoever asks wants all that can be had: no pace is kept. */
#define MAX_KEPT_RATE 1000

void
cpu_pace_init (CpuPace *self, gint64 start_ns, double rate)
{
  *self = (CpuPace){ .start_ns = start_ns,
                     .slot_ns = 1e9 / rate,
                     .stride = 1,
                     .is_kept = rate <= MAX_KEPT_RATE,
                     .random = g_rand_new () };
}

void
cpu_pace_clear (CpuPace *self)
{
  g_clear_pointer (&self->random, g_rand_free);
}

static void
begin_window (CpuPace *self)
{
  self->window = 0;
  self->missed = 0;
}

static void
judge (CpuPace *self)
{
  if (self->missed > MAX_MISSED * self->stride)
    {
      self->stride += 1 + self->stride / 4;
      self->n_clean = 0;
      begin_window (self);
    }
  else if (self->window >= WINDOW * self->stride)
    {
      self->n_clean = self->missed == 0 ? self->n_clean + 1 : 0;
      begin_window (self);
    }
  if (self->n_clean == RECOVER && self->stride > 1)
    {
      self->stride -= (self->stride + 3) / 5;
      self->n_clean = 0;
    }
}

gint64
cpu_pace_next (CpuPace *self, gint64 now_ns, guint64 *weight)
{
  guint64 now = MAX (now_ns - self->start_ns, 0) / self->slot_ns;
  double moment;

  /* The stride that has begun can still be observed. */
  if (now >= self->next + self->stride)
    {
      guint64 n = (now - self->next) / self->stride * self->stride;

      self->missed += n;
      self->window += n;
      self->next += n;
    }
  if (self->is_kept)
    judge (self);

  moment = self->next + g_rand_double_range (self->random, 0.0, self->stride);
  self->next += self->stride;
  self->window += self->stride;
  *weight = self->stride;
  return self->start_ns + (gint64)(moment * self->slot_ns);
}
