/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells the objects of one moment from those of an earlier one, of which three or four bytes an object are
 * kept: what lies between its address and the last one, and the number of its type.
 */

#include "memory-known.h"

#define ALIGNMENT 8
#define MORE 0x80 /* of a byte: the number goes on */

struct _MemoryKnown
{
  guint64 *types;      /* address of each type: a class may go, too, and come again elsewhere */
  GByteArray *objects; /* in the order of addresses */
};

/* A place in the objects. */
typedef struct
{
  const MemoryKnown *known;
  guint next;
  guint64 address, type;
} Cursor;

static void
append_number (GByteArray *bytes, guint64 number)
{
  guint8 part[10];
  guint n = 0;

  for (; number >= MORE; number >>= 7)
    part[n++] = (guint8)number | MORE;
  part[n++] = (guint8)number;
  g_byte_array_append (bytes, part, n);
}

static guint64
read_number (Cursor *self)
{
  const guint8 *bytes = self->known->objects->data;
  guint64 number = 0;
  guint shift = 0;

  for (; (bytes[self->next] & MORE) != 0; shift += 7)
    number |= (guint64)(bytes[self->next++] & ~MORE) << shift;
  return number | (guint64)bytes[self->next++] << shift;
}

/* FALSE: there are no more */
static gboolean
go_on (Cursor *self)
{
  if (self->next == self->known->objects->len)
    return FALSE;
  self->address += read_number (self) * ALIGNMENT;
  self->type = self->known->types[read_number (self)];
  return TRUE;
}

MemoryKnown *
memory_known_new (PyHeap *heap)
{
  MemoryKnown *self = g_new0 (MemoryKnown, 1);
  guint32 n = py_heap_get_n_objects (heap), n_types = py_heap_get_n_types (heap);
  guint64 last = 0;

  self->types = g_new (guint64, MAX (n_types, 1));
  self->objects = g_byte_array_new ();
  for (guint32 i = 0; i < n_types; i++)
    self->types[i] = py_heap_get_type (heap, i)->class->address;
  for (guint32 i = 0; i < n; i++)
    {
      append_number (self->objects, (py_heap_get_address (heap, i) - last) / ALIGNMENT);
      append_number (self->objects, py_heap_get_object_type (heap, i));
      last = py_heap_get_address (heap, i);
    }
  return self;
}

void
memory_known_free (MemoryKnown *self)
{
  g_free (self->types);
  g_byte_array_unref (self->objects);
  g_free (self);
}

guint8 *
memory_known_find_new (const MemoryKnown *self, PyHeap *heap)
{
  guint32 n = py_heap_get_n_objects (heap);
  guint8 *is_new = g_new0 (guint8, MAX (n, 1));
  Cursor known = { .known = self };
  gboolean more = go_on (&known);

  for (guint32 i = 0; i < n; i++)
    {
      guint64 address = py_heap_get_address (heap, i);
      const PyHeapType *type = py_heap_get_type (heap, py_heap_get_object_type (heap, i));

      while (more && known.address < address)
        more = go_on (&known);
      is_new[i] = !more || known.address != address || known.type != type->class->address;
    }
  return is_new;
}
