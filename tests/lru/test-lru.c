/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LruStats as a worker runs it, without a service: its lines are those that Home Assistant would log, and
 * what a cache holds is counted.
 */

#include <string.h>

#include "hap-test-action.h"

#define BOUNDED_ENTRIES 4
#define BOUNDED_BYTES 1000 /* at least, of each entry */

/* The entry with this line; NULL */
static GVariant *
find (HapTestReport *report, const char *line)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    {
      const char *message = NULL;

      g_variant_lookup (entries->pdata[i], "message", "&s", &message);
      if (g_strcmp0 (message, line) == 0)
        return entries->pdata[i];
    }
  return NULL;
}

/* Four entries of a list, a number and a str of a thousand characters, and their links. */
static void
assert_bounded (GVariant *entry)
{
  double hit_rate = -1;
  guint64 bytes = 0, n = 0;

  g_assert_true (g_variant_lookup (entry, "hit_rate", "d", &hit_rate));
  g_assert_true (g_variant_lookup (entry, "bytes", "t", &bytes));
  g_assert_true (g_variant_lookup (entry, "currsize", "t", &n));
  g_assert_cmpfloat (hit_rate, ==, 0); /* it is asked for six things by turns */
  g_assert_cmpuint (n, ==, BOUNDED_ENTRIES);
  g_assert_cmpuint (bytes, >, BOUNDED_ENTRIES * BOUNDED_BYTES);
  g_assert_cmpuint (bytes, <, 2 * BOUNDED_ENTRIES * BOUNDED_BYTES);
}

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = "";

  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

/* One hit of two; what an integration's cache says of whose it is. */
static void
assert_known (const char *line, GVariant *entry)
{
  double hit_rate = -1;

  if (strstr (line, "<function Holder.method ") != NULL)
    {
      g_assert_true (g_variant_lookup (entry, "hit_rate", "d", &hit_rate));
      g_assert_cmpfloat (hit_rate, ==, 0.5);
      g_assert_true (g_str_has_suffix (get_text (entry, "file"), "/caches.py"));
    }
  if (strstr (line, "<function owned ") == NULL)
    return;
  g_assert_cmpstr (get_text (entry, "integration"), ==, "cached");
  g_assert_cmpstr (get_text (entry, "kind"), ==, "custom");
  g_assert_cmpstr (get_text (entry, "file"), ==, "/config/custom_components/cached/__init__.py");
}

/* @why: (nullable): why there was no fork */
static void
assert_sum (HapTestReport *report, const char *why)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  GVariant *sum = entries->pdata[entries->len - 1];
  double pause = 0, duration = 0;
  guint n_caches = 0;

  g_assert_true (g_str_has_prefix (get_text (sum, "message"), "Caches by integration: cached 1, "));
  g_assert_true (g_variant_lookup (sum, "caches", "u", &n_caches));
  g_assert_cmpuint (n_caches, >, 5);
  g_assert_true (g_variant_lookup (sum, "pause_us", "d", &pause));
  g_assert_true (g_variant_lookup (sum, "duration_us", "d", &duration));
  g_assert_cmpfloat (pause, >, 0);
  g_assert_cmpfloat (duration, >, pause);
  if (why != NULL)
    g_assert_nonnull (strstr (get_text (sum, "no_snapshot"), why));
  else
    g_assert_cmpstr (get_text (sum, "no_snapshot"), ==, "");
}

static void
compare (HapTestProcess *process, const char *no_fork)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (HapTestReport) report = NULL;
  gboolean bounded = FALSE;

  for (;;)
    {
      char *line = hap_test_process_read_line (process);

      g_assert_nonnull (line);
      g_ptr_array_add (lines, line);
      if (g_str_equal (line, "done"))
        break;
    }
  target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  report = hap_test_run_action (target, "lru", "LruStats", "{'contents': <true>}", &error);
  g_assert_no_error (error);

  for (guint i = 0; i + 1 < lines->len; i++)
    {
      GVariant *entry = find (report, lines->pdata[i]);

      if (entry == NULL)
        g_test_message ("missing: %s", (char *)lines->pdata[i]);
      g_assert_nonnull (entry);
      assert_known (lines->pdata[i], entry);
      if (strstr (lines->pdata[i], "<function bounded ") != NULL)
        {
          assert_bounded (entry);
          bounded = TRUE;
        }
    }
  g_assert_true (bounded);
  g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, lines->len);
  assert_sum (report, no_fork);
  g_assert_cmpuint (hap_test_report_get_notifications (report)->len, ==, 1);
  g_assert_cmpstr (hap_test_report_get_notifications (report)->pdata[0], ==,
                   "profile_lru_stats|LRU stats completed|LRU cache states have been dumped to the log. See "
                   "[the logs](/config/logs) to review the stats.");
}

static void
test_lines (gconstpointer python)
{
  const char *const argv[] = { "caches.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);

  compare (process, NULL);
}

/* Where there can be no fork the same is said, and why. */
static void
test_no_fork (gconstpointer python)
{
  const char *const argv[] = { "no_fork.py", "seccomp", "caches.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);

  compare (process, "seccomp");
}

/* What is too much is left out, which is said. */
static void
test_many (gconstpointer python)
{
  const char *const argv[] = { "caches.py", "many", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (HapTestReport) report = NULL;
  GPtrArray *entries;
  guint64 left_out = 0;
  guint n = 0;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  report = hap_test_run_action (target, "lru", "LruStats", NULL, &error);
  g_assert_no_error (error);
  entries = hap_test_report_get_entries (report);
  for (guint i = 0; i < entries->len; i++)
    {
      n += g_str_has_suffix (get_text (entries->pdata[i], "message"), ": <int>: <tuple>");
      if (g_variant_lookup (entries->pdata[i], "left_out", "t", &left_out))
        g_assert_nonnull (strstr (get_text (entries->pdata[i], "message"), " keeps 3 further entries"));
    }
  g_assert_cmpuint (n, ==, 5000);
  g_assert_cmpuint (left_out, ==, 3);
}

/* Who did not ask for contents, which takes another authority, is told types. */
static void
test_contents (gconstpointer python)
{
  const char *const argv[] = { "caches.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (HapTestReport) report = NULL;
  g_autoptr (HapAction) action = hap_test_action_new ("lru", "LruStats", "{'contents': <true>}");
  GPtrArray *entries;
  guint n = 0;

  g_assert_true (hap_action_asks_for_contents (action));
  target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  report = hap_test_run_action (target, "lru", "LruStats", NULL, &error);
  g_assert_no_error (error);
  entries = hap_test_report_get_entries (report);
  for (guint i = 0; i < entries->len; i++)
    {
      const char *message = NULL;

      g_variant_lookup (entries->pdata[i], "message", "&s", &message);
      if (!g_str_has_prefix (message, "Cache data for sqlalchemy LRUCache "))
        continue;
      g_assert_cmpstr (strstr (message, ">: ") + strlen (">: "), ==,
                       n++ == 0 ? "<str>: <tuple>" : "<tuple>: <tuple>");
    }
  g_assert_cmpuint (n, ==, 2);
}

/* lru-dict is C code: the readers' environment has it for one version of Python. */
static void
test_lru_dict (gconstpointer data)
{
  const HapTestPython *python = data;
  g_autofree char *directory = hap_test_find_package ("lru");
  g_autofree char *version = g_strndup (python->version, strlen ("3.11"));
  const char *const argv[] = { "caches.py", directory, NULL };
  g_autoptr (HapTestProcess) process = NULL;

  if (python->root != NULL || strstr (directory, version) == NULL)
    {
      g_test_skip_printf ("the readers' environment has no lru-dict for Python %s", version);
      return;
    }
  process = hap_test_spawn (python, argv);
  compare (process, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/lru/stats/lines", test_lines);
  hap_test_add ("/lru/stats/no-fork", test_no_fork);
  hap_test_add ("/lru/stats/many", test_many);
  hap_test_add ("/lru/stats/contents", test_contents);
  hap_test_add ("/lru/stats/lru-dict", test_lru_dict);
  return g_test_run ();
}
