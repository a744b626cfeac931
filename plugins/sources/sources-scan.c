/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which objects are new since the scan before, and which of them are worth a line. All that is kept of a scan
 * is 12 bytes an object: its address, and whose type it was.
 */

#include "sources-scan.h"

#include <string.h>

typedef struct
{
  char *name;
  guint64 peak;
  guint64 now;
  guint64 n_new;
  guint64 n_shown;
  GArray *new_objects; /* (element-type guint32) (nullable): as many as may be shown */
} Kind;

struct _SourcesScans
{
  GHashTable *kinds;  /* (element-type utf8 Kind) by name */
  guint64 *addresses; /* of the scan before, in order */
  guint32 *types;     /* hashes of their addresses */
  guint32 n;
};

static void
kind_free (gpointer data)
{
  Kind *self = data;

  g_clear_pointer (&self->new_objects, g_array_unref);
  g_free (self->name);
  g_free (self);
}

SourcesScans *
sources_scans_new (void)
{
  SourcesScans *self = g_new0 (SourcesScans, 1);

  self->kinds = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, kind_free);
  return self;
}

void
sources_scans_free (SourcesScans *self)
{
  g_hash_table_unref (self->kinds);
  g_free (self->addresses);
  g_free (self->types);
  g_free (self);
}

void
sources_found_clear (SourcesFound *self)
{
  g_clear_pointer (&self->objects, g_array_unref);
  g_clear_pointer (&self->overflow, g_ptr_array_unref);
  g_clear_pointer (&self->n_overflowed, g_array_unref);
}

static Kind *
get_kind (SourcesScans *self, const char *name)
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

/* Returns: the kind of each type of the heap, by number */
static Kind **
count (SourcesScans *self, PyHeap *heap)
{
  guint32 n_types = py_heap_get_n_types (heap);
  Kind **kinds = g_new (Kind *, n_types + 1);
  GHashTableIter iter;
  gpointer kind;

  g_hash_table_iter_init (&iter, self->kinds);
  while (g_hash_table_iter_next (&iter, NULL, &kind))
    {
      ((Kind *)kind)->now = ((Kind *)kind)->n_new = ((Kind *)kind)->n_shown = 0;
      g_clear_pointer (&((Kind *)kind)->new_objects, g_array_unref);
    }
  for (guint32 i = 0; i < n_types; i++)
    {
      const PyHeapType *type = py_heap_get_type (heap, i);

      kinds[i] = get_kind (self, py_class_get_name (type->class));
      kinds[i]->now += type->n_tracked;
    }
  return kinds;
}

static gboolean
is_listed (PyHeap *heap, guint32 index)
{
  guint flags = py_heap_get_flags (heap, index);

  return (flags & PY_HEAP_OBJECT_TRACKED) != 0 && (flags & PY_HEAP_OBJECT_PERMANENT) == 0;
}

static guint32
hash_type (PyHeap *heap, guint32 index)
{
  guint64 type = py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class->address;

  return type * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) >> 32;
}

/* Both scans are in the order of addresses. */
static void
find_new (SourcesScans *self, PyHeap *heap, Kind **kinds, guint max)
{
  guint32 old = 0;

  for (guint32 i = 0; i < py_heap_get_n_objects (heap); i++)
    {
      guint64 address = py_heap_get_address (heap, i);
      Kind *kind = kinds[py_heap_get_object_type (heap, i)];

      while (old < self->n && self->addresses[old] < address)
        old++;
      if (kind->now <= kind->peak || !is_listed (heap, i)
          || (old < self->n && self->addresses[old] == address && self->types[old] == hash_type (heap, i)))
        continue;
      if (kind->new_objects == NULL)
        kind->new_objects = g_array_new (FALSE, FALSE, sizeof (guint32));
      if (kind->n_new++ < max)
        g_array_append_val (kind->new_objects, i);
    }
}

static gint
compare_kinds (gconstpointer a, gconstpointer b)
{
  const Kind *one = *(const Kind *const *)a, *other = *(const Kind *const *)b;
  guint64 growth = one->now - one->peak, other_growth = other->now - other->peak;

  return growth != other_growth ? (growth < other_growth) - (growth > other_growth)
                                : strcmp (one->name, other->name);
}

static GPtrArray *
list_growing (SourcesScans *self)
{
  GPtrArray *growing = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer kind;

  g_hash_table_iter_init (&iter, self->kinds);
  while (g_hash_table_iter_next (&iter, NULL, &kind))
    if (((Kind *)kind)->n_new > 0)
      g_ptr_array_add (growing, kind);
  g_ptr_array_sort (growing, compare_kinds);
  return growing;
}

/* One of each in turn, so that the type that grows most does not hide the others. */
static void
choose (GPtrArray *growing, guint max, SourcesFound *found)
{
  gboolean more = TRUE;

  while (more && found->objects->len < max)
    {
      more = FALSE;
      for (guint i = 0; i < growing->len && found->objects->len < max; i++)
        {
          Kind *kind = growing->pdata[i];
          SourcesNew item = { 0, kind->name, kind->peak, kind->now };

          if (kind->n_shown >= kind->new_objects->len)
            continue;
          item.index = g_array_index (kind->new_objects, guint32, kind->n_shown++);
          g_array_append_val (found->objects, item);
          more = TRUE;
        }
    }
  for (guint i = 0; i < growing->len; i++)
    {
      const Kind *kind = growing->pdata[i];
      guint64 n = kind->n_new - kind->n_shown;

      if (n == 0)
        continue;
      g_ptr_array_add (found->overflow, kind->name);
      g_array_append_val (found->n_overflowed, n);
    }
}

static void
remember (SourcesScans *self, PyHeap *heap)
{
  guint32 n_objects = py_heap_get_n_objects (heap);
  GHashTableIter iter;
  gpointer kind;

  g_hash_table_iter_init (&iter, self->kinds);
  while (g_hash_table_iter_next (&iter, NULL, &kind))
    ((Kind *)kind)->peak = MAX (((Kind *)kind)->peak, ((Kind *)kind)->now);

  self->n = 0;
  self->addresses = g_renew (guint64, self->addresses, n_objects + 1);
  self->types = g_renew (guint32, self->types, n_objects + 1);
  for (guint32 i = 0; i < n_objects; i++)
    if (is_listed (heap, i))
      {
        self->addresses[self->n] = py_heap_get_address (heap, i);
        self->types[self->n++] = hash_type (heap, i);
      }
  self->addresses = g_renew (guint64, self->addresses, self->n + 1);
  self->types = g_renew (guint32, self->types, self->n + 1);
}

void
sources_scans_compare (SourcesScans *self, PyHeap *heap, guint max, SourcesFound *found)
{
  g_autofree Kind **kinds = count (self, heap);
  g_autoptr (GPtrArray) growing = NULL;

  found->objects = g_array_new (FALSE, FALSE, sizeof (SourcesNew));
  found->overflow = g_ptr_array_new ();
  found->n_overflowed = g_array_new (FALSE, FALSE, sizeof (guint64));
  find_new (self, heap, kinds, max);
  growing = list_growing (self);
  choose (growing, max, found);
  remember (self, heap);
}
