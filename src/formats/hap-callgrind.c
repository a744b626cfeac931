/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callgrind profile format, in pyprof2calltree's dialect.
 *
 * Owns names that the format can hold and the order of lines, on which its readers are strict. The sums are
 * hap-profile's. */
#include "hap-callgrind.h"

#include <string.h>

#include "config.h"
#include "hap-labels.h"
#include "hap-writer.h"

/* A function, or a thread (function NULL). @id: of the function among all */
typedef struct
{
  const HapFunction *function;
  guint32 id;
  char *file;
  char *name;
  gint line;
  guint64 self; /* nanoseconds */
} Row;

/* Indices into the sorted rows */
typedef struct
{
  guint caller, callee;
  guint64 n;
  guint64 total; /* nanoseconds */
} Call;

/* @profile: samples, or for exact counts just what is known of the target */
typedef struct
{
  HapWriter writer;
  const HapProfile *profile;
  GArray *rows;  /* threads in their order, then functions sorted by file, line, name */
  GArray *calls; /* sorted by caller, callee */
} Callgrind;

static void
row_clear (gpointer data)
{
  Row *row = data;

  g_free (row->file);
  g_free (row->name);
}

static guint64
nanoseconds (const Callgrind *self, guint64 samples)
{
  return samples * (guint64)self->profile->interval_ns;
}

/* @text as the rest of a line: neither empty, nor with blanks that a reader strips, nor taken for a
 * compressed name */
static char *
position_text (const char *text, const char *if_empty)
{
  g_autofree char *escaped = hap_label_escape (text);
  gsize length = strlen (escaped);

  if (length == 0)
    return g_strdup (if_empty);
  if (escaped[0] == ' ' || escaped[length - 1] == ' ' || (escaped[0] == '(' && g_ascii_isdigit (escaped[1])))
    return g_strconcat ("\\", escaped, escaped[length - 1] == ' ' ? "\\" : NULL, NULL);
  return g_steal_pointer (&escaped);
}

static gint
compare_rows (gconstpointer a, gconstpointer b)
{
  const Row *x = a, *y = b;
  gint order = strcmp (x->file, y->file);

  if (order != 0)
    return order;
  if (x->line != y->line)
    return x->line < y->line ? -1 : 1;
  order = strcmp (x->name, y->name);
  return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static gint
compare_calls (gconstpointer a, gconstpointer b)
{
  const Call *x = a, *y = b;

  if (x->caller != y->caller)
    return x->caller < y->caller ? -1 : 1;
  return (x->callee > y->callee) - (x->callee < y->callee);
}

static char *
place_of (const Row *row)
{
  return g_strconcat (row->file, "\n", row->name, NULL);
}

/* A reader knows a function by file and name: what a file has twice gets its line, as pyprof2calltree does
 * it. */
static void
make_names_distinct (GArray *rows)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) used = hap_label_set_new ();

  for (guint i = 0; i < rows->len; i++)
    {
      char *place = place_of (&g_array_index (rows, Row, i));
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, place));

      g_hash_table_insert (counts, place, GUINT_TO_POINTER (n + 1));
    }
  for (guint i = 0; i < rows->len; i++)
    {
      Row *row = &g_array_index (rows, Row, i);
      g_autofree char *place = place_of (row);
      g_autofree char *unique = NULL;

      if (GPOINTER_TO_UINT (g_hash_table_lookup (counts, place)) > 1)
        {
          g_autofree char *name = g_steal_pointer (&row->name);

          row->name = g_strdup_printf ("%s:%d", name, row->line);
        }
      unique = hap_label_unique (used, place_of (row));
      g_free (row->name);
      row->name = g_strdup (unique + strlen (row->file) + 1);
    }
}

static void
add_threads (Callgrind *self)
{
  HapCallTree *tree = self->profile->tree;
  g_auto (GStrv) names = hap_label_thread_rows (self->profile);

  for (guint i = 0; i < hap_call_tree_get_n_threads (tree); i++)
    {
      guint32 root = hap_call_tree_get_thread (tree, i)->root;
      const HapCallNode *node = hap_call_tree_get_node (tree, root);
      Row row = { .file = g_strdup (HAP_LABEL_THREAD_FILE),
                  .name = g_strdup (names[i]),
                  .self = nanoseconds (self, node->self[0] + node->self[1] + node->self[2]) };

      g_array_append_val (self->rows, row);
    }
}

static void
add_function (GArray *rows, guint32 id, const char *file, const char *name, gint line, guint64 self_ns)
{
  Row row = { .id = id,
              .file = position_text (file, "???"),
              .name = position_text (name, "???"),
              .line = line,
              .self = self_ns };

  g_array_append_val (rows, row);
}

/* Takes the functions over. Returns: (transfer full): the index of each function's row, by id */
static guint *
place_functions (Callgrind *self, GArray *rows, guint n_ids)
{
  guint *places = g_new0 (guint, n_ids + 1);
  guint n_threads = self->rows->len;

  g_array_sort (rows, compare_rows);
  if (rows->len > 0)
    g_array_append_vals (self->rows, rows->data, rows->len);
  g_array_unref (rows); /* the texts live on in self->rows */
  make_names_distinct (self->rows);
  for (guint i = n_threads; i < self->rows->len; i++)
    places[g_array_index (self->rows, Row, i).id] = i;
  return places;
}

static void
add_samples (Callgrind *self)
{
  g_autoptr (GArray) totals = hap_profile_sum_totals (self->profile);
  g_autoptr (GArray) edges = hap_profile_sum_edges (self->profile);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (Row));
  g_autofree guint *places = NULL;

  for (guint i = 0; i < totals->len; i++)
    {
      const HapFunctionTotals *sum = &g_array_index (totals, HapFunctionTotals, i);
      const HapFunction *function = sum->function;

      if (sum->total == 0)
        continue;
      add_function (rows, function->id, function->file, function->name, function->line,
                    nanoseconds (self, sum->self));
      g_array_index (rows, Row, rows->len - 1).function = function;
    }
  places = place_functions (self, rows, hap_call_tree_get_n_functions (self->profile->tree));
  for (guint i = 0; i < edges->len; i++)
    {
      const HapCallEdge *edge = &g_array_index (edges, HapCallEdge, i);
      Call call = { .caller = edge->caller != NULL ? places[edge->caller->id] : edge->thread,
                    .callee = places[edge->callee->id],
                    .n = edge->samples,
                    .total = nanoseconds (self, edge->samples) };

      if (edge->samples > 0)
        g_array_append_val (self->calls, call);
    }
}

static guint64
from_seconds (double seconds)
{
  return (guint64)(CLAMP (seconds, 0, 1e9) * 1e9);
}

static void
add_counts (Callgrind *self, const HapCallCounts *counts)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (Row));
  g_autofree guint *places = NULL;

  for (guint i = 0; i < counts->functions->len; i++)
    {
      const HapCountedFunction *function = hap_call_counts_get (counts, i);

      add_function (rows, i, function->file, function->name, function->line,
                    from_seconds (function->count.self));
    }
  places = place_functions (self, rows, counts->functions->len);
  for (guint i = 0; i < counts->functions->len; i++)
    {
      const GArray *callers = hap_call_counts_get (counts, i)->callers;

      for (guint j = 0; j < callers->len; j++)
        {
          const HapCountedCaller *row = &g_array_index (callers, HapCountedCaller, j);
          Call call = { .caller = places[row->caller],
                        .callee = places[i],
                        .n = row->count.calls,
                        .total = from_seconds (row->count.total) };

          g_array_append_val (self->calls, call);
        }
    }
}

static void
put_header (Callgrind *self)
{
  g_autofree char *title = hap_label_escape (self->profile->title != NULL ? self->profile->title : "");
  guint64 sum = 0;

  for (guint i = 0; i < self->rows->len; i++)
    sum += g_array_index (self->rows, Row, i).self;
  hap_writer_text (&self->writer, "# callgrind format\nversion: 1\ncreator: ha-profiler " HAP_VERSION "\n");
  hap_writer_printf (&self->writer, "pid: %u\ncmd: %s\npart: 1\npositions: line\n", self->profile->pid,
                     title);
  hap_writer_printf (&self->writer, "event: ns : Nanoseconds\nevents: ns\nsummary: %" G_GUINT64_FORMAT "\n\n",
                     sum);
}

typedef struct
{
  GString *text;
  guint64 samples;
  guint64 interval_ns;
} Lines;

static void
on_line (gint line, guint64 samples, gpointer data)
{
  Lines *lines = data;

  lines->samples += samples;
  g_string_append_printf (lines->text, "%d %" G_GUINT64_FORMAT "\n", line, samples * lines->interval_ns);
}

/* Own time: first what has no line, at the function's own; it is written even when 0, as pyprof2calltree does
 * it. */
static void
put_self (Callgrind *self, const Row *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Lines lines = { text, 0, (guint64)self->profile->interval_ns };

  if (row->function != NULL)
    hap_call_tree_foreach_line (self->profile->tree, row->function, on_line, &lines);
  hap_writer_printf (&self->writer, "fl=%s\nfn=%s\n%d %" G_GUINT64_FORMAT "\n", row->file, row->name,
                     row->line, row->self - nanoseconds (self, lines.samples));
  hap_writer_bytes (&self->writer, text->str, text->len);
}

static void
put_rows (Callgrind *self)
{
  guint c = 0;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = &g_array_index (self->rows, Row, i);

      put_self (self, row);
      for (; c < self->calls->len && g_array_index (self->calls, Call, c).caller == i; c++)
        {
          const Call *call = &g_array_index (self->calls, Call, c);
          const Row *callee = &g_array_index (self->rows, Row, call->callee);

          hap_writer_printf (&self->writer, "cfl=%s\ncfn=%s\ncalls=%" G_GUINT64_FORMAT " %d\n", callee->file,
                             callee->name, call->n, callee->line);
          hap_writer_printf (&self->writer, "%d %" G_GUINT64_FORMAT "\n", row->line, call->total);
        }
      hap_writer_text (&self->writer, "\n");
    }
}

static gboolean
write_callgrind (GOutputStream *stream,
                 const HapProfile *profile,
                 const HapCallCounts *counts,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (Row));
  g_autoptr (GArray) calls = g_array_new (FALSE, FALSE, sizeof (Call));
  Callgrind self = { .profile = profile, .rows = rows, .calls = calls };

  g_array_set_clear_func (rows, row_clear);
  if (counts != NULL)
    {
      add_counts (&self, counts);
    }
  else
    {
      add_threads (&self);
      add_samples (&self);
    }
  g_array_sort (calls, compare_calls);
  hap_writer_init (&self.writer, stream, cancellable);
  put_header (&self);
  put_rows (&self);
  return hap_writer_finish (&self.writer, error);
}

gboolean
hap_callgrind_write (GOutputStream *stream,
                     const HapProfile *profile,
                     GCancellable *cancellable,
                     GError **error)
{
  return write_callgrind (stream, profile, NULL, cancellable, error);
}

gboolean
hap_callgrind_write_counts (GOutputStream *stream,
                            const HapProfile *profile,
                            const HapCallCounts *counts,
                            GCancellable *cancellable,
                            GError **error)
{
  return write_callgrind (stream, profile, counts, cancellable, error);
}
