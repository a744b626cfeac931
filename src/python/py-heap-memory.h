/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "hap-maps.h"
#include "hap-memory.h"

G_BEGIN_DECLS

#define PY_HEAP_PAGE 4096
#define PY_HEAP_NO_PAGE G_MAXUINT32

/* A stretch of readable memory; its pages are numbered from @first_page on. */
typedef struct
{
  guint64 start, end;
  guint32 first_page;
  gboolean is_static; /* C's variables: of a file and writable, or what follows one */
} PyHeapRegion;

/**
 * PyHeapMemory: a memory that stands still, read through a window: pages are read from @source when they are
 * first needed, many at once where they are read in order, and the oldest make room. Every page of the target
 * has a number, in the order of addresses, by which others keep what they know of it (PyHeapMarks).
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
  const PyHeapRegion *last; /* where the last address was found */

  guint32 *frames; /* for each page: 1 + its place in the window; 0: not read; UNREADABLE */
  gsize frames_size;
  guint8 *window;
  guint32 *owners;    /* for each place of the window: the page there */
  guint32 n_window;   /* places */
  guint32 next_place; /* the oldest */
  guint32 last_miss;  /* the page that was read last */
  guint32 run;        /* how many pages were missed in order */
  guint64 bytes_read;
};

/* @window: in bytes, at least 1 MiB */
PyHeapMemory *py_heap_memory_new (HapMemory *source, HapMaps *maps, gsize window);

/* Gives the window's room back; what is needed again is read again. */
void py_heap_memory_forget (PyHeapMemory *self);

/* Returns: the number of the page that holds @address; PY_HEAP_NO_PAGE: no readable memory */
guint32 py_heap_memory_find_page (PyHeapMemory *self, guint64 address);

/*< private >*/
gboolean py_heap_memory_read_slowly (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size);

/* hap_memory_read() without its detours: what is read a hundred million times. */
static inline gboolean
py_heap_memory_read (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  const PyHeapRegion *region = self->last;
  gsize offset = address % PY_HEAP_PAGE;

  if (address >= region->start && address < region->end && offset + size <= PY_HEAP_PAGE)
    {
      guint32 frame = self->frames[region->first_page + (address - region->start) / PY_HEAP_PAGE];

      if (frame != 0 && frame <= self->n_window)
        {
          memcpy (buffer, self->window + (gsize)(frame - 1) * PY_HEAP_PAGE + offset, size);
          return TRUE;
        }
    }
  return py_heap_memory_read_slowly (self, address, buffer, size);
}

/* Returns: the word there; 0 where nothing can be read */
static inline guint64
py_heap_memory_get (PyHeapMemory *self, guint64 address)
{
  guint64 value;

  return py_heap_memory_read (self, address, &value, sizeof value) ? value : 0;
}

G_END_DECLS
