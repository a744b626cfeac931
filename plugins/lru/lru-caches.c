/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which objects of a heap are caches, and what they count. The layouts of lru_cache_object
 * (Modules/_functoolsmodule.c, 3.11 to 3.15) and of lru-dict's LRU (lru.c, 1.2 to 1.4) are here; everything
 * that is said of them is lru-stats.c's.
 */

#include "lru-caches.h"

#include <string.h>

#include "py-objects.h"

/* lru_cache_object */
#define FUNCTION_CACHE 72
#define FUNCTION_HITS 80
#define FUNCTION_FUNCTION 88
#define FUNCTION_MAX_SIZE 96
#define FUNCTION_MISSES 104

/* LRU */
#define LRU_DICT 16
#define LRU_SIZE 40
#define LRU_HITS 48
#define LRU_MISSES 56

static guint64
count_entries (PyInspector *inspector, guint64 dict)
{
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));

  return dict != 0 ? py_inspector_read (inspector, dict + layout->dict_used) : 0;
}

static gboolean
read_function (PyInspector *inspector, guint64 object, LruCache *cache)
{
  cache->kind = LRU_CACHE_FUNCTION;
  cache->hits = py_inspector_read (inspector, object + FUNCTION_HITS);
  cache->misses = py_inspector_read (inspector, object + FUNCTION_MISSES);
  cache->max_size = py_inspector_read (inspector, object + FUNCTION_MAX_SIZE);
  cache->function = py_inspector_read (inspector, object + FUNCTION_FUNCTION);
  cache->n_entries = count_entries (inspector, py_inspector_read (inspector, object + FUNCTION_CACHE));
  return cache->function != 0;
}

static gboolean
read_dict (PyInspector *inspector, guint64 object, LruCache *cache)
{
  cache->kind = LRU_CACHE_DICT;
  cache->hits = py_inspector_read (inspector, object + LRU_HITS);
  cache->misses = py_inspector_read (inspector, object + LRU_MISSES);
  cache->max_size = py_inspector_read (inspector, object + LRU_SIZE);
  cache->n_entries = count_entries (inspector, py_inspector_read (inspector, object + LRU_DICT));
  return TRUE;
}

static gboolean
read_sqlalchemy (PyInspector *inspector, guint64 object, LruCache *cache)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  g_autofree char *type = NULL;
  gint64 capacity;

  cache->kind = LRU_CACHE_SQLALCHEMY;
  cache->entries = py_inspector_get_attribute (inspector, object, "_data");
  type = py_object_get_type_name (runtime, cache->entries);
  if (g_strcmp0 (type, "dict") != 0)
    return FALSE;
  cache->n_entries = count_entries (inspector, cache->entries);
  if (py_object_get_int (runtime, py_inspector_get_attribute (inspector, object, "capacity"), &capacity))
    cache->max_size = capacity;
  return TRUE;
}

typedef gboolean (*ReadFunc) (PyInspector *inspector, guint64 object, LruCache *cache);

static ReadFunc
choose (const PyClass *class)
{
  if (strcmp (class->c_name, "functools._lru_cache_wrapper") == 0)
    return read_function;
  if (strcmp (class->c_name, "_lru.LRU") == 0 || strcmp (class->c_name, "lru.LRU") == 0)
    return read_dict;
  return strcmp (class->c_name, "LRUCache") == 0 ? read_sqlalchemy : NULL;
}

GArray *
lru_caches_find (PyHeap *heap)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  guint32 n_types = py_heap_get_n_types (heap);
  g_autofree ReadFunc *readers = g_new (ReadFunc, n_types + 1);
  GArray *caches = g_array_new (FALSE, FALSE, sizeof (LruCache));

  for (guint32 i = 0; i < n_types; i++)
    readers[i] = choose (py_heap_get_type (heap, i)->class);
  for (guint32 i = 0; i < py_heap_get_n_objects (heap); i++)
    {
      ReadFunc read = readers[py_heap_get_object_type (heap, i)];
      LruCache cache = { .index = i, .max_size = -1 };

      if (read != NULL && read (inspector, py_heap_get_address (heap, i), &cache))
        g_array_append_val (caches, cache);
    }
  return caches;
}
