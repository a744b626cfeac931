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
  self->no_snapshot = hap_snapshot_get_refusal (self->snapshot);
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

/* What objects take of one mapping, outside of pools. */
typedef struct
{
  guint64 bytes, small_bytes;
  guint64 small_chunks; /* what malloc takes for the small ones */
  guint32 n_small;
  gboolean followed; /* it is malloc's, which says what is free */
} Share;

typedef struct
{
  Share *shares; /* of each mapping */
  guint64 bytes; /* of objects that do not lie in pools: they, or their items, came from malloc */
  guint32 n_in_pools, n_small;
} Outside;

static void
outside_count (Outside *self, const HapResidency *residency, const HapResident *mapping, guint64 size)
{
  Share *share = &self->shares[mapping - (const HapResident *)residency->mappings->data];
  guint64 chunk = hap_malloc_get_chunk (size);

  self->bytes += size;
  share->bytes += size;
  if (chunk > HAP_MALLOC_SMALL)
    return;
  self->n_small++;
  share->n_small++;
  share->small_bytes += size;
  share->small_chunks += chunk;
}

static void
outside_find (Outside *self, PyHeap *heap, const PyPools *pools, const HapResidency *residency)
{
  guint32 n = py_heap_get_n_objects (heap);
  const HapResident *mapping = NULL;

  for (guint32 i = 0; i < n; i++)
    {
      guint64 address = py_heap_get_address (heap, i), size = py_heap_get_size (heap, i);

      if (mapping == NULL || address < mapping->mapping.start || address >= mapping->mapping.end)
        mapping = hap_residency_find (residency, address);
      if (mapping == NULL || mapping->file)
        continue;
      if (!py_pools_contain (pools, address))
        {
          outside_count (self, residency, mapping, size);
          continue;
        }
      self->n_in_pools++;
      if (size > MAX_BLOCK + HEAD)
        self->bytes += size - HEAD;
    }
}

static void
take_malloc (HapMemory *memory,
             const HapResident *area,
             HapResidentAreas *areas,
             Share *share,
             guint64 *small)
{
  guint64 used;

  share->followed = hap_malloc_measure (memory, area, &used, small);
  if (share->followed && used < area->resident)
    areas->bytes[HAP_AREA_SLACK] += area->resident - used;
}

/* Where Python's objects are malloc's (PYTHONMALLOC), so is what is free of them, and not all of that can be
 * told from what C code has: @small bytes of glibc's small pieces, and all of other allocators' mappings. */
static void
doubt (HapResidentAreas *areas, Outside *outside, const HapResidency *residency, guint64 small)
{
  guint64 chunks = 0;

  for (guint i = 0; i < residency->mappings->len; i++)
    {
      const Share *share = &outside->shares[i];
      guint64 resident = g_array_index (residency->mappings, HapResident, i).resident;

      if (share->followed)
        {
          chunks += share->small_chunks;
          outside->bytes += share->small_chunks - share->small_bytes;
        }
      else if (share->n_small > 0)
        areas->unsure += resident - MIN (share->bytes, resident);
    }
  areas->unsure += small - MIN (chunks, small);
}

/* Every resident byte belongs to one area: what no rule claims is native. */
static void
split (MemoryMoment *self, const HapResidency *residency)
{
  HapMemory *memory = hap_snapshot_get_memory (self->snapshot);
  g_autoptr (PyPools) pools = py_pools_new (memory, residency);
  g_autofree Share *shares = g_new0 (Share, residency->mappings->len + 1);
  Outside outside = { .shares = shares };
  HapResidentAreas *areas = &self->areas;
  guint64 rest = 0, small = 0;

  areas->resident = residency->resident;
  areas->swapped = residency->swapped;
  outside_find (&outside, self->heap, pools, residency);
  for (guint i = 0; i < residency->mappings->len; i++)
    {
      const HapResident *mapping = &g_array_index (residency->mappings, HapResident, i);
      guint64 its_small = 0;

      if (mapping->file)
        areas->bytes[HAP_AREA_FILES] += mapping->resident;
      else if (mapping->stack)
        areas->bytes[HAP_AREA_STACKS] += mapping->resident;
      else
        rest += mapping->resident;
      take_malloc (memory, mapping, areas, &shares[i], &its_small);
      small += its_small;
    }
  if (outside.n_small > outside.n_in_pools)
    doubt (areas, &outside, residency, small);
  areas->bytes[HAP_AREA_SLACK] += pools->touched - MIN (pools->used, pools->touched);
  areas->bytes[HAP_AREA_SLACK] = MIN (areas->bytes[HAP_AREA_SLACK], rest);
  rest -= areas->bytes[HAP_AREA_SLACK];
  areas->bytes[HAP_AREA_PYTHON] = MIN (pools->used + outside.bytes, rest);
  areas->bytes[HAP_AREA_NATIVE] = rest - areas->bytes[HAP_AREA_PYTHON];
  areas->unsure = MIN (areas->unsure, areas->bytes[HAP_AREA_NATIVE]);
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
