/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-profile.h"
#include "hap-target.h"
#include "py-observer.h"

G_BEGIN_DECLS

/* What makes a thread's sample count. */
typedef enum
{
  CPU_CLOCK_WALL, /* every thread, whatever it does */
  CPU_CLOCK_CPU,  /* a thread that is on a CPU, or ready to be */
  CPU_CLOCK_GIL,  /* the thread that holds the GIL */
} CpuClock;

typedef struct
{
  double seconds;
  guint rate; /* observations a second that are aimed at */
  CpuClock clock;
  gboolean main_only;
  PyPrecision precision;
} CpuOptions;

/**
 * CpuSampler: observes a target's threads at a rate and sums their stacks in a call tree.
 *
 * Observations are spread at random, one in each interval, so that they fall into step with nothing periodic
 * in the target.
 */
#define CPU_TYPE_SAMPLER (cpu_sampler_get_type ())
G_DECLARE_FINAL_TYPE (CpuSampler, cpu_sampler, CPU, SAMPLER, GObject)

CpuSampler *cpu_sampler_new (HapTarget *target, PyRuntime *runtime, const CpuOptions *options);

/* Called about twice a second with the part that is done, 0..1. FALSE, with @error, ends the sampling. */
typedef gboolean (*CpuProgressFunc) (double fraction, gpointer data, GError **error);

/**
 * cpu_sampler_run:
 *
 * Samples until the time is over or @cancellable is cancelled. When the target ends half-way, that is success
 * as long as there is one sample; cpu_sampler_get_end() says it.
 */
gboolean cpu_sampler_run (CpuSampler *self,
                          CpuProgressFunc progress,
                          gpointer data,
                          GCancellable *cancellable,
                          GError **error);

/* (transfer none) */
HapCallTree *cpu_sampler_get_tree (CpuSampler *self);
HapCallTree *cpu_sampler_steal_tree (CpuSampler *self);
const PyObserverCounts *cpu_sampler_get_counts (CpuSampler *self);

/* The number of observations, of threads' stacks in them, of the slots of time that they stand for (the
 * weight of a sample in the tree is one slot), and the seconds that they took. */
guint64 cpu_sampler_get_n_observations (CpuSampler *self);
guint64 cpu_sampler_get_n_samples (CpuSampler *self);
guint64 cpu_sampler_get_n_slots (CpuSampler *self);
double cpu_sampler_get_duration (CpuSampler *self);

/* (transfer none) (nullable): why it ended before its time */
const char *cpu_sampler_get_end (CpuSampler *self);

G_END_DECLS
