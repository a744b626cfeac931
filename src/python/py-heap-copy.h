/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-snapshot.h"
#include "py-heap.h"

G_BEGIN_DECLS

/* The heap of a frozen copy, and what it cost. */
typedef struct
{
  HapSnapshot *snapshot; /* (nullable): what the heap reads; NULL once it was dropped */
  PyHeap *heap;
  double pause; /* seconds that the target stood still for the copy */
  const char
      *no_snapshot; /* (nullable): why it was no fork: what the target can write was copied meanwhile */
  double begin;     /* when it was begun, in seconds of CLOCK_MONOTONIC */
  double duration;  /* seconds until the heap was read, or the copy dropped */
} PyHeapCopy;

/**
 * py_heap_copy_take:
 *
 * Takes another copy where a collection was under way in one, some times. Errors: as hap_target_snapshot(),
 * py_heap_new()
 */
gboolean py_heap_copy_take (PyHeapCopy *self,
                            HapTarget *target,
                            PyRuntime *runtime,
                            PyHeapFlags flags,
                            GCancellable *cancellable,
                            GError **error);

/* A collection of a large heap takes seconds: no copy is wasted on it. Waits until it is over, or @deadline
 * is, for a target may stand still in one. For who takes copies of their own. */
#define PY_HEAP_MAX_COLLECTION_US (5 * G_USEC_PER_SEC)
void py_heap_copy_await_collection (PyRuntime *runtime, gint64 deadline, GCancellable *cancellable);

/* Ends the frozen copy: the heap answers with what it has read so far alone, names of types among it. */
void py_heap_copy_drop (PyHeapCopy *self);

void py_heap_copy_clear (PyHeapCopy *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PyHeapCopy, py_heap_copy_clear)

G_END_DECLS
