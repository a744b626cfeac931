/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjectSources as a worker runs it, without a service: a leak that was planted is named with its
 * integration and holder within three scans; where nothing grows, that is said.
 */

#include <string.h>

#include "hap-test-action.h"

#define N_SCANS 3

#define READINGS 100 /* that are made at a time */
#define ODD 30
#define ODD_NAME "it's\nodd é\342\200\250" /* U+2028 */

typedef struct
{
  HapTestProcess *process;
  GCancellable *cancellable;
  gboolean grow;
  guint n_scans;
} Talk;

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = "";

  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

/* "New object TYPE (OLD/NEW) at WHERE: REPR": WHERE is the holder, which is first, and the object itself. */
static void
assert_line (GVariant *entry, guint scan)
{
  g_autofree char *message = g_strdup (get_text (entry, "message"));
  const char *repr = strrchr (message, '<');
  g_autofree char *begin =
      g_strdup_printf ("New object Reading (%u/%u) at [", (scan - 1) * READINGS, scan * READINGS);
  g_autofree char *end = g_strdup_printf (", '%s']: %s", repr, repr);
  guint64 old = 0, new = 0;

  g_assert_true (g_variant_lookup (entry, "old", "t", &old));
  g_assert_true (g_variant_lookup (entry, "new", "t", &new));
  g_assert_cmpuint (old, ==, (scan - 1) * READINGS);
  g_assert_cmpuint (new, ==, scan * READINGS);
  g_assert_true (g_str_has_prefix (message, begin));
  g_assert_true (g_str_has_suffix (message, end));
  g_assert_true (g_str_has_prefix (repr, "<custom_components.leaky.Reading object at 0x"));
  g_assert_nonnull (strstr (repr, " value="));
}

/* What of a type was not shown is in the overflow, under its name as Python prints it. */
static void
assert_overflow (GVariant *entry, guint n_readings, guint n_odd)
{
  g_autoptr (GVariant) counts = g_variant_lookup_value (entry, "overflowed", G_VARIANT_TYPE ("a{st}"));
  const char *message = get_text (entry, "message");
  g_autofree char *readings = g_strdup_printf ("'Reading': %u", READINGS - n_readings);
  g_autofree char *odd = g_strdup_printf ("\"it's\\nodd é\\u2028\": %u", ODD - n_odd);
  guint64 n = 0;

  g_assert_true (g_str_has_suffix (message, "}"));
  g_assert_nonnull (strstr (message, readings));
  g_assert_nonnull (strstr (message, odd));
  g_assert_nonnull (counts);
  g_assert_true (g_variant_lookup (counts, "Reading", "t", &n));
  g_assert_cmpuint (n, ==, READINGS - n_readings);
  g_assert_true (g_variant_lookup (counts, ODD_NAME, "t", &n));
  g_assert_cmpuint (n, ==, ODD - n_odd);
}

/* @no_fork: (nullable): why there was none */
static void
assert_costs (GVariant *fields, const char *no_fork)
{
  double pause = 0, duration = 0;

  g_assert_true (g_variant_lookup (fields, "pause_us", "d", &pause));
  g_assert_true (g_variant_lookup (fields, "duration_us", "d", &duration));
  g_assert_cmpfloat (pause, >, 0);
  g_assert_cmpfloat (duration, >, pause);
  if (no_fork != NULL)
    g_assert_nonnull (strstr (get_text (fields, "no_snapshot"), no_fork));
  else
    g_assert_cmpstr (get_text (fields, "no_snapshot"), ==, "");
}

static void
make_things (Talk *self)
{
  g_autofree char *line = NULL;

  hap_test_process_write_line (self->process, "go");
  line = hap_test_process_read_line (self->process);
  g_assert_cmpstr (line, ==, "done");
}

/* The last line of each scan: these always have more new objects than are shown, or none. */
static void
on_entry (HapTestReport *report, gpointer data)
{
  Talk *self = data;
  GPtrArray *entries = hap_test_report_get_entries (report);
  const char *message = get_text (entries->pdata[entries->len - 1], "message");

  if (g_str_has_prefix (message, "New object "))
    return;
  g_assert_true (g_str_has_prefix (message, "New objects overflowed by {'")
                 || g_str_equal (message, "No new object growth found"));
  if (++self->n_scans == N_SCANS)
    g_cancellable_cancel (self->cancellable);
  else if (self->grow)
    make_things (self);
}

static HapTestReport *
run (HapTestProcess *process, gboolean grow)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (HapAction) action =
      hap_test_action_new ("sources", "StartLogObjectSources", "{'scan_interval': <0.1>}");
  g_autoptr (HapTestReport) report = hap_test_report_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Talk talk = { process, cancellable, grow, 0 };

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  hap_test_report_set_on_entry (report, on_entry, &talk);
  hap_action_run (action, target, HAP_REPORT (report), cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (talk.n_scans, ==, N_SCANS);
  return g_steal_pointer (&report);
}

/* The Reading, its list and the other objects of the integration all lead to it; the others are not its. */
static void
name_leak (gconstpointer python, const char *no_fork)
{
  const char *const argv[] = { "no_fork.py", no_fork, "leak.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, no_fork != NULL ? argv : argv + 2);
  g_autoptr (HapTestReport) report = NULL;
  GPtrArray *entries;
  guint n_named = 0, n_readings = 0, n_odd = 0;

  make_things (&(Talk){ .process = process });
  report = run (process, TRUE);
  entries = hap_test_report_get_entries (report);
  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *entry = entries->pdata[i];
      gboolean is_reading;
      guint scan = 0;

      g_variant_lookup (entry, "scan", "u", &scan);
      g_test_message ("%s | %s | %s", get_text (entry, "message"), get_text (entry, "integration"),
                      get_text (entry, "held_by"));
      is_reading = g_str_equal (get_text (entry, "type"), "Reading");
      n_readings += is_reading;
      n_odd += g_str_equal (get_text (entry, "type"), ODD_NAME);
      if (!is_reading && !g_str_equal (get_text (entry, "type"), "list"))
        g_assert_cmpstr (get_text (entry, "integration"), !=, "leaky");
      if (g_str_has_prefix (get_text (entry, "message"), "New objects overflowed by "))
        {
          assert_overflow (entry, n_readings, n_odd);
          assert_costs (entry, no_fork);
          n_readings = n_odd = 0;
        }
      if (!is_reading)
        continue;
      assert_line (entry, scan);
      if (scan < 2)
        continue;
      g_assert_cmpstr (get_text (entry, "integration"), ==, "leaky");
      g_assert_true (
          g_str_has_prefix (get_text (entry, "held_by"), "custom_components.leaky.STORES['main'].readings["));
      n_named++;
    }
  g_assert_cmpuint (n_named, >=, 1);
  assert_costs (hap_test_report_get_summary (report), no_fork);
}

static void
test_leak (gconstpointer python)
{
  name_leak (python, NULL);
}

/* Where there can be no fork the same is said, and why. */
static void
test_no_fork (gconstpointer python)
{
  name_leak (python, "seccomp");
}

static void
test_quiet (gconstpointer python)
{
  const char *const argv[] = { "leak.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  g_autoptr (HapTestReport) report = run (process, FALSE);
  GPtrArray *entries = hap_test_report_get_entries (report);

  g_assert_cmpuint (entries->len, ==, 5 + 1 + 2); /* the first scan takes all for new */
  g_assert_cmpstr (get_text (entries->pdata[entries->len - 1], "message"), ==, "No new object growth found");
  g_assert_cmpstr (
      hap_test_report_get_notifications (report)->pdata[0], ==,
      "profile_object_source_logging|Object source logging started|Object source logging has started. "
      "See [the logs](/config/logs) to track the growth of new objects.");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/sources/start/leak", test_leak);
  hap_test_add ("/sources/start/no-fork", test_no_fork);
  hap_test_add ("/sources/start/quiet", test_quiet);
  return g_test_run ();
}
