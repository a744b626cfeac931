/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What hostile texts and values become, and which are refused.
 */

#include <string.h>

#include "service-text.h"

static void
assert_escaped (const char *text, gsize max, gboolean keep_lines, const char *expected)
{
  g_autofree char *escaped = service_text_escape (text, max, keep_lines);

  g_assert_cmpstr (escaped, ==, expected);
}

static void
test_escape (void)
{
  assert_escaped ("plain ünïcode", 100, FALSE, "plain ünïcode");
  assert_escaped ("a\033[2Jb", 100, FALSE, "a\\u{1b}[2Jb");
  assert_escaped ("a\nb\tc", 100, FALSE, "a\\u{a}b\\u{9}c");
  assert_escaped ("a\nb\tc", 100, TRUE, "a\nb\tc");
  /* A right-to-left override, a private character, a C1 control. */
  assert_escaped ("\u202e\ue000\xc2\x85", 100, TRUE, "\\u{202e}\\u{e000}\\u{85}");
  assert_escaped ("\377x", 100, FALSE, "\uFFFDx");
  assert_escaped ("12345", 5, FALSE, "12345");
  assert_escaped ("123456", 5, FALSE, "12345…");
  assert_escaped ("", 5, FALSE, "");
}

static void
test_name (void)
{
  g_autofree char *long_name = g_strnfill (128, 'x');

  g_assert_true (service_text_is_name ("profile.1700000000000000.cprof", 128));
  g_assert_true (service_text_is_name (long_name, 128));
  g_assert_false (service_text_is_name (long_name, 127));
  g_assert_false (service_text_is_name ("", 128));
  g_assert_false (service_text_is_name (".", 128));
  g_assert_false (service_text_is_name ("..", 128));
  g_assert_false (service_text_is_name (".hidden", 128));
  g_assert_false (service_text_is_name ("-rf", 128));
  g_assert_false (service_text_is_name ("a/b", 128));
  g_assert_false (service_text_is_name ("a b", 128));
  g_assert_false (service_text_is_name ("a\n", 128));
  g_assert_false (service_text_is_name ("ä", 128));
}

static void
test_mime (void)
{
  g_assert_true (service_text_is_mime ("text/html"));
  g_assert_true (service_text_is_mime ("application/x-kcachegrind"));
  g_assert_true (service_text_is_mime ("image/svg+xml"));
  g_assert_false (service_text_is_mime (""));
  g_assert_false (service_text_is_mime ("text"));
  g_assert_false (service_text_is_mime ("text/"));
  g_assert_false (service_text_is_mime ("/html"));
  g_assert_false (service_text_is_mime ("text/html/x"));
  g_assert_false (service_text_is_mime ("text/html; charset=x"));
}

static gboolean
has_handle (const char *text)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_parsed (text));

  return service_text_has_handle (variant);
}

static void
test_handle (void)
{
  g_assert_true (has_handle ("handle 0"));
  g_assert_true (has_handle ("{'a': <handle 0>}"));
  g_assert_true (has_handle ("[<{'a': <(1, [handle 3])>}>]"));
  g_assert_false (has_handle ("{'h': <'handle'>, 'b': <[1, 2]>}"));
  g_assert_false (has_handle ("@aa{sv} []"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/text/escape", test_escape);
  g_test_add_func ("/service/text/name", test_name);
  g_test_add_func ("/service/text/mime", test_mime);
  g_test_add_func ("/service/text/handle", test_handle);
  return g_test_run ();
}
