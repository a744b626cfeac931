/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-memory.h"

G_BEGIN_DECLS

/* The addresses of one page: a bit for each 8 bytes. */
typedef struct
{
  guint64 bits[PY_HEAP_PAGE / 64 / 8];
  guint32 n_before; /* how many are on the pages before; valid once counted */
  guint32 n_here;
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
gboolean py_heap_marks_contains (PyHeapMarks *self, guint64 address);

/* Gives each address its rank; add() and remove() make ranks invalid. */
void py_heap_marks_count (PyHeapMarks *self);

/* Returns: its rank, G_MAXUINT32 if it is not in the set */
guint32 py_heap_marks_get_rank (PyHeapMarks *self, guint64 address);

/* Called for each address in order; FALSE ends the walk. What is added meanwhile may or may not be seen. */
typedef gboolean (*PyHeapMarksFunc) (guint64 address, gpointer data);
gboolean py_heap_marks_foreach (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PyHeapMarks, py_heap_marks_clear)

G_END_DECLS
