/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DumpLogObjects as a worker runs it, without a service, on every interpreter at hand, beside objects that do
 * what a repr() should not. HAP_TEST_RUNS: how often objects are dumped of one target to see whether it
 * grows; 20 by default.
 */

#include <string.h>

#include "hap-test-action.h"

#define N_PLAIN 500

typedef struct
{
  HapTestProcess *process;
  HapTarget *target;
  char *before;
} Fixture;

static char *
ask (Fixture *self)
{
  hap_test_process_write_line (self->process, "state");
  return hap_test_process_read_line (self->process);
}

static void
fixture_init (Fixture *self, const HapTestPython *python)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *n_plain = g_strdup_printf ("%d", N_PLAIN);

  self->process = hap_test_spawn (python, (const char *const[]){ "dump.py", n_plain, NULL });
  self->target = hap_test_attach (hap_test_process_get_pid (self->process), TRUE, &error);
  g_assert_no_error (error);
  hap_test_allow_tracers (self->target, G_MAXUINT);
  self->before = ask (self);
}

/* Whatever was dumped: nothing of it happened in the target. */
static void
fixture_clear (Fixture *self)
{
  g_autofree char *after = ask (self);

  g_assert_cmpstr (self->before, ==, after);
  g_clear_object (&self->target);
  g_clear_pointer (&self->process, hap_test_process_free);
  g_free (self->before);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

/* A machine under load may not stop the target in time. */
static HapTestReport *
dump (Fixture *self, const char *data)
{
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      HapTestReport *report = hap_test_run_action (self->target, "objects", "DumpLogObjects", data, &error);

      if (report != NULL)
        return report;
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
    }
}

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = NULL;

  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

static guint64
get_number (GVariant *entry, const char *key)
{
  guint64 number = 0;

  g_assert_true (g_variant_lookup (entry, key, "t", &number));
  return number;
}

/* (transfer none) (nullable): the entry with @message */
static GVariant *
find_entry (HapTestReport *report, const char *message)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    if (g_str_equal (get_text (entries->pdata[i], "message"), message))
      return entries->pdata[i];
  return NULL;
}

static GVariant *
get_last (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  return entries->pdata[entries->len - 1];
}

/* (transfer full) */
static char *
read_list (HapTestReport *report)
{
  g_auto (GStrv) names = hap_test_report_list_artifacts (report);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  char *text;

  g_assert_cmpuint (g_strv_length (names), ==, 1);
  g_assert_true (g_str_has_prefix (names[0], "object_dump."));
  path = hap_test_report_get_path (report, names[0]);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* By name and by module.name, each of them, word for word; all in the file, so many as are wanted in the
 * answer. */
static void
test_all (gconstpointer data)
{
  static const char *const types[] = { "Plain", "__main__.Plain" };
  g_auto (Fixture) fixture = { NULL };

  fixture_init (&fixture, data);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *options = g_strdup_printf ("{'type': <'%s'>, 'limit': <100>}", types[i]);
      g_autoptr (HapTestReport) report = dump (&fixture, options);
      g_autofree char *list = read_list (report);
      GPtrArray *entries = hap_test_report_get_entries (report);

      g_assert_cmpuint (entries->len, ==, 101);
      g_assert_cmpstr (get_text (entries->pdata[0], "class"), ==, "<class '__main__.Plain'>");
      g_assert_cmpstr (get_text (entries->pdata[0], "module"), ==, "__main__");
      g_assert_cmpuint (get_number (get_last (report), "objects"), ==, N_PLAIN);
      g_assert_cmpuint (get_number (get_last (report), "overflowed"), ==, N_PLAIN - 100);
      g_assert_cmpuint (get_number (get_last (report), "missing"), ==, 0);
      for (guint j = 0; j < N_PLAIN; j++)
        {
          g_autofree char *line = g_strdup_printf ("%s object in memory: <Plain %u>\n", types[i], j);

          g_assert_nonnull (strstr (list, line));
        }
    }
}

static void
test_odd (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (HapTestReport) report = NULL;
  GVariant *last;
  guint n_failed = 0, n_ended = 0, n_blocked = 0;
  GPtrArray *entries;
  g_autofree char *text = g_strnfill (300, 'y');
  g_autofree char *cut = g_strconcat ("Odd object in memory: ", text, NULL);

  fixture_init (&fixture, data);
  report = dump (&fixture, "{'type': <'Odd'>, 'length': <300>}");
  entries = hap_test_report_get_entries (report);
  for (guint i = 0; i < entries->len; i++)
    {
      const char *failed = get_text (entries->pdata[i], "failed");
      g_test_message ("%s (%s)", get_text (entries->pdata[i], "message"), failed);

      n_failed += g_str_equal (get_text (entries->pdata[i], "message"),
                               "Odd object in memory: Failed to serialize <class '__main__.Odd'>");
      n_ended += failed != NULL && strstr (failed, "ended the process") != NULL;
      n_blocked += failed != NULL && strstr (failed, "did not return") != NULL;
    }
  /* raises, leaves, exits, locks, recurses, allocates, no text, kills, threads, crashes, sleeps */
  g_assert_cmpuint (n_failed, ==, 11);
  g_assert_cmpuint (n_ended, ==, 2);
  g_assert_cmpuint (n_blocked, ==, 2);
  g_assert_nonnull (find_entry (report, "Odd object in memory: <Odd prints>"));
  g_assert_nonnull (find_entry (report, "Odd object in memory: <Odd is fine>"));
  g_assert_nonnull (find_entry (report, cut));
  g_assert_cmpuint (get_number (find_entry (report, cut), "cut"), ==, 4700);
  last = get_last (report);
  g_assert_cmpuint (get_number (last, "objects"), ==, 14);
  g_assert_cmpuint (get_number (last, "failed"), ==, 11);
  g_assert_cmpuint (get_number (last, "cut"), ==, 1);
  g_assert_cmpuint (get_number (last, "missing"), ==, 0);
}

static void
test_secrets (gconstpointer data)
{
  static const char *const secrets[] = { "dict-token-11", "nested-",    "bytes-secret-31",
                                         "urlpass41",     "urltoken42", "slot-key-51",
                                         "abcdefgh61",    "typed71",    "dXNlcjpw81" };
  static const char *const open[] = { "10.0.0.1", "public", "token=None", "page=7", "access_token" };
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (HapTestReport) redacted = NULL;
  g_autoptr (HapTestReport) unredacted = NULL;
  g_autofree char *masked = NULL;
  g_autofree char *clear = NULL;

  fixture_init (&fixture, data);
  redacted = dump (&fixture, "{'type': <'Secret'>}");
  unredacted = dump (&fixture, "{'type': <'Secret'>, 'unredacted': <true>}");
  masked = read_list (redacted);
  clear = read_list (unredacted);
  g_test_message ("%s", masked);
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      g_assert_null (strstr (masked, secrets[i]));
      g_assert_null (
          strstr (get_text (hap_test_report_get_entries (redacted)->pdata[0], "message"), secrets[i]));
      g_assert_nonnull (strstr (clear, secrets[i]));
    }
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    g_assert_nonnull (strstr (masked, open[i]));
}

/* Names are compared, nothing else is done with them. */
static void
test_names (gconstpointer data)
{
  static const struct
  {
    const char *type;
    guint n_entries;
  } cases[] = {
    { "'); import os; os._exit(1) #", 0 },
    { "a'b\\\"c\\nd.e", 0 },
    { "__main__.a'b\\\"c\\nd.e", 1 },
    { "..", 0 },
    { ".Plain", 0 },
    { "Plain ", 0 },
  };
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *name = g_strnfill (300, 'x');
  g_autofree char *too_long = g_strnfill (1001, 'x');
  const char *const refused[] = { "", too_long };
  g_autofree char *options = g_strdup_printf ("{'type': <'%s'>}", name);
  g_autofree char *notification = g_strdup_printf (
      "profile_object_dump|Object dump completed|Objects with type %s have been dumped to the log. See "
      "[the logs](/config/logs) to review the repr of the objects.",
      name);
  g_autoptr (HapTestReport) none = NULL;
  g_auto (GStrv) artifacts = NULL;

  fixture_init (&fixture, data);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{'type': <\"%s\">}", cases[i].type);
      g_autoptr (HapTestReport) report = dump (&fixture, text);

      g_test_message ("%s", text);
      g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, cases[i].n_entries);
    }
  none = dump (&fixture, options);
  artifacts = hap_test_report_list_artifacts (none);
  g_assert_cmpuint (hap_test_report_get_entries (none)->len, ==, 0);
  g_assert_cmpuint (g_strv_length (artifacts), ==, 0);
  g_assert_cmpuint (hap_test_report_get_notifications (none)->len, ==, 1);
  g_assert_cmpstr (hap_test_report_get_notifications (none)->pdata[0], ==, notification);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *text = g_strdup_printf ("{'type': <'%s'>}", refused[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (hap_test_run_action (fixture.target, "objects", "DumpLogObjects", text, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
}

/* A GFunc. */
static void
dump_once (gpointer process, gpointer data)
{
  g_autoptr (HapTestReport) report = dump (data, "{'type': <'Slots'>}");

  g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, 2);
}

static void
test_growth (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };

  fixture_init (&fixture, data);
  hap_test_assert_no_growth (fixture.process, 20, dump_once, &fixture);
}

/* To see is one thing, to see secrets another, and neither is to change the target, where code runs
 * nevertheless. */
static void
test_authority (void)
{
  g_autoptr (HapAction) action = hap_test_action_new ("objects", "DumpLogObjects", "{'type': <'dict'>}");
  g_autoptr (HapAction) unredacted =
      hap_test_action_new ("objects", "DumpLogObjects", "{'type': <'dict'>, 'unredacted': <true>}");

  g_assert_cmpstr (HAP_ACTION_GET_CLASS (action)->authority, ==, "inspect");
  g_assert_false (hap_action_asks_for_secrets (action));
  g_assert_true (hap_action_asks_for_secrets (unredacted));
  g_assert_false (hap_action_modifies (unredacted));
  g_assert_true (hap_action_enters (action));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/objects/dump/authority", test_authority);
  hap_test_add ("/objects/dump/all", test_all);
  hap_test_add ("/objects/dump/odd", test_odd);
  hap_test_add ("/objects/dump/secrets", test_secrets);
  hap_test_add ("/objects/dump/names", test_names);
  hap_test_add ("/objects/dump/growth", test_growth);
  return g_test_run ();
}
