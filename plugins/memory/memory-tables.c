/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables of a memory profile: sums over the objects of the second moment.
 */

#include "memory-tables.h"

#include <string.h>

#include "py-heap-chain.h"

#define MAX_CELLS 400
#define MAX_TYPES 150
#define MAX_OBJECTS 60
#define MAX_REFERRERS 4
#define MAX_PAIRS (2 * 1024 * 1024) /* of kinds, that are counted */

/* An object's holder is worth naming if it holds at least that part of what grew. */
#define MOST(bytes) ((bytes) / 2)

typedef struct
{
  guint32 origin, type;
  HapHeapCount count;
} Cell;

static void
add_object (HapHeapCount *count, const MemoryFindings *findings, guint32 object)
{
  guint64 size = py_heap_get_size (findings->heap, object);

  count->objects++;
  count->bytes += size;
  if (findings->is_new[object])
    {
      count->new_objects++;
      count->new_bytes += size;
    }
}

static void
add_count (HapHeapCount *sum, const HapHeapCount *count)
{
  sum->objects += count->objects;
  sum->bytes += count->bytes;
  sum->new_objects += count->new_objects;
  sum->new_bytes += count->new_bytes;
}

static gint
compare_counts (const HapHeapCount *a, const HapHeapCount *b)
{
  if (a->bytes != b->bytes)
    return a->bytes < b->bytes ? 1 : -1;
  return (a->objects < b->objects) - (a->objects > b->objects);
}

static gint
compare_origins (gconstpointer a, gconstpointer b)
{
  return compare_counts (&((const HapHeapOrigin *)a)->count, &((const HapHeapOrigin *)b)->count);
}

static gint
compare_cells (gconstpointer a, gconstpointer b)
{
  return compare_counts (&((const Cell *)a)->count, &((const Cell *)b)->count);
}

/* Returns: (element-type Cell): each origin with each class, biggest first */
static GArray *
sum_cells (const MemoryFindings *findings)
{
  g_autoptr (GHashTable) index = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  const HapDominators *holders = findings->owners->holders;
  GArray *cells = g_array_new (FALSE, TRUE, sizeof (Cell));

  for (guint32 i = 0; i < holders->n_reached; i++)
    {
      guint32 object = holders->order[i];
      Cell cell = { findings->owners->origin[object],
                    py_heap_get_object_type (findings->heap, object),
                    { 0 } };
      guint64 key = (guint64)cell.origin << 32 | cell.type;
      gpointer found = g_hash_table_lookup (index, &key);

      if (found == NULL)
        {
          g_array_append_val (cells, cell);
          found = GUINT_TO_POINTER (cells->len);
          g_hash_table_insert (index, g_memdup2 (&key, sizeof key), found);
        }
      add_object (&g_array_index (cells, Cell, GPOINTER_TO_UINT (found) - 1).count, findings, object);
    }
  g_array_sort (cells, compare_cells);
  return cells;
}

/* @place: (out): where in the table each of the owners' origins is */
static void
fill_origins (const MemoryFindings *findings, GArray *cells, HapHeapProfile *profile, guint *place)
{
  GPtrArray *names = findings->owners->origins;
  g_autofree HapHeapCount *sums = g_new0 (HapHeapCount, names->len);

  for (guint i = 0; i < cells->len; i++)
    add_count (&sums[g_array_index (cells, Cell, i).origin], &g_array_index (cells, Cell, i).count);
  for (guint i = 0; i < names->len; i++)
    {
      const HapHeapOrigin row = { names->pdata[i], sums[i] };

      if (sums[i].objects > 0)
        g_array_append_val (profile->origins, row);
      add_count (&profile->total, &sums[i]);
    }
  g_array_sort (profile->origins, compare_origins);
  for (guint i = 0; i < names->len; i++)
    for (guint j = 0; j < profile->origins->len; j++)
      if (g_array_index (profile->origins, HapHeapOrigin, j).origin == names->pdata[i])
        place[i] = j;
}

static void
fill_cells (const MemoryFindings *findings, GArray *cells, HapHeapProfile *profile, const guint *place)
{
  g_autofree HapHeapCount *rest = g_new0 (HapHeapCount, profile->origins->len + 1);

  for (guint i = 0; i < cells->len; i++)
    {
      const Cell *cell = &g_array_index (cells, Cell, i);
      HapHeapCell row = { .origin = place[cell->origin], .count = cell->count };

      if (i < MAX_CELLS)
        {
          row.type = g_strdup (memory_kinds_get_type_name (findings->kinds, cell->type));
          g_array_append_val (profile->cells, row);
        }
      else
        add_count (&rest[row.origin], &cell->count);
    }
  for (guint i = 0; i < profile->origins->len; i++)
    {
      HapHeapCell row = { i, NULL, rest[i] };

      if (rest[i].objects == 0)
        continue;
      row.type = g_strdup ("(other types)");
      g_array_append_val (profile->cells, row);
    }
}

/* Counts, for one kind of objects, the references by the kinds of those that refer. */
static char *
describe_referrers (MemoryKinds *kinds, const guint64 *by_kind)
{
  GString *text = g_string_new (NULL);
  guint64 sum = 0, last = G_MAXUINT64;
  guint32 n = memory_kinds_get_n (kinds), last_kind = 0;

  for (guint32 i = 0; i < n; i++)
    sum += by_kind[i];
  for (guint row = 0; row < MAX_REFERRERS; row++)
    {
      guint64 most = 0;
      guint32 best = 0;

      for (guint32 i = 0; i < n; i++)
        if (by_kind[i] > most && (by_kind[i] < last || (by_kind[i] == last && i > last_kind)))
          {
            most = by_kind[i];
            best = i;
          }
      if (most == 0)
        break;
      g_string_append_printf (text, "%s%s %.0f %%", row == 0 ? "" : ", ", memory_kinds_get_name (kinds, best),
                              100.0 * (double)most / (double)sum);
      last = most;
      last_kind = best;
    }
  return g_string_free (text, FALSE);
}

typedef struct
{
  guint32 kind;
  HapHeapCount count;
} KindSum;

static gint
compare_kinds (gconstpointer a, gconstpointer b)
{
  return compare_counts (&((const KindSum *)a)->count, &((const KindSum *)b)->count);
}

static GArray *
sum_kinds (const MemoryFindings *findings)
{
  const HapDominators *holders = findings->owners->holders;
  guint32 n = memory_kinds_get_n (findings->kinds);
  GArray *sums = g_array_new (FALSE, TRUE, sizeof (KindSum));

  g_array_set_size (sums, n);
  for (guint32 i = 0; i < n; i++)
    g_array_index (sums, KindSum, i).kind = i;
  for (guint32 i = 0; i < holders->n_reached; i++)
    {
      guint32 object = holders->order[i];

      add_object (&g_array_index (sums, KindSum, memory_kinds_get (findings->kinds, object)).count, findings,
                  object);
    }
  g_array_sort (sums, compare_kinds);
  return sums;
}

/* One pass over all objects fills a row for each of the kinds that are shown. */
static void
fill_types (const MemoryFindings *findings, HapHeapProfile *profile)
{
  const HapDominators *holders = findings->owners->holders;
  g_autoptr (GArray) sums = sum_kinds (findings);
  gsize n = memory_kinds_get_n (findings->kinds);
  guint n_rows = MIN (MIN (sums->len, MAX_TYPES), MAX_PAIRS / n + 1), n_referrers;
  g_autofree guint64 *references = g_new0 (guint64, n * n_rows + 1);
  g_autofree guint16 *row_of = g_malloc (n * sizeof (guint16));

  memset (row_of, 0xff, n * sizeof *row_of);
  for (guint i = 0; i < n_rows; i++)
    row_of[g_array_index (sums, KindSum, i).kind] = i;
  for (guint32 i = 0; i < holders->n_reached; i++)
    {
      guint16 row = row_of[memory_kinds_get (findings->kinds, holders->order[i])];
      const guint32 *referrers = py_heap_get_referrers (findings->heap, holders->order[i], &n_referrers);

      for (guint32 j = 0; row != G_MAXUINT16 && j < n_referrers; j++)
        references[row * n + memory_kinds_get (findings->kinds, referrers[j])]++;
    }
  for (guint i = 0; i < n_rows; i++)
    {
      const KindSum *sum = &g_array_index (sums, KindSum, i);
      HapHeapType row = { .count = sum->count };

      if (sum->count.objects == 0)
        break;
      row.type = g_strdup (memory_kinds_get_name (findings->kinds, sum->kind));
      row.referrers = describe_referrers (findings->kinds, references + i * n);
      g_array_append_val (profile->types, row);
    }
}

static guint64 *
get_sizes (const MemoryFindings *findings, gboolean only_new)
{
  guint32 n = py_heap_get_n_objects (findings->heap);
  guint64 *sizes = g_new (guint64, MAX (n, 1));

  for (guint32 i = 0; i < n; i++)
    sizes[i] = only_new && !findings->is_new[i] ? 0 : py_heap_get_size (findings->heap, i);
  return sizes;
}

/* Keeps the MAX_OBJECTS that hold most, in order. */
static void
fill_objects (const MemoryFindings *findings, HapHeapProfile *profile, const guint *place)
{
  const HapDominators *holders = findings->owners->holders;
  g_autofree guint64 *sizes = get_sizes (findings, FALSE);
  g_autofree guint64 *held = hap_dominators_sum (holders, sizes);
  guint32 best[MAX_OBJECTS + 1];
  guint n_best = 0;

  for (guint32 i = 0; i < holders->n_reached; i++)
    {
      guint32 object = holders->order[i];
      guint at = n_best;

      if (n_best == MAX_OBJECTS && held[object] <= held[best[n_best - 1]])
        continue;
      for (; at > 0 && held[best[at - 1]] < held[object]; at--)
        best[at] = best[at - 1];
      best[at] = object;
      n_best = MIN (n_best + 1, MAX_OBJECTS);
    }
  for (guint i = 0; i < n_best; i++)
    {
      guint32 type = py_heap_get_object_type (findings->heap, best[i]);
      const HapHeapObject row = {
        .origin = place[findings->owners->origin[best[i]]],
        .type = g_strdup (memory_kinds_get_type_name (findings->kinds, type)),
        .chain = py_heap_describe_holders (findings->owners, findings->heap, best[i]),
        .is_new = findings->is_new[best[i]],
        .bytes = sizes[best[i]],
        .held = held[best[i]],
      };

      g_array_append_val (profile->objects, row);
    }
}

void
memory_tables_fill (const MemoryFindings *findings, HapHeapProfile *profile)
{
  g_autoptr (GArray) cells = sum_cells (findings);
  g_autofree guint *place = g_new0 (guint, findings->owners->origins->len);

  fill_origins (findings, cells, profile, place);
  fill_cells (findings, cells, profile, place);
  fill_types (findings, profile);
  fill_objects (findings, profile, place);
}

/* From the outermost holders inwards, as long as one of them holds most of it. */
guint32
memory_tables_find_growth (const MemoryFindings *findings, guint16 origin)
{
  const HapDominators *holders = findings->owners->holders;
  g_autofree guint64 *sizes = get_sizes (findings, TRUE);
  g_autofree guint64 *held = NULL;
  guint32 found = PY_HEAP_NONE;
  guint64 total = 0, least = G_MAXUINT64;

  for (guint32 i = 0; i < holders->n_nodes; i++)
    {
      if (findings->owners->origin[i] != origin)
        sizes[i] = 0;
      total += sizes[i];
    }
  held = hap_dominators_sum (holders, sizes);
  for (guint32 i = 0; i < holders->n_reached && total > 0; i++)
    {
      guint32 object = holders->order[i];

      if (held[object] > MOST (total) && held[object] <= least)
        {
          least = held[object];
          found = object;
        }
    }
  return found;
}
