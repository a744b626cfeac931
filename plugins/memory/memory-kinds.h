/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-census.h"
#include "py-heap.h"

G_BEGIN_DECLS

/**
 * MemoryKinds: the kinds of objects as guppy's heapy tells them apart: the class, and for the dict of an
 * instance the class of that. What guppy does to a heap by looking at it is done here on paper: instances
 * whose attributes lie in themselves are counted with the __dict__ that guppy's look would give them.
 */
typedef struct _MemoryKinds MemoryKinds;

MemoryKinds *memory_kinds_new (PyHeap *heap);
void memory_kinds_free (MemoryKinds *self);

/* Returns: (transfer none): "list", "dict of __main__.Foo", "dict (no owner)" */
const char *memory_kinds_get_name (MemoryKinds *self, guint32 kind);

/* The kind of an object; below memory_kinds_get_n() */
guint32 memory_kinds_get (MemoryKinds *self, guint32 object);
guint32 memory_kinds_get_n (MemoryKinds *self);

/* The class's name alone, as guppy has it (transfer none) */
const char *memory_kinds_get_type_name (MemoryKinds *self, guint32 type);

/* Returns: (transfer full): heapy's "byrcs" of the objects that are chosen; needs referrers */
HapCensus *memory_kinds_count (MemoryKinds *self, const guint8 *chosen);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryKinds, memory_kinds_free)

G_END_DECLS
