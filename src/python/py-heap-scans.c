/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A heap again and again: the loop of jobs that watch what becomes of it. What a scan looks for is its
 * caller's.
 */

#include "py-heap-scans.h"

#include "hap-wait.h"

gboolean
py_heap_scans_run (PyHeapScans *self,
                   HapTarget *target,
                   PyRuntime *runtime,
                   PyHeapFlags flags,
                   double interval,
                   PyHeapScanFunc func,
                   gpointer data,
                   GCancellable *cancellable,
                   GError **error)
{
  gint64 next = g_get_monotonic_time ();

  do
    {
      g_auto (PyHeapCopy) copy = { 0 };
      g_autoptr (GError) own = NULL;
      gboolean done = py_heap_copy_take (&copy, target, runtime, flags, cancellable, &own);

      self->n_scans += done;
      if (!done || !func (&copy, data, &own))
        {
          if (g_cancellable_is_cancelled (cancellable))
            return TRUE;
          g_propagate_error (error, g_steal_pointer (&own));
          return FALSE;
        }
      next = MAX (next + (gint64)(interval * 1e6), g_get_monotonic_time ());
    }
  while (hap_wait_until (next, cancellable));
  return TRUE;
}

void
py_heap_scans_drop (PyHeapScans *self, PyHeapCopy *copy)
{
  py_heap_copy_drop (copy);
  self->max_pause = MAX (self->max_pause, copy->pause);
  self->max_duration = MAX (self->max_duration, copy->duration);
  if (copy->no_snapshot != NULL)
    self->no_snapshot = copy->no_snapshot;
}

static void
add_cost (GVariantBuilder *builder, double pause, double duration, const char *no_snapshot)
{
  g_variant_builder_add (builder, "{sv}", "pause_us", g_variant_new_double (pause * 1e6));
  g_variant_builder_add (builder, "{sv}", "duration_us", g_variant_new_double (duration * 1e6));
  if (no_snapshot != NULL)
    g_variant_builder_add (builder, "{sv}", "no_snapshot", g_variant_new_string (no_snapshot));
}

void
py_heap_scans_describe (const PyHeapScans *self, const PyHeapCopy *copy, GVariantBuilder *fields)
{
  g_variant_builder_add (fields, "{sv}", "scan", g_variant_new_uint32 (self->n_scans));
  add_cost (fields, copy->pause, copy->duration, copy->no_snapshot);
}

void
py_heap_scans_summarize (const PyHeapScans *self, GVariantBuilder *summary)
{
  g_variant_builder_add (summary, "{sv}", "scans", g_variant_new_uint32 (self->n_scans));
  add_cost (summary, self->max_pause, self->max_duration, self->no_snapshot);
}
