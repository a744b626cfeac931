/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cpu-sampler.h"
#include "hap-call-counts.h"

G_BEGIN_DECLS

/**
 * cpu_summary_new:
 * @profile: what was sampled
 * @counts: (nullable): what was counted besides
 * @mixed: whether it may hold others' calls
 * @runtime: of whom
 *
 * Returns: (transfer floating): the Summary property of a Start job, `a{sv}`: samples t, weight t (what they
 * count for together: more, where the rate could not be kept; times the interval it is the time of all
 * threads), observations t, rate d (reached, a second), seconds d, interval_ns x, live t, still t, stopped t,
 * dropped t, truncated t, pause_max_us d, pause_total_us d, python s, threads u, ended s (why before its
 * time; absent otherwise), integrations aa{sv} (name s, kind s, running d, blocking d, waiting d: seconds;
 * share d: of all busy time), functions aa{sv} (function s, file s, line i, origin s, kind s, self d, total
 * d, self_busy d: seconds; hottest_line i); with @counts also: mixed b, functions_counted u, calls_counted t,
 * calls aa{sv} (function s, file s, line i, origin s, kind s, calls t, primitive_calls t, self d, total d:
 * seconds)
 */
GVariant *cpu_summary_new (CpuSampler *sampler,
                           const HapProfile *profile,
                           const HapCallCounts *counts,
                           gboolean mixed,
                           PyRuntime *runtime);

G_END_DECLS
