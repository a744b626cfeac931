/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: printable, on one line, distinct. */
#include "hap-labels.h"

#include "sample-profile.h"

#include <string.h>

static void
test_escape (void)
{
  static const char *const cases[][2] = {
    { "plain <module>", "plain <module>" },
    { "a\nb\r\tc", "a\\x0ab\\x0d\\x09c" },
    { "\x1b[31m\x7f\xc2\x85", "\\x1b[31m\\x7f\\x85" },
    { "\xe2\x80\xae"
      "gpj",
      "\\u202egpj" },
    { "\xe2\x80\xa8\xef\xbb\xbf", "\\u2028\\ufeff" },
    { "Gr\xc3\xb6\xc3\x9f"
      "e\xf0\x9f\x94\xa5",
      "Gr\xc3\xb6\xc3\x9f"
      "e\xf0\x9f\x94\xa5" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *escaped = hap_label_escape (cases[i][0]);
      g_assert_cmpstr (escaped, ==, cases[i][1]);
    }
}

static void
test_shorten (void)
{
  static const char *const cases[][2] = {
    { "/v/lib/python3.13/site-packages/homeassistant/core.py", "homeassistant/core.py" },
    { "/usr/src/homeassistant/homeassistant/core.py", "homeassistant/core.py" },
    { "/config/custom_components/x/y.py", "custom_components/x/y.py" },
    { "/usr/lib/python3.13/asyncio/events.py", "asyncio/events.py" },
    { "/a/b/c/d.py", "c/d.py" },
    { "/d.py", "/d.py" },
    { "d.py", "d.py" },
    { "a/d.py", "a/d.py" },
    { "", "" },
    { "<frozen os>", "<frozen os>" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (hap_label_shorten (cases[i][0]), ==, cases[i][1]);
}

static void
test_unique (void)
{
  g_autoptr (GHashTable) used = hap_label_set_new ();
  const char *const wanted[] = { "a", "a #2", "a", "a", "b", "a #2" };
  const char *const given[] = { "a", "a #2", "a #3", "a #4", "b", "a #2 #2" };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autofree char *label = hap_label_unique (used, g_strdup (wanted[i]));
      g_assert_cmpstr (label, ==, given[i]);
    }
}

static void
test_thread_rows (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("hostile");
  g_auto (GStrv) rows = hap_label_thread_rows (profile);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_assert_cmpuint (g_strv_length (rows), ==, hap_call_tree_get_n_threads (profile->tree));
  for (guint32 i = 0; i < hap_call_tree_get_n_functions (profile->tree); i++)
    if (strcmp (hap_call_tree_get_function (profile->tree, i)->file, "~") == 0)
      g_hash_table_add (seen, hap_call_tree_get_function (profile->tree, i)->name);
  for (guint i = 0; rows[i] != NULL; i++)
    g_assert_true (g_hash_table_add (seen, rows[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/labels/escape", test_escape);
  g_test_add_func ("/formats/labels/shorten", test_shorten);
  g_test_add_func ("/formats/labels/unique", test_unique);
  g_test_add_func ("/formats/labels/thread-rows", test_thread_rows);
  return g_test_run ();
}
