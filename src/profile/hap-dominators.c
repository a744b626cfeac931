/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who holds what: dominators of a graph, by the Semi-NCA algorithm (Georgiadis, Linear-Time Algorithms for
 * Dominators and Related Problems, 2005). What the nodes are is the caller's to know.
 */

#include "hap-dominators.h"

#include <string.h>

#define CHECK_EVERY 65536 /* nodes: how soon a cancellation is seen */

/* Numbers are those of a walk in depth: 1 to n; 0 stands above the roots. The arrays are by number. */
typedef struct
{
  HapReferencesFunc references, referrers;
  gpointer graph;
  GCancellable *cancellable;
  const guint8 *is_root;

  guint32 n;
  guint32 *number; /* of a node; 0: not reached */
  guint32 *node;
  guint32 *parent; /* in the walk; later shortened */
  guint32 *semi;   /* while walking: which reference comes next */
  guint32 *label;
  guint32 *holder;
  GArray *path;
} Work;

static void
enter (Work *self, guint32 node, guint32 parent)
{
  guint32 number = ++self->n;

  self->number[node] = number;
  self->node[number] = node;
  self->parent[number] = parent;
  self->holder[number] = parent;
  self->semi[number] = 0;
  self->label[number] = number;
}

/* In depth, without recursion: the way back is in @parent. */
static gboolean
walk_from (Work *self, guint32 root, GError **error)
{
  guint32 at;

  enter (self, root, 0);
  for (at = self->n; at != 0;)
    {
      guint32 n_references;
      const guint32 *references = self->references (self->graph, self->node[at], &n_references);
      guint32 next = self->semi[at];

      while (next < n_references && self->number[references[next]] != 0)
        next++;
      self->semi[at] = next + 1;
      if (next >= n_references)
        at = self->parent[at];
      else
        {
          enter (self, references[next], at);
          at = self->n;
          if (at % CHECK_EVERY == 0 && g_cancellable_set_error_if_cancelled (self->cancellable, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* The number with the least semi-dominator on the way up from @number, below @linked; shortens that way. */
static guint32
evaluate (Work *self, guint32 number, guint32 linked)
{
  guint32 above, best;

  if (self->parent[number] < linked)
    return self->label[number];
  do
    {
      g_array_append_val (self->path, number);
      number = self->parent[number];
    }
  while (self->parent[number] >= linked);

  above = number;
  best = self->label[above];
  for (guint i = self->path->len; i > 0; i--)
    {
      number = g_array_index (self->path, guint32, i - 1);
      self->parent[number] = self->parent[above];
      if (self->semi[best] < self->semi[self->label[number]])
        self->label[number] = self->label[above];
      else
        best = self->label[number];
      above = number;
    }
  g_array_set_size (self->path, 0);
  return self->label[number];
}

static gboolean
find_semi_dominators (Work *self, GError **error)
{
  for (guint32 i = 0; i <= self->n; i++)
    self->semi[i] = i;
  for (guint32 i = self->n; i > 0; i--)
    {
      guint32 n_referrers, semi = self->parent[i];
      const guint32 *referrers = self->referrers (self->graph, self->node[i], &n_referrers);

      if (self->is_root[self->node[i]])
        semi = 0;
      for (guint32 j = 0; j < n_referrers && semi != 0; j++)
        {
          guint32 number = self->number[referrers[j]];

          if (number != 0)
            semi = MIN (semi, self->semi[evaluate (self, number, i + 1)]);
        }
      self->semi[i] = semi;
      if (i % CHECK_EVERY == 0 && g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static void
find_holders (Work *self)
{
  for (guint32 i = 1; i <= self->n; i++)
    while (self->holder[i] > self->semi[i])
      self->holder[i] = self->holder[self->holder[i]];
}

static gboolean
run (Work *self, guint32 n_nodes, GError **error)
{
  for (guint32 i = 0; i < n_nodes; i++)
    if (self->is_root[i] && self->number[i] == 0 && !walk_from (self, i, error))
      return FALSE;
  if (!find_semi_dominators (self, error))
    return FALSE;
  find_holders (self);
  return TRUE;
}

/* From numbers to nodes, in the arrays that are there. */
static HapDominators *
take_result (Work *self, guint32 n_nodes)
{
  HapDominators *result = g_new0 (HapDominators, 1);

  result->n_nodes = n_nodes;
  result->n_reached = self->n;
  result->reached = g_new0 (guint8, MAX (n_nodes, 1));
  result->holder = g_steal_pointer (&self->number);
  memset (result->holder, 0xff, sizeof *result->holder * n_nodes);
  for (guint32 i = 1; i <= self->n; i++)
    {
      result->reached[self->node[i]] = 1;
      if (self->holder[i] != 0)
        result->holder[self->node[i]] = self->node[self->holder[i]];
    }
  memmove (self->node, self->node + 1, sizeof *self->node * self->n);
  result->order = g_steal_pointer (&self->node);
  return result;
}

HapDominators *
hap_dominators_new (guint32 n_nodes,
                    const guint8 *is_root,
                    HapReferencesFunc references,
                    HapReferencesFunc referrers,
                    gpointer graph,
                    GCancellable *cancellable,
                    GError **error)
{
  const gsize n = (gsize)n_nodes + 1;
  g_autofree guint32 *number = g_new0 (guint32, n), *node = g_new (guint32, n), *parent = g_new (guint32, n);
  g_autofree guint32 *semi = g_new (guint32, n), *label = g_new (guint32, n), *holder = g_new (guint32, n);
  g_autoptr (GArray) path = g_array_new (FALSE, FALSE, sizeof (guint32));
  Work self = { references, referrers, graph, cancellable, is_root, 0,   number,
                node,       parent,    semi,  label,       holder,  path };
  HapDominators *result = NULL;

  parent[0] = label[0] = holder[0] = 0;
  if (run (&self, n_nodes, error))
    {
      result = take_result (&self, n_nodes);
      number = self.number;
      node = self.node;
    }
  return result;
}

void
hap_dominators_free (HapDominators *self)
{
  g_free (self->holder);
  g_free (self->order);
  g_free (self->reached);
  g_free (self);
}

guint64 *
hap_dominators_sum (const HapDominators *self, const guint64 *own)
{
  guint64 *sums = g_memdup2 (own, sizeof *own * MAX (self->n_nodes, 1));

  for (guint32 i = self->n_reached; i > 0; i--)
    {
      guint32 node = self->order[i - 1];

      if (self->holder[node] != HAP_DOMINATORS_NONE)
        sums[self->holder[node]] += sums[node];
    }
  return sums;
}
