/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flame graph page: flamegraph.html with the profile put in as JSON.
 *
 * Owns what the page is told, and how much of it. How it looks and behaves is flamegraph.css and
 * flamegraph.js, which are embedded as resources. */
#include "hap-flamegraph.h"

#include <string.h>

#include "config.h"
#include "hap-labels.h"
#include "hap-page.h"
#include "hap-writer.h"

#define MAX_PATHS 100000
#define MAX_HOT_FUNCTIONS 40
#define MAX_LINES 5 /* hottest lines of a function */

/* A call path of the page: of the tree, or the sum of small ones */
typedef struct
{
  guint32 parent;   /* index of a path, or NONE */
  guint32 function; /* id; of a root: none; n_functions: "(smaller paths)" */
  guint64 self[HAP_N_ACTIVITIES];
} Path;

typedef struct
{
  HapWriter writer;
  const HapProfile *profile;
  GArray *paths;
  guint64 smallest; /* paths of so many samples are shown, */
  guint64 shallow;  /* and down to this depth those of so many */
  guint32 shallow_depth;
  guint32 n_summed; /* paths that are neither */
  GArray *hot;      /* HapFunctionRow */
  guint32 *place; /* of each function, and of "(smaller paths)", its index on the page; those never shown have
                     none */
  GPtrArray *origins;
  GHashTable *origin_index; /* HapOrigin to its index plus one */
} Page;

/* A path is only kept if its caller is: deeper ones have no more samples. */
static gboolean
is_kept (const Page *self, guint32 depth, guint64 total)
{
  return depth == 0 || total >= self->smallest || (total >= self->shallow && depth <= self->shallow_depth);
}

/* How many paths the page has if the others are summed below their callers */
static guint
count_paths (const Page *self, const guint64 *totals)
{
  HapCallTree *tree = self->profile->tree;
  guint32 n_nodes = hap_call_tree_get_n_nodes (tree);
  g_autofree guint8 *has_small = g_new0 (guint8, MAX (n_nodes, 1));
  guint n = 0;

  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (tree, i);

      if (is_kept (self, node->depth, totals[i]))
        n++;
      else if (totals[i] > 0 && !has_small[node->parent]
               && is_kept (self, node->depth - 1, totals[node->parent]))
        {
          has_small[node->parent] = 1;
          n++;
        }
    }
  return n;
}

/* Raises the bound until the page is small enough, then fills it up with the next smaller paths as deep as
 * they go. */
static void
choose_bounds (Page *self, const guint64 *totals)
{
  guint32 low = 0, high = 0;

  self->smallest = self->shallow = 1;
  while (count_paths (self, totals) > MAX_PATHS
         && self->smallest < hap_call_tree_get_n_samples (self->profile->tree))
    {
      self->shallow = self->smallest;
      self->smallest += self->smallest / 4 + 1;
    }
  for (guint32 i = 0; i < hap_call_tree_get_n_nodes (self->profile->tree); i++)
    high = MAX (high, hap_call_tree_get_node (self->profile->tree, i)->depth);
  while (low < high)
    {
      self->shallow_depth = low + (high - low + 1) / 2;
      if (count_paths (self, totals) > MAX_PATHS)
        high = self->shallow_depth - 1;
      else
        low = self->shallow_depth;
    }
  self->shallow_depth = low;
}

static void
append_path (Page *self, guint32 parent, guint32 function, const guint64 *samples)
{
  Path path = { .parent = parent, .function = function };

  memcpy (path.self, samples, sizeof path.self);
  g_array_append_val (self->paths, path);
}

/* The path that stands for the small ones below @parent, a path of the page */
static Path *
sum_below (Page *self, guint32 parent, guint32 *sums)
{
  static const guint64 nothing[HAP_N_ACTIVITIES];

  if (sums[parent] == 0)
    {
      append_path (self, parent, hap_call_tree_get_n_functions (self->profile->tree), nothing);
      sums[parent] = self->paths->len - 1;
    }
  return &g_array_index (self->paths, Path, sums[parent]);
}

static void
choose_paths (Page *self)
{
  HapCallTree *tree = self->profile->tree;
  guint32 n_nodes = hap_call_tree_get_n_nodes (tree);
  g_autofree guint64 *totals = hap_call_tree_get_totals (tree);
  g_autofree guint32 *place =
      g_new (guint32, MAX (n_nodes, 1)); /* of a node, or of the ancestor that is kept */
  g_autofree guint32 *sums = NULL;

  choose_bounds (self, totals);
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (tree, i);

      if (is_kept (self, node->depth, totals[i]))
        {
          place[i] = self->paths->len;
          append_path (self, node->parent == HAP_CALL_TREE_NONE ? HAP_CALL_TREE_NONE : place[node->parent],
                       node->function != NULL ? node->function->id : 0, node->self);
        }
      else
        place[i] = place[node->parent];
    }
  sums = g_new0 (guint32, self->paths->len + 1);
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (tree, i);

      if (is_kept (self, node->depth, totals[i]) || totals[i] == 0)
        continue;
      self->n_summed++;
      for (guint a = 0; a < HAP_N_ACTIVITIES; a++)
        sum_below (self, place[i], sums)->self[a] += node->self[a];
    }
}

/* Numbers the functions that the page speaks of, in the order of their ids. */
static void
choose_functions (Page *self)
{
  guint32 n_functions = hap_call_tree_get_n_functions (self->profile->tree), n = 0;

  for (guint i = 0; i < self->paths->len; i++)
    if (g_array_index (self->paths, Path, i).parent != HAP_CALL_TREE_NONE)
      self->place[g_array_index (self->paths, Path, i).function] = 0;
  for (guint i = 0; i < self->hot->len; i++)
    self->place[g_array_index (self->hot, HapFunctionRow, i).function->id] = 0;
  for (guint32 i = 0; i < n_functions; i++)
    if (self->place[i] != HAP_CALL_TREE_NONE)
      self->place[i] = n++;
  self->place[n_functions] = n;
}

static void
put_escaped (Page *self, const char *text)
{
  hap_page_put_text (&self->writer, text);
}

static guint
origin_index (Page *self, const HapOrigin *origin)
{
  gpointer found = g_hash_table_lookup (self->origin_index, origin);

  if (found == NULL)
    {
      g_ptr_array_add (self->origins, (gpointer)origin);
      found = GUINT_TO_POINTER (self->origins->len);
      g_hash_table_insert (self->origin_index, (gpointer)origin, found);
    }
  return GPOINTER_TO_UINT (found) - 1;
}

static void
put_facts (Page *self)
{
  const HapProfile *profile = self->profile;

  hap_writer_text (&self->writer, "{\"generator\":\"ha-profiler " HAP_VERSION "\",\"title\":");
  put_escaped (self, profile->title != NULL ? profile->title : "");
  hap_writer_text (&self->writer, ",\"clock\":");
  put_escaped (self, profile->clock != NULL ? profile->clock : "");
  hap_writer_printf (&self->writer,
                     ",\"pid\":%u,\"start\":%" G_GINT64_FORMAT ",\"interval\":%" G_GINT64_FORMAT
                     ",\"duration\":",
                     profile->pid, profile->start_time_us, profile->interval_ns);
  hap_writer_json_double (&self->writer, profile->duration);
  hap_writer_text (&self->writer, ",\"kept\":");
  hap_writer_json_double (&self->writer, profile->kept);
  hap_writer_printf (&self->writer,
                     ",\"samples\":%" G_GUINT64_FORMAT ",\"truncated\":%" G_GUINT64_FORMAT
                     ",\"summed\":%u,\"smallest\":%" G_GUINT64_FORMAT ",\"shallow\":%u",
                     hap_call_tree_get_n_samples (profile->tree),
                     hap_call_tree_get_n_truncated (profile->tree), self->n_summed, self->smallest,
                     self->shallow_depth);
}

static void
put_origins (Page *self)
{
  g_autoptr (GArray) rows = hap_profile_sum_origins (self->profile);
  guint32 n_functions = hap_call_tree_get_n_functions (self->profile->tree);

  for (guint i = 0; i < rows->len; i++)
    origin_index (self, g_array_index (rows, HapOriginRow, i).origin);
  for (guint32 i = 0; i < n_functions; i++)
    if (self->place[i] != HAP_CALL_TREE_NONE)
      origin_index (self, hap_call_tree_get_function (self->profile->tree, i)->origin);

  hap_writer_text (&self->writer, ",\n\"origins\":[");
  for (guint i = 0; i < self->origins->len; i++)
    {
      const HapOrigin *origin = g_ptr_array_index (self->origins, i);

      hap_writer_printf (&self->writer, "%s[\"%s\",", i == 0 ? "" : ",\n",
                         hap_origin_kind_to_string (origin->kind));
      put_escaped (self, origin->name);
      hap_writer_text (&self->writer, "]");
    }
  hap_writer_text (&self->writer, "],\n\"table\":[");
  for (guint i = 0; i < rows->len; i++)
    {
      const HapOriginRow *row = &g_array_index (rows, HapOriginRow, i);

      hap_writer_printf (&self->writer,
                         "%s[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
                         i == 0 ? "" : ",", row->running, row->blocking, row->waiting);
    }
  hap_writer_text (&self->writer, "]");
}

typedef struct
{
  gint line;
  guint64 samples;
} HotLine;

/* Keeps the MAX_LINES hottest, hottest first; of equals the first line. */
static void
on_line (gint line, guint64 samples, gpointer data)
{
  HotLine *lines = data, added = { line, samples };

  for (guint i = 0; i < MAX_LINES; i++)
    if (added.samples > lines[i].samples)
      {
        HotLine pushed = lines[i];

        lines[i] = added;
        added = pushed;
      }
}

static void
put_function (Page *self, const HapFunction *function)
{
  HotLine lines[MAX_LINES] = { 0 };

  hap_call_tree_foreach_line (self->profile->tree, function, on_line, lines);
  hap_writer_text (&self->writer, self->place[function->id] == 0 ? "[" : ",\n[");
  put_escaped (self, function->qualname);
  hap_writer_text (&self->writer, ",");
  put_escaped (self, function->file);
  hap_writer_printf (&self->writer, ",%d,%u,[", function->line, origin_index (self, function->origin));
  for (guint l = 0; l < MAX_LINES && lines[l].samples > 0; l++)
    hap_writer_printf (&self->writer, "%s%d,%" G_GUINT64_FORMAT, l == 0 ? "" : ",", lines[l].line,
                       lines[l].samples);
  hap_writer_text (&self->writer, "]]");
}

static void
put_functions (Page *self)
{
  HapCallTree *tree = self->profile->tree;
  guint32 n_functions = hap_call_tree_get_n_functions (tree);

  hap_writer_text (&self->writer, ",\n\"functions\":[\n");
  for (guint32 i = 0; i < n_functions; i++)
    if (self->place[i] != HAP_CALL_TREE_NONE)
      put_function (self, hap_call_tree_get_function (tree, i));
  hap_writer_text (&self->writer, "],\n\"hot\":[");
  for (guint i = 0; i < self->hot->len; i++)
    {
      const HapFunctionRow *row = &g_array_index (self->hot, HapFunctionRow, i);

      hap_writer_printf (
          &self->writer, "%s[%u,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
          i == 0 ? "" : ",", self->place[row->function->id], row->self_busy, row->self, row->total);
    }
  hap_writer_text (&self->writer, "]");
}

static void
put_threads (Page *self)
{
  HapCallTree *tree = self->profile->tree;
  g_auto (GStrv) names = hap_label_threads (self->profile);

  hap_writer_text (&self->writer, ",\n\"threads\":[");
  for (guint i = 0; names[i] != NULL; i++)
    {
      hap_writer_text (&self->writer, i == 0 ? "[" : ",[");
      hap_writer_json (&self->writer, names[i]);
      hap_writer_printf (&self->writer, ",%u,%d]", hap_call_tree_get_thread (tree, i)->tid,
                         hap_call_tree_get_thread (tree, i)->main);
    }
  hap_writer_text (&self->writer, "]");
}

/* Five columns. A thread's root has parent -1 and, in place of a function, the thread: roots come in the
 * threads' order. */
static void
put_paths (Page *self)
{
  static const char *const names[] = { "running", "blocking", "waiting" };
  guint32 thread = 0;

  hap_writer_text (&self->writer, ",\n\"parent\":[");
  for (guint i = 0; i < self->paths->len; i++)
    hap_writer_printf (&self->writer, i == 0 ? "%d" : ",%d",
                       (gint)g_array_index (self->paths, Path, i).parent);
  hap_writer_text (&self->writer, "],\n\"function\":[");
  for (guint i = 0; i < self->paths->len; i++)
    {
      const Path *path = &g_array_index (self->paths, Path, i);

      hap_writer_printf (&self->writer, i == 0 ? "%u" : ",%u",
                         path->parent == HAP_CALL_TREE_NONE ? thread++ : self->place[path->function]);
    }
  for (guint a = 0; a < HAP_N_ACTIVITIES; a++)
    {
      hap_writer_printf (&self->writer, "],\n\"%s\":[", names[a]);
      for (guint i = 0; i < self->paths->len; i++)
        hap_writer_printf (&self->writer, i == 0 ? "%" G_GUINT64_FORMAT : ",%" G_GUINT64_FORMAT,
                           g_array_index (self->paths, Path, i).self[a]);
    }
  hap_writer_text (&self->writer, "]}");
}

static void
put_data (HapWriter *writer, gpointer data)
{
  Page *self = data;

  put_facts (self);
  put_origins (self);
  put_functions (self);
  put_threads (self);
  put_paths (self);
}

gboolean
hap_flamegraph_write (GOutputStream *stream,
                      const HapProfile *profile,
                      GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GArray) paths = g_array_new (FALSE, FALSE, sizeof (Path));
  g_autoptr (GPtrArray) origins = g_ptr_array_new ();
  g_autoptr (GHashTable) index = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) hot = hap_profile_sum_functions (profile, MAX_HOT_FUNCTIONS);
  gsize n_functions = hap_call_tree_get_n_functions (profile->tree);
  g_autofree guint32 *place = g_new (guint32, n_functions + 1);
  Page self = {
    .profile = profile, .paths = paths, .hot = hot, .place = place, .origins = origins, .origin_index = index
  };

  memset (place, 0xff, sizeof *place * n_functions);
  choose_paths (&self);
  choose_functions (&self);
  hap_writer_init (&self.writer, stream, cancellable);
  hap_page_put (&self.writer, "flamegraph.html", profile->title != NULL ? profile->title : "", put_data,
                &self);
  return hap_writer_finish (&self.writer, error);
}
