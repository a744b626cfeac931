/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action Memory as a worker runs it, without a service: against guppy, which does the same from inside,
 * and on targets whose leaks are known. guppy is where scripts/readers put it.
 */

#include <glib/gstdio.h>
#include <string.h>

#include "memory-test.h"

#define N_COLLECTING 5
#define MAX_REUSED 1024 /* bytes of the objects of one row that took the place of others */

/* Returns: (transfer full) (nullable): an interpreter of that version that has guppy */
static char *
find_guppy (const HapTestPython *python)
{
  const char *readers = g_getenv ("HAP_READERS"), *cache = g_getenv ("HAP_CACHE");
  g_autofree char *found = NULL;

  if (readers != NULL)
    found = g_build_filename (readers, "guppy", python->version, "bin", "python", NULL);
  else if (cache != NULL)
    found = g_build_filename (cache, "readers", "guppy", python->version, "bin", "python", NULL);
  else
    found = g_build_filename (g_get_user_cache_dir (), "ha-profiler", "readers", "guppy", python->version,
                              "bin", "python", NULL);
  return python->root == NULL && g_file_test (found, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer (&found)
                                                                                : NULL;
}

/* What guppy says of the same program. */
static char *
run_guppy (const char *guppy)
{
  g_autofree char *directory = g_dir_make_tmp ("ha-profiler-guppy-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (directory, "heap.hpy", NULL);
  g_autofree char *script = g_build_filename (hap_test_source_dir (), "tests", "targets", "memory.py", NULL);
  const char *argv[] = { guppy, script, "guppy", file, NULL };
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  gint status;

  g_assert_true (
      g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
  g_assert_true (g_file_get_contents (file, &text, NULL, &error));
  g_unlink (file);
  g_rmdir (directory);
  return text;
}

/* The rows, in their order, but guppy's own: one object to which nothing refers. */
static char *
get_rows (const char *hpy, guint64 *count, guint64 *bytes)
{
  g_auto (GStrv) lines = g_strsplit (hpy, "\n", -1);
  GString *rows = g_string_new (NULL);

  *count = *bytes = 0;
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], ".r: ") && !g_str_has_suffix (lines[i], "<Nothing>"))
      {
        g_string_append_printf (rows, "%s\n", lines[i]);
        *count += g_ascii_strtoull (lines[i] + 4, NULL, 10);
        *bytes += g_ascii_strtoull (strchr (lines[i] + 4, ' '), NULL, 10);
      }
  return g_string_free (rows, FALSE);
}

/* As guppy has them, but for an object or two that took the address of one of their type that went, which
 * count as known (the plugin's README). */
static void
assert_rows_alike (const char *rows, const char *expected)
{
  g_auto (GStrv) ours = g_strsplit (rows, "\n", -1);
  g_auto (GStrv) theirs = g_strsplit (expected, "\n", -1);
  gint64 reused = 0;

  g_assert_cmpuint (g_strv_length (ours), ==, g_strv_length (theirs));
  for (guint i = 0; ours[i] != NULL && *ours[i] != '\0'; i++)
    {
      char *our_kind, *their_kind;
      gint64 our_count = g_ascii_strtoll (ours[i] + 4, &our_kind, 10);
      gint64 their_count = g_ascii_strtoll (theirs[i] + 4, &their_kind, 10);
      gint64 our_size = g_ascii_strtoll (our_kind, &our_kind, 10);
      gint64 their_size = g_ascii_strtoll (their_kind, &their_kind, 10);

      g_assert_cmpstr (our_kind, ==, their_kind);
      if (our_count != their_count || our_size != their_size)
        {
          g_test_message ("%s, but guppy: %s", ours[i], theirs[i]);
          reused += MAX (1, ABS (their_count - our_count));
          /* An object of these is not larger than that, whichever it was. */
          g_assert_cmpint (ABS (their_size - our_size), <=, MAX_REUSED);
        }
    }
  g_assert_cmpint (reused, <=, 2);
}

static void
test_guppy (gconstpointer data)
{
  const HapTestPython *python = data;
  g_autofree char *guppy = find_guppy (python);
  g_autoptr (HapTestProcess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = NULL;
  g_autofree char *text = NULL, *theirs = NULL, *rows = NULL, *expected = NULL;
  guint64 count, bytes, expected_count, expected_bytes;

  if (guppy == NULL)
    {
      g_test_skip ("no guppy3 for this Python: scripts/readers fetches it for 3.11 to 3.13");
      return;
    }
  process = hap_test_spawn (python, (const char *const[]){ "memory.py", NULL });
  report = memory_test_run (process, "{'seconds': <0.5>}", memory_test_grow, &error);
  g_assert_no_error (error);
  text = memory_test_read (report, "hpy");
  theirs = run_guppy (guppy);
  rows = get_rows (text, &count, &bytes);
  expected = get_rows (theirs, &expected_count, &expected_bytes);
  assert_rows_alike (rows, expected);
  g_assert_cmpuint (count + 2, >=, expected_count);
  g_assert_cmpuint (count, <=, expected_count + 2);
  if (count == expected_count)
    g_assert_cmpuint (ABS ((gint64)(bytes - expected_bytes)), <=, 100);
}

/* Garbage is none of it, on any version: what was made is what is kept. */
static void
test_kept (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "memory.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report =
      memory_test_run (process, "{'seconds': <0.5>}", memory_test_grow, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = memory_test_read (report, "hpy");
  g_assert_nonnull (strstr (text, "\n.r: 200 19200 __main__.Foo\n"));
  g_assert_nonnull (strstr (text, " types.SimpleNamespace\n"));
  g_assert_null (strstr (text, "<Nothing>"));
}

static void
test_report (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "memory.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = memory_test_run (process, "{'seconds': <0.001>}", NULL, &error);
  g_auto (GStrv) names = NULL;
  GVariant *summary;
  g_autofree char *list = NULL, *page = NULL;
  guint64 objects;
  double pause;

  g_assert_no_error (error);
  names = hap_test_report_list_artifacts (report);
  list = g_strjoinv (" ", names);
  g_assert_cmpstr (list, ==, "heap_profile.1700000000000000.hpy heap_profile.1700000000000000.html");
  g_assert_cmpuint (hap_test_report_get_notifications (report)->len, ==, 2);
  g_assert_cmpstr (hap_test_report_get_notifications (report)->pdata[0], ==,
                   "memory_profiler_1700000000000000|Profile Started|The memory profile has started. This "
                   "notification will be updated when it is complete.");
  g_assert_cmpstr (hap_test_report_get_notifications (report)->pdata[1], ==,
                   "memory_profiler_1700000000000000|Profile Complete|Wrote heapy memory profile to "
                   "heap_profile.1700000000000000.hpy");
  summary = hap_test_report_get_summary (report);
  g_assert_true (g_variant_lookup (summary, "pause_us", "d", &pause));
  g_assert_cmpfloat (pause, >, 0);
  g_assert_false (g_variant_lookup (summary, "no_snapshot", "s", NULL));
  g_assert_true (g_variant_lookup (summary, "objects", "t", &objects));
  g_assert_cmpuint (objects, <, 100);
  g_assert_true (g_variant_lookup (summary, "all_objects", "t", &objects));
  g_assert_cmpuint (objects, >, 10000);
  page = memory_test_read (report, "html");
  g_assert_nonnull (strstr (page, "\"types\":[[\""));

  /* Of strings it has who holds them, and not what they say: that takes another right. */
  g_assert_nonnull (strstr (page, "[\"__main__.TWICE["));
  g_assert_null (strstr (page, "nobody's business"));
  g_assert_null (strstr (page, "what strings say"));
}

static void
test_formats (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "memory.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report =
      memory_test_run (process, "{'seconds': <0.001>, 'formats': <['hpy']>}", NULL, &error);
  g_auto (GStrv) names = NULL;

  g_assert_no_error (error);
  names = hap_test_report_list_artifacts (report);
  g_assert_cmpuint (g_strv_length (names), ==, 1);
}

static void
assert_says (const char *verdict, const char *text)
{
  if (strstr (verdict, text) == NULL)
    g_error ("expected “%s” in:\n%s", text, verdict);
}

static void
test_leak (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "memory_leak.py", "python", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report =
      memory_test_run (process, "{'seconds': <0.5>}", memory_test_grow, &error);
  const char *verdict;

  g_assert_no_error (error);
  verdict = memory_test_get_verdict (report);
  assert_says (verdict, "The growth is in Python objects.");
  assert_says (verdict, "\nleaky: ");
  assert_says (verdict, "custom_components.leaky.STORE['held'].items (dict)");
  /* An instance, its number and its text, and more for those that have a __dict__ of their own. */
  g_assert_cmpuint (memory_test_get_integration (report, "leaky", "new_objects"), >=, 40000);
  g_assert_cmpuint (memory_test_get_integration (report, "honest", "new_objects"), >=, 1000);
  g_assert_cmpuint (memory_test_get_integration (report, "honest", "new_objects"), <, 1100);
}

static void
test_native (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "memory_leak.py", "native", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report =
      memory_test_run (process, "{'seconds': <0.5>}", memory_test_grow, &error);
  guint64 growth;

  g_assert_no_error (error);
  assert_says (memory_test_get_verdict (report), "The growth is native: not a Python leak.");
  growth =
      memory_test_get_area (report, "native", "bytes") - memory_test_get_area (report, "native", "before");
  g_assert_cmpuint (growth, >, 99 * 1024 * 1024);
  g_assert_cmpuint (growth, <, 102 * 1024 * 1024);
}

/* Python without its own allocator: what it freed is not C code's, and a leak of either is told. */
static void
test_malloc (gconstpointer data)
{
  static const struct
  {
    const char *leak, *says;
  } leaks[] = {
    { "python", "The growth is in Python objects." },
    { "native", "The growth is native: not a Python leak." },
    { "dropped", NULL },
  };

  g_setenv ("PYTHONMALLOC", "malloc", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (leaks); i++)
    {
      g_autoptr (HapTestProcess) process =
          hap_test_spawn (data, (const char *const[]){ "memory_leak.py", leaks[i].leak, NULL });
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTestReport) report =
          memory_test_run (process, "{'seconds': <0.5>}", memory_test_grow, &error);

      g_assert_no_error (error);
      g_test_message ("%s: %s", leaks[i].leak, memory_test_get_verdict (report));
      if (leaks[i].says != NULL)
        assert_says (memory_test_get_verdict (report), leaks[i].says);
      else
        g_assert_null (strstr (memory_test_get_verdict (report), "The growth is native: not a Python leak."));
    }
  g_unsetenv ("PYTHONMALLOC");
}

/* Where there can be no fork it is said why. */
static void
test_no_fork (gconstpointer data)
{
  static const char *const ways[][2] = { { "seccomp", "seccomp" }, { "limit", "RLIMIT_NPROC" } };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (HapTestProcess) process =
          hap_test_spawn (data, (const char *const[]){ "no_fork.py", ways[i][0], "idle.py", NULL });
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTestReport) report = memory_test_run (process, "{'seconds': <0.001>}", NULL, &error);
      const char *why = "";

      g_assert_no_error (error);
      g_variant_lookup (hap_test_report_get_summary (report), "no_snapshot", "&s", &why);
      assert_says (why, ways[i][1]);
    }
}

/* Every byte that is resident belongs to one area, and Python's objects are in theirs. */
static void
test_areas (gconstpointer data)
{
  static const char *const areas[] = { "python", "slack", "files", "stacks", "native" };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "pools.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = memory_test_run (process, "{'seconds': <0.001>}", NULL, &error);
  guint64 all_bytes, sum = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (areas); i++)
    sum += memory_test_get_area (report, areas[i], "bytes");
  g_assert_cmpuint (sum, >, 0);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "all_bytes", "t", &all_bytes));
  g_test_message ("%" G_GUINT64_FORMAT " bytes of objects, %" G_GUINT64_FORMAT
                  " in their area, %" G_GUINT64_FORMAT " free, %" G_GUINT64_FORMAT " in all",
                  all_bytes, memory_test_get_area (report, "python", "bytes"),
                  memory_test_get_area (report, "slack", "bytes"), sum);
  g_assert_cmpuint (memory_test_get_area (report, "python", "bytes"), >, all_bytes * 9 / 10);
  g_assert_cmpuint (memory_test_get_area (report, "python", "bytes"), <, all_bytes * 12 / 10);
  /* A third of its bytes objects were freed between others. */
  g_assert_cmpuint (memory_test_get_area (report, "slack", "bytes"), >, 10 * 1024 * 1024);
}

/* The collector is always at work, and takes its lists apart: a moment is found all the same. */
static void
test_collecting (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "churn_heap.py", NULL });

  for (guint i = 0; i < N_COLLECTING; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTestReport) report = memory_test_run (process, "{'seconds': <0.001>}", NULL, &error);

      g_assert_no_error (error);
    }
}

static void
tell (HapTestProcess *process)
{
  hap_test_process_write_line (process, "");
}

static void
test_ends (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "memory_end.py", "exit", NULL });
  g_autoptr (GError) error = NULL;

  g_assert_null (memory_test_run (process, "{'seconds': <60.0>}", tell, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  assert_says (error->message, "ended");
}

static void
test_execs (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "memory_end.py", "exec", NULL });
  g_autoptr (GError) error = NULL;

  g_assert_null (memory_test_run (process, "{'seconds': <60.0>}", memory_test_grow, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  assert_says (error->message, "another program");
  g_assert_true (hap_test_process_is_alive (process));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Which objects come to lie where others went is no chance then. */
  g_setenv ("PYTHONHASHSEED", "0", TRUE);
  hap_test_add ("/memory/profile/guppy", test_guppy);
  hap_test_add ("/memory/profile/kept", test_kept);
  hap_test_add ("/memory/profile/report", test_report);
  hap_test_add ("/memory/profile/formats", test_formats);
  hap_test_add ("/memory/profile/leak", test_leak);
  hap_test_add ("/memory/profile/native", test_native);
  hap_test_add ("/memory/profile/malloc", test_malloc);
  hap_test_add ("/memory/profile/no-fork", test_no_fork);
  hap_test_add ("/memory/profile/areas", test_areas);
  hap_test_add ("/memory/profile/collecting", test_collecting);
  hap_test_add ("/memory/profile/ends", test_ends);
  hap_test_add ("/memory/profile/execs", test_execs);
  return g_test_run ();
}
