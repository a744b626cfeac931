/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * glibc's malloc from outside (malloc/malloc.c, malloc/arena.c; 2.26 to 2.42): chunks lie one after another,
 * each with its size; whether one is in use is said by the next. Other allocators are not known here.
 */

#include "hap-malloc.h"

#include <string.h>

#define PREVIOUS_IN_USE 1
#define FLAGS 7
#define MIN_CHUNK 32
#define ALIGNMENT 16

/* A thread's arena: heap_info, then, in the first of its heaps, struct malloc_state. */
#define HEAP_MAX ((guint64)64 * 1024 * 1024)
#define STATE_SIZE 2200

#define WINDOW (256 * 1024)

typedef struct
{
  HapMemory *memory;
  guint64 start; /* of the window */
  gsize length;
  guint8 *bytes;
} Window;

/* Chunks are visited in ascending order: one read serves many. */
static gboolean
read_size (Window *self, guint64 chunk, guint64 *size)
{
  guint64 address = chunk + 8;

  if (address < self->start || address + 8 > self->start + self->length)
    {
      self->start = address;
      self->length = hap_memory_read_some (self->memory, address, self->bytes, WINDOW);
      if (self->length < 8)
        return FALSE;
    }
  memcpy (size, self->bytes + (address - self->start), 8);
  return TRUE;
}

guint64
hap_malloc_get_chunk (guint64 size)
{
  return MAX (MIN_CHUNK, (size + 8 + ALIGNMENT - 1) & ~(guint64)(ALIGNMENT - 1));
}

/* The last chunk is the top, which is free, or the fence at the end of a full heap. */
static gboolean
follow_chunks (HapMemory *memory, guint64 first, guint64 end, guint64 *used, guint64 *small)
{
  g_autofree guint8 *bytes = g_malloc (WINDOW);
  Window window = { .memory = memory, .bytes = bytes };
  guint64 chunk = first, before = 0, sum = 0, sum_small = 0, size;

  while (chunk < end)
    {
      if (end - chunk < ALIGNMENT || !read_size (&window, chunk, &size))
        return FALSE;
      if ((size & PREVIOUS_IN_USE) != 0)
        {
          sum += before;
          sum_small += before <= HAP_MALLOC_SMALL ? before : 0;
        }
      before = size & ~(guint64)FLAGS;
      if (before % ALIGNMENT != 0 || before > end - chunk
          || (before < MIN_CHUNK && end - chunk > 2 * MIN_CHUNK))
        return FALSE;
      if (before < MIN_CHUNK)
        break;
      chunk += before;
    }
  *used = sum;
  *small = sum_small;
  return TRUE;
}

static gboolean
measure_arena (HapMemory *memory, guint64 start, guint64 end, guint64 *used, guint64 *small)
{
  guint64 info[3]; /* ar_ptr, prev, size */

  if (!hap_memory_read (memory, start, info, sizeof info) || info[2] > end - start || info[2] < MIN_CHUNK)
    return FALSE;
  end = start + info[2];
  if (info[0] > start && info[0] < start + 128)
    return follow_chunks (memory, (info[0] + STATE_SIZE + ALIGNMENT - 1) & ~(guint64)(ALIGNMENT - 1), end,
                          used, small);
  /* A further heap of an arena; heap_info grew with 2.35. */
  return info[0] % HEAP_MAX < 128
         && (follow_chunks (memory, start + 48, end, used, small)
             || follow_chunks (memory, start + 32, end, used, small));
}

gboolean
hap_malloc_measure (HapMemory *memory, const HapResident *area, guint64 *used, guint64 *small)
{
  guint64 start = area->mapping.start, end = area->mapping.end;

  if (area->file || area->stack || !area->mapping.writable)
    return FALSE;
  if (area->heap)
    return follow_chunks (memory, start, end, used, small);
  return start % HEAP_MAX == 0 && measure_arena (memory, start, end, used, small);
}
