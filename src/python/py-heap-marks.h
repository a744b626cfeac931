/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-memory.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden)

#define PY_HEAP_MARKS_WORDS (PY_HEAP_PAGE / 64 / 8)

/**
 * PyHeapMark: what is known of an address, less first.
 * @PY_HEAP_MARK_WAITING: an object should be there: nobody has looked yet
 * @PY_HEAP_MARK_FOUND: an object is there
 * @PY_HEAP_MARK_LISTED: and a list of the collector holds it
 */
typedef enum
{
  PY_HEAP_MARK_NONE = 0,
  PY_HEAP_MARK_WAITING = 1,
  PY_HEAP_MARK_FOUND = 2,
  PY_HEAP_MARK_LISTED = 3,
} PyHeapMark;
#define PY_HEAP_MARK_IMPOSSIBLE (-1) /* no object can be there: it is not aligned, or not readable */

/* The addresses of one page: two bits for each 8 bytes. */
typedef struct
{
  guint64 found[PY_HEAP_MARKS_WORDS]; /* the upper ones */
  guint64 lower[PY_HEAP_MARKS_WORDS];
  guint16 before[PY_HEAP_MARKS_WORDS]; /* how many are found in the words before, and on the pages before: */
  guint32 n_before;                    /* valid once counted */
} PyHeapMarkedPage;

/**
 * PyHeapMarks: marks of addresses of a memory, aligned to 8 bytes: two bits each, where there are any in the
 * page. Once counted, each that is found has a rank: its place in the order of addresses.
 */
typedef struct
{
  PyHeapMemory *memory;
  guint32 *slots; /* for each page: 1 + its index in pages; 0: none */
  GArray *pages;  /* (element-type PyHeapMarkedPage) in no order */
  guint32 n;      /* found */
} PyHeapMarks;

void py_heap_marks_init (PyHeapMarks *self, PyHeapMemory *memory);
void py_heap_marks_clear (PyHeapMarks *self);

void py_heap_marks_remove (PyHeapMarks *self, guint64 address);

/* Gives each address that is found its rank; raise() and remove() make ranks invalid. */
void py_heap_marks_count (PyHeapMarks *self);

/* Returns: its rank, G_MAXUINT32 if it is not found */
guint32 py_heap_marks_get_rank (PyHeapMarks *self, guint64 address);

/* Called for each address that waits, from the first to the last, or for each that is found, from the last to
 * the first; FALSE ends the walk. What is raised meanwhile may or may not be seen. */
typedef gboolean (*PyHeapMarksFunc) (guint64 address, PyHeapMark mark, gpointer data);
gboolean py_heap_marks_foreach_found (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data);
gboolean py_heap_marks_foreach_waiting (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data);

/* Where in a page an address has its bits. */
static inline guint
py_heap_marks_get_bit (guint64 address)
{
  return address % PY_HEAP_PAGE / 8;
}

/* Returns: (nullable): the marks of the page of @address */
static inline PyHeapMarkedPage *
py_heap_marks_find_page (const PyHeapMarks *self, guint64 address)
{
  guint32 page = py_heap_memory_find_page (self->memory, address);
  guint32 slot = page != PY_HEAP_NO_PAGE && address % 8 == 0 ? self->slots[page] : 0;

  return slot != 0 ? &g_array_index (self->pages, PyHeapMarkedPage, slot - 1) : NULL;
}

static inline PyHeapMark
py_heap_marks_get_in_page (const PyHeapMarkedPage *page, guint bit)
{
  return (page->found[bit / 64] >> bit % 64 & 1) << 1 | (page->lower[bit / 64] >> bit % 64 & 1);
}

static inline PyHeapMark
py_heap_marks_get (const PyHeapMarks *self, guint64 address)
{
  const PyHeapMarkedPage *page = py_heap_marks_find_page (self, address);

  return page != NULL ? py_heap_marks_get_in_page (page, py_heap_marks_get_bit (address)) : PY_HEAP_MARK_NONE;
}

/* Returns: (nullable): those of a page that has none yet */
PyHeapMarkedPage *py_heap_marks_make_page (PyHeapMarks *self, guint64 address);

/* More may become known of an address, never less. Returns: the mark that it had; PY_HEAP_MARK_IMPOSSIBLE */
static inline int
py_heap_marks_raise (PyHeapMarks *self, guint64 address, PyHeapMark mark)
{
  PyHeapMarkedPage *page = py_heap_marks_find_page (self, address);
  guint bit = py_heap_marks_get_bit (address);
  guint64 mask = (guint64)1 << bit % 64;
  PyHeapMark before;

  if (page == NULL)
    page = py_heap_marks_make_page (self, address);
  if (page == NULL)
    return PY_HEAP_MARK_IMPOSSIBLE;
  before = py_heap_marks_get_in_page (page, bit);
  if (mark <= before)
    return before;
  self->n += mark >= PY_HEAP_MARK_FOUND && before < PY_HEAP_MARK_FOUND;
  page->found[bit / 64] |= mark >= PY_HEAP_MARK_FOUND ? mask : 0;
  page->lower[bit / 64] = (page->lower[bit / 64] & ~mask) | (mark != PY_HEAP_MARK_FOUND ? mask : 0);
  return before;
}

/* How many bits are set. The instruction for it is not every processor's, and the compiler's own function
 * slow. */
static inline guint
py_heap_marks_sum (guint64 bits)
{
  bits -= bits >> 1 & G_GUINT64_CONSTANT (0x5555555555555555);
  bits = (bits & G_GUINT64_CONSTANT (0x3333333333333333))
         + (bits >> 2 & G_GUINT64_CONSTANT (0x3333333333333333));
  bits = (bits + (bits >> 4)) & G_GUINT64_CONSTANT (0x0f0f0f0f0f0f0f0f);
  return bits * G_GUINT64_CONSTANT (0x0101010101010101) >> 56;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PyHeapMarks, py_heap_marks_clear)

#pragma GCC visibility pop
G_END_DECLS
