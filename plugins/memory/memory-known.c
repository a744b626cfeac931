/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells the objects of one moment from those of an earlier one.
 */

#include "memory-known.h"

struct _MemoryKnown
{
  guint32 n;
  guint64 *addresses; /* ascending, as the heap has them */
  guint32 *types;
};

/* The address of the type: a class may go, too, and come again elsewhere. */
static guint32
mark_type (PyHeap *heap, guint32 index)
{
  const PyHeapType *type = py_heap_get_type (heap, py_heap_get_object_type (heap, index));

  return (guint32)(type->class->address >> 4);
}

MemoryKnown *
memory_known_new (PyHeap *heap)
{
  MemoryKnown *self = g_new0 (MemoryKnown, 1);

  self->n = py_heap_get_n_objects (heap);
  self->addresses = g_new (guint64, MAX (self->n, 1));
  self->types = g_new (guint32, MAX (self->n, 1));
  for (guint32 i = 0; i < self->n; i++)
    {
      self->addresses[i] = py_heap_get_address (heap, i);
      self->types[i] = mark_type (heap, i);
    }
  return self;
}

void
memory_known_free (MemoryKnown *self)
{
  g_free (self->addresses);
  g_free (self->types);
  g_free (self);
}

guint8 *
memory_known_find_new (const MemoryKnown *self, PyHeap *heap)
{
  guint32 n = py_heap_get_n_objects (heap), known = 0;
  guint8 *is_new = g_new0 (guint8, MAX (n, 1));

  for (guint32 i = 0; i < n; i++)
    {
      guint64 address = py_heap_get_address (heap, i);

      while (known < self->n && self->addresses[known] < address)
        known++;
      is_new[i] =
          known == self->n || self->addresses[known] != address || self->types[known] != mark_type (heap, i);
    }
  return is_new;
}
