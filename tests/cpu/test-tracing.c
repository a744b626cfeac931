/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Start with mode=tracing as a worker runs it, without a service: that its counts are cProfile's own,
 * whatever other threads do, and that nothing of it is left, on every interpreter at hand.
 */

#include <signal.h>
#include <string.h>

#include "hap-test-action.h"

#define TRACING "{'mode': <'tracing'>, 'seconds': <600.0>}"

typedef struct
{
  HapTarget *target;
  GCancellable *cancellable;
  HapTestReport *report;
  gint under_way;
  double seconds; /* from before anything is counted until after it */
  GError *error;
} Job;

static HapTarget *
attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  return target;
}

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  g_autoptr (HapAction) action = hap_test_action_new ("cpu", "Start", TRACING);

  hap_action_run (action, job->target, HAP_REPORT (job->report), job->cancellable, &job->error);
  g_atomic_int_set (&job->under_way, TRUE);
  return NULL;
}

static char *
ask (HapTestProcess *process, const char *question)
{
  char *answer;

  hap_test_process_write_line (process, question);
  answer = hap_test_process_read_line (process);
  g_assert_nonnull (answer);
  return answer;
}

static void
wait_until (HapTestProcess *process, const char *wanted)
{
  g_autofree char *state = NULL;

  do
    {
      g_free (state);
      state = ask (process, "state");
    }
  while (!g_str_has_prefix (state, wanted));
}

/* It knows that calls are counted, which the target knows a moment before. */
static void
on_progress (HapTestReport *report, gpointer data)
{
  g_atomic_int_set (&((Job *)data)->under_way, TRUE);
}

/* Runs @meanwhile as long as calls are counted; cancels, which is how to have what there is. Who cancels
 * before that has nothing. */
static void
count_calls (Job *job, HapTestProcess *process, const char *const *meanwhile)
{
  const gint64 begin = g_get_monotonic_time ();
  GThread *thread;

  job->target = attach (process);
  job->cancellable = g_cancellable_new ();
  job->report = hap_test_report_new ();
  hap_test_report_set_on_progress (job->report, on_progress, job);
  thread = g_thread_new ("job", run_job, job);
  wait_until (process, "on ");
  for (guint i = 0; meanwhile[i] != NULL; i++)
    g_free (ask (process, meanwhile[i]));
  while (!g_atomic_int_get (&job->under_way))
    g_usleep (1000);
  g_cancellable_cancel (job->cancellable);
  g_thread_join (thread);
  job->seconds = (double)(g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
}

static void
job_clear (Job *job)
{
  g_clear_object (&job->target);
  g_clear_object (&job->cancellable);
  g_clear_object (&job->report);
  g_clear_error (&job->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

/* @reference: what cProfile counted of the same work */
static void
assert_same_counts (Job *job, const char *reference)
{
  g_autofree char *path = hap_test_report_get_path (job->report, "profile.1700000000000000.cprof");
  g_autofree char *program =
      g_build_filename (hap_test_source_dir (), "tests", "cpu", "compare-counts", NULL);
  g_autofree char *seconds = g_strdup_printf ("%.6f", job->seconds);
  const char *argv[] = { program, path, seconds, NULL };
  g_autoptr (GSubprocess) compare = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *differences = NULL;

  compare = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (compare, reference, NULL, NULL, &differences, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (differences, ==, "");
  g_assert_true (g_subprocess_get_successful (compare));
}

static guint64
find_calls (HapTestReport *report, const char *function)
{
  g_autoptr (GVariant) rows =
      g_variant_lookup_value (hap_test_report_get_summary (report), "calls", G_VARIANT_TYPE ("aa{sv}"));
  guint64 calls = 0;

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *name;

      g_assert_true (g_variant_lookup (row, "function", "&s", &name));
      if (g_str_equal (name, function))
        g_assert_true (g_variant_lookup (row, "calls", "t", &calls));
    }
  return calls;
}

static void
test_counts (gconstpointer data)
{
  static const char *const others[] = { NULL, "threads", "later" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "calls.py", NULL });
      g_autofree char *reference = ask (process, "reference");
      g_autofree char *before = ask (process, "state");
      g_auto (Job) job = { NULL };
      g_auto (GStrv) artifacts = NULL;
      gboolean mixed;

      if (others[i] != NULL)
        g_free (ask (process, others[i]));
      count_calls (&job, process, (const char *const[]){ "work", NULL });
      g_assert_no_error (job.error);
      assert_same_counts (&job, reference);
      g_assert_cmpuint (find_calls (job.report, "leaf"), ==, 1316);
      /* What we call last before we are gone is none of the program's. */
      g_assert_cmpuint (find_calls (job.report, "<built-in method sys.setswitchinterval>"), ==, 0);
      g_assert_true (g_variant_lookup (hap_test_report_get_summary (job.report), "mixed", "b", &mixed));
      g_assert_false (mixed);
      artifacts = hap_test_report_list_artifacts (job.report);
      g_assert_cmpuint (g_strv_length (artifacts), ==, 5);

      /* Its thread ends after it has answered. */
      wait_until (process, others[i] == NULL ? before : "off 0 ");
    }
}

/* There can be one profiler only; and sampling needs none. */
static void
test_other_profiler (gconstpointer data)
{
  static const char *const others[][2] = { { "profile", "Profile" }, { "set-profile", "__main__.watch" } };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "calls.py", NULL });
      g_autoptr (HapTarget) target = attach (process);
      g_autoptr (HapTestReport) report = NULL;
      g_autoptr (GError) error = NULL;

      g_free (ask (process, others[i][0]));
      g_assert_null (hap_test_run_action (target, "cpu", "Start", TRACING, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, others[i][1]));
      wait_until (process, "on ");
      g_clear_error (&error);
      report = hap_test_run_action (target, "cpu", "Start", "{'seconds': <0.1>}", &error);
      g_assert_no_error (error);
    }
}

static void
test_target_ends (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "calls.py", NULL });
  g_auto (Job) job = { .target = attach (process),
                       .cancellable = g_cancellable_new (),
                       .report = hap_test_report_new () };
  GThread *thread = g_thread_new ("job", run_job, &job);

  wait_until (process, "on ");
  kill ((pid_t)hap_test_process_get_pid (process), SIGKILL);
  g_thread_join (thread);
  g_assert_error (job.error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
}

/* Only who may have code run in the target may have calls counted. */
static void
test_authority (void)
{
  g_autoptr (HapAction) sampling = hap_test_action_new ("cpu", "Start", "{'mode': <'sampling'>}");
  g_autoptr (HapAction) tracing = hap_test_action_new ("cpu", "Start", TRACING);

  g_assert_cmpstr (HAP_ACTION_GET_CLASS (sampling)->authority, ==, "profile");
  g_assert_false (hap_action_modifies (sampling));
  g_assert_true (hap_action_modifies (tracing));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cpu/tracing/authority", test_authority);
  hap_test_add ("/cpu/tracing/counts", test_counts);
  hap_test_add ("/cpu/tracing/other-profiler", test_other_profiler);
  hap_test_add ("/cpu/tracing/target-ends", test_target_ends);
  return g_test_run ();
}
