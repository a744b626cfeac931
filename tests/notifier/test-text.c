/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the agent makes of texts, and which copies it keeps.
 */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include "notifier-cache.h"
#include "notifier-opener.h"
#include "notifier-text.h"

static void
test_clean (void)
{
  static const struct
  {
    const char *text, *expected;
  } cases[] = {
    { "plain", "plain" },
    { "two\nlines", "two\nlines" },
    { "\033[31mred\a", "[31mred" },
    { "a\u202eb\u2066c\u200fd", "abcd" },
    { "line\u2028separator", "lineseparator" },
    { "<b>&amp;", "<b>&amp;" },
    { "not \xff UTF-8", "not \ufffd UTF-8" },
    { "0123456789abc", "0123456789…" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint bound = g_ascii_isdigit (cases[i].text[0]) ? 10 : 1000;
      g_autofree char *clean = notifier_text_clean (cases[i].text, bound);

      g_assert_cmpstr (clean, ==, cases[i].expected);
    }
}

static void
test_translate (void)
{
  static const struct
  {
    const char *text, *expected;
  } cases[] = {
    { "Profile Complete", "Profile Complete" },
    { "Wrote cProfile data to a.cprof and callgrind data to b",
      "Wrote cProfile data to a.cprof and callgrind data to b" },
    { "Something new of %s", "Something new of %s" },
    { "See [the logs](/config/logs) to track", "See the logs to track" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *translated = notifier_text_translate (cases[i].text);

      g_assert_cmpstr (translated, ==, cases[i].expected);
    }
}

static void
test_filename (void)
{
  static const char *const bad[] = { "",     ".",   "..",  ".hidden", "-rf",  "a/b",
                                     "../a", "a b", "a\n", "ä",       "a\\b", "a%2fb" };
  g_autofree char *good = notifier_text_make_filename ("callgrind.out.1795357340561399");
  g_autofree char *long_name = g_strnfill (5000, 'a');

  g_assert_cmpstr (good, ==, "callgrind.out.1795357340561399");
  g_assert_null (notifier_text_make_filename (long_name));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (notifier_text_make_filename (bad[i]));
}

/* Nothing that could be run is ever opened. */
static void
test_choose (void)
{
  static const char *const harmful[] = { "a.desktop", "a.sh",    "a.exe",       "a.py",
                                         "a.jar",     "a.cprof", "noextension", NULL };

  g_assert_null (notifier_opener_choose (harmful));
}

static char *
add_copy (const char *name, gsize size, gint64 age)
{
  g_autofree char *directory = notifier_cache_get_directory ();
  char *path = g_build_filename (directory, name, NULL);
  gint64 changed = g_get_real_time () / G_USEC_PER_SEC - age;
  const struct utimbuf times = { changed, changed };
  g_autoptr (GError) error = NULL;

  g_mkdir_with_parents (directory, 0700);
  g_file_set_contents (path, "", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpint (truncate (path, (off_t)size), ==, 0);
  g_assert_cmpint (utime (path, &times), ==, 0);
  return path;
}

static void
test_bounded (void)
{
  const gsize large = 300 * 1024 * 1024;
  const gint64 day = 24 * 60 * 60;
  g_autofree char *old = add_copy ("old", 1, 8 * day);
  g_autofree char *fresh = add_copy ("fresh", 1, 6 * day);
  g_autofree char *newest = add_copy ("newest", large, 1);
  g_autofree char *second = add_copy ("second", large, 100);
  g_autofree char *kept = add_copy ("kept", large, 9 * day);

  notifier_cache_clean ("kept");
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (fresh, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (newest, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (second, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/notifier/text/clean", test_clean);
  g_test_add_func ("/notifier/text/translate", test_translate);
  g_test_add_func ("/notifier/text/filename", test_filename);
  g_test_add_func ("/notifier/opener/choose", test_choose);
  g_test_add_func ("/notifier/cache/bounded", test_bounded);
  return g_test_run ();
}
