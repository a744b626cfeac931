/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cpu-sampler.h"

G_BEGIN_DECLS

/**
 * cpu_summary_new:
 * @profile: what was sampled
 * @runtime: of whom
 *
 * Returns: (transfer floating): the Summary property of a Start job, `a{sv}`: samples t, observations t, rate
 * d (reached, a second), seconds d, interval_ns x, live t, still t, stopped t, dropped t, truncated t,
 * pause_max_us d, pause_total_us d, python s, threads u, ended s (why before its time; absent otherwise),
 * integrations aa{sv} (name s, kind s, running d, blocking d, waiting d: seconds; share d: of all busy time),
 * functions aa{sv} (function s, file s, line i, origin s, kind s, self d, total d, self_busy d: seconds;
 * hottest_line i)
 */
GVariant *cpu_summary_new (CpuSampler *sampler, const HapProfile *profile, PyRuntime *runtime);

G_END_DECLS
