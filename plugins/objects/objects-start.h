/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * StartLogObjects: one entry a scan, "Memory Growth: [(NAME, TOTAL, DELTA), …]" (objects-growth.h), at once
 * and then each scan_interval seconds, until it is stopped.
 *
 * Fields of an entry: growth a(stt), objects t (all that the collector tracks), and what the scan cost
 * (py_heap_scans_describe()). Summary: verdict s (what grew most since the first scan), objects t, and what
 * all have cost (py_heap_scans_summarize()).
 */
#define OBJECTS_TYPE_START (objects_start_get_type ())
G_DECLARE_FINAL_TYPE (ObjectsStart, objects_start, OBJECTS, START, HapAction)

/* StopLogObjects: ends it. */
#define OBJECTS_TYPE_STOP (objects_stop_get_type ())
G_DECLARE_FINAL_TYPE (ObjectsStop, objects_stop, OBJECTS, STOP, HapAction)

G_END_DECLS
