/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-call-counts.h"
#include "hap-profile.h"

G_BEGIN_DECLS

/**
 * hap_callgrind_write:
 * @stream: where to; left open
 *
 * Writes pyprof2calltree's dialect of the callgrind profile format ("callgrind.out.*"): one event, nanoseconds, samples times the
 * interval; a call's count is the samples with that call on the stack. Names are co_name, "name:line" where a file has the name twice;
 * control characters are escaped, and a name that would read as a compressed one ("(1)") gets a backslash. Own time is given for
 * each line that was hot, so that viewers annotate sources.
 * Each thread is a function of its own, "<thread NAME>" in file "~", which calls the thread's outermost functions: without it
 * KCachegrind takes the calls into a function for its whole inclusive time. The summary is the sum of own times: callgrind_annotate
 * computes percentages from it.
 *
 * Read by KCachegrind, QCachegrind, callgrind_annotate, gprof2dot, speedscope. Memory: proportional to functions and calls.
 */
gboolean hap_callgrind_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

/* The same file of exact counts, as pyprof2calltree makes it of cProfile's: no threads, and no lines but the functions' own.
 * @profile: for pid and title alone. @counts: whole */
gboolean hap_callgrind_write_counts (GOutputStream *stream,
                                     const HapProfile *profile,
                                     const HapCallCounts *counts,
                                     GCancellable *cancellable,
                                     GError **error);

G_END_DECLS
