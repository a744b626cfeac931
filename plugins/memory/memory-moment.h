/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-heap-profile.h"
#include "hap-snapshot.h"
#include "py-heap.h"

G_BEGIN_DECLS

/* The target at one moment: a frozen copy, its objects, and what its resident memory is used for. */
typedef struct
{
  HapSnapshot *snapshot;
  PyHeap *heap;
  HapResidentAreas areas;
  guint64 pause_ns;
  const char *no_snapshot; /* (nullable): why the copy was no fork */
  double time;             /* when it was, in seconds of CLOCK_MONOTONIC */
} MemoryMoment;

/* @residency_fd: /proc/PID/smaps of the target; -1: not to be had, so that areas are all 0 */
MemoryMoment *memory_moment_new (HapTarget *target,
                                 PyRuntime *runtime,
                                 PyHeapFlags flags,
                                 int residency_fd,
                                 GCancellable *cancellable,
                                 GError **error);
void memory_moment_free (MemoryMoment *self);

/* FALSE when the copy is gone, and with it what was not read yet: HAP_ERROR_FAILED */
gboolean memory_moment_check (MemoryMoment *self, GError **error);

/* Lets the copy go. What was not read of it by now is lost. */
void memory_moment_thaw (MemoryMoment *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryMoment, memory_moment_free)

G_END_DECLS
