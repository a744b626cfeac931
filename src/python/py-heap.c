/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeap: the objects of a heap by their numbers. How they are found and described is py-heap-find.c's and
 * py-heap-describe.c's.
 */

#include "py-heap-pass.h"

#include <glib/gi18n.h>

#include "hap-error.h"

#define CHECK_EVERY 4096 /* objects between two looks whether to go on */

/* What is looked at of words in one pass: every word of the memory once, and names that objects share. In an
 * honest heap no word belongs to two objects. */
#define MAX_WORDS ((guint64)1 << 31)
#define MORE_WORDS ((guint64)1 << 20)

void
py_heap_pass_clear (PyHeapPass *self)
{
  g_clear_pointer (&self->pending, g_array_unref);
  g_clear_pointer (&self->found, g_free);
}

void
py_heap_pass_refill (PyHeapPass *self)
{
  self->visitor.n_words =
      MIN ((guint64)self->heap->memory->n_pages * PY_HEAP_PAGE / 8 * 2 + MORE_WORDS, MAX_WORDS);
}

void
py_heap_pass_init (PyHeapPass *self, PyHeap *heap, GCancellable *cancellable)
{
  *self = (PyHeapPass){ .heap = heap, .cancellable = cancellable };
  self->visitor.types = &heap->types;
  self->visitor.memory = heap->memory;
  self->visitor.layout = py_runtime_get_layout (heap->runtime);
  self->visitor.version = py_runtime_get_version (heap->runtime);
  py_heap_pass_refill (self);
}

gboolean
py_heap_pass_goes_on (PyHeapPass *self)
{
  return ++self->n_steps % CHECK_EVERY != 0 || !g_cancellable_is_cancelled (self->cancellable);
}

static gboolean
fill (PyHeap *self, PyHeapPass *pass, PyHeapFlags flags, GError **error)
{
  if (!py_heap_find_all (pass, flags, error))
    return FALSE;
  if (g_cancellable_set_error_if_cancelled (pass->cancellable, error))
    return FALSE;
  if (self->marks.n >= PY_HEAP_MAX_OBJECTS)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("There are more than %u objects: too many"),
                   PY_HEAP_MAX_OBJECTS);
      return FALSE;
    }
  if ((flags & PY_HEAP_TRACKED_ONLY) == 0 && !py_heap_describe_all (pass, flags, error))
    return FALSE;
  self->stats.n_skipped += pass->visitor.n_refused;
  self->stats.bytes_read = self->memory->bytes_read;
  return TRUE;
}

PyHeap *
py_heap_new (PyRuntime *runtime, HapMaps *maps, PyHeapFlags flags, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyHeap) self = g_new0 (PyHeap, 1);
  g_auto (PyHeapPass) pass = { 0 };

  self->memory = py_heap_memory_new (py_runtime_get_memory (runtime), maps);
  self->runtime = py_runtime_with_memory (runtime, HAP_MEMORY (self->memory));
  self->inspector = py_inspector_new (self->runtime);
  self->large = g_hash_table_new (NULL, NULL);
  py_heap_marks_init (&self->marks, self->memory);
  py_heap_marks_init (&self->permanent, self->memory);
  py_heap_marks_init (&self->roots, self->memory);
  py_heap_marks_init (&self->broken, self->memory);
  py_heap_pass_init (&pass, self, cancellable);
  pass.pending = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (!py_heap_types_init (&self->types, self->inspector, self->memory, error)
      || !fill (self, &pass, flags, error))
    return NULL;
  py_heap_marks_clear (&self->permanent);
  py_heap_marks_clear (&self->roots);
  py_heap_marks_clear (&self->broken);
  return g_steal_pointer (&self);
}

void
py_heap_drop_window (PyHeap *self)
{
  py_heap_memory_forget (self->memory);
}

void
py_heap_free (PyHeap *self)
{
  py_heap_types_clear (&self->types);
  py_heap_marks_clear (&self->marks);
  py_heap_marks_clear (&self->permanent);
  py_heap_marks_clear (&self->roots);
  py_heap_marks_clear (&self->broken);
  g_free (self->addresses);
  g_free (self->kinds);
  g_free (self->sizes);
  g_free (self->counts);
  g_free (self->end_of_references);
  g_free (self->references);
  g_free (self->first_referrer);
  g_free (self->referrers);
  g_hash_table_unref (self->large);
  py_inspector_free (self->inspector);
  g_object_unref (self->runtime);
  g_object_unref (self->memory);
  g_free (self);
}

PyInspector *
py_heap_get_inspector (PyHeap *self)
{
  return self->inspector;
}

const PyHeapStats *
py_heap_get_stats (PyHeap *self)
{
  return &self->stats;
}

guint32
py_heap_get_n_types (PyHeap *self)
{
  return self->types.listed->len;
}

const PyHeapType *
py_heap_get_type (PyHeap *self, guint32 type)
{
  return &((PyHeapTypeInfo *)self->types.listed->pdata[type])->public;
}

guint32
py_heap_get_n_objects (PyHeap *self)
{
  return self->n_objects;
}

guint64
py_heap_get_address (PyHeap *self, guint32 index)
{
  return self->addresses[index];
}

guint32
py_heap_get_object_type (PyHeap *self, guint32 index)
{
  return self->kinds[index] >> PY_HEAP_FLAG_BITS;
}

guint64
py_heap_get_size (PyHeap *self, guint32 index)
{
  if (self->sizes[index] != PY_HEAP_LARGE)
    return self->sizes[index];
  return GPOINTER_TO_SIZE (g_hash_table_lookup (self->large, GSIZE_TO_POINTER (self->addresses[index])));
}

guint
py_heap_get_flags (PyHeap *self, guint32 index)
{
  return self->kinds[index] & ((1 << PY_HEAP_FLAG_BITS) - 1);
}

guint32
py_heap_find (PyHeap *self, guint64 address)
{
  return py_heap_marks_get_rank (&self->marks, address);
}

guint32
py_heap_get_dict (PyHeap *self, guint32 index)
{
  const PyHeapTypeInfo *info = self->types.listed->pdata[py_heap_get_object_type (self, index)];
  PyHeapPass pass;
  guint64 dict;

  py_heap_pass_init (&pass, self, NULL);
  dict = py_heap_find_dict (&pass.visitor, self->addresses[index], info);
  return dict != 0 ? py_heap_find (self, dict) : PY_HEAP_NONE;
}

/* References */

static void
on_referent (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeapPass *self = (PyHeapPass *)visitor;

  if ((kind & PY_REFERENCE_HIDDEN) == 0
      && ((kind & PY_REFERENCE_GUESS) == 0 || py_heap_find (self->heap, object) != PY_HEAP_NONE))
    g_array_append_val (self->addresses, object);
}

GArray *
py_heap_list_referents (PyHeap *self, guint32 index)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (guint64));
  PyHeapPass pass;

  py_heap_pass_init (&pass, self, NULL);
  pass.visitor.visit = on_referent;
  pass.addresses = addresses;
  py_heap_traverse (&pass.visitor, self->addresses[index],
                    self->types.listed->pdata[py_heap_get_object_type (self, index)]);
  return addresses;
}

/* What is held from outside of the heap, as the collector finds it: by more references than objects have to
 * it. That takes in what frames and C code hold, known or not, and leaves out what a forgotten word in C's
 * memory points at. */
static void
flag_held (PyHeap *self)
{
  for (guint32 i = 0; i < self->n_objects; i++)
    {
      guint32 n = self->first_referrer[i + 1] - self->first_referrer[i];
      gboolean is_root = (self->kinds[i] & PY_HEAP_OBJECT_ROOT) != 0;

      if (self->counts[i] == PY_HEAP_IMMORTAL ? n == 0 || is_root : self->counts[i] > n)
        self->kinds[i] |= PY_HEAP_OBJECT_HELD;
    }
  g_clear_pointer (&self->counts, g_free);
}

/* A counting sort by target; first_referrer[i] runs from the beginning of i's part to its end, which is the
 * next one's beginning. */
gboolean
py_heap_make_referrers (PyHeap *self, GCancellable *cancellable, GError **error)
{
  guint32 n_references, *first;

  if (self->referrers != NULL)
    return TRUE;
  g_return_val_if_fail (self->references != NULL, FALSE);
  n_references = self->end_of_references[0];
  first = py_heap_make_room ((gsize)self->n_objects + 2, sizeof *first);
  for (guint32 i = 0; i < n_references; i++)
    first[self->references[i] + 2]++;
  for (guint32 i = 2; i <= self->n_objects; i++)
    first[i] += first[i - 1];
  self->referrers = py_heap_make_room (n_references, sizeof *self->referrers);
  for (guint32 i = 0; i < self->n_objects; i++)
    for (guint32 j = self->end_of_references[i + 1]; j < self->end_of_references[i]; j++)
      self->referrers[first[self->references[j] + 1]++] = i;
  self->first_referrer = first;
  flag_held (self);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

const guint32 *
py_heap_get_references (PyHeap *self, guint32 index, guint32 *n)
{
  *n = self->end_of_references[index] - self->end_of_references[index + 1];
  return self->references + self->end_of_references[index + 1];
}

const guint32 *
py_heap_get_referrers (PyHeap *self, guint32 index, guint32 *n)
{
  *n = self->first_referrer[index + 1] - self->first_referrer[index];
  return self->referrers + self->first_referrer[index];
}
