/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * objgraph.growth() (objgraph 3.6): counts, peaks, order, and how Python prints the result.
 */

#include "objects-growth.h"

#include <glib/gi18n.h>
#include <string.h>

#include "py-repr.h"

#define MAX_TOLD 3

typedef struct
{
  char *name;
  guint64 first; /* in the first scan */
  guint64 peak;
  guint64 count; /* in the scan under way */
} Kind;

struct _ObjectsGrowth
{
  GHashTable *kinds; /* (element-type utf8 Kind) by name */
  guint n_scans;
};

static void
kind_free (gpointer data)
{
  Kind *self = data;

  g_free (self->name);
  g_free (self);
}

ObjectsGrowth *
objects_growth_new (void)
{
  ObjectsGrowth *self = g_new0 (ObjectsGrowth, 1);

  self->kinds = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, kind_free);
  return self;
}

void
objects_growth_free (ObjectsGrowth *self)
{
  g_hash_table_unref (self->kinds);
  g_free (self);
}

static Kind *
get_kind (ObjectsGrowth *self, const char *name)
{
  Kind *kind = g_hash_table_lookup (self->kinds, name);

  if (kind == NULL)
    {
      kind = g_new0 (Kind, 1);
      kind->name = g_strdup (name);
      g_hash_table_insert (self->kinds, kind->name, kind);
    }
  return kind;
}

/* Returns: (element-type Kind): those seen, in the order of their first object */
static GPtrArray *
count (ObjectsGrowth *self, PyHeap *heap)
{
  GPtrArray *seen = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer kind;

  g_hash_table_iter_init (&iter, self->kinds);
  while (g_hash_table_iter_next (&iter, NULL, &kind))
    ((Kind *)kind)->count = 0;
  for (guint32 i = 0; i < py_heap_get_n_types (heap); i++)
    {
      const PyHeapType *type = py_heap_get_type (heap, i);
      Kind *this;

      if (type->n_tracked == 0)
        continue;
      this = get_kind (self, py_class_get_name (type->class));
      if (this->count == 0)
        g_ptr_array_add (seen, this);
      this->count += type->n_tracked;
    }
  return seen;
}

/* g_array_sort() keeps the order of equal ones. */
static gint
compare_delta (gconstpointer a, gconstpointer b)
{
  const ObjectsGrown *one = a, *other = b;

  return (one->delta < other->delta) - (one->delta > other->delta);
}

GArray *
objects_growth_scan (ObjectsGrowth *self, PyHeap *heap, guint limit)
{
  g_autoptr (GPtrArray) seen = count (self, heap);
  GArray *grown = g_array_new (FALSE, FALSE, sizeof (ObjectsGrown));

  for (guint i = 0; i < seen->len; i++)
    {
      Kind *kind = seen->pdata[i];
      ObjectsGrown item = { kind->name, kind->count, kind->count - kind->peak };

      if (self->n_scans == 0)
        kind->first = kind->count;
      if (kind->count <= kind->peak)
        continue;
      kind->peak = kind->count;
      g_array_append_val (grown, item);
    }
  self->n_scans++;
  g_array_sort (grown, compare_delta);
  g_array_set_size (grown, MIN (grown->len, limit));
  return grown;
}

static gint
compare_growth (gconstpointer a, gconstpointer b)
{
  const Kind *one = *(const Kind *const *)a, *other = *(const Kind *const *)b;
  guint64 grown = one->peak - one->first, other_grown = other->peak - other->first;

  return grown != other_grown ? (grown < other_grown) - (grown > other_grown)
                              : strcmp (one->name, other->name);
}

char *
objects_growth_describe (ObjectsGrowth *self)
{
  g_autoptr (GPtrArray) kinds = g_ptr_array_new ();
  GString *text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->kinds);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    g_ptr_array_add (kinds, item);
  g_ptr_array_sort (kinds, compare_growth);
  for (guint i = 0; i < MIN (kinds->len, MAX_TOLD); i++)
    {
      const Kind *kind = kinds->pdata[i];

      if (kind->peak > kind->first)
        g_string_append_printf (text, "%s%s +%" G_GUINT64_FORMAT,
                                i > 0 ? ", " : _ ("What grew most since the first scan: "), kind->name,
                                kind->peak - kind->first);
    }
  g_string_append (text, text->len > 0 ? "." : _ ("Nothing grew since the first scan."));
  return g_string_free (text, FALSE);
}

char *
objects_growth_to_string (GArray *grown)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < grown->len; i++)
    {
      const ObjectsGrown *item = &g_array_index (grown, ObjectsGrown, i);

      g_string_append (text, i > 0 ? ", (" : "(");
      py_repr_append_text (text, item->name);
      g_string_append_printf (text, ", %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT ")", item->total,
                              item->delta);
    }
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}
