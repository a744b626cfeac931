/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LogCurrentTasks and LogEventLoopScheduled as a worker runs them, without a service, against what targets
 * say of themselves, on every interpreter at hand. --calls=N: how often while tasks come and go.
 */

#include "hap-error.h"
#include "hap-test-action.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SETS_CALLS 8

static guint churn_calls = 100;

static HapTestReport *
run_on (HapTarget *target, const char *method)
{
  g_autoptr (GError) error = NULL;
  HapTestReport *report = hap_test_run_action (target, "tasks", method, NULL, &error);

  g_assert_no_error (error);
  return report;
}

static HapTestReport *
run (HapTestProcess *process, const char *method)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  return run_on (target, method);
}

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = NULL;

  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

/* The lines of a report that begin with @prefix, without it; with @awaits each with its chain, a line a
 * coroutine. */
static GPtrArray *
list_lines (HapTestReport *report, const char *prefix, gboolean awaits)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *entry = entries->pdata[i];
      const char *message = get_text (entry, "message");
      g_autoptr (GString) line = NULL;
      g_autoptr (GVariantIter) iter = NULL;
      const char *file, *name;
      guint number;

      if (!g_str_has_prefix (message, prefix))
        continue;
      line = g_string_new (message + strlen (prefix));
      if (awaits && g_variant_lookup (entry, "awaits", "a(sus)", &iter))
        while (g_variant_iter_next (iter, "(&su&s)", &file, &number, &name))
          g_string_append_printf (line, "\n%u %s %s", number, name, file);
      g_ptr_array_add (lines, g_string_free (g_steal_pointer (&line), FALSE));
    }
  return lines;
}

/* What the target said: tasks, each with its chain, and handles. */
static void
read_description (HapTestProcess *process, GPtrArray *tasks, GPtrArray *handles)
{
  for (;;)
    {
      g_autofree char *line = hap_test_process_read_line (process);
      char *space;

      g_assert_nonnull (line);
      if (g_str_equal (line, "done"))
        return;
      space = strchr (line, ' ');
      g_assert_nonnull (space);
      if (g_str_has_prefix (line, "handle "))
        g_ptr_array_add (handles, g_strdup (space + 1));
      else if (g_str_has_prefix (line, "task "))
        g_ptr_array_add (tasks, g_strdup (strchr (space + 1, ' ') + 1));
      else
        {
          char **last = (char **)&tasks->pdata[tasks->len - 1];
          char *both = g_strconcat (*last, "\n", strchr (space + 1, ' ') + 1, NULL);

          g_free (*last);
          *last = both;
        }
    }
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
assert_lines_equal (GPtrArray *seen, GPtrArray *said)
{
  guint n_differing = 0;

  for (guint i = 0; i < MIN (seen->len, said->len); i++)
    if (strcmp (seen->pdata[i], said->pdata[i]) != 0 && n_differing++ < 20)
      g_test_message ("said: %s\nseen: %s", (char *)said->pdata[i], (char *)seen->pdata[i]);
  g_assert_cmpuint (n_differing, ==, 0);
  g_assert_cmpuint (seen->len, ==, said->len);
}

static void
check_parity (const HapTestPython *python, const char *option)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (python, (const char *const[]){ "tasks.py", option, NULL });
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) handles = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (HapTestReport) current = NULL, scheduled = NULL;
  g_autoptr (GPtrArray) seen_tasks = NULL, seen_handles = NULL;

  read_description (process, tasks, handles);
  g_assert_cmpuint (tasks->len, >, 80);
  g_assert_cmpuint (handles->len, >, 15);

  current = run (process, "LogCurrentTasks");
  seen_tasks = list_lines (current, "Task: ", TRUE);
  g_ptr_array_sort (tasks, compare_lines);
  g_ptr_array_sort (seen_tasks, compare_lines);
  assert_lines_equal (seen_tasks, tasks);

  /* Not sorted: their order is the loop's own. */
  scheduled = run (process, "LogEventLoopScheduled");
  seen_handles = list_lines (scheduled, "Scheduled: ", FALSE);
  assert_lines_equal (seen_handles, handles);
}

static void
test_parity (gconstpointer data)
{
  check_parity (data, NULL);
}

static void
test_parity_debug (gconstpointer data)
{
  check_parity (data, "debug");
}

static GVariant *
find_entry (HapTestReport *report, const char *part)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    if (strstr (get_text (entries->pdata[i], "message"), part) != NULL)
      return entries->pdata[i];
  return NULL;
}

static void
test_notes (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks.py", NULL });
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (HapTestReport) report = NULL;

  read_description (process, lines, lines);
  report = run (process, "LogCurrentTasks");
  g_assert_nonnull (find_entry (report, "event loops that do not run: 1, 1 of them of closed ones"));
  g_assert_null (find_entry (report, "name='of a closed loop'"));
}

static void
test_no_loop (gconstpointer data)
{
  static const char *const methods[] = { "LogCurrentTasks", "LogEventLoopScheduled" };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "idle.py", NULL });

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (HapTestReport) report = run (process, methods[i]);

      g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, 2);
      g_assert_nonnull (find_entry (report, "No event loop runs in this process"));
    }
}

static void
assert_origin (GVariant *entry, const char *integration, const char *kind, const char *rests_on)
{
  g_assert_nonnull (entry);
  g_assert_cmpstr (get_text (entry, "integration"), ==, integration);
  g_assert_cmpstr (get_text (entry, "kind"), ==, kind);
  g_assert_nonnull (strstr (get_text (entry, "rests_on"), rests_on));
}

/* The lines of Home Assistant's documentation, but for addresses and times. */
static void
test_seed (gconstpointer data)
{
  const HapTestPython *python = data;
  gboolean shows_arguments =
      g_str_has_prefix (python->version, "3.11") || g_str_has_prefix (python->version, "3.12");
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (python, (const char *const[]){ "tasks_seed.py", NULL });
  g_autoptr (HapTestReport) current = run (process, "LogCurrentTasks");
  g_autoptr (HapTestReport) scheduled = run (process, "LogEventLoopScheduled");
  GVariant *task = find_entry (current, "Task-1133");
  GVariant *handle = find_entry (scheduled, "async_track_point_in_utc_time");
  double due_in;

  g_assert_cmpstr (get_text (task, "message"), ==,
                   "Task: <Task pending name='Task-1133' coro=<HubConnector._listener() running at "
                   "/usr/local/lib/python3.12/site-packages/aioharmony/hubconnector_websocket.py:362> "
                   "wait_for=<Future pending cb=[Task.task_wakeup()]>>");
  assert_origin (task, "aioharmony", "library", "HubConnector._listener at ");

  g_assert_true (g_regex_match_simple (
      shows_arguments
          ? "^Scheduled: <TimerHandle when=[0-9.]+ async_track_point_in_utc_time.<locals>.run_action\\(<Job "
            "HassJobType.Coroutinefunction <bound method DataUpdateCoordinator._handle_refresh_interval of "
            "<homeassistant.components.screenlogic.ScreenlogicDataUpdateCoordinator object at "
            "0x[0-9a-f]+>>>\\) at "
            "/usr/src/homeassistant/homeassistant/helpers/event.py:1175>$"
          : "^Scheduled: <TimerHandle when=[0-9.]+ async_track_point_in_utc_time.<locals>.run_action\\(\\) "
            "at "
            "/usr/src/homeassistant/homeassistant/helpers/event.py:1175>$",
      get_text (handle, "message"), 0, 0));
  g_assert_nonnull (
      strstr (get_text (handle, "callback"),
              "run_action(<Job HassJobType.Coroutinefunction <bound method DataUpdateCoordinator."));
  g_assert_cmpstr (get_text (handle, "location"), ==,
                   "/usr/src/homeassistant/homeassistant/helpers/event.py:1175");
  g_assert_true (g_variant_lookup (handle, "due_in", "d", &due_in));
  g_assert_cmpfloat (due_in, >, 0);
  g_assert_cmpfloat (due_in, <=, 5000);
  assert_origin (handle, "screenlogic", "integration", "object ScreenlogicDataUpdateCoordinator");

  assert_origin (find_entry (current, "name='refresh'"), "screenlogic", "integration",
                 "object ScreenlogicDataUpdateCoordinator");
  assert_origin (find_entry (current, "name='custom'"), "slow_sensor", "custom", "async_poll at ");
  assert_origin (find_entry (current, "name='waits for another'"), "slow_sensor", "custom", "async_poll at ");
  assert_origin (find_entry (scheduled, "_set_result_unless_cancelled"), "slow_sensor", "custom",
                 "async_poll at ");
  g_assert_nonnull (find_entry (current, "Tasks by integration:"));
}

static void
test_uvloop (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "tasks_uvloop.py", NULL });
  g_autoptr (HapTestReport) report = run (process, "LogEventLoopScheduled");

  g_assert_nonnull (
      find_entry (report, "An event loop of class uvloop.Loop keeps its handles where they cannot be read"));
}

/* Chains of tasks that come and go: "stepN" awaits "stepN+1" and nothing else. */
static void
assert_possible (GVariant *entry)
{
  g_autoptr (GVariantIter) iter = NULL;
  const char *file, *name;
  guint line, expected = 0;

  g_assert_true (g_variant_lookup (entry, "awaits", "a(sus)", &iter));
  while (g_variant_iter_next (iter, "(&su&s)", &file, &line, &name))
    {
      g_autofree char *step = g_strdup_printf ("step%u", expected);

      if (expected == 0 && !g_str_equal (name, step))
        return;
      if (g_str_equal (name, "sleep"))
        {
          g_assert_cmpuint (expected, >, 0);
          continue;
        }
      if (g_str_equal (name, "__sleep0"))
        continue;
      g_assert_cmpstr (name, ==, step);
      expected++;
    }
}

static void
test_churn (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks_churn.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  guint64 n_tasks = 0, n_unread = 0;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < churn_calls; i++)
    {
      g_autoptr (HapTestReport) current = run_on (target, "LogCurrentTasks");
      GPtrArray *entries = hap_test_report_get_entries (current);
      guint unread;

      for (guint j = 0; j + 1 < entries->len; j++)
        assert_possible (entries->pdata[j]);
      g_assert_true (g_variant_lookup (entries->pdata[entries->len - 1], "unread", "u", &unread));
      n_tasks += entries->len - 1;
      n_unread += unread;
    }
  g_test_message ("%" G_GUINT64_FORMAT " tasks, %" G_GUINT64_FORMAT " unread", n_tasks, n_unread);
  g_assert_cmpuint (n_tasks, >, churn_calls * 40);
  g_assert_true (hap_test_process_is_alive (process));
}

/* Whatever is being added and removed, those that stay are there. */
static void
test_sets (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks_sets.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < SETS_CALLS; i++)
    {
      g_autoptr (HapTestReport) report = run_on (target, "LogCurrentTasks");
      GPtrArray *entries = hap_test_report_get_entries (report);
      guint n_staying = 0;

      for (guint j = 0; j < entries->len; j++)
        {
          const char *task = get_text (entries->pdata[j], "task");

          n_staying += task != NULL && g_str_has_prefix (task, "stays-");
        }
      if (g_strcmp0 (get_text (entries->pdata[entries->len - 1], "way"), "snapshot") == 0)
        g_assert_cmpuint (n_staying, ==, 50);
    }
}

/* What a program that cannot answer does is in the answer all the same. */
static void
check_hung (gconstpointer data, const char *how, gboolean stopped)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "thread_hung.py", how, NULL });
  guint pid = hap_test_process_get_pid (process);
  g_autoptr (HapTestReport) report = NULL, scheduled = NULL;
  GVariant *task;
  gboolean running = FALSE;

  if (stopped)
    kill (pid, SIGSTOP);
  report = run (process, "LogCurrentTasks");
  task = find_entry (report, "async_update");
  g_assert_nonnull (task);
  g_assert_true (g_variant_lookup (task, "running", "b", &running) && running);
  assert_origin (task, "stuck_sensor", "custom", "async_update at ");
  g_assert_nonnull (find_entry (report, "Tasks by integration: stuck_sensor 1"));
  scheduled = run (process, "LogEventLoopScheduled");
  g_assert_nonnull (find_entry (scheduled, "Handles by integration:"));
}

static void
test_hung (gconstpointer data)
{
  check_hung (data, "gil", FALSE);
  check_hung (data, "spin", FALSE);
  check_hung (data, "spin", TRUE);
  check_hung (data, "deadlock", FALSE);
}

static gpointer
end_process (gpointer data)
{
  kill (GPOINTER_TO_INT (data), SIGKILL);
  return NULL;
}

/* A target that ends, before or while it is read: that is the answer, or all was read already. */
static void
test_ends (gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (HapTestProcess) process =
          hap_test_spawn (data, (const char *const[]){ "tasks_many.py", "2000", "10", "2", NULL });
      gpointer pid = GINT_TO_POINTER (hap_test_process_get_pid (process));
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (GPOINTER_TO_UINT (pid), TRUE, &error);
      g_autoptr (HapTestReport) report = NULL;
      GThread *thread;

      g_assert_no_error (error);
      hap_test_allow_tracers (target, G_MAXUINT);
      thread = i == 0 ? NULL : g_thread_new ("end", end_process, pid);
      if (thread == NULL)
        end_process (pid);
      report = hap_test_run_action (target, "tasks", "LogCurrentTasks", NULL, &error);
      if (thread != NULL)
        g_thread_join (thread);
      if (report == NULL)
        g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
      g_assert_true (i > 0 || report == NULL);
    }
}

/* A report is whole, however long. */
static void
test_many (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "tasks_many.py", "5000", "2500", "20", NULL });
  g_autoptr (HapTestReport) current = run (process, "LogCurrentTasks");
  g_autoptr (HapTestReport) scheduled = run (process, "LogEventLoopScheduled");
  GPtrArray *entries = hap_test_report_get_entries (current);
  GVariant *last = entries->pdata[entries->len - 1];
  const char *way = NULL;
  double pause = 0;

  g_assert_cmpuint (entries->len, ==, 5000 + 2);
  g_assert_true (g_variant_lookup (last, "way", "&s", &way));
  g_assert_true (g_variant_lookup (last, "pause_us", "d", &pause));
  /* A loaded machine may have left no other way, once it was held for a copy that was not made in time. */
  g_assert_true (pause > 0 || g_str_equal (way, "live"));
  g_assert_cmpuint (hap_test_report_get_entries (scheduled)->len, ==, 2500 + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc > 1 && g_str_has_prefix (argv[1], "--calls="))
    churn_calls = atoi (strchr (argv[1], '=') + 1);
  hap_test_add ("/tasks/parity", test_parity);
  hap_test_add ("/tasks/parity-debug", test_parity_debug);
  hap_test_add ("/tasks/notes", test_notes);
  hap_test_add ("/tasks/no-loop", test_no_loop);
  hap_test_add ("/tasks/seed", test_seed);
  hap_test_add ("/tasks/uvloop", test_uvloop);
  hap_test_add ("/tasks/churn", test_churn);
  hap_test_add ("/tasks/sets", test_sets);
  hap_test_add ("/tasks/hung", test_hung);
  hap_test_add ("/tasks/many", test_many);
  hap_test_add ("/tasks/ends", test_ends);
  return g_test_run ();
}
