/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-call-counts.h"
#include "py-run.h"

G_BEGIN_DECLS

/**
 * CpuTracing: cProfile's counter in the target's main thread, switched on from outside. It is switched off by
 * cpu_tracing_finish(), when this is freed, and with us, however we end.
 */
typedef struct _CpuTracing CpuTracing;

/* Errors: HAP_ERROR_BUSY: there is another profiler, and which; as py_run_start() */
CpuTracing *
cpu_tracing_start (HapTarget *target, PyRuntime *runtime, GCancellable *cancellable, GError **error);

/**
 * cpu_tracing_finish:
 * @mixed: (out): whether calls of other threads may have been counted for the main one's
 *
 * Returns: (transfer full): what was counted. Errors: HAP_ERROR_TIMED_OUT: the main thread does not come to
 * switch it off, which it will as soon as it runs; HAP_ERROR_TARGET_GONE; HAP_ERROR_FAILED
 */
HapCallCounts *cpu_tracing_finish (CpuTracing *self, gboolean *mixed, GError **error);

void cpu_tracing_free (CpuTracing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpuTracing, cpu_tracing_free)

G_END_DECLS
