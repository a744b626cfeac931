/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "hap-maps.h"
#include "hap-memory.h"

G_BEGIN_DECLS

#define PY_HEAP_PAGE 4096
#define PY_HEAP_NO_PAGE G_MAXUINT32
#define PY_HEAP_NEAR 256
#define PY_HEAP_NEAR_SHIFT 20

/* A stretch of readable memory; its pages are numbered from @first_page on. */
typedef struct
{
  guint64 start, end;
  guint32 first_page;
  gboolean is_static; /* C's variables: of a file and writable, or what follows one */
} PyHeapRegion;

/**
 * PyHeapMemory: a memory that stands still, read through a window: pages are read from @source when they are
 * first needed, many at once where they are read in order, up or down, and the oldest make room. Every page
 * of the target has a number, in the order of addresses, by which others keep what they know of it
 * (PyHeapMarks).
 *
 * Who goes through all of it again begins where it ended before: what was read last is still there.
 */
#define PY_TYPE_HEAP_MEMORY (py_heap_memory_get_type ())
G_DECLARE_FINAL_TYPE (PyHeapMemory, py_heap_memory, PY, HEAP_MEMORY, GObject)

struct _PyHeapMemory
{
  GObject parent_instance;

  HapMemory *source;
  PyHeapRegion *regions; /* sorted */
  guint n_regions;
  guint32 n_pages;
  const PyHeapRegion
      *near[PY_HEAP_NEAR]; /* by a few bits of the address: the region where it was found last */

  guint32 *frames; /* for each page: 1 + its place in the window; 0: not read; UNREADABLE */
  gsize frames_size;
  guint8 *window;
  guint32 most_places; /* it does not grow beyond */
  guint32 *owners;     /* for each place of the window: the page there */
  guint32 n_window;    /* places */
  guint32 n_used;      /* of them, those in use */
  guint32 chance;
  guint32 n_read; /* pages that were ever read */
  guint64 bytes_read;
};

PyHeapMemory *py_heap_memory_new (HapMemory *source, HapMaps *maps);

/* Gives the window's room back; what is needed again is read again. */
void py_heap_memory_forget (PyHeapMemory *self);

/* Gives most of the window's room back, for good: for who reads in the order of addresses from now on. */
void py_heap_memory_shrink (PyHeapMemory *self);

/*< private >*/
gboolean py_heap_memory_read_slowly (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size);
const PyHeapRegion *py_heap_memory_search_region (PyHeapMemory *self, guint64 address);

/* Returns: (nullable): the region that holds @address */
static inline const PyHeapRegion *
py_heap_memory_find_region (PyHeapMemory *self, guint64 address)
{
  const PyHeapRegion *region = self->near[address >> PY_HEAP_NEAR_SHIFT & (PY_HEAP_NEAR - 1)];

  return address >= region->start && address < region->end ? region
                                                           : py_heap_memory_search_region (self, address);
}

/* Returns: the number of the page that holds @address; PY_HEAP_NO_PAGE: no readable memory */
static inline guint32
py_heap_memory_find_page (PyHeapMemory *self, guint64 address)
{
  const PyHeapRegion *region = py_heap_memory_find_region (self, address);

  return region != NULL ? region->first_page + (address - region->start) / PY_HEAP_PAGE : PY_HEAP_NO_PAGE;
}

/* hap_memory_read() without its detours: what is read a hundred million times. */
static inline gboolean
py_heap_memory_read (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  guint32 page = py_heap_memory_find_page (self, address);
  guint32 frame = page != PY_HEAP_NO_PAGE ? self->frames[page] : 0;
  gsize offset = address % PY_HEAP_PAGE;

  if (frame == 0 || frame > self->n_window || offset + size > PY_HEAP_PAGE)
    return py_heap_memory_read_slowly (self, address, buffer, size);
  memcpy (buffer, self->window + (gsize)(frame - 1) * PY_HEAP_PAGE + offset, size);
  return TRUE;
}

/* Returns: the word there; 0 where nothing can be read */
static inline guint64
py_heap_memory_get (PyHeapMemory *self, guint64 address)
{
  guint64 value;

  return py_heap_memory_read (self, address, &value, sizeof value) ? value : 0;
}

G_END_DECLS
