/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cProfile's file: a marshalled dict of functions and their callers.
 *
 * Owns the opcodes and the meaning of samples in pstats' columns. The sums are hap-profile's. */
#include "hap-pstats.h"

#include <string.h>

#include "hap-labels.h"
#include "hap-writer.h"

typedef struct
{
  HapWriter writer;
  const HapProfile *profile;
  GStrv threads;
} Pstats;

static void
put_i32 (Pstats *self, guint32 value)
{
  value = GUINT32_TO_LE (value);
  hap_writer_bytes (&self->writer, &value, sizeof value);
}

static void
put_int (Pstats *self, guint64 value)
{
  guint16 digits[5];
  guint n = 0;

  if (value <= G_MAXINT32)
    {
      hap_writer_bytes (&self->writer, "i", 1);
      put_i32 (self, (guint32)value);
      return;
    }
  for (; value != 0; value >>= 15)
    digits[n++] = GUINT16_TO_LE (value & 0x7fff);
  hap_writer_bytes (&self->writer, "l", 1);
  put_i32 (self, n);
  hap_writer_bytes (&self->writer, digits, n * sizeof digits[0]);
}

static void
put_seconds (Pstats *self, double value)
{
  union
  {
    double real;
    guint64 bits;
  } seconds = { .real = value };

  seconds.bits = GUINT64_TO_LE (seconds.bits);
  hap_writer_bytes (&self->writer, "g", 1);
  hap_writer_bytes (&self->writer, &seconds.bits, sizeof seconds.bits);
}

static void
put_string (Pstats *self, const char *text)
{
  hap_writer_bytes (&self->writer, "u", 1);
  put_i32 (self, (guint32)strlen (text));
  hap_writer_text (&self->writer, text);
}

static void
put_tuple (Pstats *self, guint n)
{
  hap_writer_bytes (&self->writer, "(", 1);
  put_i32 (self, n);
}

static void
put_key (Pstats *self, const char *file, gint line, const char *name)
{
  put_tuple (self, 3);
  put_string (self, file);
  put_int (self, (guint64)line);
  put_string (self, name);
}

/* A function's columns begin with the primitive calls, a caller's with all of them. */
static void
put_columns (Pstats *self, guint64 first, guint64 second, double self_seconds, double total_seconds)
{
  put_int (self, first);
  put_int (self, second);
  put_seconds (self, self_seconds);
  put_seconds (self, total_seconds);
}

static void
put_samples (Pstats *self, guint64 self_samples, guint64 samples)
{
  double interval_ns = (double)self->profile->interval_ns;

  put_columns (self, samples, samples, (double)self_samples * interval_ns / 1e9,
               (double)samples * interval_ns / 1e9);
}

static void
put_caller (Pstats *self, const HapCallEdge *edge)
{
  if (edge->caller != NULL)
    put_key (self, edge->caller->file, edge->caller->line, edge->caller->name);
  else
    put_key (self, HAP_LABEL_THREAD_FILE, 0, self->threads[edge->thread]);
  put_tuple (self, 4);
  put_samples (self, edge->self, edge->samples);
}

static void
put_functions (Pstats *self)
{
  g_autoptr (GArray) totals = hap_profile_sum_totals (self->profile);
  g_autoptr (GArray) edges = hap_profile_sum_edges (self->profile);
  guint e = 0;

  for (guint i = 0; i < totals->len; i++)
    {
      const HapFunctionTotals *row = &g_array_index (totals, HapFunctionTotals, i);

      if (row->total > 0)
        {
          put_key (self, row->function->file, row->function->line, row->function->name);
          put_tuple (self, 5);
          put_samples (self, row->self, row->total);
          hap_writer_bytes (&self->writer, "{", 1);
        }
      for (; e < edges->len && g_array_index (edges, HapCallEdge, e).callee == row->function; e++)
        if (g_array_index (edges, HapCallEdge, e).samples > 0)
          put_caller (self, &g_array_index (edges, HapCallEdge, e));
      if (row->total > 0)
        hap_writer_bytes (&self->writer, "0", 1);
    }
}

static void
put_thread (Pstats *self, const char *name, guint64 self_samples, guint64 samples)
{
  put_key (self, HAP_LABEL_THREAD_FILE, 0, name);
  put_tuple (self, 5);
  put_samples (self, self_samples, samples);
  hap_writer_text (&self->writer, "{0");
}

static void
put_threads (Pstats *self)
{
  HapCallTree *tree = self->profile->tree;
  g_autofree guint64 *totals = hap_call_tree_get_totals (tree);

  for (guint i = 0; i < hap_call_tree_get_n_threads (tree); i++)
    {
      guint32 root = hap_call_tree_get_thread (tree, i)->root;
      const HapCallNode *node = hap_call_tree_get_node (tree, root);

      put_thread (self, self->threads[i], node->self[0] + node->self[1] + node->self[2], totals[root]);
    }
  /* pstats refuses an empty dict. */
  if (hap_call_tree_get_n_threads (tree) == 0)
    put_thread (self, "<no threads>", 0, 0);
}

gboolean
hap_pstats_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error)
{
  Pstats self = { .profile = profile };
  g_auto (GStrv) threads = hap_label_thread_rows (profile);

  self.threads = threads;
  hap_writer_init (&self.writer, stream, cancellable);
  hap_writer_bytes (&self.writer, "{", 1);
  put_threads (&self);
  put_functions (&self);
  hap_writer_bytes (&self.writer, "0", 1);
  return hap_writer_finish (&self.writer, error);
}

static void
put_counted (Pstats *self, const HapCallCounts *counts, const HapCountedFunction *function)
{
  put_key (self, function->file, function->line, function->name);
  put_tuple (self, 5);
  put_columns (self, function->count.primitive, function->count.calls, function->count.self,
               function->count.total);
  hap_writer_bytes (&self->writer, "{", 1);
  for (guint i = 0; i < function->callers->len; i++)
    {
      const HapCountedCaller *row = &g_array_index (function->callers, HapCountedCaller, i);
      const HapCountedFunction *caller = hap_call_counts_get (counts, row->caller);

      put_key (self, caller->file, caller->line, caller->name);
      put_tuple (self, 4);
      put_columns (self, row->count.calls, row->count.primitive, row->count.self, row->count.total);
    }
  hap_writer_bytes (&self->writer, "0", 1);
}

gboolean
hap_pstats_write_counts (GOutputStream *stream,
                         const HapProfile *profile,
                         const HapCallCounts *counts,
                         GCancellable *cancellable,
                         GError **error)
{
  Pstats self = { .profile = profile };

  hap_writer_init (&self.writer, stream, cancellable);
  hap_writer_bytes (&self.writer, "{", 1);
  for (guint i = 0; i < counts->functions->len; i++)
    put_counted (&self, counts, hap_call_counts_get (counts, i));
  /* pstats refuses an empty dict. */
  if (counts->functions->len == 0)
    put_thread (&self, "<no calls>", 0, 0);
  hap_writer_bytes (&self.writer, "0", 1);
  return hap_writer_finish (&self.writer, error);
}
