/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums over a finished tree: by origin, by function, by call.
 *
 * Every sum is one or two walks over the nodes, whatever their depth: trees have a million nodes and stacks
 * of thousands. Leaves units, names and files to the writers. */
#include "hap-profile.h"

#include <string.h>

#define NONE HAP_CALL_TREE_NONE

void
hap_profile_free (HapProfile *self)
{
  if (self == NULL)
    return;
  hap_call_tree_free (self->tree);
  g_free (self->title);
  g_free (self->clock);
  g_free (self);
}

static guint64
node_self (const HapCallNode *node)
{
  return node->self[HAP_ACTIVITY_RUNNING] + node->self[HAP_ACTIVITY_BLOCKING]
         + node->self[HAP_ACTIVITY_WAITING];
}

static guint64
row_busy (const HapOriginRow *row)
{
  return row->running + row->blocking;
}

static gint
compare_origins (gconstpointer a, gconstpointer b)
{
  const HapOriginRow *x = a, *y = b;

  if (row_busy (x) != row_busy (y))
    return row_busy (x) < row_busy (y) ? 1 : -1;
  if (x->waiting != y->waiting)
    return x->waiting < y->waiting ? 1 : -1;
  if (x->origin->kind != y->origin->kind)
    return x->origin->kind < y->origin->kind ? -1 : 1;
  return strcmp (x->origin->name, y->origin->name);
}

GArray *
hap_profile_sum_origins (const HapProfile *self)
{
  guint32 n_nodes = hap_call_tree_get_n_nodes (self->tree);
  g_autofree const HapOrigin **origins = g_new0 (const HapOrigin *, MAX (n_nodes, 1));
  g_autoptr (GHashTable) index = g_hash_table_new (NULL, NULL);
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (HapOriginRow));
  guint64 busy = 0;

  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (self->tree, i);
      const HapOrigin *origin = node->parent == NONE ? NULL : origins[node->parent];
      HapOriginRow *row;
      guint at;

      if (node->function != NULL)
        origin = hap_origin_of_frames (origin, node->function->origin);
      origins[i] = origin;
      if (node_self (node) == 0)
        continue;
      /* The samples of a thread without any Python frame are the interpreter's. */
      if (origin == NULL)
        origin = hap_origin_of_file ("~");
      at = GPOINTER_TO_UINT (g_hash_table_lookup (index, origin));
      if (at == 0)
        {
          HapOriginRow new_row = { .origin = origin };

          g_array_append_val (rows, new_row);
          at = rows->len;
          g_hash_table_insert (index, (gpointer)origin, GUINT_TO_POINTER (at));
        }
      row = &g_array_index (rows, HapOriginRow, at - 1);
      row->running += node->self[HAP_ACTIVITY_RUNNING];
      row->blocking += node->self[HAP_ACTIVITY_BLOCKING];
      row->waiting += node->self[HAP_ACTIVITY_WAITING];
      busy += node->self[HAP_ACTIVITY_RUNNING] + node->self[HAP_ACTIVITY_BLOCKING];
    }
  for (guint i = 0; i < rows->len; i++)
    {
      HapOriginRow *row = &g_array_index (rows, HapOriginRow, i);

      row->share = busy > 0 ? (double)row_busy (row) / (double)busy : 0;
    }
  g_array_sort (rows, compare_origins);
  return rows;
}

/* The children of each node as linked lists, for a walk in depth that needs no stack */
typedef struct
{
  guint32 *first;
  guint32 *next;
} Children;

static void
children_init (Children *self, HapCallTree *tree)
{
  guint32 n_nodes = hap_call_tree_get_n_nodes (tree);

  self->first = g_new (guint32, MAX (n_nodes, 1));
  self->next = g_new (guint32, MAX (n_nodes, 1));
  memset (self->first, 0xff, sizeof (guint32) * n_nodes);
  for (guint32 i = n_nodes; i-- > 0;)
    {
      guint32 parent = hap_call_tree_get_node (tree, i)->parent;

      self->next[i] = NONE;
      if (parent == NONE)
        continue;
      self->next[i] = self->first[parent];
      self->first[parent] = i;
    }
}

static void
children_clear (Children *self)
{
  g_free (self->first);
  g_free (self->next);
}

/**
 * sum_once:
 * @keys: of each node; NONE: none
 *
 * Adds the totals of the nodes by key, leaving out a node that has its key above it: recursion counts once.
 * Returns: (transfer full): a sum for each key
 */
static guint64 *
sum_once (HapCallTree *tree, const guint32 *keys, guint32 n_keys)
{
  g_autofree guint64 *totals = hap_call_tree_get_totals (tree);
  g_autofree guint32 *on_stack = g_new0 (guint32, MAX (n_keys, 1));
  guint64 *sums = g_new0 (guint64, MAX (n_keys, 1));
  Children children;

  children_init (&children, tree);
  for (guint t = 0; t < hap_call_tree_get_n_threads (tree); t++)
    {
      guint32 root = hap_call_tree_get_thread (tree, t)->root;
      guint32 at = children.first[root];

      while (at != NONE && at != root)
        {
          guint32 up;

          if (keys[at] != NONE && on_stack[keys[at]]++ == 0)
            sums[keys[at]] += totals[at];
          if (children.first[at] != NONE)
            {
              at = children.first[at];
              continue;
            }
          for (up = at; up != root; up = hap_call_tree_get_node (tree, up)->parent)
            {
              if (keys[up] != NONE)
                on_stack[keys[up]]--;
              if (children.next[up] != NONE)
                break;
            }
          at = up == root ? root : children.next[up];
        }
    }
  children_clear (&children);
  return sums;
}

GArray *
hap_profile_sum_totals (const HapProfile *self)
{
  guint32 n_nodes = hap_call_tree_get_n_nodes (self->tree);
  guint32 n_functions = hap_call_tree_get_n_functions (self->tree);
  g_autofree guint32 *keys = g_new (guint32, MAX (n_nodes, 1));
  g_autofree guint64 *sums = NULL;
  GArray *rows = g_array_sized_new (FALSE, TRUE, sizeof (HapFunctionTotals), n_functions);

  g_array_set_size (rows, n_functions);
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (self->tree, i);

      keys[i] = node->function != NULL ? node->function->id : NONE;
      if (node->function != NULL)
        g_array_index (rows, HapFunctionTotals, node->function->id).self += node_self (node);
    }
  sums = sum_once (self->tree, keys, n_functions);
  for (guint32 i = 0; i < n_functions; i++)
    {
      g_array_index (rows, HapFunctionTotals, i).function = hap_call_tree_get_function (self->tree, i);
      g_array_index (rows, HapFunctionTotals, i).total = sums[i];
    }
  return rows;
}

static guint
edge_hash (gconstpointer key)
{
  const HapCallEdge *edge = key;
  guint32 caller = edge->caller != NULL ? edge->caller->id : ~edge->thread;

  return (edge->callee->id * 2654435761u) ^ (caller * 2246822519u);
}

static gboolean
edge_equal (gconstpointer a, gconstpointer b)
{
  const HapCallEdge *x = a, *y = b;

  return x->callee == y->callee && x->caller == y->caller && x->thread == y->thread;
}

/* A thread's roots come before callers. */
static gint
compare_edges (gconstpointer a, gconstpointer b)
{
  const HapCallEdge *x = a, *y = b;

  if (x->callee != y->callee)
    return x->callee->id < y->callee->id ? -1 : 1;
  if (x->caller == NULL || y->caller == NULL)
    {
      if (x->caller != y->caller)
        return x->caller == NULL ? -1 : 1;
      return (x->thread > y->thread) - (x->thread < y->thread);
    }
  return (x->caller->id > y->caller->id) - (x->caller->id < y->caller->id);
}

/* The number of the edge into @node, made if need be. @edges: HapCallEdge; @index: HapCallEdge to its number
 */
static guint32
edge_of_node (const HapProfile *self,
              const HapCallNode *node,
              guint32 thread,
              GPtrArray *edges,
              GHashTable *index)
{
  const HapFunction *caller = hap_call_tree_get_node (self->tree, node->parent)->function;
  HapCallEdge wanted = { .callee = node->function, .caller = caller, .thread = caller == NULL ? thread : 0 };
  gpointer found;

  if (!g_hash_table_lookup_extended (index, &wanted, NULL, &found))
    {
      HapCallEdge *edge = g_memdup2 (&wanted, sizeof wanted);

      found = GUINT_TO_POINTER (edges->len);
      g_ptr_array_add (edges, edge);
      g_hash_table_insert (index, edge, found);
    }
  return GPOINTER_TO_UINT (found);
}

GArray *
hap_profile_sum_edges (const HapProfile *self)
{
  guint32 n_nodes = hap_call_tree_get_n_nodes (self->tree);
  g_autofree guint32 *keys = g_new (guint32, MAX (n_nodes, 1));
  g_autofree guint64 *sums = NULL;
  g_autoptr (GPtrArray) edges = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) index = g_hash_table_new (edge_hash, edge_equal);
  g_autoptr (GHashTable) threads = g_hash_table_new (NULL, NULL);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (HapCallEdge));

  for (guint t = 0; t < hap_call_tree_get_n_threads (self->tree); t++)
    g_hash_table_insert (threads, GUINT_TO_POINTER (hap_call_tree_get_thread (self->tree, t)->root),
                         GUINT_TO_POINTER (t));
  for (guint32 i = 0; i < n_nodes; i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (self->tree, i);
      gpointer thread = g_hash_table_lookup (threads, GUINT_TO_POINTER (node->parent));

      keys[i] =
          node->function == NULL ? NONE : edge_of_node (self, node, GPOINTER_TO_UINT (thread), edges, index);
      if (node->function != NULL)
        ((HapCallEdge *)g_ptr_array_index (edges, keys[i]))->self += node_self (node);
    }
  sums = sum_once (self->tree, keys, edges->len);
  for (guint i = 0; i < edges->len; i++)
    {
      HapCallEdge *edge = g_ptr_array_index (edges, i);

      edge->samples = sums[i];
      g_array_append_val (rows, *edge);
    }
  g_array_sort (rows, compare_edges);
  return rows;
}

static gint
compare_functions (gconstpointer a, gconstpointer b)
{
  const HapFunctionRow *x = a, *y = b;

  if (x->self_busy != y->self_busy)
    return x->self_busy < y->self_busy ? 1 : -1;
  if (x->self != y->self)
    return x->self < y->self ? 1 : -1;
  if (x->total != y->total)
    return x->total < y->total ? 1 : -1;
  return (x->function->id > y->function->id) - (x->function->id < y->function->id);
}

typedef struct
{
  gint line;
  guint64 samples;
} HottestLine;

static void
on_line (gint line, guint64 samples, gpointer data)
{
  HottestLine *hottest = data;

  if (samples > hottest->samples)
    *hottest = (HottestLine){ line, samples };
}

GArray *
hap_profile_sum_functions (const HapProfile *self, guint limit)
{
  g_autoptr (GArray) totals = hap_profile_sum_totals (self);
  GArray *rows = g_array_sized_new (FALSE, TRUE, sizeof (HapFunctionRow), totals->len);

  g_array_set_size (rows, totals->len);
  for (guint i = 0; i < totals->len; i++)
    {
      const HapFunctionTotals *sum = &g_array_index (totals, HapFunctionTotals, i);

      g_array_index (rows, HapFunctionRow, i) =
          (HapFunctionRow){ .function = sum->function, .self = sum->self, .total = sum->total };
    }
  for (guint32 i = 0; i < hap_call_tree_get_n_nodes (self->tree); i++)
    {
      const HapCallNode *node = hap_call_tree_get_node (self->tree, i);

      if (node->function != NULL)
        g_array_index (rows, HapFunctionRow, node->function->id).self_busy +=
            node->self[HAP_ACTIVITY_RUNNING] + node->self[HAP_ACTIVITY_BLOCKING];
    }
  g_array_sort (rows, compare_functions);
  if (rows->len > limit)
    g_array_set_size (rows, limit);
  for (guint i = 0; i < rows->len; i++)
    {
      HapFunctionRow *row = &g_array_index (rows, HapFunctionRow, i);
      HottestLine hottest = { 0 };

      hap_call_tree_foreach_line (self->tree, row->function, on_line, &hottest);
      row->hottest_line = hottest.line;
    }
  return rows;
}
