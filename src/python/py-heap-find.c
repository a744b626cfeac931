/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which objects there are. The collector's lists are walked; what their objects refer to that is in no list
 * is looked into afterwards, in the order of addresses, so that the memory goes by in order, and then what
 * the roots refer to. What the objects are is py-heap-describe.c's.
 */

#include "py-heap-pass.h"

/* A guess is wrong if the object would not fit into the memory where it lies: a table of types in C's memory
 * looks like objects, but of no sound length. */
static gboolean
fits (PyHeapPass *self, guint64 object, const PyHeapTypeInfo *info)
{
  const PyHeapRegion *region = py_heap_memory_find_region (self->heap->memory, object);

  if (info->size_rule != PY_SIZE_DEFAULT && info->size_rule != PY_SIZE_INT && info->size_rule != PY_SIZE_STR)
    return TRUE;
  return region != NULL && py_heap_measure (&self->visitor, object, info) <= region->end - object;
}

/* What is in a list is found there, in an order that reads far less of the memory again. */
static void
on_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeapPass *self = (PyHeapPass *)visitor;
  PyHeap *heap = self->heap;
  const PyHeapTypeInfo *info;

  if (py_heap_marks_get (&heap->marks, object) >= PY_HEAP_MARK_FOUND)
    return;
  if ((kind & PY_REFERENCE_GUESS) != 0 && !py_heap_types_is_object (&heap->types, object))
    return;
  info = py_heap_read_type (heap, object);
  if (info != NULL && !self->follow_listed && !py_heap_types_is_untracked (&heap->types, object, info))
    return;
  if (info != NULL && (kind & PY_REFERENCE_GUESS) != 0 && !fits (self, object, info))
    return;
  if (info == NULL || heap->marks.n >= PY_HEAP_MAX_OBJECTS
      || py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_FOUND) == PY_HEAP_MARK_IMPOSSIBLE)
    {
      heap->stats.n_skipped++;
      return;
    }
  if (!info->is_atom)
    g_array_append_val (self->pending, object);
}

/* Nothing of it is read yet, if it need not be: it may be in a list, and known soon. */
static void
on_listed_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeap *heap = ((PyHeapPass *)visitor)->heap;

  if ((kind & PY_REFERENCE_GUESS) != 0)
    on_reference (visitor, object, kind);
  else if (py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_WAITING) == PY_HEAP_MARK_IMPOSSIBLE)
    heap->stats.n_skipped++;
}

static void
on_root (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeapPass *self = (PyHeapPass *)visitor;

  on_reference (visitor, object, kind);
  if (py_heap_marks_get (&self->heap->marks, object) >= PY_HEAP_MARK_FOUND)
    py_heap_marks_raise (&self->heap->roots, object, PY_HEAP_MARK_FOUND);
}

static gboolean
look_into_pending (PyHeapPass *self)
{
  while (self->pending->len > 0)
    {
      guint64 object = g_array_index (self->pending, guint64, self->pending->len - 1);
      const PyHeapTypeInfo *info = py_heap_read_type (self->heap, object);

      g_array_set_size (self->pending, self->pending->len - 1);
      if (info != NULL)
        py_heap_traverse (&self->visitor, object, info);
      if (!py_heap_pass_goes_on (self))
        return FALSE;
    }
  return TRUE;
}

static gboolean
look_into (guint64 object, PyHeapMark mark, gpointer data)
{
  PyHeapPass *self = data;
  const PyHeapTypeInfo *info = py_heap_read_type (self->heap, object);

  if (info != NULL)
    py_heap_traverse (&self->visitor, object, info);
  return py_heap_pass_goes_on (self) && look_into_pending (self);
}

static gboolean
look_at_waiting (guint64 object, PyHeapMark mark, gpointer data)
{
  PyHeapPass *self = data;

  on_reference (&self->visitor, object, PY_REFERENCE_VISITED);
  return py_heap_pass_goes_on (self) && look_into_pending (self);
}

/* What a list holds that is no object: it goes on behind it. */
static gboolean
on_broken (PyHeap *self, guint64 object)
{
  if (py_heap_marks_raise (&self->broken, object, PY_HEAP_MARK_FOUND) != PY_HEAP_MARK_NONE)
    return FALSE;
  self->stats.n_skipped++;
  return TRUE;
}

static gboolean
on_listed (guint64 object, guint64 type, gboolean permanent, gpointer data)
{
  PyHeapPass *self = data;
  PyHeap *heap = self->heap;
  PyHeapTypeInfo *info;
  int before;

  if (!py_heap_pass_goes_on (self) || heap->marks.n >= PY_HEAP_MAX_OBJECTS)
    return FALSE;
  info = py_heap_types_get (&heap->types, type);
  if (info == NULL)
    return on_broken (heap, object);
  before = py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_LISTED);
  if (before == PY_HEAP_MARK_LISTED || before == PY_HEAP_MARK_IMPOSSIBLE)
    return FALSE;
  if (permanent)
    {
      py_heap_marks_raise (&heap->permanent, object, PY_HEAP_MARK_FOUND);
      heap->stats.n_permanent++;
    }
  else
    {
      py_heap_types_number (&heap->types, info);
      info->public.n_tracked++;
      heap->stats.n_tracked++;
    }
  if (self->visitor.visit == NULL || before == PY_HEAP_MARK_FOUND)
    return TRUE;
  py_heap_traverse (&self->visitor, object, info);
  return look_into_pending (self);
}

static gboolean
find_all (PyHeapPass *self, GError **error)
{
  PyHeap *heap = self->heap;
  gboolean whole;

  self->visitor.visit = on_listed_reference;
  if (!py_heap_walk_lists (heap->runtime, heap->memory, on_listed, self, &whole, error))
    return FALSE;
  self->visitor.visit = on_reference;
  self->follow_listed = !whole;
  py_heap_marks_foreach_waiting (&heap->marks, look_at_waiting, self);
  self->visitor.visit = on_root;
  py_heap_visit_roots (&self->visitor, heap->runtime);
  self->visitor.visit = on_reference;
  look_into_pending (self);
  if (!whole)
    py_heap_marks_foreach_found (&heap->marks, look_into, self);
  return TRUE;
}

gboolean
py_heap_find_all (PyHeapPass *self, PyHeapFlags flags, GError **error)
{
  if ((flags & PY_HEAP_TRACKED_ONLY) == 0)
    return find_all (self, error);
  return py_heap_walk_lists (self->heap->runtime, self->heap->memory, on_listed, self, NULL, error);
}
