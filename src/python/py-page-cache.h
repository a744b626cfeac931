/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"

G_BEGIN_DECLS

/**
 * PyPageCache: a memory that reads another one in blocks of a page and keeps them, for walks over many small
 * objects. What it has read it never reads again: so it belongs over a memory that stands still (a frozen
 * copy, a held target), or over one whose blocks are thrown away before each attempt to read it.
 */
#define PY_TYPE_PAGE_CACHE (py_page_cache_get_type ())
G_DECLARE_FINAL_TYPE (PyPageCache, py_page_cache, PY, PAGE_CACHE, GObject)

PyPageCache *py_page_cache_new (HapMemory *memory);

/* Forgets all blocks. */
void py_page_cache_drop (PyPageCache *self);

G_END_DECLS
