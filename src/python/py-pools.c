/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the pools of CPython's allocator, and counts what is in use of them. Which objects lie there is the
 * heap's.
 */

#include "py-pools.h"

#define PAGE_SIZE 4096
#define BLOCK_UNIT 16
#define MAX_BLOCK 512

/* Places to look at in all: 64 GiB of memory. */
#define MAX_PLACES (4 * 1024 * 1024)

/* struct pool_header */
typedef struct
{
  guint32 count; /* blocks given out */
  guint32 padding;
  guint64 free_block;
  guint64 next, previous;
  guint32 arena;
  guint32 size_class;
  guint32 next_offset; /* of the first block that was never given out */
  guint32 max_next_offset;
} Header;

void
py_pools_free (PyPools *self)
{
  g_array_unref (self->addresses);
  g_free (self);
}

static gboolean
is_pool (const Header *header, guint64 address)
{
  guint32 block = (header->size_class + 1) * BLOCK_UNIT;

  return header->size_class < MAX_BLOCK / BLOCK_UNIT && header->max_next_offset == PY_POOL_SIZE - block
         && header->next_offset >= sizeof *header + block
         && header->next_offset <= header->max_next_offset + block
         && (header->next_offset - sizeof *header) % block == 0
         && header->count <= (header->next_offset - sizeof *header) / block
         && (header->free_block == 0 || header->free_block - address < PY_POOL_SIZE);
}

static void
find_in (PyPools *self, HapMemory *memory, const HapResident *mapping, guint *n_places)
{
  guint64 at = (mapping->mapping.start + PY_POOL_SIZE - 1) & ~(guint64)(PY_POOL_SIZE - 1);
  Header header;

  for (; at + PY_POOL_SIZE <= mapping->mapping.end && *n_places < MAX_PLACES; at += PY_POOL_SIZE)
    {
      (*n_places)++;
      if (!hap_memory_read (memory, at, &header, sizeof header) || !is_pool (&header, at))
        continue;
      g_array_append_val (self->addresses, at);
      self->used += (guint64)header.count * (header.size_class + 1) * BLOCK_UNIT;
      self->touched += (header.next_offset + PAGE_SIZE - 1) & ~(guint32)(PAGE_SIZE - 1);
    }
}

PyPools *
py_pools_new (HapMemory *memory, const HapResidency *residency)
{
  PyPools *self = g_new0 (PyPools, 1);
  guint n_places = 0;

  self->addresses = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < residency->mappings->len; i++)
    {
      const HapResident *mapping = &g_array_index (residency->mappings, HapResident, i);

      if (!mapping->file && mapping->mapping.writable && mapping->resident + mapping->swapped > 0)
        find_in (self, memory, mapping, &n_places);
    }
  return self;
}

gboolean
py_pools_contain (const PyPools *self, guint64 address)
{
  const guint64 wanted = address & ~(guint64)(PY_POOL_SIZE - 1);
  guint low = 0, high = self->addresses->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      guint64 pool = g_array_index (self->addresses, guint64, middle);

      if (pool == wanted)
        return TRUE;
      if (pool < wanted)
        low = middle + 1;
      else
        high = middle;
    }
  return FALSE;
}
