/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-heap-profile.h"
#include "memory-kinds.h"
#include "py-heap-owners.h"

G_BEGIN_DECLS

/* What is known of the second moment when its tables are made. */
typedef struct
{
  PyHeap *heap;
  const PyHeapOwners *owners;
  MemoryKinds *kinds;
  const guint8 *is_new; /* of each object: made since the beginning, and reached */
} MemoryFindings;

/* Fills total, origins, cells, types and objects of @profile. */
void memory_tables_fill (const MemoryFindings *findings, HapHeapProfile *profile);

/**
 * memory_tables_find_growth:
 * @origin: index of the owners' origins
 *
 * Returns: the innermost object that holds most of what is new of @origin; PY_HEAP_NONE: there is no one such
 */
guint32 memory_tables_find_growth (const MemoryFindings *findings, guint16 origin);

G_END_DECLS
