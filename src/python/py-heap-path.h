/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/* Whether a way may begin at this object. */
typedef gboolean (*PyHeapPathFunc) (PyHeap *heap, guint32 index, gpointer data);

/**
 * py_heap_find_path:
 * @heap: with referrers made
 * @is_end: asked for each object that leads to @object, the nearest first
 * @max: objects to look at
 *
 * Returns: (transfer full) (nullable) (element-type guint32): a shortest way from such an end to @object,
 * both in it; NULL: there is none
 */
GArray *py_heap_find_path (PyHeap *heap, guint32 object, PyHeapPathFunc is_end, gpointer data, guint max);

/**
 * py_heap_describe_path:
 * @path: as above
 *
 * Returns: (transfer full): the way in Python's words: "custom_components.leaky.STORE['inner'][1234]"; where
 * there is no word for a step, its type: "…<cell>"
 */
char *py_heap_describe_path (PyHeap *heap, GArray *path);

G_END_DECLS
