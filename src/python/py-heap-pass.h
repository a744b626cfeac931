/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

#define PY_HEAP_NUMBER_BITS 24 /* of a type, above the flags */
#define PY_HEAP_FLAG_BITS 8
#define PY_HEAP_IMMORTAL G_MAXUINT32 /* a count of references that does not count */
#define PY_HEAP_LARGE G_MAXUINT32    /* a size that does not fit: see large */

struct _PyHeap
{
  PyRuntime *runtime; /* over memory */
  PyInspector *inspector;
  PyHeapMemory *memory;
  PyHeapTypes types;
  PyHeapStats stats;

  PyHeapMarks marks;                    /* of all objects */
  PyHeapMarks permanent, roots, broken; /* FOUND: it is one of them */
  guint64 *addresses;
  guint32 *kinds; /* number of the type << PY_HEAP_FLAG_BITS | flags */
  guint32 *sizes;
  guint32 *counts;   /* of references, as the interpreter has it; until referrers are made */
  GHashTable *large; /* (element-type guint64 guint64) address -> size */
  guint32 n_objects;

  guint32 *end_of_references, *references; /* of object i: from end_of_references[i + 1] to [i] */
  guint32 *first_referrer, *referrers;
};

/* One pass over the objects, and whether to go on. */
typedef struct
{
  PyHeapVisitor visitor;
  PyHeap *heap;
  GCancellable *cancellable;
  guint64 n_steps;
  gboolean follow_listed; /* objects that should be in a list may be in none */
  GArray *pending;        /* (element-type guint64) found, but not yet looked into */
  GArray *addresses;      /* (element-type guint64) what one object refers to */
  guint32 *found;         /* indices that all objects refer to, one after the other */
  guint32 n_found, n_room;
} PyHeapPass;

void py_heap_pass_init (PyHeapPass *self, PyHeap *heap, GCancellable *cancellable);
void py_heap_pass_clear (PyHeapPass *self);
gboolean py_heap_pass_goes_on (PyHeapPass *self);

/* For the next time that all is gone through. */
void py_heap_pass_refill (PyHeapPass *self);

/* Marks all objects (py-heap-find.c). FALSE with @error only where there are no lists. */
gboolean py_heap_find_all (PyHeapPass *self, PyHeapFlags flags, GError **error);

/* Fills the arrays (py-heap-describe.c). */
gboolean py_heap_describe_all (PyHeapPass *self, PyHeapFlags flags, GError **error);

/* (transfer full): room for something of each object, zeroed */
gpointer py_heap_make_room (gsize n, gsize size);

/* Returns: (nullable): what an object that is there is */
static inline PyHeapTypeInfo *
py_heap_read_type (PyHeap *self, guint64 object)
{
  return py_heap_types_get (&self->types,
                            py_heap_memory_get (self->memory, object + self->types.layout->object_type));
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PyHeapPass, py_heap_pass_clear)

#pragma GCC visibility pop
G_END_DECLS
