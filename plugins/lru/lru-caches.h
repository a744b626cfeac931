/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

typedef enum
{
  LRU_CACHE_FUNCTION, /* functools.lru_cache */
  LRU_CACHE_DICT,     /* LRU of lru-dict */
  LRU_CACHE_SQLALCHEMY,
} LruCacheKind;

/* A cache. What is not known of a kind is 0. */
typedef struct
{
  LruCacheKind kind;
  guint32 index; /* in the heap */
  guint64 hits, misses, n_entries;
  gint64 max_size;  /* -1: none */
  guint64 function; /* FUNCTION: what is cached: an address */
  guint64 entries;  /* SQLALCHEMY: its dict: an address */
} LruCache;

/* Returns: (transfer full) (element-type LruCache): all caches of the heap */
GArray *lru_caches_find (PyHeap *heap);

G_END_DECLS
