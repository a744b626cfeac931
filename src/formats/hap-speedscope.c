/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* speedscope's file format, streamed.
 *
 * Owns the JSON. A frame's index is its function's id; one more frame stands for "no Python frame". */
#include "hap-speedscope.h"

#include "config.h"
#include "hap-labels.h"
#include "hap-writer.h"

typedef struct
{
  HapWriter writer;
  const HapProfile *profile;
  guint32 *path; /* room for the deepest stack */
} Speedscope;

static guint64
node_self (const HapCallNode *node)
{
  return node->self[0] + node->self[1] + node->self[2];
}

static void
put_frames (Speedscope *self)
{
  HapCallTree *tree = self->profile->tree;
  guint32 n_functions = hap_call_tree_get_n_functions (tree);

  for (guint32 i = 0; i < n_functions; i++)
    {
      const HapFunction *function = hap_call_tree_get_function (tree, i);

      hap_writer_text (&self->writer, "{\"name\":");
      hap_writer_json (&self->writer, function->qualname);
      hap_writer_text (&self->writer, ",\"file\":");
      hap_writer_json (&self->writer, function->file);
      if (function->line > 0)
        hap_writer_printf (&self->writer, ",\"line\":%d", function->line);
      hap_writer_text (&self->writer, "},\n");
    }
  hap_writer_text (&self->writer, "{\"name\":\"(no Python frame)\"}");
}

static void
put_stack (Speedscope *self, guint32 id)
{
  HapCallTree *tree = self->profile->tree;
  const HapCallNode *node = hap_call_tree_get_node (tree, id);
  guint32 depth = node->depth;

  if (depth == 0)
    {
      hap_writer_printf (&self->writer, "[%u]", hap_call_tree_get_n_functions (tree));
      return;
    }
  for (guint32 i = depth; i-- > 0; node = hap_call_tree_get_node (tree, node->parent))
    self->path[i] = node->function->id;
  for (guint32 i = 0; i < depth; i++)
    hap_writer_printf (&self->writer, "%c%u", i == 0 ? '[' : ',', self->path[i]);
  hap_writer_text (&self->writer, "]");
}

static void
put_stacks (Speedscope *self, GArray *nodes)
{
  for (guint i = 0; i < nodes->len && self->writer.error == NULL; i++)
    {
      hap_writer_text (&self->writer, i == 0 ? "\n" : ",\n");
      put_stack (self, g_array_index (nodes, guint32, i));
    }
}

static void
put_weights (Speedscope *self, GArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      const HapCallNode *node =
          hap_call_tree_get_node (self->profile->tree, g_array_index (nodes, guint32, i));

      hap_writer_printf (&self->writer, "%s%" G_GUINT64_FORMAT, i == 0 ? "" : ",",
                         node_self (node) * (guint64)self->profile->interval_ns);
    }
}

/* @nodes: (element-type guint32): where the thread's samples ended */
static void
put_profile (Speedscope *self, const char *name, GArray *nodes)
{
  guint64 samples = 0;

  for (guint i = 0; i < nodes->len; i++)
    samples += node_self (hap_call_tree_get_node (self->profile->tree, g_array_index (nodes, guint32, i)));
  hap_writer_text (&self->writer, "{\"type\":\"sampled\",\"name\":");
  hap_writer_json (&self->writer, name);
  hap_writer_printf (&self->writer,
                     ",\"unit\":\"nanoseconds\",\"startValue\":0,\"endValue\":%" G_GUINT64_FORMAT
                     ",\n\"samples\":[",
                     samples * (guint64)self->profile->interval_ns);
  put_stacks (self, nodes);
  hap_writer_text (&self->writer, "],\n\"weights\":[");
  put_weights (self, nodes);
  hap_writer_text (&self->writer, "]}");
}

/* Returns: (element-type GArray) (transfer full): for each thread the nodes where samples ended */
static GPtrArray *
nodes_by_thread (HapCallTree *tree, guint32 *deepest)
{
  GPtrArray *threads = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  guint32 n_nodes = hap_call_tree_get_n_nodes (tree);
  g_autofree guint32 *thread_of_node = g_new0 (guint32, MAX (n_nodes, 1));

  for (guint i = 0; i < hap_call_tree_get_n_threads (tree); i++)
    {
      thread_of_node[hap_call_tree_get_thread (tree, i)->root] = i;
      g_ptr_array_add (threads, g_array_new (FALSE, FALSE, sizeof (guint32)));
    }
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (tree, i);

      if (node->parent != HAP_CALL_TREE_NONE)
        thread_of_node[i] = thread_of_node[node->parent];
      if (node_self (node) > 0)
        g_array_append_val (g_ptr_array_index (threads, thread_of_node[i]), i);
      *deepest = MAX (*deepest, node->depth);
    }
  return threads;
}

static void
put_profiles (Speedscope *self, GPtrArray *threads)
{
  g_auto (GStrv) names = hap_label_threads (self->profile);
  guint n = 0, active = 0;

  for (guint i = 0; i < threads->len; i++)
    {
      GArray *nodes = g_ptr_array_index (threads, i);

      if (nodes->len == 0)
        continue;
      if (hap_call_tree_get_thread (self->profile->tree, i)->main)
        active = n;
      hap_writer_text (&self->writer, n++ == 0 ? "" : ",\n");
      put_profile (self, names[i], nodes);
    }
  if (n == 0)
    {
      g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint32));
      put_profile (self, "(no samples)", none);
    }
  hap_writer_printf (&self->writer, "],\n\"activeProfileIndex\":%u}\n", active);
}

gboolean
hap_speedscope_write (GOutputStream *stream,
                      const HapProfile *profile,
                      GCancellable *cancellable,
                      GError **error)
{
  guint32 deepest = 0;
  g_autoptr (GPtrArray) threads = nodes_by_thread (profile->tree, &deepest);
  g_autofree guint32 *path = g_new (guint32, (gsize)deepest + 1);
  Speedscope self = { .profile = profile, .path = path };

  hap_writer_init (&self.writer, stream, cancellable);
  hap_writer_text (&self.writer, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
                                 "\"exporter\":\"ha-profiler " HAP_VERSION "\",\"name\":");
  hap_writer_json (&self.writer, profile->title != NULL ? profile->title : "");
  hap_writer_text (&self.writer, ",\n\"shared\":{\"frames\":[\n");
  put_frames (&self);
  hap_writer_text (&self.writer, "]},\n\"profiles\":[\n");
  put_profiles (&self, threads);
  return hap_writer_finish (&self.writer, error);
}
