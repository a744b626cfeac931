/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "hap-maps.h"
#include "hap-memory.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

#define PY_HEAP_PAGE 4096
#define PY_HEAP_NO_PAGE G_MAXUINT32
#define PY_HEAP_NEAR 256

/* A stretch of readable memory; its pages are numbered from @first_page on. */
typedef struct
{
  guint64 start, end;
  guint32 first_page;
  gboolean is_static; /* C's variables: of a file and writable, or what follows one */
} PyHeapRegion;

/* A page that was looked at lately. */
typedef struct
{
  guint64 address;
  const guint8 *bytes; /* NULL: not in the window */
  guint32 page;        /* its number */
} PyHeapNearPage;

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
  PyHeapNearPage near[PY_HEAP_NEAR]; /* by the lowest bits of the page's address */

  guint32 *frames; /* for each page: 1 + its place in the window; 0: not read; UNREADABLE */
  gsize frames_size;
  guint8 *window;
  guint32 *owners; /* for each place of the window: the page there */
  guint32 n_used;  /* places */
  guint32 next;    /* of them, whose page makes room next */
  guint32 n_read;  /* pages that were ever read */
  guint64 bytes_read;
};

PyHeapMemory *py_heap_memory_new (HapMemory *source, HapMaps *maps);

/* Gives the window's room back; what is needed again is read again. */
void py_heap_memory_forget (PyHeapMemory *self);

/* Returns: (nullable): the region that holds @address */
const PyHeapRegion *py_heap_memory_find_region (PyHeapMemory *self, guint64 address);

/*< private >*/
gboolean py_heap_memory_read_slowly (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size);
guint64 py_heap_memory_get_slowly (PyHeapMemory *self, guint64 address);
guint32 py_heap_memory_search_page (PyHeapMemory *self, guint64 address);

static inline PyHeapNearPage *
py_heap_memory_get_near (PyHeapMemory *self, guint64 address)
{
  return &self->near[address / PY_HEAP_PAGE % PY_HEAP_NEAR];
}

/* Returns: the number of the page that holds @address; PY_HEAP_NO_PAGE: no readable memory */
static inline guint32
py_heap_memory_find_page (PyHeapMemory *self, guint64 address)
{
  const PyHeapNearPage *near = py_heap_memory_get_near (self, address);

  return address - near->address < PY_HEAP_PAGE ? near->page : py_heap_memory_search_page (self, address);
}

/* Returns: (nullable): @size bytes there, if they are at hand: in one page of the window */
static inline const guint8 *
py_heap_memory_peek (PyHeapMemory *self, guint64 address, gsize size)
{
  const PyHeapNearPage *near = py_heap_memory_get_near (self, address);
  gsize offset = address - near->address;

  return offset < PY_HEAP_PAGE && near->bytes != NULL && offset + size <= PY_HEAP_PAGE ? near->bytes + offset
                                                                                       : NULL;
}

/* hap_memory_read() without its detours: what is read a hundred million times. */
static inline gboolean
py_heap_memory_read (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  const guint8 *bytes = py_heap_memory_peek (self, address, size);

  if (bytes == NULL)
    return py_heap_memory_read_slowly (self, address, buffer, size);
  memcpy (buffer, bytes, size);
  return TRUE;
}

/* Returns: the word there; 0 where nothing can be read */
static inline guint64
py_heap_memory_get (PyHeapMemory *self, guint64 address)
{
  const guint8 *bytes = py_heap_memory_peek (self, address, sizeof (guint64));
  guint64 value;

  if (bytes == NULL)
    return py_heap_memory_get_slowly (self, address);
  memcpy (&value, bytes, sizeof value);
  return value;
}

#pragma GCC visibility pop
G_END_DECLS
