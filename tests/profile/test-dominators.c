/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who holds what, against the definition: without the holder, the node is not reached. */

#include "hap-dominators.h"

#define MAX_NODES 40

typedef struct
{
  guint32 n;
  guint8 is_root[MAX_NODES];
  GArray *references[MAX_NODES], *referrers[MAX_NODES]; /* (element-type guint32) */
} Graph;

static void
graph_init (Graph *graph, guint32 n)
{
  *graph = (Graph){ .n = n };
  for (guint32 i = 0; i < n; i++)
    {
      graph->references[i] = g_array_new (FALSE, FALSE, sizeof (guint32));
      graph->referrers[i] = g_array_new (FALSE, FALSE, sizeof (guint32));
    }
}

static void
graph_clear (Graph *graph)
{
  for (guint32 i = 0; i < graph->n; i++)
    {
      g_array_unref (graph->references[i]);
      g_array_unref (graph->referrers[i]);
    }
}

static void
refer (Graph *graph, guint32 from, guint32 to)
{
  g_array_append_val (graph->references[from], to);
  g_array_append_val (graph->referrers[to], from);
}

static const guint32 *
get_references (gpointer graph, guint32 node, guint32 *n)
{
  *n = ((Graph *)graph)->references[node]->len;
  return (const guint32 *)(gpointer)((Graph *)graph)->references[node]->data;
}

static const guint32 *
get_referrers (gpointer graph, guint32 node, guint32 *n)
{
  *n = ((Graph *)graph)->referrers[node]->len;
  return (const guint32 *)(gpointer)((Graph *)graph)->referrers[node]->data;
}

/* What is reached from the roots without @removed */
static void
reach (Graph *graph, guint32 removed, gboolean *reached)
{
  guint32 stack[MAX_NODES * MAX_NODES], height = 0, n;

  for (guint32 i = 0; i < graph->n; i++)
    {
      reached[i] = graph->is_root[i] && i != removed;
      if (reached[i])
        stack[height++] = i;
    }
  while (height > 0)
    {
      const guint32 *to = get_references (graph, stack[--height], &n);

      for (guint32 j = 0; j < n; j++)
        if (!reached[to[j]] && to[j] != removed)
          {
            reached[to[j]] = TRUE;
            stack[height++] = to[j];
          }
    }
}

static gboolean
is_above (const HapDominators *dominators, guint32 holder, guint32 node)
{
  while (node != HAP_DOMINATORS_NONE && node != holder)
    node = dominators->holder[node];
  return node == holder;
}

static void
check (Graph *graph)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapDominators) dominators =
      hap_dominators_new (graph->n, graph->is_root, get_references, get_referrers, graph, NULL, &error);
  gboolean all[MAX_NODES], left[MAX_NODES];

  g_assert_no_error (error);
  reach (graph, HAP_DOMINATORS_NONE, all);
  for (guint32 i = 0; i < graph->n; i++)
    g_assert_cmpint (dominators->reached[i], ==, all[i]);
  for (guint32 holder = 0; holder < graph->n; holder++)
    {
      reach (graph, holder, left);
      for (guint32 i = 0; i < graph->n; i++)
        if (all[holder] && all[i])
          g_assert_cmpint (is_above (dominators, holder, i), ==, !left[i]);
    }
}

static void
test_random (void)
{
  for (guint run = 0; run < 2000; run++)
    {
      guint32 n = g_test_rand_int_range (1, MAX_NODES);
      gint n_references = g_test_rand_int_range (0, (gint)n * 3 + 1);
      Graph graph;

      graph_init (&graph, n);
      for (gint i = 0; i < n_references; i++)
        refer (&graph, g_test_rand_int_range (0, n), g_test_rand_int_range (0, n));
      for (gint i = g_test_rand_int_range (0, 4); i > 0; i--)
        graph.is_root[g_test_rand_int_range (0, n)] = 1;
      check (&graph);
      graph_clear (&graph);
    }
}

/* A chain of a million, as a hostile target may make it. */
static const guint32 *
get_next (gpointer graph, guint32 node, guint32 *n)
{
  guint32 *next = graph;

  *next = node + 1;
  *n = node < 999999;
  return next;
}

static const guint32 *
get_last (gpointer graph, guint32 node, guint32 *n)
{
  guint32 *last = graph;

  *last = node - 1;
  *n = node > 0;
  return last;
}

static void
test_chain (void)
{
  g_autofree guint8 *is_root = g_new0 (guint8, 1000000);
  g_autofree guint64 *own = g_new (guint64, 1000000);
  g_autofree guint64 *sums = NULL;
  guint32 other;
  g_autoptr (HapDominators) dominators = NULL;

  is_root[0] = 1;
  for (guint i = 0; i < 1000000; i++)
    own[i] = 2;
  dominators = hap_dominators_new (1000000, is_root, get_next, get_last, &other, NULL, NULL);
  g_assert_cmpuint (dominators->n_reached, ==, 1000000);
  g_assert_cmpuint (dominators->holder[999999], ==, 999998);
  sums = hap_dominators_sum (dominators, own);
  g_assert_cmpuint (sums[0], ==, 2000000);
  g_assert_cmpuint (sums[999999], ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/dominators/random", test_random);
  g_test_add_func ("/profile/dominators/chain", test_chain);
  return g_test_run ();
}
