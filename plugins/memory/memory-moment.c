/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Takes one moment of the target, and says what its resident memory is used for. How the copy is made and how
 * objects are found is not decided here.
 */

#include "memory-moment.h"

#include <glib/gi18n.h>

#include "hap-malloc.h"
#include "py-heap-copy.h"
#include "py-pools.h"

/* A collection that was under way is over a little later, and a machine that is busy has a moment for the
 * stop. */
#define MAX_TRIES 20
#define RETRY_US (50 * 1000)

/* The largest block of CPython's allocator. An object in a pool that is larger has its items elsewhere: all
 * but about its head. */
#define MAX_BLOCK 512
#define HEAD 64

gboolean
memory_moment_check (MemoryMoment *self, GError **error)
{
  if (hap_snapshot_is_alive (self->snapshot))
    return TRUE;
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_FAILED,
      _ ("The copy of the target was gone before it was read: the machine is too busy, or short of memory; "
         "try again later"));
  return FALSE;
}

static gboolean
try_moment (MemoryMoment *self,
            HapTarget *target,
            PyRuntime *runtime,
            PyHeapFlags flags,
            gint64 deadline,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (PyRuntime) frozen = NULL;

  py_heap_copy_await_collection (runtime, deadline, cancellable);
  self->snapshot = hap_target_snapshot (target, cancellable, error);
  if (self->snapshot == NULL)
    return FALSE;
  self->pause_ns = MAX (self->pause_ns, hap_snapshot_get_pause_ns (self->snapshot));
  self->time = hap_snapshot_get_time (self->snapshot);
  frozen = py_runtime_with_memory (runtime, hap_snapshot_get_memory (self->snapshot));
  self->heap = py_heap_new (frozen, hap_snapshot_get_maps (self->snapshot), flags, cancellable, error);
  if (hap_snapshot_is_alive (self->snapshot))
    return self->heap != NULL;
  g_clear_error (error);
  return memory_moment_check (self, error);
}

/* BUSY without a copy is somebody who holds the target: that is not over soon. */
static gboolean
may_be_tried_again (MemoryMoment *self, const GError *error)
{
  return g_error_matches (error, HAP_ERROR, HAP_ERROR_TIMED_OUT)
         || (self->snapshot != NULL && g_error_matches (error, HAP_ERROR, HAP_ERROR_BUSY));
}

/* Bytes of objects that do not lie in pools: they, or their items, came from malloc. */
static guint64
sum_outside (PyHeap *heap, const PyPools *pools, const HapResidency *residency)
{
  guint32 n = py_heap_get_n_objects (heap);
  const HapResident *mapping = NULL;
  guint64 sum = 0;

  for (guint32 i = 0; i < n; i++)
    {
      guint64 address = py_heap_get_address (heap, i), size = py_heap_get_size (heap, i);

      if (mapping == NULL || address < mapping->mapping.start || address >= mapping->mapping.end)
        mapping = hap_residency_find (residency, address);
      if (mapping == NULL || mapping->file)
        continue;
      if (!py_pools_contain (pools, address))
        sum += size;
      else if (size > MAX_BLOCK + HEAD)
        sum += size - HEAD;
    }
  return sum;
}

static void
take_malloc (HapMemory *memory, const HapResident *area, HapResidentAreas *areas)
{
  guint64 used;

  if (hap_malloc_measure (memory, area, &used) && used < area->resident)
    areas->bytes[HAP_AREA_SLACK] += area->resident - used;
}

/* Every resident byte belongs to one area: what no rule claims is native. */
static void
split (MemoryMoment *self, const HapResidency *residency)
{
  HapMemory *memory = hap_snapshot_get_memory (self->snapshot);
  g_autoptr (PyPools) pools = py_pools_new (memory, residency);
  HapResidentAreas *areas = &self->areas;
  guint64 rest = 0;

  areas->resident = residency->resident;
  areas->swapped = residency->swapped;
  for (guint i = 0; i < residency->mappings->len; i++)
    {
      const HapResident *mapping = &g_array_index (residency->mappings, HapResident, i);

      if (mapping->file)
        areas->bytes[HAP_AREA_FILES] += mapping->resident;
      else if (mapping->stack)
        areas->bytes[HAP_AREA_STACKS] += mapping->resident;
      else
        rest += mapping->resident;
      take_malloc (memory, mapping, areas);
    }
  areas->bytes[HAP_AREA_SLACK] += pools->touched - MIN (pools->used, pools->touched);
  areas->bytes[HAP_AREA_SLACK] = MIN (areas->bytes[HAP_AREA_SLACK], rest);
  rest -= areas->bytes[HAP_AREA_SLACK];
  areas->bytes[HAP_AREA_PYTHON] = MIN (pools->used + sum_outside (self->heap, pools, residency), rest);
  areas->bytes[HAP_AREA_NATIVE] = rest - areas->bytes[HAP_AREA_PYTHON];
}

MemoryMoment *
memory_moment_new (HapTarget *target,
                   PyRuntime *runtime,
                   PyHeapFlags flags,
                   int residency_fd,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (MemoryMoment) self = g_new0 (MemoryMoment, 1);
  g_autoptr (HapResidency) residency = NULL;
  const gint64 deadline = g_get_monotonic_time () + PY_HEAP_MAX_COLLECTION_US;

  for (guint i = 0; self->heap == NULL; i++)
    {
      g_autoptr (GError) failed = NULL;
      gboolean again;

      if (try_moment (self, target, runtime, flags, deadline, cancellable, &failed))
        break;
      again = may_be_tried_again (self, failed);
      g_clear_pointer (&self->heap, py_heap_free);
      memory_moment_thaw (self);
      if (!again || i == MAX_TRIES)
        {
          g_propagate_error (error, g_steal_pointer (&failed));
          return NULL;
        }
      g_usleep (RETRY_US * (i + 1));
    }

  if (residency_fd >= 0)
    residency = hap_residency_read (residency_fd, NULL);
  if (residency != NULL)
    split (self, residency);
  if (!memory_moment_check (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
memory_moment_thaw (MemoryMoment *self)
{
  g_clear_pointer (&self->snapshot, hap_snapshot_free);
}

void
memory_moment_free (MemoryMoment *self)
{
  g_clear_pointer (&self->heap, py_heap_free);
  memory_moment_thaw (self);
  g_free (self);
}
