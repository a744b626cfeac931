/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collapsed stacks: a line of text for each call path.
 *
 * Owns the text of a frame. The paths are the tree's own, and already distinct. */
#include "hap-collapsed.h"

#include "hap-labels.h"
#include "hap-writer.h"

/* Returns: (transfer full): the frame of each function, by id */
static GStrv
make_frames (HapCallTree *tree)
{
  g_autoptr (GHashTable) used = hap_label_set_new ();
  guint32 n_functions = hap_call_tree_get_n_functions (tree);
  GStrv frames = g_new0 (char *, n_functions + 1);

  for (guint32 i = 0; i < n_functions; i++)
    {
      const HapFunction *function = hap_call_tree_get_function (tree, i);
      g_autofree char *text = g_strdup_printf ("%s (%s:%d)", function->qualname,
                                               hap_label_shorten (function->file), function->line);

      frames[i] = hap_label_unique (used, g_strdelimit (hap_label_escape (text), ";", ','));
    }
  return frames;
}

/* @path: room for the deepest stack */
static void
put_stack (HapWriter *writer,
           HapCallTree *tree,
           guint32 id,
           GStrv frames,
           GStrv threads,
           const char **path,
           GHashTable *thread_of_root)
{
  const HapCallNode *node = hap_call_tree_get_node (tree, id);
  guint64 samples = node->self[0] + node->self[1] + node->self[2];
  guint32 depth = node->depth;

  if (samples == 0)
    return;
  for (guint32 i = depth; i > 0; i--)
    {
      path[i] = frames[node->function->id];
      id = node->parent;
      node = hap_call_tree_get_node (tree, id);
    }
  path[0] = threads[GPOINTER_TO_UINT (g_hash_table_lookup (thread_of_root, GUINT_TO_POINTER (id)))];
  for (guint32 i = 0; i <= depth; i++)
    {
      hap_writer_text (writer, path[i]);
      hap_writer_bytes (writer, i < depth ? ";" : " ", 1);
    }
  hap_writer_printf (writer, "%" G_GUINT64_FORMAT "\n", samples);
}

gboolean
hap_collapsed_write (GOutputStream *stream,
                     const HapProfile *profile,
                     GCancellable *cancellable,
                     GError **error)
{
  HapCallTree *tree = profile->tree;
  g_auto (GStrv) frames = make_frames (tree);
  g_auto (GStrv) threads = hap_label_threads (profile);
  g_autoptr (GHashTable) thread_of_root = g_hash_table_new (NULL, NULL);
  guint32 n_nodes = hap_call_tree_get_n_nodes (tree), deepest = 0;
  g_autofree const char **path = NULL;
  HapWriter writer;

  for (guint i = 0; threads[i] != NULL; i++)
    {
      g_strdelimit (threads[i], ";", ',');
      g_hash_table_insert (thread_of_root, GUINT_TO_POINTER (hap_call_tree_get_thread (tree, i)->root),
                           GUINT_TO_POINTER (i));
    }
  for (guint32 i = 0; i < n_nodes; i++)
    deepest = MAX (deepest, hap_call_tree_get_node (tree, i)->depth);
  path = g_new (const char *, (gsize)deepest + 1);

  hap_writer_init (&writer, stream, cancellable);
  for (guint32 i = 0; i < n_nodes && writer.error == NULL; i++)
    put_stack (&writer, tree, i, frames, threads, path, thread_of_root);
  return hap_writer_finish (&writer, error);
}
