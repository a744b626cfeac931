/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * StartLogObjectSources: after each scan, at once and then each scan_interval seconds, an entry for each of
 * at most max_objects new objects of the types that grow:
 *
 *   New object TYPE (OLD/NEW) at WHERE: REPR
 *
 * OLD is the largest number of objects of that type that there ever was, NEW is how many there are. WHERE is
 * the source file of what has one, else the list [holder, object]. Then "New objects overflowed by {TYPE: N}"
 * or, without any new object, "No new object growth found". An object is new when the scan before did not see
 * it at its address, of its type.
 *
 * Fields: scan u, type s, old t, new t, held_by s (the way to it from a module, class or instance of an
 * integration, else from a module: "custom_components.leaky.STORE['inner'][1234]"), integration s, kind s; of
 * the last entry of a scan: overflowed a{st}, objects t, and what the scan cost (py_heap_scans_describe()).
 * Summary: objects t, bytes t, what all scans have cost (py_heap_scans_summarize()), integrations aa{sv}
 * (name s, kind s, new_objects t: of those logged).
 */
#define SOURCES_TYPE_START (sources_start_get_type ())
G_DECLARE_FINAL_TYPE (SourcesStart, sources_start, SOURCES, START, HapAction)

/* StopLogObjectSources: ends it. */
#define SOURCES_TYPE_STOP (sources_stop_get_type ())
G_DECLARE_FINAL_TYPE (SourcesStop, sources_stop, SOURCES, STOP, HapAction)

G_END_DECLS
