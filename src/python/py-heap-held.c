/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What one object alone keeps alive, found from it on, without looking at the whole heap: an object counts as
 * soon as all of its referrers do.
 */

#include "py-heap-held.h"

typedef struct
{
  PyHeap *heap;
  GHashTable *n_known; /* object -> how many of its referrers are held */
  GArray *pending;     /* (element-type guint32) held, but what they refer to was not looked at */
  guint64 bytes;
  guint32 n, max;
} Walk;

static void
hold (Walk *self, guint32 object)
{
  self->bytes += py_heap_get_size (self->heap, object);
  self->n++;
  g_array_append_val (self->pending, object);
}

static void
look_at (Walk *self, guint32 object)
{
  gpointer key = GUINT_TO_POINTER (object + 1);
  guint32 n_known = GPOINTER_TO_UINT (g_hash_table_lookup (self->n_known, key)) + 1;
  guint32 n;

  py_heap_get_referrers (self->heap, object, &n);
  if (n_known < n)
    g_hash_table_insert (self->n_known, key, GUINT_TO_POINTER (n_known));
  else
    {
      g_hash_table_remove (self->n_known, key);
      hold (self, object);
    }
}

guint64
py_heap_measure_held (PyHeap *heap, guint32 holder, guint32 max, guint32 *n)
{
  g_autoptr (GHashTable) n_known = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) pending = g_array_new (FALSE, FALSE, sizeof (guint32));
  Walk walk = { heap, n_known, pending, 0, 0, max };

  hold (&walk, holder);
  while (pending->len > 0 && walk.n < max)
    {
      guint32 object = g_array_index (pending, guint32, pending->len - 1);
      guint32 n_references;
      const guint32 *references = py_heap_get_references (heap, object, &n_references);

      g_array_set_size (pending, pending->len - 1);
      for (guint32 i = 0; i < n_references; i++)
        if (references[i] != holder)
          look_at (&walk, references[i]);
    }
  if (n != NULL)
    *n = walk.n;
  return walk.bytes;
}
