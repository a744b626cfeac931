/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command's parts that need neither a bus nor a process: text, tables, JSON, descriptions, formats.
 */
#include <locale.h>
#include <math.h>

#include "client-actions.h"
#include "client-command.h"
#include "client-format.h"
#include "client-json.h"
#include "client-progress.h"
#include "client-table.h"

static void
test_escape (void)
{
  static const struct
  {
    const char *text, *escaped;
  } cases[] = {
    { "plain", "plain" },
    { "Küche", "Küche" },
    { "a\033[31mb", "a\\x1b[31mb" },
    { "a\nb\tc\r", "a\\nb\\tc\\x0d" },
    { "\x7f", "\\x7f" },
    { "\xc2\x9b"
      "31m",
      "\\x9b31m" },
    { "a\xe2\x80\xae"
      "b",
      "a\\u202eb" },
    { "\xe2\x81\xa6", "\\u2066" },
    { "\xe2\x80\xa8", "\\u2028" },
    { "\xf3\xa0\x81\x81", "\\U000e0041" },
    { "\xff", "\xef\xbf\xbd" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *escaped = client_text_escape (cases[i].text);

      g_assert_cmpstr (escaped, ==, cases[i].escaped);
    }
}

static void
test_escape_lines (void)
{
  g_autofree char *escaped = client_text_escape_lines ("a\n\tb\033");

  g_assert_cmpstr (escaped, ==, "a\n    b\\x1b");
}

static void
test_escape_marks (void)
{
  g_autoptr (GString) flood = g_string_new ("a");
  g_autofree char *escaped = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append_unichar (flood, 0x301);
  escaped = client_text_escape (flood->str);
  g_assert_cmpuint (strlen (escaped), <, 40);
  g_assert_cmpuint (client_text_width (escaped), ==, 1);
}

static void
test_width (void)
{
  g_assert_cmpuint (client_text_width ("abc"), ==, 3);
  g_assert_cmpuint (client_text_width ("日本"), ==, 4);
  g_assert_cmpuint (client_text_width ("e\xcc\x81"), ==, 1);
}

static void
test_fit (void)
{
  static const struct
  {
    const char *text;
    guint width;
    ClientCut cut;
    const char *fitted;
  } cases[] = {
    { "abcdef", 6, CLIENT_CUT_END, "abcdef" },  { "abcdef", 5, CLIENT_CUT_END, "abcd…" },
    { "abcdef", 5, CLIENT_CUT_START, "…cdef" }, { "日本語", 5, CLIENT_CUT_END, "日本…" },
    { "日本語", 4, CLIENT_CUT_END, "日…" },     { "日本語", 4, CLIENT_CUT_START, "…語" },
    { "abcdef", 1, CLIENT_CUT_END, "a" },       { "abcdef", 0, CLIENT_CUT_END, "" },
  };

  if (!client_text_is_utf8 ())
    {
      g_test_skip ("this system has no UTF-8 locale");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *fitted = client_text_fit (cases[i].text, cases[i].width, cases[i].cut);

      g_assert_cmpstr (fitted, ==, cases[i].fitted);
    }
}

static void
test_wrap (void)
{
  g_autofree char *wrapped = client_text_wrap ("one two three\nfour", 12, 4);
  g_autofree char *endless = client_text_wrap ("one two three", 0, 4);

  g_assert_cmpstr (wrapped, ==, "one two\n    three\n    four");
  g_assert_cmpstr (endless, ==, "one two three");
}

static ClientTable *
make_table (void)
{
  static const ClientColumn columns[] = {
    { "NAME", FALSE, 6, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN },
    { "N", TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN },
    { "EMPTY", FALSE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN },
    { "MORE", FALSE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_FAINT },
  };
  ClientTable *table = client_table_new (columns, G_N_ELEMENTS (columns));

  client_table_add_row (table, (const char *const[]){ "abcdefghij", "7", NULL, "second\n" });
  client_table_add_row (table, (const char *const[]){ "b", "1234", "", "x" });
  return table;
}

static void
test_table_plain (void)
{
  g_autoptr (ClientTable) table = make_table ();
  g_autofree char *text = client_table_format (table, 0, FALSE);

  g_assert_cmpstr (text, ==,
                   "NAME           N  MORE\n"
                   "abcdefghij     7  second\\n\n"
                   "b           1234  x\n");
}

static void
test_table_narrow (void)
{
  g_autoptr (ClientTable) table = make_table ();

  for (guint width = 12; width < 40; width++)
    {
      g_autofree char *text = client_table_format (table, width, FALSE);
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

      for (guint i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint (client_text_width (lines[i]), <=, width);
      g_assert_nonnull (strstr (text, "1234"));
    }
}

static void
test_table_colour (void)
{
  g_autoptr (ClientTable) table = make_table ();
  g_autofree char *plain = client_table_format (table, 0, FALSE);
  g_autofree char *coloured = client_table_format (table, 0, TRUE);

  g_assert_null (strchr (plain, '\033'));
  g_assert_true (g_str_has_prefix (coloured, "\033[1mNAME\033[0m"));
}

static void
test_json_values (void)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  value = g_variant_ref_sink (
      g_variant_new_parsed ("{'big': <uint64 18446744073709551615>, 'n': <nan>, 'inf': <inf>,"
                            " 'l': <[<1>, <'x'>]>, 't': <(1, true)>,"
                            " 'd': <{uint32 5: 'five'}>}"));
  node = client_json_from_variant (value);
  g_assert_true (json_object_get_null_member (json_node_get_object (node), "n"));
  g_assert_true (json_object_get_null_member (json_node_get_object (node), "inf"));
  g_assert_cmpfloat (json_object_get_double_member (json_node_get_object (node), "big"), ==, 0x1p64);
  g_assert_cmpint (json_array_get_length (json_object_get_array_member (json_node_get_object (node), "l")),
                   ==, 2);
  text = client_json_print (node);
  g_assert_nonnull (strstr (text, "\"5\" : \"five\""));
}

static void
test_json_harmless (void)
{
  const char *hostile = "a\033]0;x\007\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81";
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string (hostile));
  g_autoptr (JsonNode) node = client_json_from_variant (value);
  g_autoptr (JsonNode) again = NULL;
  g_autofree char *text = client_json_print (node);

  for (const char *p = text; *p != '\0'; p++)
    g_assert_true (g_ascii_isprint (*p));
  again = json_from_string (text, NULL);
  g_assert_cmpstr (json_node_get_string (again), ==, hostile);
}

static void
test_action_commands (void)
{
  static const struct
  {
    const char *method, *command;
  } cases[] = {
    { "Start", "start" },
    { "LogThreadFrames", "log-thread-frames" },
    { "SetAsyncioDebug", "set-asyncio-debug" },
    { "LRUStats", "lru-stats" },
    { "DumpGC", "dump-gc" },
    { "Jobs", "action-jobs" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) description = NULL;
      g_autoptr (ClientAction) action = NULL;

      description = g_variant_ref_sink (g_variant_new_parsed ("{'method': <%s>}", cases[i].method));
      action = client_action_new (description);
      g_assert_cmpstr (action->command, ==, cases[i].command);
    }
}

static void
test_action_odd (void)
{
  g_autoptr (GVariant) nameless = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (GVariant) odd = NULL;
  g_autoptr (ClientAction) action = NULL;
  const ClientAttribute *attribute;

  g_assert_null (client_action_new (nameless));
  odd = g_variant_ref_sink (g_variant_new_parsed (
      "{'method': <'X'>, 'attributes': <[{'name': <'a=b'>, 'type': <'s'>}, {'name': <'c'>, 'type': <'(ii)'>},"
      " {'name': <'json'>, 'type': <'b'>}]>}"));
  action = client_action_new (odd);
  g_assert_cmpuint (action->attributes->len, ==, 2);
  attribute = g_ptr_array_index (action->attributes, 0);
  g_assert_cmpstr (attribute->option, ==, "data-json");
  attribute = g_ptr_array_index (action->attributes, 1);
  g_assert_cmpstr (attribute->option, ==, "target");
}

static void
test_attribute_parse (void)
{
  static const struct
  {
    const char *type, *text, *value; /* NULL: refused */
  } cases[] = {
    { "d", "30", "30.0" },
    { "d", "1e3", "1000.0" },
    { "d", "abc", NULL },
    { "d", "", NULL },
    { "u", "5", "uint64 5" },
    { "u", "-5", "int64 -5" },
    { "u", "2.5", "2.5" },
    { "i", "x", NULL },
    { "b", "off", "false" },
    { "b", "YES", "true" },
    { "b", "maybe", NULL },
    { "s", "-x", "'-x'" },
    { "as", "a, b,,c", "['a', 'b', 'c']" },
    { "as", "", "@as []" },
    { "s", "\xff", NULL },
    { "v", "812", "uint32 812" },
    { "v", "hass", "'hass'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const ClientAttribute attribute = { .option = (char *)"x", .type = (char *)cases[i].type };
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = client_attribute_parse (&attribute, cases[i].text, &error);
      g_autofree char *text = value != NULL ? g_variant_print (value, TRUE) : NULL;

      g_assert_cmpstr (text, ==, cases[i].value);
      g_assert_true ((value == NULL) == (error != NULL));
    }
}

static void
test_format_fact (void)
{
  static const struct
  {
    const char *key, *value, *text;
  } cases[] = {
    { "pause_us", "41.0", "41 µs" }, { "seconds", "2.5", "2.50 s" },
    { "share", "0.461", "46.1 %" },  { "bytes", "uint64 1500", "1.5 kB" },
    { "objects", "uint64 5", "5" },  { "x", "nan", "-" },
    { "x", "true", "yes" },          { "x", "['a', 'b']", "a, b" },
    { "x", "<'in'>", "in" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) value = g_variant_parse (NULL, cases[i].value, NULL, NULL, NULL);
      g_autofree char *text = client_format_fact (cases[i].key, value);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_format_opener (void)
{
  g_assert_cmpstr (client_format_opener ("flamegraph.1.html", NULL), ==, "web browser");
  g_assert_cmpstr (client_format_opener ("profile.1.cprof", NULL), ==, "snakeviz, gprof2dot");
  g_assert_cmpstr (client_format_opener ("callgrind.out.1", NULL), ==, "KCachegrind, QCachegrind");
  g_assert_cmpstr (client_format_opener ("profile.1.speedscope.json", NULL), ==, "speedscope.app");
  g_assert_cmpstr (client_format_opener ("notes", "text/plain"), ==, "any text viewer");
  g_assert_null (client_format_opener ("core", "application/octet-stream"));
}

static void
test_progress_widths (void)
{
  for (guint width = 6; width <= 200; width++)
    {
      g_autofree char *line = client_progress_format ("log-thread-frames", 0.5, 75, "Ctrl-C stops", width);

      g_assert_cmpuint (client_text_width (line), <=, width);
      g_assert_nonnull (strstr (line, "50 %"));
    }
}

static void
test_error_names (void)
{
  static const struct
  {
    const char *name;
    int status;
  } cases[] = {
    { "org.homeassistant.Profiler.Error.InvalidData", CLIENT_STATUS_USAGE },
    { "org.homeassistant.Profiler.Error.NotAuthorized", CLIENT_STATUS_NOT_AUTHORIZED },
    { "org.homeassistant.Profiler.Error.NoTarget", CLIENT_STATUS_TARGET },
    { "org.homeassistant.Profiler.Error.AmbiguousTarget", CLIENT_STATUS_TARGET },
    { "org.homeassistant.Profiler.Error.TargetGone", CLIENT_STATUS_TARGET },
    { "org.homeassistant.Profiler.Error.UnsupportedTarget", CLIENT_STATUS_TARGET },
    { "org.homeassistant.Profiler.Error.AlreadyStarted", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.NotRunning", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.Busy", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.TimedOut", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.NoSpace", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.Cancelled", CLIENT_STATUS_CANCELLED },
    { "org.homeassistant.Profiler.Error.Failed", CLIENT_STATUS_FAILED },
    { "org.homeassistant.Profiler.Error.Newer", CLIENT_STATUS_FAILED },
    { "org.freedesktop.DBus.Error.AccessDenied", CLIENT_STATUS_NOT_AUTHORIZED },
    { "org.freedesktop.DBus.Error.ServiceUnknown", CLIENT_STATUS_UNREACHABLE },
    { "org.freedesktop.DBus.Error.Spawn.ExecFailed", CLIENT_STATUS_UNREACHABLE },
    { "org.freedesktop.DBus.Error.NoReply", CLIENT_STATUS_UNREACHABLE },
    { "com.example.Other", CLIENT_STATUS_FAILED },
    { "", CLIENT_STATUS_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = client_error_new_remote (cases[i].name, "words");

      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (client_error_get_status (error), ==, cases[i].status);
    }
}

int
main (int argc, char **argv)
{
  if (setlocale (LC_ALL, "C.UTF-8") == NULL)
    setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/text/escapes-what-moves-a-terminal", test_escape);
  g_test_add_func ("/client/text/keeps-lines", test_escape_lines);
  g_test_add_func ("/client/text/cuts-floods-of-marks", test_escape_marks);
  g_test_add_func ("/client/text/measures-wide-characters", test_width);
  g_test_add_func ("/client/text/fits-by-columns", test_fit);
  g_test_add_func ("/client/text/wraps-at-spaces", test_wrap);
  g_test_add_func ("/client/table/aligns", test_table_plain);
  g_test_add_func ("/client/table/fits-any-width", test_table_narrow);
  g_test_add_func ("/client/table/colours-when-asked", test_table_colour);
  g_test_add_func ("/client/json/stays-json", test_json_values);
  g_test_add_func ("/client/json/does-nothing-to-a-terminal", test_json_harmless);
  g_test_add_func ("/client/action/is-a-command-in-kebab-case", test_action_commands);
  g_test_add_func ("/client/action/leaves-out-what-is-no-option", test_action_odd);
  g_test_add_func ("/client/attribute/parses-by-type", test_attribute_parse);
  g_test_add_func ("/client/format/knows-units-by-key", test_format_fact);
  g_test_add_func ("/client/format/names-what-opens-it", test_format_opener);
  g_test_add_func ("/client/progress/fits-any-width", test_progress_widths);
  g_test_add_func ("/client/error/has-a-status-for-each-name", test_error_names);
  return g_test_run ();
}
