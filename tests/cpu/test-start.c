/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action Start as a worker runs it, without a service: what it reports of targets that are known, on
 * every interpreter at hand.
 */

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "hap-test-action.h"

static HapTestReport *
run (HapTestProcess *process, const char *data, GError **error)
{
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, error);

  if (target == NULL)
    return NULL;
  /* On a loaded machine the watchdog may end one; the service starts another, too. */
  hap_test_allow_tracers (target, G_MAXUINT);
  return hap_test_run_action (target, "cpu", "Start", data, error);
}

static guint64
get_count (HapTestReport *report, const char *key)
{
  guint64 value;

  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), key, "t", &value));
  return value;
}

/* The seconds of one function in a table of the Summary; 0 if it is not there. */
static double
get_seconds (HapTestReport *report, const char *function, const char *column)
{
  g_autoptr (GVariant) rows =
      g_variant_lookup_value (hap_test_report_get_summary (report), "functions", G_VARIANT_TYPE ("aa{sv}"));
  double seconds = 0;

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *name;

      g_assert_true (g_variant_lookup (row, "function", "&s", &name));
      if (g_str_equal (name, function))
        g_assert_true (g_variant_lookup (row, column, "d", &seconds));
    }
  return seconds;
}

/* Seconds. */
typedef struct
{
  double calls, straight;
  double stalled; /* of both, in parts that took so long that the machine must have stood still */
} Shares;

static void
read_shares (HapTestProcess *process, Shares *shares)
{
  g_autofree char *line = NULL;

  g_assert_cmpint (kill (hap_test_process_get_pid (process), SIGUSR1), ==, 0);
  line = hap_test_process_read_line (process);
  g_assert_nonnull (line);
  g_assert_cmpint (sscanf (line, "shares %lf %lf %lf", &shares->calls, &shares->straight, &shares->stalled),
                   ==, 3);
}

/* What the target says that it spent is what the profile says, whatever of it was call-heavy. */
static void
test_shares (gconstpointer data)
{
  const HapTestPython *python = data;
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (python, (const char *const[]){ "truth_shares.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = NULL;
  Shares before, after;
  double seconds, said, seen, stalled;

  read_shares (process, &before);
  report = run (process, "{'seconds': <4.0>, 'rate': <1000>}", &error);
  g_assert_no_error (error);
  read_shares (process, &after);

  seconds = after.calls - before.calls + after.straight - before.straight;
  said = (after.calls - before.calls) / seconds;
  stalled = (after.stalled - before.stalled) / seconds;
  seen = get_seconds (report, "calls", "total");
  seen /= seen + get_seconds (report, "straight", "total");
  g_test_message ("call-heavy code: %.2f %% of the time, %.2f %% in the profile; %" G_GUINT64_FORMAT
                  " samples; the machine stood still for %.2f %%",
                  100 * said, 100 * seen, get_count (report, "samples"), 100 * stalled);
  /* 2 points, five times the error of so many random samples, and what nobody can have seen. */
  g_assert_cmpfloat (fabs (said - seen), <,
                     0.02 + 5 * sqrt (said * (1 - said) / (double)get_count (report, "samples")) + stalled);
}

static void
test_artifacts (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "busy.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = run (process, "{'seconds': <0.3>}", &error);
  g_auto (GStrv) names = NULL;
  g_autofree char *list = NULL;

  g_assert_no_error (error);
  names = hap_test_report_list_artifacts (report);
  list = g_strjoinv (" ", names);
  g_assert_cmpstr (
      list, ==,
      "callgrind.out.1700000000000000 flamegraph.1700000000000000.html profile.1700000000000000.collapsed "
      "profile.1700000000000000.cprof profile.1700000000000000.speedscope.json");
  g_assert_cmpuint (hap_test_report_get_notifications (report)->len, ==, 2);
  g_assert_cmpstr (
      hap_test_report_get_notifications (report)->pdata[0], ==,
      "profiler_1700000000000000|Profile Started|The profile has started. This notification will "
      "be updated when it is complete.");
  g_assert_cmpstr (
      hap_test_report_get_notifications (report)->pdata[1], ==,
      "profiler_1700000000000000|Profile Complete|Wrote cProfile data to profile.1700000000000000.cprof "
      "and callgrind data to callgrind.out.1700000000000000");
  g_assert_cmpuint (get_count (report, "samples"), >, 0);
  g_assert_cmpfloat (get_seconds (report, "<module>", "self"), >, 0.2);
}

static void
test_formats (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "idle.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report =
      run (process, "{'seconds': <0.1>, 'formats': <['collapsed']>, 'clock': <'wall'>}", &error);
  g_auto (GStrv) names = NULL;

  g_assert_no_error (error);
  names = hap_test_report_list_artifacts (report);
  g_assert_cmpuint (g_strv_length (names), ==, 1);
  g_assert_cmpstr (names[0], ==, "profile.1700000000000000.collapsed");
}

/* A target that sleeps: all of wall time, none of cpu or gil time. */
static void
test_clocks (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "idle.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) wall = NULL, cpu = NULL, gil = NULL;

  hap_test_await_state (hap_test_process_get_pid (process), 'S');
  wall = run (process, "{'seconds': <0.3>, 'clock': <'wall'>}", &error);
  g_assert_no_error (error);
  cpu = run (process, "{'seconds': <0.3>, 'clock': <'cpu'>}", &error);
  g_assert_no_error (error);
  gil = run (process, "{'seconds': <0.3>, 'clock': <'gil'>}", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (get_count (wall, "samples"), >, 0);
  g_assert_cmpuint (get_count (wall, "stopped"), ==, 0);
  g_assert_cmpuint (get_count (cpu, "samples"), ==, 0);
  g_assert_cmpuint (get_count (gil, "samples"), ==, 0);
}

/* Kills the target while it is profiled: the profile holds what there was, and says so. */
static void
on_progress (HapTestReport *report, gpointer process)
{
  if (hap_test_report_get_progress (report) > 0)
    kill (hap_test_process_get_pid (process), SIGKILL);
}

static void
test_target_ends (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "busy.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapAction) action = hap_test_action_new ("cpu", "Start", "{'seconds': <60.0>}");
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (HapTestReport) report = hap_test_report_new ();
  const char *why;
  double seconds;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  hap_test_report_set_on_progress (report, on_progress, process);
  hap_action_run (action, target, HAP_REPORT (report), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "ended", "&s", &why));
  g_assert_nonnull (strstr (why, "ended"));
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "seconds", "d", &seconds));
  g_assert_cmpfloat (seconds, <, 60);
  g_assert_cmpuint (get_count (report, "samples"), >, 0);
}

static void
test_stopped_target (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "busy.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTestReport) report = NULL;

  g_assert_cmpint (kill (hap_test_process_get_pid (process), SIGSTOP), ==, 0);
  hap_test_await_state (hap_test_process_get_pid (process), 'T');
  report = run (process, "{'seconds': <0.3>}", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (get_count (report, "samples"), >, 0);
  g_assert_cmpuint (get_count (report, "stopped"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/cpu/start/shares", test_shares);
  hap_test_add ("/cpu/start/artifacts", test_artifacts);
  hap_test_add ("/cpu/start/formats", test_formats);
  hap_test_add ("/cpu/start/clocks", test_clocks);
  hap_test_add ("/cpu/start/target-ends", test_target_ends);
  hap_test_add ("/cpu/start/stopped-target", test_stopped_target);
  return g_test_run ();
}
