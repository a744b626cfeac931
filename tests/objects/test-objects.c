/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjects as a worker runs it, without a service: its lines beside those of objgraph.growth() in the
 * target, and that scans leave nothing behind. HAP_SCANS (default 20) is how many scans the latter takes.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hap-test-action.h"

#define N_SCANS 4
#define MAX_GROWTH (4 * 1024 * 1024) /* bytes of our own memory, whatever the number of scans */

#define MAX_TARGET_GROWTH (32 * 1024 * 1024) /* of the target's, which keeps changing by itself */

typedef struct
{
  HapTestProcess *process;
  GCancellable *cancellable;
  const char *no_fork; /* (nullable): why there is none */
  char *line;          /* what the target says of itself at this moment */
  guint n_left;
  guint n_compared;
} Talk;

static const char *
get_message (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  const char *message = NULL;

  g_variant_lookup (entries->pdata[entries->len - 1], "message", "&s", &message);
  return message;
}

/* What each scan says that it cost, and the Summary of all. */
static void
assert_costs (GVariant *fields, const char *no_fork)
{
  double pause = 0, duration = 0;
  const char *why = NULL;

  g_assert_true (g_variant_lookup (fields, "pause_us", "d", &pause));
  g_assert_true (g_variant_lookup (fields, "duration_us", "d", &duration));
  g_assert_cmpfloat (pause, >, 0);
  g_assert_cmpfloat (duration, >, pause);
  g_assert_cmpint (g_variant_lookup (fields, "no_snapshot", "&s", &why), ==, no_fork != NULL);
  if (no_fork != NULL)
    g_assert_nonnull (strstr (why, no_fork));
}

static void
grow (Talk *self)
{
  g_free (self->line);
  hap_test_process_write_line (self->process, "grow");
  self->line = hap_test_process_read_line (self->process);
  g_assert_nonnull (self->line);
}

static void
on_compared_entry (HapTestReport *report, gpointer data)
{
  Talk *self = data;
  g_autofree char *expected = g_strconcat ("Memory Growth: ", self->line, NULL);

  GPtrArray *entries = hap_test_report_get_entries (report);
  guint scan = 0;

  g_assert_cmpstr (get_message (report), ==, expected);
  self->n_compared++;
  g_assert_true (g_variant_lookup (entries->pdata[entries->len - 1], "scan", "u", &scan));
  g_assert_cmpuint (scan, ==, self->n_compared);
  assert_costs (entries->pdata[entries->len - 1], self->no_fork);
  if (--self->n_left == 0)
    g_cancellable_cancel (self->cancellable);
  else
    grow (self);
}

static void
on_counted_entry (HapTestReport *report, gpointer data)
{
  Talk *self = data;

  if (--self->n_left == 0)
    g_cancellable_cancel (self->cancellable);
}

static HapTestReport *
run (Talk *self, HapTarget *target, const char *data, HapTestReportFunc on_entry, GError **error)
{
  g_autoptr (HapAction) action = hap_test_action_new ("objects", "StartLogObjects", data);
  g_autoptr (HapTestReport) report = hap_test_report_new ();

  hap_test_report_set_on_entry (report, on_entry, self);
  self->cancellable = g_cancellable_new ();
  return hap_action_run (action, target, HAP_REPORT (report), self->cancellable, error)
             ? g_steal_pointer (&report)
             : NULL;
}

static void
compare (const HapTestPython *python, const char *directory, const char *kind, const char *no_fork)
{
  const char *const argv[] = { "no_fork.py", no_fork, "growth.py", directory, NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, no_fork != NULL ? argv : argv + 2);
  g_autofree char *spoken = hap_test_process_read_line (process);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (HapTestReport) report = NULL;
  Talk talk = { .process = process, .no_fork = no_fork, .n_left = N_SCANS };
  const char *verdict = NULL;
  guint n_scans;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  if (!g_str_equal (spoken, kind))
    {
      g_test_skip_printf ("this interpreter has no objgraph in %s: scripts/readers fetches it", directory);
      return;
    }
  grow (&talk);
  report = run (&talk, target, "{'scan_interval': <0.1>}", on_compared_entry, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (talk.n_compared, ==, N_SCANS);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "scans", "u", &n_scans));
  g_assert_cmpuint (n_scans, ==, N_SCANS);
  assert_costs (hap_test_report_get_summary (report), no_fork);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "verdict", "&s", &verdict));
  g_assert_cmpstr (verdict, ==, "What grew most since the first scan: Grows +90, list +40, Twin +6.");
  g_assert_cmpstr (
      hap_test_report_get_notifications (report)->pdata[0], ==,
      "profile_object_logging|Object growth logging started|Object growth logging has started. See "
      "[the logs](/config/logs) to track the growth of new objects.");
  g_object_unref (talk.cancellable);
  g_free (talk.line);
}

static void
test_definition (gconstpointer python)
{
  compare (python, "/nowhere", "definition", NULL);
}

/* Where there can be no fork the same is said, and why. */
static void
test_no_fork (gconstpointer python)
{
  compare (python, "/nowhere", "definition", "seccomp");
}

/* The first scan does not wait for the interval to be over: this one never is. */
static void
test_at_once (gconstpointer python)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (python, (const char *const[]){ "growth.py", "/nowhere", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autoptr (HapTestReport) report = NULL;
  Talk talk = { .process = process, .n_left = 1 };
  const char *verdict = NULL;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  report = run (&talk, target, "{'scan_interval': <86400.0>}", on_counted_entry, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, 1);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "verdict", "&s", &verdict));
  g_assert_cmpstr (verdict, ==, "Nothing grew since the first scan.");
  g_object_unref (talk.cancellable);
}

static void
test_objgraph (gconstpointer python)
{
  g_autofree char *directory = hap_test_find_package ("objgraph.py");

  compare (python, directory, "objgraph", NULL);
}

static guint
count_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint64
read_resident (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/statm", pid);
  g_autofree char *text = NULL;
  char *rest;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_ascii_strtoull (text, &rest, 10);
  return g_ascii_strtoull (rest, NULL, 10) * sysconf (_SC_PAGESIZE);
}

/* Many scans of a heap that changes all the time. */
static void
test_nothing_left (gconstpointer python)
{
  const char *const argv[] = { "churn_heap.py", NULL };
  const char *scans = g_getenv ("HAP_SCANS");
  guint n_scans = scans != NULL ? strtoul (scans, NULL, 10) : 20;
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (pid, TRUE, &error);
  g_autofree char *target_fds = g_strdup_printf ("/proc/%u/fd", pid);
  guint64 resident = 0, resident_target = 0;
  guint n_own = 0, n_target = 0;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < 2; i++) /* the first time fills what is kept for good */
    {
      Talk talk = { .process = process, .n_left = i == 0 ? 3 : n_scans };
      g_autoptr (HapTestReport) report = NULL;

      n_own = count_files ("/proc/self/fd");
      n_target = count_files (target_fds);
      resident = read_resident (getpid ());
      resident_target = read_resident (pid);
      report = run (&talk, target, "{'scan_interval': <0.1>}", on_counted_entry, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (talk.n_left, ==, 0);
      g_clear_object (&talk.cancellable);
    }
  g_assert_cmpuint (count_files ("/proc/self/fd"), ==, n_own);
  g_assert_cmpuint (count_files (target_fds), ==, n_target);
  g_test_message ("%u scans: %u descriptors of ours, %u of the target's, %+.1f MiB of ours, %+.1f MiB of its",
                  n_scans, n_own, n_target, ((double)read_resident (getpid ()) - (double)resident) / 0x1p20,
                  ((double)read_resident (pid) - (double)resident_target) / 0x1p20);
  g_assert_cmpuint (read_resident (getpid ()), <, resident + MAX_GROWTH);
  g_assert_cmpuint (read_resident (pid), <, resident_target + MAX_TARGET_GROWTH);
  g_clear_object (&target);
  hap_test_sweep (pid);
  g_assert_true (hap_test_process_is_alive (process));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/objects/start/definition", test_definition);
  hap_test_add ("/objects/start/objgraph", test_objgraph);
  hap_test_add ("/objects/start/no-fork", test_no_fork);
  hap_test_add ("/objects/start/at-once", test_at_once);
  hap_test_add ("/objects/start/nothing-left", test_nothing_left);
  return g_test_run ();
}
