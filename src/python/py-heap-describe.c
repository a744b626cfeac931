/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the objects are that were found: each gets its number, in the order of addresses, and its type, size
 * and references are read, all in one pass. Which objects there are is py-heap-find.c's.
 */

#include "py-heap-pass.h"

#include <glib/gi18n.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hap-error.h"

#define FIRST_ROOM 65536 /* references */

/* From 3.12 on the count of references is 32 bits, and from here on it does not count (Include/refcount.h).
 */
#define FIRST_3_12 0x030c0000
#define IMMORTAL 0x40000000

static void
on_known_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeapPass *self = (PyHeapPass *)visitor;
  guint32 index = py_heap_marks_get_rank (&self->heap->marks, object);

  if (index == PY_HEAP_NONE || self->n_found == G_MAXUINT32)
    return;
  if (self->n_found == self->n_room)
    {
      self->n_room = MIN ((guint64)self->n_room + self->n_room / 4 + FIRST_ROOM, G_MAXUINT32);
      self->found = g_renew (guint32, self->found, self->n_room);
    }
  self->found[self->n_found++] = index;
}

static guint32
read_count (PyHeapPass *self, guint64 object)
{
  guint64 count = py_heap_memory_get (self->heap->memory, object);

  if (self->visitor.version < FIRST_3_12)
    return MIN (count, PY_HEAP_IMMORTAL - 1);
  return (guint32)count < IMMORTAL ? (guint32)count : PY_HEAP_IMMORTAL;
}

static gboolean
describe (guint64 object, PyHeapMark mark, gpointer data)
{
  PyHeapPass *self = data;
  PyHeap *heap = self->heap;
  PyHeapTypeInfo *info = py_heap_read_type (heap, object);
  guint32 index = heap->marks.n - 1 - heap->n_objects;
  guint flags = mark == PY_HEAP_MARK_LISTED ? PY_HEAP_OBJECT_TRACKED : 0;
  guint64 size;

  if (info == NULL || (info->number == PY_HEAP_NONE && heap->types.listed->len >> PY_HEAP_NUMBER_BITS != 0))
    {
      g_array_append_val (self->pending, object);
      return TRUE;
    }

  /* What a module keeps in its state is its C code's affair. */
  if (info->rule == PY_RULE_UNKNOWN
      || (info->rule == PY_RULE_MODULE
          && py_heap_memory_get (heap->memory, object + heap->types.layout->module_state) != 0))
    flags |= PY_HEAP_OBJECT_CONSERVATIVE;
  size = py_heap_measure (&self->visitor, object, info);
  heap->addresses[index] = object;
  heap->kinds[index] = py_heap_types_number (&heap->types, info) << PY_HEAP_FLAG_BITS | flags;
  heap->sizes[index] = MIN (size, PY_HEAP_LARGE);
  if (size >= PY_HEAP_LARGE)
    g_hash_table_insert (heap->large, GSIZE_TO_POINTER (object), GSIZE_TO_POINTER (size));
  info->public.n_objects++;
  info->public.bytes += size;
  heap->stats.bytes += size;
  heap->stats.n_conservative += (flags & PY_HEAP_OBJECT_CONSERVATIVE) != 0;
  if (heap->end_of_references != NULL)
    {
      py_heap_traverse (&self->visitor, object, info);
      heap->end_of_references[index] = self->n_found;
      heap->counts[index] = read_count (self, object);
    }
  heap->n_objects++;
  return py_heap_pass_goes_on (self);
}

/* How many of the @lost ranks, from the highest down, are below @rank. */
static guint32
count_lost_below (GArray *lost, guint32 rank)
{
  guint32 low = 0, high = lost->len;

  while (low < high)
    {
      guint32 middle = (low + high) / 2;

      if (g_array_index (lost, guint64, middle) < rank)
        high = middle;
      else
        low = middle + 1;
    }
  return lost->len - low;
}

/* References to what was lost go, others to where it moves. */
static void
renumber_references (PyHeapPass *self, GArray *lost)
{
  guint32 *ends = self->heap->end_of_references;
  guint32 next = 0, n_kept = 0;

  for (guint32 i = self->heap->n_objects; i-- > 0; ends[i] = n_kept)
    for (; next < ends[i]; next++)
      {
        guint32 rank = self->found[next], below = count_lost_below (lost, rank);

        if (below == count_lost_below (lost, rank + 1))
          self->found[n_kept++] = rank - below;
      }
  ends[self->heap->n_objects] = 0;
  self->n_found = n_kept;
}

/* Only memory that does not stand still can have lost objects since they were found; the others close up. */
static void
close_up (PyHeapPass *self, GArray *lost)
{
  PyHeap *heap = self->heap;
  const guint32 n = heap->n_objects;

  memmove (heap->addresses, heap->addresses + lost->len, n * sizeof *heap->addresses);
  memmove (heap->kinds, heap->kinds + lost->len, n * sizeof *heap->kinds);
  memmove (heap->sizes, heap->sizes + lost->len, n * sizeof *heap->sizes);
  heap->stats.n_skipped += lost->len;
  for (guint i = 0; i < lost->len; i++)
    {
      guint64 *address = &g_array_index (lost, guint64, i), rank = py_heap_find (heap, *address);

      py_heap_marks_remove (&heap->marks, *address);
      *address = rank;
    }
  py_heap_marks_count (&heap->marks);
  if (heap->end_of_references == NULL)
    return;
  memmove (heap->counts, heap->counts + lost->len, n * sizeof *heap->counts);
  memmove (heap->end_of_references, heap->end_of_references + lost->len, n * sizeof *heap->end_of_references);
  renumber_references (self, lost);
}

static void
flag (PyHeap *self, guint64 object, PyHeapObjectFlags flag)
{
  guint32 index = py_heap_find (self, object);

  if (index != PY_HEAP_NONE)
    self->kinds[index] |= flag;
}

static gboolean
flag_permanent (guint64 object, PyHeapMark mark, gpointer data)
{
  flag (data, object, PY_HEAP_OBJECT_PERMANENT);
  return TRUE;
}

static gboolean
flag_root (guint64 object, PyHeapMark mark, gpointer data)
{
  flag (data, object, PY_HEAP_OBJECT_ROOT);
  return TRUE;
}

/* Large pages are had in a hundredth of the time. */
gpointer
py_heap_make_room (gsize n, gsize size)
{
  gsize page = sysconf (_SC_PAGESIZE);
  guint8 *room = g_malloc0_n (MAX (n, 1), size);
  gsize before = -(gsize)room % page;

  if (n * size > before)
    madvise (room + before, (n * size - before) / page * page, MADV_HUGEPAGE);
  return room;
}

/* All that was found, from the last address down: what waited was looked at upwards, and the end of that is
 * still there. */
gboolean
py_heap_describe_all (PyHeapPass *self, PyHeapFlags flags, GError **error)
{
  const gboolean with_references = (flags & PY_HEAP_WITH_REFERENCES) != 0;
  PyHeap *heap = self->heap;

  py_heap_marks_count (&heap->marks);
  heap->addresses = py_heap_make_room (heap->marks.n, sizeof *heap->addresses);
  heap->kinds = py_heap_make_room (heap->marks.n, sizeof *heap->kinds);
  heap->sizes = py_heap_make_room (heap->marks.n, sizeof *heap->sizes);
  if (with_references)
    {
      heap->end_of_references = py_heap_make_room ((gsize)heap->marks.n + 1, sizeof *heap->end_of_references);
      heap->counts = py_heap_make_room (heap->marks.n, sizeof *heap->counts);
    }
  self->visitor.visit = on_known_reference;
  py_heap_pass_refill (self);
  if (!py_heap_marks_foreach_found (&heap->marks, describe, self))
    return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
  if (self->pending->len > 0)
    close_up (self, self->pending);
  if (self->n_found == G_MAXUINT32)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("There are too many references between objects"));
      return FALSE;
    }
  if (with_references)
    heap->references = g_renew (guint32, g_steal_pointer (&self->found), MAX (self->n_found, 1));
  py_heap_marks_foreach_found (&heap->permanent, flag_permanent, heap);
  py_heap_marks_foreach_found (&heap->roots, flag_root, heap);
  for (guint i = 0; i < heap->types.listed->len; i++)
    {
      PyHeapTypeInfo *info = heap->types.listed->pdata[i];

      info->public.index = py_heap_find (heap, info->address);
    }
  return TRUE;
}
