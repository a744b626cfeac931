/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/**
 * MemoryKnown: which objects there were: of each its address, and a mark of its type: 12 bytes.
 *
 * Nothing outside of a process can keep its objects alive. One that was freed meanwhile, and another of the
 * same type made at its address, look like one that stayed.
 */
typedef struct _MemoryKnown MemoryKnown;

MemoryKnown *memory_known_new (PyHeap *heap);
void memory_known_free (MemoryKnown *self);

/* Returns: (transfer full): for each object of @heap whether it is new: 1, or was there: 0 */
guint8 *memory_known_find_new (const MemoryKnown *self, PyHeap *heap);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryKnown, memory_known_free)

G_END_DECLS
