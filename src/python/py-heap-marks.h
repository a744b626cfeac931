/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-memory.h"

G_BEGIN_DECLS

#define PY_HEAP_MARKS_WORDS (PY_HEAP_PAGE / 64 / 8)

/* The addresses of one page: a bit for each 8 bytes. */
typedef struct
{
  guint64 bits[PY_HEAP_MARKS_WORDS];
  guint16 before[PY_HEAP_MARKS_WORDS]; /* how many are in the words before, and on the pages before: */
  guint32 n_before;                    /* valid once counted */
} PyHeapMarkedPage;

/**
 * PyHeapMarks: a set of addresses of a memory, aligned to 8 bytes: a bit each, where there are any in the
 * page. Once counted, each has a rank: its place in the order of addresses.
 */
typedef struct
{
  PyHeapMemory *memory;
  guint32 *slots; /* for each page: 1 + its index in pages; 0: none */
  GArray *pages;  /* (element-type PyHeapMarkedPage) in no order */
  guint32 n;
} PyHeapMarks;

void py_heap_marks_init (PyHeapMarks *self, PyHeapMemory *memory);
void py_heap_marks_clear (PyHeapMarks *self);

/* Returns: TRUE if it was not there yet, and could be added: not aligned or not readable is FALSE, too */
gboolean py_heap_marks_add (PyHeapMarks *self, guint64 address);
void py_heap_marks_remove (PyHeapMarks *self, guint64 address);

/* Gives each address its rank; add() and remove() make ranks invalid. */
void py_heap_marks_count (PyHeapMarks *self);

/* Returns: its rank, G_MAXUINT32 if it is not in the set */
guint32 py_heap_marks_get_rank (PyHeapMarks *self, guint64 address);

/* Called for each address, from the last to the first; FALSE ends the walk. What is added meanwhile may or
 * may not be seen. */
typedef gboolean (*PyHeapMarksFunc) (guint64 address, gpointer data);
gboolean py_heap_marks_foreach_down (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data);

/* Where in a page an address has its bit. */
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

static inline gboolean
py_heap_marks_contains (const PyHeapMarks *self, guint64 address)
{
  const PyHeapMarkedPage *page = py_heap_marks_find_page (self, address);
  guint bit = py_heap_marks_get_bit (address);

  return page != NULL && (page->bits[bit / 64] >> bit % 64 & 1) != 0;
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

G_END_DECLS
