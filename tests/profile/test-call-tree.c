/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree: identity of functions and paths, its bounds, its lines. */
#include "hap-call-tree.h"

#include <string.h>

static void
test_functions (void)
{
  g_autoptr (HapCallTree) tree = hap_call_tree_new (100);
  const HapFunction *f = hap_call_tree_intern (tree, "a.py", "f", "C.f", 3);

  g_assert_true (f == hap_call_tree_intern (tree, "a.py", "f", "D.f", 3));
  g_assert_true (f != hap_call_tree_intern (tree, "a.py", "f", "C.f", 4));
  g_assert_true (f != hap_call_tree_intern (tree, "b.py", "f", "C.f", 3));
  g_assert_cmpstr (f->qualname, ==, "C.f");
  g_assert_cmpuint (f->id, ==, 0);
  g_assert_cmpstr (hap_call_tree_intern (tree, "c.py", "g", NULL, -5)->qualname, ==, "g");
  g_assert_cmpint (hap_call_tree_get_function (tree, 3)->line, ==, 0);
}

static void
test_paths (void)
{
  g_autoptr (HapCallTree) tree = hap_call_tree_new (100);
  const HapFunction *f = hap_call_tree_intern (tree, "custom_components/x/a.py", "f", NULL, 1);
  const HapFunction *g = hap_call_tree_intern (tree, "b.py", "g", NULL, 1);
  guint32 root = hap_call_tree_add_thread (tree, "MainThread", 7, TRUE);
  guint32 other = hap_call_tree_add_thread (tree, "Worker", 8, FALSE);
  guint32 a = hap_call_tree_child (tree, root, f), b = hap_call_tree_child (tree, a, g);
  g_autofree guint64 *totals = NULL;

  g_assert_cmpuint (a, ==, hap_call_tree_child (tree, root, f));
  g_assert_cmpuint (a, !=, hap_call_tree_child (tree, other, f));
  g_assert_cmpuint (hap_call_tree_get_node (tree, b)->depth, ==, 2);
  g_assert_true (hap_call_tree_get_node (tree, b)->origin == f->origin);
  g_assert_null (hap_call_tree_get_node (tree, root)->origin);
  hap_call_tree_add (tree, b, 5, HAP_ACTIVITY_RUNNING, 3);
  hap_call_tree_add (tree, a, 0, HAP_ACTIVITY_WAITING, 2);
  hap_call_tree_add (tree, other, 0, HAP_ACTIVITY_BLOCKING, 1);
  totals = hap_call_tree_get_totals (tree);
  g_assert_cmpuint (totals[root], ==, 5);
  g_assert_cmpuint (totals[a], ==, 5);
  g_assert_cmpuint (totals[b], ==, 3);
  g_assert_cmpuint (totals[other], ==, 1);
  g_assert_cmpuint (hap_call_tree_get_n_samples (tree), ==, 6);
  hap_call_tree_rename_thread (tree, other, "SyncWorker_0");
  g_assert_cmpstr (hap_call_tree_get_thread (tree, 1)->name, ==, "SyncWorker_0");
}

static void
collect_line (gint line, guint64 samples, gpointer data)
{
  g_string_append_printf (data, "%d:%" G_GUINT64_FORMAT " ", line, samples);
}

static void
test_lines (void)
{
  g_autoptr (HapCallTree) tree = hap_call_tree_new (100);
  g_autoptr (GString) seen = g_string_new (NULL);
  const HapFunction *f = hap_call_tree_intern (tree, "a.py", "f", NULL, 1);
  guint32 root = hap_call_tree_add_thread (tree, "m", 1, TRUE);
  guint32 node = hap_call_tree_child (tree, root, f), below = hap_call_tree_child (tree, node, f);

  hap_call_tree_add (tree, node, 30, HAP_ACTIVITY_RUNNING, 1);
  hap_call_tree_add (tree, node, 4, HAP_ACTIVITY_RUNNING, 2);
  hap_call_tree_add (tree, below, 30, HAP_ACTIVITY_WAITING, 5);
  hap_call_tree_add (tree, below, 0, HAP_ACTIVITY_WAITING, 5);
  hap_call_tree_add (tree, below, -1, HAP_ACTIVITY_WAITING, 5);
  hap_call_tree_foreach_line (tree, f, collect_line, seen);
  g_assert_cmpstr (seen->str, ==, "4:2 30:6 ");
}

static void
test_bounded (void)
{
  enum
  {
    LIMIT = 1000
  };
  g_autoptr (HapCallTree) tree = hap_call_tree_new (LIMIT);
  guint32 root = hap_call_tree_add_thread (tree, "m", 1, TRUE), node = root, refused = 0;
  const HapFunction *f = NULL;

  for (guint i = 0; i < 3 * LIMIT; i++)
    {
      g_autofree char *name = g_strdup_printf ("f%u", i);
      guint32 child;

      f = hap_call_tree_intern (tree, "a.py", name, NULL, 1);
      child = hap_call_tree_child (tree, node, f);
      if (child == HAP_CALL_TREE_NONE)
        refused++;
      else
        node = child;
      hap_call_tree_add (tree, node, (gint)i + 1, HAP_ACTIVITY_RUNNING, 1);
    }
  g_assert_cmpstr (f->name, ==, "(others)");
  g_assert_cmpuint (hap_call_tree_get_n_functions (tree), ==, LIMIT + 1);
  g_assert_cmpuint (hap_call_tree_get_n_nodes (tree), ==, LIMIT + 1);
  g_assert_cmpuint (refused, ==, 2 * LIMIT);
  g_assert_cmpuint (hap_call_tree_get_n_samples (tree), ==, 3 * LIMIT);
  /* What exists is still found. */
  g_assert_cmpuint (hap_call_tree_child (tree, root, hap_call_tree_intern (tree, "a.py", "f0", NULL, 1)), ==,
                    1);
}

static void
test_many_threads (void)
{
  g_autoptr (HapCallTree) tree = hap_call_tree_new (10);
  guint32 last = 0;

  for (guint i = 0; i < 10000; i++)
    last = hap_call_tree_add_thread (tree, "Thread", i, FALSE);
  g_assert_cmpuint (hap_call_tree_get_n_threads (tree), ==, 4097);
  g_assert_cmpstr (hap_call_tree_get_thread (tree, 4096)->name, ==, "(other threads)");
  g_assert_cmpuint (hap_call_tree_get_thread (tree, 4096)->root, ==, last);
}

static void
test_hostile_names (void)
{
  g_autoptr (HapCallTree) tree = hap_call_tree_new (10);
  g_autofree char *umlauts = g_strnfill (9001, '\xbc');
  const HapFunction *f;

  for (guint i = 0; i < 9000; i += 2)
    umlauts[i] = '\xc3';
  f = hap_call_tree_intern (tree, umlauts, umlauts, umlauts, G_MAXINT);
  g_assert_true (g_utf8_validate (f->file, -1, NULL) && g_utf8_validate (f->qualname, -1, NULL));
  g_assert_cmpuint (strlen (f->name), <=, 4096 + 3);
  g_assert_false (strstr (f->name, "\xef\xbf\xbd") != NULL);
  f = hap_call_tree_intern (tree, "\xff.py", "\xed\xa0\x80", NULL, 0);
  g_assert_true (g_utf8_validate (f->file, -1, NULL) && g_utf8_validate (f->name, -1, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/call-tree/functions", test_functions);
  g_test_add_func ("/profile/call-tree/paths", test_paths);
  g_test_add_func ("/profile/call-tree/lines", test_lines);
  g_test_add_func ("/profile/call-tree/bounded", test_bounded);
  g_test_add_func ("/profile/call-tree/many-threads", test_many_threads);
  g_test_add_func ("/profile/call-tree/hostile-names", test_hostile_names);
  return g_test_run ();
}
