/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/**
 * py_heap_measure_held:
 * @heap: with referrers made
 * @holder: its own size counts
 * @max: objects to look at
 *
 * Returns: the bytes that would be free if the object was: its own and those of all that it alone holds,
 * directly or through what it alone holds. What keeps itself alive in a cycle, or is known to another object,
 * does not count; whether a thread works with it just now does not matter.
 * @n: (out) (optional): how many objects that is
 */
guint64 py_heap_measure_held (PyHeap *heap, guint32 holder, guint32 max, guint32 *n);

G_END_DECLS
