/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/* A type name of which there are more objects than ever before. */
typedef struct
{
  const char *name; /* owned by the ObjectsGrowth */
  guint64 total, delta;
} ObjectsGrown;

/**
 * ObjectsGrowth: which types of objects grow from scan to scan, as objgraph.growth() says it: objects that
 * the collector tracks, by the bare name of their type; a type counts when there are more of it than its
 * peak, which then rises and never falls.
 */
typedef struct _ObjectsGrowth ObjectsGrowth;

ObjectsGrowth *objects_growth_new (void);
void objects_growth_free (ObjectsGrowth *self);

/* Returns: (transfer full) (element-type ObjectsGrown): at most @limit; most growth first, equal ones in the
 * order of the collector's lists. Raises the peaks, of those that are left out as well. */
GArray *objects_growth_scan (ObjectsGrowth *self, PyHeap *heap, guint limit);

/* Returns: "[('function', 2929, 2929), …]", as Python prints it */
char *objects_growth_to_string (GArray *grown);

/* Returns: the types that have the most more than in the first scan, for a person */
char *objects_growth_describe (ObjectsGrowth *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ObjectsGrowth, objects_growth_free)

G_END_DECLS
