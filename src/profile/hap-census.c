/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Counts of objects by the kinds of their referrers. Which kind an object is of, and who refers to it, is the
 * caller's to know.
 */

#include "hap-census.h"

#include <stdlib.h>
#include <string.h>

/* Its kinds are sorted, and each is there once. */
typedef struct
{
  guint32 *kinds;
  guint32 n_kinds;
  guint64 count, bytes;
} Set;

struct _HapCensus
{
  GPtrArray *names;  /* of kinds */
  GHashTable *known; /* set of Set */
};

static guint
set_hash (gconstpointer key)
{
  const Set *set = key;
  guint hash = set->n_kinds;

  for (guint32 i = 0; i < set->n_kinds; i++)
    hash = hash * 31 + set->kinds[i];
  return hash;
}

static gboolean
set_equal (gconstpointer a, gconstpointer b)
{
  const Set *one = a, *other = b;

  return one->n_kinds == other->n_kinds
         && (one->n_kinds == 0 || memcmp (one->kinds, other->kinds, one->n_kinds * sizeof *one->kinds) == 0);
}

static void
set_free (gpointer data)
{
  g_free (((Set *)data)->kinds);
  g_free (data);
}

HapCensus *
hap_census_new (void)
{
  HapCensus *self = g_new0 (HapCensus, 1);

  self->names = g_ptr_array_new_with_free_func (g_free);
  self->known = g_hash_table_new_full (set_hash, set_equal, set_free, NULL);
  return self;
}

void
hap_census_free (HapCensus *self)
{
  g_ptr_array_unref (self->names);
  g_hash_table_unref (self->known);
  g_free (self);
}

guint32
hap_census_add_kind (HapCensus *self, const char *name)
{
  g_ptr_array_add (self->names, g_strdup (name));
  return self->names->len - 1;
}

static int
compare_kinds (const void *a, const void *b)
{
  const guint32 one = *(const guint32 *)a, other = *(const guint32 *)b;

  return (one > other) - (one < other);
}

static guint32
sort_kinds (guint32 *kinds, guint32 n_kinds)
{
  guint32 n = 0;

  qsort (kinds, n_kinds, sizeof *kinds, compare_kinds);
  for (guint32 i = 0; i < n_kinds; i++)
    if (n == 0 || kinds[n - 1] != kinds[i])
      kinds[n++] = kinds[i];
  return n;
}

void
hap_census_count (HapCensus *self, guint32 *kinds, guint32 n_kinds, guint64 bytes)
{
  const Set wanted = { .kinds = kinds, .n_kinds = sort_kinds (kinds, n_kinds) };
  Set *set = g_hash_table_lookup (self->known, &wanted);

  if (set == NULL)
    {
      set = g_new (Set, 1);
      *set = wanted;
      set->kinds = g_memdup2 (kinds, wanted.n_kinds * sizeof *kinds);
      g_hash_table_add (self->known, set);
    }
  set->count++;
  set->bytes += bytes;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static char *
name_set (HapCensus *self, const Set *set)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  if (set->n_kinds == 0)
    return g_strdup ("<Nothing>");
  for (guint32 i = 0; i < set->n_kinds; i++)
    g_ptr_array_add (names, self->names->pdata[set->kinds[i]]);
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **)names->pdata);
}

static gint
compare_rows (gconstpointer a, gconstpointer b)
{
  const HapCensusRow *one = a, *other = b;

  if (one->bytes != other->bytes)
    return one->bytes < other->bytes ? 1 : -1;
  return strcmp (one->name, other->name);
}

static void
row_clear (gpointer data)
{
  g_free (((HapCensusRow *)data)->name);
}

GArray *
hap_census_list_rows (HapCensus *self)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (HapCensusRow));
  GHashTableIter iter;
  gpointer key;

  g_array_set_clear_func (rows, row_clear);
  g_hash_table_iter_init (&iter, self->known);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const Set *set = key;
      const HapCensusRow row = { name_set (self, set), set->count, set->bytes };

      g_array_append_val (rows, row);
    }
  g_array_sort (rows, compare_rows);
  return rows;
}
