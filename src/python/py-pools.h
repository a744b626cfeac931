/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"
#include "hap-residency.h"

G_BEGIN_DECLS

/**
 * PyPools: the pools of pymalloc, CPython's allocator of everything up to 512 bytes, in a memory that stands
 * still. Told by their headers, which agree with themselves in five ways: no table of CPython's is needed.
 * (Objects/obmalloc.c, Include/internal/pycore_obmalloc.h; the same in 3.11 to 3.15.)
 */
typedef struct
{
  GArray *addresses; /* (element-type guint64) ascending */
  guint64 used;      /* bytes in blocks that are given out */
  guint64 touched; /* bytes of pages that were ever used: what is not @used of it, is free and still there */
} PyPools;

#define PY_POOL_SIZE 16384

PyPools *py_pools_new (HapMemory *memory, const HapResidency *residency);
void py_pools_free (PyPools *self);

gboolean py_pools_contain (const PyPools *self, guint64 address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyPools, py_pools_free)

G_END_DECLS
