/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeapMarks: sets of addresses as bits, a sixty-fourth of the memory that they are in: small enough to stay
 * in a processor's cache where a hash table of millions of addresses would not.
 */

#include "py-heap-marks.h"

#define BITS 64

void
py_heap_marks_init (PyHeapMarks *self, PyHeapMemory *memory)
{
  self->memory = g_object_ref (memory);
  self->slots = g_malloc0_n (MAX (memory->n_pages, 1), sizeof *self->slots);
  self->pages = g_array_new (FALSE, TRUE, sizeof (PyHeapMarkedPage));
  self->n = 0;
}

void
py_heap_marks_clear (PyHeapMarks *self)
{
  g_clear_object (&self->memory);
  g_clear_pointer (&self->slots, g_free);
  g_clear_pointer (&self->pages, g_array_unref);
}

/* Returns: (nullable): the marks of the page of @address */
static PyHeapMarkedPage *
find_page (PyHeapMarks *self, guint64 address, gboolean make)
{
  const PyHeapRegion *region = self->memory->last;
  guint32 page, *slot;

  if (address >= region->start && address < region->end)
    page = region->first_page + (address - region->start) / PY_HEAP_PAGE;
  else
    page = py_heap_memory_find_page (self->memory, address);
  if (page == PY_HEAP_NO_PAGE || address % 8 != 0)
    return NULL;

  slot = &self->slots[page];
  if (*slot == 0 && make)
    {
      g_array_set_size (self->pages, self->pages->len + 1);
      *slot = self->pages->len;
    }
  return *slot != 0 ? &g_array_index (self->pages, PyHeapMarkedPage, *slot - 1) : NULL;
}

/* Where in a page an address has its bit. */
static guint
get_bit (guint64 address)
{
  return address % PY_HEAP_PAGE / 8;
}

gboolean
py_heap_marks_add (PyHeapMarks *self, guint64 address)
{
  PyHeapMarkedPage *page = find_page (self, address, TRUE);
  guint bit = get_bit (address);
  guint64 mask = (guint64)1 << bit % BITS;

  if (page == NULL || (page->bits[bit / BITS] & mask) != 0)
    return FALSE;
  page->bits[bit / BITS] |= mask;
  page->n_here++;
  self->n++;
  return TRUE;
}

void
py_heap_marks_remove (PyHeapMarks *self, guint64 address)
{
  PyHeapMarkedPage *page = find_page (self, address, FALSE);
  guint bit = get_bit (address);
  guint64 mask = (guint64)1 << bit % BITS;

  if (page == NULL || (page->bits[bit / BITS] & mask) == 0)
    return;
  page->bits[bit / BITS] &= ~mask;
  page->n_here--;
  self->n--;
}

gboolean
py_heap_marks_contains (PyHeapMarks *self, guint64 address)
{
  const PyHeapMarkedPage *page = find_page (self, address, FALSE);
  guint bit = get_bit (address);

  return page != NULL && (page->bits[bit / BITS] >> bit % BITS & 1) != 0;
}

void
py_heap_marks_count (PyHeapMarks *self)
{
  guint32 n = 0;

  for (guint32 i = 0; i < self->memory->n_pages; i++)
    if (self->slots[i] != 0)
      {
        PyHeapMarkedPage *page = &g_array_index (self->pages, PyHeapMarkedPage, self->slots[i] - 1);

        page->n_before = n;
        n += page->n_here;
      }
}

guint32
py_heap_marks_get_rank (PyHeapMarks *self, guint64 address)
{
  const PyHeapMarkedPage *page = find_page (self, address, FALSE);
  guint bit = get_bit (address);
  guint32 rank;

  if (page == NULL || (page->bits[bit / BITS] >> bit % BITS & 1) == 0)
    return G_MAXUINT32;
  rank = page->n_before + __builtin_popcountll (page->bits[bit / BITS] & (((guint64)1 << bit % BITS) - 1));
  for (guint i = 0; i < bit / BITS; i++)
    rank += __builtin_popcountll (page->bits[i]);
  return rank;
}

/* The pages may move while @func adds others: found anew for each word of bits. */
static gboolean
foreach_in_page (PyHeapMarks *self, guint32 slot, guint64 start, PyHeapMarksFunc func, gpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (((PyHeapMarkedPage *)NULL)->bits); i++)
    {
      guint64 bits = g_array_index (self->pages, PyHeapMarkedPage, slot - 1).bits[i];

      for (; bits != 0; bits &= bits - 1)
        if (!func (start + (i * BITS + __builtin_ctzll (bits)) * 8, data))
          return FALSE;
    }
  return TRUE;
}

gboolean
py_heap_marks_foreach (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data)
{
  const PyHeapMemory *memory = self->memory;

  for (guint i = 0; i < memory->n_regions; i++)
    {
      const PyHeapRegion *region = &memory->regions[i];
      guint32 n = (region->end - region->start) / PY_HEAP_PAGE;

      for (guint32 j = 0; j < n; j++)
        {
          guint32 slot = self->slots[region->first_page + j];

          if (slot != 0
              && !foreach_in_page (self, slot, region->start + (guint64)j * PY_HEAP_PAGE, func, data))
            return FALSE;
        }
    }
  return TRUE;
}
