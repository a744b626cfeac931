/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-call-counts.h"
#include "hap-profile.h"

G_BEGIN_DECLS

/**
 * hap_pstats_write:
 * @stream: where to; left open
 *
 * Writes what cProfile's dump_stats() would (".cprof"): one marshalled dict of
 *   (file, first line, co_name): (primitive calls, calls, own time, cumulative time, {caller: (calls, primitive calls, own, cumulative)})
 * Times are seconds, samples times the interval; "calls" are the samples with the function on the stack, recursion counted once.
 * Each thread is a row of its own, ('~', 0, '<thread NAME>'), which calls the thread's outermost functions and owns the samples without
 * a Python frame: a profile is never empty, every caller is a key, and the own times add up to samples times the interval.
 *
 * Read by pstats of Python 2.7 and 3, snakeviz, gprof2dot, pyprof2calltree, flameprof: only marshal version 2, no references; none of
 * Tachyon's `__sampled__` key, on which pstats before 3.15 fails. Memory: proportional to functions and calls, not to the tree's paths.
 */
gboolean hap_pstats_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

/* The same file of exact counts: with the functions, callers and numbers of cProfile itself, and no rows for
 * threads. @profile: not looked into. @counts: whole */
gboolean hap_pstats_write_counts (GOutputStream *stream,
                                  const HapProfile *profile,
                                  const HapCallCounts *counts,
                                  GCancellable *cancellable,
                                  GError **error);

G_END_DECLS
