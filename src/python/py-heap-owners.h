/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-dominators.h"
#include "hap-origin.h"
#include "py-heap.h"

G_BEGIN_DECLS

/**
 * PyHeapOwners: whose each object of a heap is (plugins/memory/README.md):
 *
 * 1. What an integration defines is its own: its modules, their classes and functions, instances of these
 * classes, and the __dict__ of each; coroutines and generators of its code.
 * 2. What only objects of one integration refer to is that integration's.
 * 3. All else belongs to whom the nearest holder belongs: the nearest object without which it would be free.
 * 4. What has no such holder is Home Assistant's, a library's or Python's if these define it; else it is
 * shared.
 */
typedef struct
{
  HapDominators *holders;
  GPtrArray *origins; /* (element-type HapOrigin) the first is NULL: shared */
  guint16 *origin;    /* of each object: index of origins */
} PyHeapOwners;

/* Errors: as py_heap_make_referrers() and hap_dominators_new() */
PyHeapOwners *py_heap_owners_new (PyHeap *heap, GCancellable *cancellable, GError **error);
void py_heap_owners_free (PyHeapOwners *self);

static inline const HapOrigin *
py_heap_owners_get (const PyHeapOwners *self, guint32 object)
{
  return (const HapOrigin *)self->origins->pdata[self->origin[object]];
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyHeapOwners, py_heap_owners_free)

G_END_DECLS
