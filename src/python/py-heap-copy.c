/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a process to its heap at one moment. A copy that shows a collection half done is of no use: the
 * collector takes its lists apart. Then the next moment will do.
 */

#include "py-heap-copy.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "hap-wait.h"

#define MAX_COPIES 20
#define BETWEEN_US (20 * 1000)
#define LOOK_AGAIN_US 2000

void
py_heap_copy_await_collection (PyRuntime *runtime, gint64 deadline, GCancellable *cancellable)
{
  while (py_heap_is_collecting (runtime) && g_get_monotonic_time () < deadline
         && hap_wait_until (g_get_monotonic_time () + LOOK_AGAIN_US, cancellable))
    ;
}

static gboolean
take_once (PyHeapCopy *self,
           HapTarget *target,
           PyRuntime *runtime,
           PyHeapFlags flags,
           gint64 deadline,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (PyRuntime) frozen = NULL;

  self->begin = g_get_monotonic_time () / 1e6;
  py_heap_copy_await_collection (runtime, deadline, cancellable);
  self->snapshot = hap_target_snapshot (target, cancellable, error);
  if (self->snapshot == NULL)
    return FALSE;
  frozen = py_runtime_with_memory (runtime, hap_snapshot_get_memory (self->snapshot));
  self->heap = py_heap_new (frozen, hap_snapshot_get_maps (self->snapshot), flags, cancellable, error);
  /* Whatever was found amiss in a copy that is gone: that is the reason. */
  if (!hap_snapshot_is_alive (self->snapshot) && hap_snapshot_is_fork (self->snapshot))
    {
      g_clear_error (error);
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
          _ ("The frozen copy was gone before all of it was read: memory is short, or the machine too busy"));
      return FALSE;
    }
  if (self->heap == NULL)
    return FALSE;
  self->pause = hap_snapshot_get_pause_ns (self->snapshot) / 1e9;
  self->no_snapshot = hap_snapshot_get_refusal (self->snapshot);
  self->duration = g_get_monotonic_time () / 1e6 - self->begin;
  return TRUE;
}

gboolean
py_heap_copy_take (PyHeapCopy *self,
                   HapTarget *target,
                   PyRuntime *runtime,
                   PyHeapFlags flags,
                   GCancellable *cancellable,
                   GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + PY_HEAP_MAX_COLLECTION_US;

  for (guint i = 1;; i++)
    {
      g_autoptr (GError) own = NULL;
      gboolean again;

      if (take_once (self, target, runtime, flags, deadline, cancellable, &own))
        return TRUE;
      /* BUSY without a copy is somebody who holds the target: that is not over soon. */
      again = self->snapshot != NULL ? g_error_matches (own, HAP_ERROR, HAP_ERROR_BUSY)
                                     : g_error_matches (own, HAP_ERROR, HAP_ERROR_TIMED_OUT);
      py_heap_copy_clear (self);
      if (!again || i == MAX_COPIES || !hap_wait_until (g_get_monotonic_time () + BETWEEN_US, cancellable))
        {
          g_propagate_error (error, g_steal_pointer (&own));
          return FALSE;
        }
    }
}

void
py_heap_copy_drop (PyHeapCopy *self)
{
  if (self->snapshot == NULL)
    return;
  g_clear_pointer (&self->snapshot, hap_snapshot_free);
  self->duration = g_get_monotonic_time () / 1e6 - self->begin;
}

void
py_heap_copy_clear (PyHeapCopy *self)
{
  g_clear_pointer (&self->heap, py_heap_free);
  py_heap_copy_drop (self);
}
