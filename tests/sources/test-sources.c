/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjectSources as a worker runs it, without a service: a leak that was planted is named with its
 * integration and holder within three scans; where nothing grows, that is said.
 */

#include <string.h>

#include "hap-test-action.h"

#define N_SCANS 3

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
test_leak (gconstpointer python)
{
  const char *const argv[] = { "leak.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  g_autoptr (HapTestReport) report = NULL;
  GPtrArray *entries;
  guint n_named = 0;

  make_things (&(Talk){ .process = process });
  report = run (process, TRUE);
  entries = hap_test_report_get_entries (report);
  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *entry = entries->pdata[i];
      guint scan = 0;

      g_variant_lookup (entry, "scan", "u", &scan);
      g_test_message ("%s | %s | %s", get_text (entry, "message"), get_text (entry, "integration"),
                      get_text (entry, "held_by"));
      if (!g_str_equal (get_text (entry, "type"), "Reading")
          && !g_str_equal (get_text (entry, "type"), "list"))
        g_assert_cmpstr (get_text (entry, "integration"), !=, "leaky");
      if (scan < 2 || !g_str_equal (get_text (entry, "type"), "Reading"))
        continue;
      g_assert_cmpstr (get_text (entry, "integration"), ==, "leaky");
      g_assert_true (
          g_str_has_prefix (get_text (entry, "held_by"), "custom_components.leaky.STORES['main'].readings["));
      g_assert_nonnull (
          strstr (get_text (entry, "message"), "<custom_components.leaky.Reading object at 0x"));
      g_assert_nonnull (strstr (get_text (entry, "message"), " value="));
      n_named++;
    }
  g_assert_cmpuint (n_named, >=, 1);
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
  hap_test_add ("/sources/start/quiet", test_quiet);
  return g_test_run ();
}
