/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-copy.h"

G_BEGIN_DECLS

/* What the scans of a job have come to. */
typedef struct
{
  guint n_scans;
  double max_pause, max_duration; /* seconds, as PyHeapCopy has them */
  const char *no_snapshot;        /* (nullable): of the last that was no fork */
} PyHeapScans;

/* One scan; FALSE ends the job. Calls py_heap_scans_drop() when it has read what it needs. */
typedef gboolean (*PyHeapScanFunc) (PyHeapCopy *copy, gpointer data, GError **error);

/**
 * py_heap_scans_run:
 * @interval: seconds from one scan to the next
 *
 * Scans at once, and then each interval, until it is cancelled, which is no error. @self counts a scan before
 * @func is called. Errors: as py_heap_copy_take(), @func
 */
gboolean py_heap_scans_run (PyHeapScans *self,
                            HapTarget *target,
                            PyRuntime *runtime,
                            PyHeapFlags flags,
                            double interval,
                            PyHeapScanFunc func,
                            gpointer data,
                            GCancellable *cancellable,
                            GError **error);

/* py_heap_copy_drop(), and counts what the copy cost. */
void py_heap_scans_drop (PyHeapScans *self, PyHeapCopy *copy);

/* What a scan cost, as fields of its entry: scan u (from 1), pause_us d, duration_us d, no_snapshot s (why
 * the target was copied while it stood still, and not forked; absent: it was) */
void py_heap_scans_describe (const PyHeapScans *self, const PyHeapCopy *copy, GVariantBuilder *fields);

/* What all have cost, for the Summary: scans u, pause_us d and duration_us d (the longest), no_snapshot s */
void py_heap_scans_summarize (const PyHeapScans *self, GVariantBuilder *summary);

G_END_DECLS
