/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CpuPace: when to observe, so that no state of the target is seen less often for taking longer to observe.
 *
 * Time is parted into slots, each observed once at a moment by chance. Who is late leaves slots out, and is
 * late just when there is much to see: what is left out must stay rare, so a pace that cannot be kept is
 * slowed down, for all states alike, and taken up again when it can. Not so above 1,000 a second, which is
 * asked for to get whatever there is: shares may then lean to what is quick to observe.
 */
typedef struct
{
  /*< private >*/
  gint64 start_ns;
  double slot_ns; /* at the rate that was asked for */
  guint64 next;   /* the first slot that is not observed yet */
  guint64 stride; /* slots in one, now */
  gboolean is_kept;
  guint64 window, missed;
  guint n_clean; /* windows without a miss, one after another */
  GRand *random;
} CpuPace;

/* @rate: observations a second */
void cpu_pace_init (CpuPace *self, gint64 start_ns, double rate);
void cpu_pace_clear (CpuPace *self);

/**
 * cpu_pace_next:
 * @now_ns: the observation before is done
 * @weight: (out): of the next observation: for how many slots it stands
 * Returns: when to make it; may have passed
 */
gint64 cpu_pace_next (CpuPace *self, gint64 now_ns, guint64 *weight);

G_END_DECLS
