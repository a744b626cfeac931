/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/* Whether the way goes on through an object, begins there, or never leads through it. */
typedef enum
{
  PY_HEAP_PATH_ON,
  PY_HEAP_PATH_BEGIN,
  PY_HEAP_PATH_STOP,
} PyHeapPathStep;

typedef PyHeapPathStep (*PyHeapPathFunc) (PyHeap *heap, guint32 index, gpointer data);

/**
 * py_heap_find_path:
 * @heap: with referrers made
 * @step: asked for each object that leads to @object, the nearest first
 * @max: objects to look at
 *
 * Returns: (transfer full) (nullable) (element-type guint32): a shortest way from where @step says to
 * @object, both in it; NULL: there is none. That a function knows the names of its module is no holding.
 */
GArray *py_heap_find_path (PyHeap *heap, guint32 object, PyHeapPathFunc step, gpointer data, guint max);

/**
 * py_heap_describe_path:
 * @path: as above
 *
 * Returns: (transfer full): the way in Python's words: "custom_components.leaky.STORE['inner'][1234]"; where
 * there is no word for a step, its type: "…<cell>"
 */
char *py_heap_describe_path (PyHeap *heap, GArray *path);

G_END_DECLS
