/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeapMarks: what is known of addresses as two bits each, a thirty-second of the memory that they are in:
 * small enough to stay in a processor's cache where a hash table of millions of addresses would not.
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

PyHeapMarkedPage *
py_heap_marks_make_page (PyHeapMarks *self, guint64 address)
{
  guint32 number = py_heap_memory_find_page (self->memory, address);

  if (number == PY_HEAP_NO_PAGE || address % 8 != 0)
    return NULL;
  g_array_set_size (self->pages, self->pages->len + 1);
  self->slots[number] = self->pages->len;
  return &g_array_index (self->pages, PyHeapMarkedPage, self->pages->len - 1);
}

void
py_heap_marks_remove (PyHeapMarks *self, guint64 address)
{
  PyHeapMarkedPage *page = py_heap_marks_find_page (self, address);
  guint bit = py_heap_marks_get_bit (address);
  guint64 mask = (guint64)1 << bit % BITS;

  if (page == NULL)
    return;
  self->n -= page->found[bit / BITS] >> bit % BITS & 1;
  page->found[bit / BITS] &= ~mask;
  page->lower[bit / BITS] &= ~mask;
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
        for (guint word = 0; word < PY_HEAP_MARKS_WORDS; word++)
          {
            page->before[word] = n - page->n_before;
            n += py_heap_marks_sum (page->found[word]);
          }
      }
}

guint32
py_heap_marks_get_rank (PyHeapMarks *self, guint64 address)
{
  const PyHeapMarkedPage *page = py_heap_marks_find_page (self, address);
  guint bit = py_heap_marks_get_bit (address);
  guint64 bits = page != NULL ? page->found[bit / BITS] : 0;
  guint64 mask = (guint64)1 << bit % BITS;

  if ((bits & mask) == 0)
    return G_MAXUINT32;
  return page->n_before + page->before[bit / BITS] + py_heap_marks_sum (bits & (mask - 1));
}

/* The pages may move while @func sets others: found anew for each word of bits. */
static gboolean
foreach_found_in_page (PyHeapMarks *self, guint32 slot, guint64 start, PyHeapMarksFunc func, gpointer data)
{
  for (guint i = PY_HEAP_MARKS_WORDS; i-- > 0;)
    {
      const PyHeapMarkedPage *page = &g_array_index (self->pages, PyHeapMarkedPage, slot - 1);
      guint64 bits = page->found[i], lower = page->lower[i];

      while (bits != 0)
        {
          guint last = BITS - 1 - __builtin_clzll (bits);

          if (!func (start + (i * BITS + last) * 8,
                     (lower >> last & 1) != 0 ? PY_HEAP_MARK_LISTED : PY_HEAP_MARK_FOUND, data))
            return FALSE;
          bits &= ~((guint64)1 << last);
        }
    }
  return TRUE;
}

static gboolean
foreach_waiting_in_page (PyHeapMarks *self, guint32 slot, guint64 start, PyHeapMarksFunc func, gpointer data)
{
  for (guint i = 0; i < PY_HEAP_MARKS_WORDS; i++)
    {
      const PyHeapMarkedPage *page = &g_array_index (self->pages, PyHeapMarkedPage, slot - 1);

      for (guint64 bits = page->lower[i] & ~page->found[i]; bits != 0; bits &= bits - 1)
        if (!func (start + (i * BITS + (guint)__builtin_ctzll (bits)) * 8, PY_HEAP_MARK_WAITING, data))
          return FALSE;
    }
  return TRUE;
}

gboolean
py_heap_marks_foreach_found (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data)
{
  const PyHeapMemory *memory = self->memory;

  for (guint i = memory->n_regions; i-- > 0;)
    {
      const PyHeapRegion *region = &memory->regions[i];

      for (guint32 j = (region->end - region->start) / PY_HEAP_PAGE; j-- > 0;)
        {
          guint32 slot = self->slots[region->first_page + j];

          if (slot != 0
              && !foreach_found_in_page (self, slot, region->start + (guint64)j * PY_HEAP_PAGE, func, data))
            return FALSE;
        }
    }
  return TRUE;
}

gboolean
py_heap_marks_foreach_waiting (PyHeapMarks *self, PyHeapMarksFunc func, gpointer data)
{
  const PyHeapMemory *memory = self->memory;

  for (guint i = 0; i < memory->n_regions; i++)
    {
      const PyHeapRegion *region = &memory->regions[i];

      for (guint32 j = 0; j < (region->end - region->start) / PY_HEAP_PAGE; j++)
        {
          guint32 slot = self->slots[region->first_page + j];

          if (slot != 0
              && !foreach_waiting_in_page (self, slot, region->start + (guint64)j * PY_HEAP_PAGE, func, data))
            return FALSE;
        }
    }
  return TRUE;
}
