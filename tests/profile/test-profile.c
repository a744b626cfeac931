/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sums, against the same sums made naively, path by path, over random trees full of recursion. */
#include "hap-profile.h"

static HapProfile *
profile_new (guint max_nodes)
{
  HapProfile *self = g_new0 (HapProfile, 1);

  self->tree = hap_call_tree_new (max_nodes);
  self->interval_ns = 10000000;
  self->kept = 1;
  return self;
}

static HapProfile *
random_profile (guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  HapProfile *self = profile_new (100000);
  guint32 roots[3];

  for (guint i = 0; i < G_N_ELEMENTS (roots); i++)
    roots[i] = hap_call_tree_add_thread (self->tree, "Worker", i, i == 0);
  for (guint sample = 0; sample < 2000; sample++)
    {
      guint32 node = roots[g_rand_int_range (rand, 0, 3)];

      for (gint depth = g_rand_int_range (rand, 0, 12); depth > 0; depth--)
        {
          gint n = g_rand_int_range (rand, 0, 6);
          g_autofree char *name = g_strdup_printf ("f%d", n);

          node = hap_call_tree_child (self->tree, node,
                                      hap_call_tree_intern (self->tree, "a.py", name, NULL, n));
        }
      hap_call_tree_add (self->tree, node, 0, (HapActivity)g_rand_int_range (rand, 0, HAP_N_ACTIVITIES), 1);
    }
  return self;
}

static guint64
node_self (const HapCallNode *node)
{
  return node->self[0] + node->self[1] + node->self[2];
}

/* Whether the call from @caller (NULL: any; the tree's root: @thread) to @callee is on the path of @node */
static gboolean
on_path (const HapProfile *profile, guint32 id, const HapCallEdge *edge, gboolean any_caller)
{
  const HapCallNode *node = hap_call_tree_get_node (profile->tree, id);

  while (node->parent != HAP_CALL_TREE_NONE)
    {
      const HapCallNode *above = hap_call_tree_get_node (profile->tree, node->parent);

      if (node->function == edge->callee
          && (any_caller
              || (above->function == edge->caller
                  && (above->function != NULL
                      || hap_call_tree_get_thread (profile->tree, edge->thread)->root == node->parent))))
        return TRUE;
      node = above;
    }
  return FALSE;
}

static void
test_naive (void)
{
  for (guint32 seed = 1; seed < 6; seed++)
    {
      g_autoptr (HapProfile) profile = random_profile (seed);
      g_autoptr (GArray) totals = hap_profile_sum_totals (profile);
      g_autoptr (GArray) edges = hap_profile_sum_edges (profile);
      guint32 n_nodes = hap_call_tree_get_n_nodes (profile->tree);
      guint64 edge_self = 0, self = 0;

      g_assert_cmpuint (totals->len, ==, 6);
      for (guint i = 0; i < totals->len; i++)
        {
          const HapFunctionTotals *row = &g_array_index (totals, HapFunctionTotals, i);
          HapCallEdge any = { .callee = row->function };
          guint64 expected = 0;

          for (guint32 n = 0; n < n_nodes; n++)
            if (on_path (profile, n, &any, TRUE))
              expected += node_self (hap_call_tree_get_node (profile->tree, n));
          g_assert_cmpuint (row->total, ==, expected);
          self += row->self;
        }
      for (guint i = 0; i < edges->len; i++)
        {
          const HapCallEdge *row = &g_array_index (edges, HapCallEdge, i);
          guint64 expected = 0;

          for (guint32 n = 0; n < n_nodes; n++)
            if (on_path (profile, n, row, FALSE))
              expected += node_self (hap_call_tree_get_node (profile->tree, n));
          g_assert_cmpuint (row->samples, ==, expected);
          g_assert_cmpuint (row->self, <=, row->samples);
          edge_self += row->self;
        }
      g_assert_cmpuint (edges->len, ==, 6 * 6 + 3 * 6);
      g_assert_cmpuint (edge_self, ==, self);
    }
}

static void
test_edge_order (void)
{
  g_autoptr (HapProfile) profile = random_profile (9);
  g_autoptr (GArray) edges = hap_profile_sum_edges (profile);

  for (guint i = 1; i < edges->len; i++)
    {
      const HapCallEdge *a = &g_array_index (edges, HapCallEdge, i - 1), *b = a + 1;

      g_assert_cmpuint (a->callee->id, <=, b->callee->id);
      if (a->callee != b->callee)
        continue;
      if (a->caller == NULL && b->caller == NULL)
        g_assert_cmpuint (a->thread, <, b->thread);
      else if (a->caller != NULL)
        g_assert_cmpuint (a->caller->id, <, b->caller->id);
    }
}

static guint32
push (HapProfile *profile, guint32 node, const char *file)
{
  return hap_call_tree_child (profile->tree, node, hap_call_tree_intern (profile->tree, file, "f", NULL, 1));
}

/* The innermost integration takes a sample; without one, the most telling of the frames. */
static void
test_origins (void)
{
  g_autoptr (HapProfile) profile = profile_new (100);
  guint32 root = hap_call_tree_add_thread (profile->tree, "MainThread", 1, TRUE);
  guint32 core =
      push (profile, push (profile, root, "/usr/lib/python3.11/runpy.py"), "homeassistant/core.py");
  guint32 zha = push (profile, core, "homeassistant/components/zha/__init__.py");
  guint32 hacs = push (profile, zha, "custom_components/hacs/x.py");
  guint32 lib = push (profile, hacs, "/v/site-packages/aiohttp/x.py");
  g_autoptr (GArray) rows = NULL;
  const HapOriginRow *row;
  guint64 samples = 0;
  const char *expected[] = { "hacs", "zha", "Home Assistant", "Python", "aiohttp" };

  hap_call_tree_add (profile->tree, lib, 0, HAP_ACTIVITY_RUNNING, 40);
  hap_call_tree_add (profile->tree, lib, 0, HAP_ACTIVITY_BLOCKING, 10);
  hap_call_tree_add (profile->tree, zha, 0, HAP_ACTIVITY_BLOCKING, 30);
  hap_call_tree_add (profile->tree, push (profile, core, "/v/site-packages/yarl/x.py"), 0,
                     HAP_ACTIVITY_RUNNING, 15);
  hap_call_tree_add (profile->tree, push (profile, root, "/usr/lib/python3.11/threading.py"), 0,
                     HAP_ACTIVITY_RUNNING, 3);
  hap_call_tree_add (profile->tree, root, 0, HAP_ACTIVITY_WAITING, 1000);
  hap_call_tree_add (
      profile->tree,
      push (profile, push (profile, root, "/v/site-packages/yarl/x.py"), "/v/site-packages/aiohttp/x.py"), 0,
      HAP_ACTIVITY_RUNNING, 2);
  rows = hap_profile_sum_origins (profile);
  g_assert_cmpuint (rows->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < rows->len; i++)
    {
      row = &g_array_index (rows, HapOriginRow, i);
      g_assert_cmpstr (row->origin->name, ==, expected[i]);
      samples += row->running + row->blocking + row->waiting;
    }
  row = &g_array_index (rows, HapOriginRow, 0);
  g_assert_cmpuint (row->running, ==, 40);
  g_assert_cmpuint (row->blocking, ==, 10);
  g_assert_cmpfloat_with_epsilon (row->share, 0.5, 1e-9);
  g_assert_cmpuint (g_array_index (rows, HapOriginRow, 3).waiting, ==, 1000);
  g_assert_cmpuint (samples, ==, hap_call_tree_get_n_samples (profile->tree));
}

static void
test_functions (void)
{
  g_autoptr (HapProfile) profile = profile_new (100);
  guint32 root = hap_call_tree_add_thread (profile->tree, "MainThread", 1, TRUE);
  guint32 a = push (profile, root, "a.py"), b = push (profile, a, "b.py");
  g_autoptr (GArray) rows = NULL;
  const HapFunctionRow *row;

  hap_call_tree_add (profile->tree, b, 7, HAP_ACTIVITY_WAITING, 50);
  hap_call_tree_add (profile->tree, b, 9, HAP_ACTIVITY_RUNNING, 2);
  hap_call_tree_add (profile->tree, push (profile, b, "a.py"), 3, HAP_ACTIVITY_BLOCKING, 5);
  rows = hap_profile_sum_functions (profile, 10);
  g_assert_cmpuint (rows->len, ==, 2);
  row = &g_array_index (rows, HapFunctionRow, 0);
  g_assert_cmpstr (row->function->file, ==, "a.py");
  g_assert_cmpuint (row->self_busy, ==, 5);
  g_assert_cmpuint (row->total, ==, 57);
  row++;
  g_assert_cmpuint (row->self_busy, ==, 2);
  g_assert_cmpuint (row->self, ==, 52);
  g_assert_cmpuint (row->total, ==, 57);
  g_assert_cmpint (row->hottest_line, ==, 7);
  g_array_unref (g_steal_pointer (&rows));
  rows = hap_profile_sum_functions (profile, 1);
  g_assert_cmpuint (rows->len, ==, 1);
}

static void
test_empty (void)
{
  g_autoptr (HapProfile) profile = profile_new (1);
  g_autoptr (GArray) origins = hap_profile_sum_origins (profile);
  g_autoptr (GArray) totals = hap_profile_sum_totals (profile);
  g_autoptr (GArray) edges = hap_profile_sum_edges (profile);
  g_autoptr (GArray) functions = hap_profile_sum_functions (profile, 10);

  g_assert_cmpuint (origins->len + totals->len + edges->len + functions->len, ==, 0);
}

/* A million nodes on stacks of ten thousand: a sum that looks up each node's path takes 10^10 steps and the
 * test its time-out. */
static void
test_deep (void)
{
  enum
  {
    DEPTH = 10000,
    PATHS = 100
  };
  g_autoptr (HapProfile) profile = profile_new (DEPTH * PATHS);
  g_autoptr (GArray) totals = NULL;
  g_autoptr (GArray) edges = NULL;
  guint32 root = hap_call_tree_add_thread (profile->tree, "MainThread", 1, TRUE);
  const HapFunction *f[PATHS];

  for (guint i = 0; i < PATHS; i++)
    f[i] = hap_call_tree_intern (profile->tree, "a.py", "f", NULL, (gint)i);
  for (guint i = 0; i < PATHS; i++)
    {
      guint32 node = root;

      for (guint depth = 0; depth < DEPTH; depth++)
        {
          node = hap_call_tree_child (profile->tree, node, f[depth == 0 ? i : depth % 7]);
          g_assert_cmpuint (node, !=, HAP_CALL_TREE_NONE);
          hap_call_tree_add (profile->tree, node, 0, HAP_ACTIVITY_RUNNING, 1);
        }
    }
  g_assert_cmpuint (hap_call_tree_get_n_nodes (profile->tree), ==, DEPTH * PATHS + 1);
  totals = hap_profile_sum_totals (profile);
  edges = hap_profile_sum_edges (profile);
  /* f[3] opens one path and is at depth 3 of all the others. */
  g_assert_cmpuint (g_array_index (totals, HapFunctionTotals, 3).total, ==,
                    DEPTH + (PATHS - 1) * (DEPTH - 3));
  g_assert_cmpuint (g_array_index (totals, HapFunctionTotals, 50).total, ==, DEPTH);
  g_assert_cmpuint (edges->len, >, PATHS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/profile/naive", test_naive);
  g_test_add_func ("/profile/profile/edge-order", test_edge_order);
  g_test_add_func ("/profile/profile/origins", test_origins);
  g_test_add_func ("/profile/profile/functions", test_functions);
  g_test_add_func ("/profile/profile/empty", test_empty);
  g_test_add_func ("/profile/profile/deep", test_deep);
  return g_test_run ();
}
