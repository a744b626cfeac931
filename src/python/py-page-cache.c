/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyPageCache: blocks of another memory, kept. Whether that memory stands still is its user's to know.
 */

#include "py-page-cache.h"

#include <string.h>

#define BLOCK 4096
#define MAX_BLOCKS (128 * 1024) /* 512 MiB */
#define N_RECENT 256

/* A block holds as many bytes as could be read: what lies behind them is not mapped. */
typedef struct
{
  guint64 number; /* address / BLOCK; the key */
  guint32 size;
  guint8 bytes[BLOCK];
} Block;

struct _PyPageCache
{
  GObject parent_instance;

  HapMemory *memory;
  GHashTable *blocks;
  const Block *recent[N_RECENT]; /* by the last bits of their numbers: what is used again soon */
};

static void py_page_cache_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PyPageCache,
                               py_page_cache,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, py_page_cache_memory_init))

static const Block *
read_block (PyPageCache *self, guint64 number)
{
  Block *block = g_new (Block, 1);

  if (g_hash_table_size (self->blocks) >= MAX_BLOCKS)
    py_page_cache_drop (self);
  block->number = number;
  block->size = hap_memory_read_some (self->memory, number * BLOCK, block->bytes, BLOCK);
  g_hash_table_insert (self->blocks, &block->number, block);
  return block;
}

static const Block *
find_block (PyPageCache *self, guint64 number)
{
  const Block *block = self->recent[number % N_RECENT];

  if (block != NULL && block->number == number)
    return block;
  block = g_hash_table_lookup (self->blocks, &number);
  if (block == NULL)
    block = read_block (self, number);
  self->recent[number % N_RECENT] = block;
  return block;
}

static gsize
py_page_cache_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  PyPageCache *self = (PyPageCache *)memory;
  gsize done = 0;

  if (address > G_MAXUINT64 - size)
    return 0;
  while (done < size)
    {
      const Block *block = find_block (self, (address + done) / BLOCK);
      gsize offset = (address + done) % BLOCK;
      gsize n = block->size > offset ? MIN (block->size - offset, size - done) : 0;

      if (n == 0)
        break;
      memcpy ((guint8 *)buffer + done, block->bytes + offset, n);
      done += n;
    }
  return done;
}

static void
py_page_cache_memory_init (HapMemoryInterface *iface)
{
  iface->read = py_page_cache_read;
}

static void
py_page_cache_finalize (GObject *object)
{
  PyPageCache *self = PY_PAGE_CACHE (object);

  g_hash_table_unref (self->blocks);
  g_clear_object (&self->memory);

  G_OBJECT_CLASS (py_page_cache_parent_class)->finalize (object);
}

static void
py_page_cache_class_init (PyPageCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = py_page_cache_finalize;
}

static void
py_page_cache_init (PyPageCache *self)
{
  self->blocks = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
}

PyPageCache *
py_page_cache_new (HapMemory *memory)
{
  PyPageCache *self = g_object_new (PY_TYPE_PAGE_CACHE, NULL);

  self->memory = g_object_ref (memory);
  return self;
}

void
py_page_cache_drop (PyPageCache *self)
{
  g_hash_table_remove_all (self->blocks);
  memset (self->recent, 0, sizeof self->recent);
}
