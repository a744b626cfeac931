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

/* Where a message goes on with what a task that runs is in. */
#define RUNS "\n  File \""

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

/* What a task's fields say, as tasks.py has it. */
static void
append_fields (GString *line, GVariant *entry)
{
  g_autoptr (GVariantIter) iter = NULL;
  const char *file, *name, *waits_for = get_text (entry, "waits_for");
  guint64 loop = 0;
  guint number = 0;

  g_variant_lookup (entry, "loop", "t", &loop);
  g_variant_lookup (entry, "thread", "u", &number);
  g_string_append_printf (line, "\n%" G_GUINT64_FORMAT " %u %s %s %s", loop, number,
                          get_text (entry, "state"), get_text (entry, "coro"), get_text (entry, "task"));
  if (waits_for != NULL)
    g_string_append_printf (line, "\n%s", waits_for);
  if (!g_variant_lookup (entry, "awaits", "a(sus)", &iter))
    return;
  while (g_variant_iter_next (iter, "(&su&s)", &file, &number, &name))
    g_string_append_printf (line, "\n%u %s %s", number, name, file);
}

/* The lines of a report that begin with @prefix, without it; tasks each with their fields, a line each. */
static GPtrArray *
list_lines (HapTestReport *report, const char *prefix)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *entry = entries->pdata[i];
      const char *message = get_text (entry, "message");
      g_autoptr (GString) line = NULL;

      if (!g_str_has_prefix (message, prefix))
        continue;
      line = g_string_new (message + strlen (prefix));
      if (strstr (line->str, RUNS) != NULL)
        g_string_truncate (line, strstr (line->str, RUNS) - line->str);
      if (get_text (entry, "task") != NULL)
        append_fields (line, entry);
      g_ptr_array_add (lines, g_string_free (g_steal_pointer (&line), FALSE));
    }
  return lines;
}

/* What a target says: tasks, each with its fields, and handles. */
typedef struct
{
  GPtrArray *tasks, *scheduled, *ready;
  guint n_cancelled;
} Said;

static void
said_clear (Said *said)
{
  g_clear_pointer (&said->tasks, g_ptr_array_unref);
  g_clear_pointer (&said->scheduled, g_ptr_array_unref);
  g_clear_pointer (&said->ready, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Said, said_clear)

/* @text: of the task that was told last */
static void
append_said (GPtrArray *tasks, const char *text)
{
  char **last = (char **)&tasks->pdata[tasks->len - 1];
  char *both = g_strconcat (*last, "\n", text, NULL);

  g_free (*last);
  *last = both;
}

static void
read_description (HapTestProcess *process, Said *said)
{
  *said = (Said){ g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (g_free),
                  g_ptr_array_new_with_free_func (g_free), 0 };
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
        g_ptr_array_add (said->scheduled, g_strdup (space + 1));
      else if (g_str_has_prefix (line, "soon "))
        g_ptr_array_add (said->ready, g_strdup (space + 1));
      else if (g_str_has_prefix (line, "cancelled "))
        said->n_cancelled = atoi (space + 1);
      else if (g_str_has_prefix (line, "task "))
        g_ptr_array_add (said->tasks, g_strdup (strchr (space + 1, ' ') + 1));
      else
        append_said (said->tasks, strchr (space + 1, ' ') + 1);
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

static GVariant *
find_entry (HapTestReport *report, const char *part)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    if (strstr (get_text (entries->pdata[i], "message"), part) != NULL)
      return entries->pdata[i];
  return NULL;
}

/* When a timer is due, all of them at one moment. What is ready is not waited for. */
static void
assert_times (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  double now = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      const char *queue = get_text (entries->pdata[i], "queue");
      double when, due_in;

      if (queue == NULL)
        continue;
      g_assert_cmpstr (queue, ==,
                       g_str_has_prefix (get_text (entries->pdata[i], "message"), "Ready: ") ? "ready"
                                                                                             : "scheduled");
      g_assert_cmpint (g_variant_lookup (entries->pdata[i], "when", "d", &when), ==,
                       g_str_equal (queue, "scheduled"));
      g_assert_cmpint (g_variant_lookup (entries->pdata[i], "due_in", "d", &due_in), ==,
                       g_str_equal (queue, "scheduled"));
      if (g_str_equal (queue, "ready"))
        continue;
      if (now == 0)
        now = when - due_in;
      g_assert_cmpfloat_with_epsilon (when - due_in, now, 1e-6);
    }
  g_assert_cmpfloat (now, >, 0);
  g_assert_cmpfloat (now, <=, (double)g_get_monotonic_time () / G_USEC_PER_SEC);
}

static void
check_parity (const HapTestPython *python, const char *option)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (python, (const char *const[]){ "tasks.py", option, NULL });
  g_auto (Said) said = { 0 };
  g_autoptr (HapTestReport) current = NULL, scheduled = NULL;
  g_autoptr (GPtrArray) tasks = NULL, handles = NULL, ready = NULL;
  g_autofree char *cancelled = NULL;

  read_description (process, &said);
  g_assert_cmpuint (said.tasks->len, >, 80);
  g_assert_cmpuint (said.scheduled->len, >, 15);
  g_assert_cmpuint (said.ready->len, >, 15);
  g_assert_cmpuint (said.n_cancelled, >, 2);

  current = run (process, "LogCurrentTasks");
  tasks = list_lines (current, "Task: ");
  g_ptr_array_sort (said.tasks, compare_lines);
  g_ptr_array_sort (tasks, compare_lines);
  assert_lines_equal (tasks, said.tasks);

  /* Not sorted: their order is the loop's own. */
  scheduled = run (process, "LogEventLoopScheduled");
  handles = list_lines (scheduled, "Scheduled: ");
  assert_lines_equal (handles, said.scheduled);
  ready = list_lines (scheduled, "Ready: ");
  assert_lines_equal (ready, said.ready);
  assert_times (scheduled);
  cancelled = g_strdup_printf ("Cancelled handles, not shown: %u", said.n_cancelled);
  g_assert_nonnull (find_entry (scheduled, cancelled));
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

static void
test_notes (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks.py", NULL });
  g_auto (Said) said = { 0 };
  g_autoptr (HapTestReport) report = NULL, scheduled = NULL;

  read_description (process, &said);
  report = run (process, "LogCurrentTasks");
  g_assert_nonnull (find_entry (report, "event loops that do not run: 1, 1 of them of closed ones"));
  g_assert_null (find_entry (report, "name='of a closed loop'"));
  g_assert_nonnull (find_entry (report, "name='over before it began' coro=<finish() done, defined at "));
  scheduled = run (process, "LogEventLoopScheduled");
  g_assert_nonnull (find_entry (scheduled, "on_done("));
  g_assert_null (find_entry (scheduled, "of a closed loop"));
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

/* Chains of tasks that come and go: "stepN" awaits "stepN+1" and nothing else; those that make them await no
 * coroutine. Returns: how many steps there are. */
static guint
assert_possible (GVariant *entry)
{
  g_autoptr (GVariantIter) iter = NULL;
  const char *file, *name;
  guint line, expected = 0;
  gboolean first = TRUE, ended = FALSE;

  g_assert_true (g_variant_lookup (entry, "awaits", "a(sus)", &iter));
  for (; g_variant_iter_next (iter, "(&su&s)", &file, &line, &name); first = FALSE)
    {
      g_autofree char *step = g_strdup_printf ("step%u", expected);

      if (first && (g_str_equal (name, "work") || g_str_equal (name, "main")))
        ended = TRUE;
      else if (expected > 0 && (g_str_equal (name, "sleep") || g_str_equal (name, "__sleep0")))
        ended = TRUE;
      else
        {
          g_assert_false (ended);
          g_assert_cmpstr (name, ==, step);
          expected++;
        }
    }
  return expected;
}

static void
test_churn (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks_churn.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  guint64 n_tasks = 0, n_steps = 0, n_unread = 0;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < churn_calls; i++)
    {
      g_autoptr (HapTestReport) current = run_on (target, "LogCurrentTasks");
      GPtrArray *entries = hap_test_report_get_entries (current);
      guint unread;

      for (guint j = 0; j + 1 < entries->len; j++)
        n_steps += assert_possible (entries->pdata[j]);
      g_assert_true (g_variant_lookup (entries->pdata[entries->len - 1], "unread", "u", &unread));
      n_tasks += entries->len - 1;
      n_unread += unread;
    }
  g_test_message ("%" G_GUINT64_FORMAT " tasks, %" G_GUINT64_FORMAT " unread", n_tasks, n_unread);
  g_assert_cmpuint (n_tasks, >, churn_calls * 40);
  g_assert_cmpuint (n_steps, >, churn_calls * 40);
  g_assert_true (hap_test_process_is_alive (process));
}

static GVariant *
get_sum (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  return entries->pdata[entries->len - 1];
}

static gboolean
is_true (GVariant *entry, const char *key)
{
  gboolean value = FALSE;

  return g_variant_lookup (entry, key, "b", &value) && value;
}

/* Whatever is being added and removed, those that stay are there. Returns: whether the first look met a set
 * that was being resized, and another one got it all */
static gboolean
check_sets (HapTarget *target)
{
  g_autoptr (HapTestReport) report = run_on (target, "LogCurrentTasks");
  GPtrArray *entries = hap_test_report_get_entries (report);
  gboolean incomplete = is_true (get_sum (report), "incomplete");
  guint n_staying = 0;
  guint n_snapshots;

  for (guint j = 0; j < entries->len; j++)
    {
      const char *task = get_text (entries->pdata[j], "task");

      n_staying += task != NULL && g_str_has_prefix (task, "stays-");
    }
  g_assert_cmpint (find_entry (report, "in the middle of a change at each look") != NULL, ==, incomplete);
  g_assert_true (g_variant_lookup (get_sum (report), "snapshots", "u", &n_snapshots));
  if (g_strcmp0 (get_text (get_sum (report), "way"), "snapshot") != 0 || incomplete)
    return FALSE;
  g_assert_cmpuint (n_staying, ==, 50);
  return n_snapshots > 1;
}

static void
test_sets (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks_sets.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  gboolean met = FALSE;

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < SETS_CALLS || !met; i++)
    met |= check_sets (target);
}

/* One that is never seen whole is told, and is not told for whole. */
static void
test_torn (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "tasks_sets.py", "torn", NULL });
  g_autoptr (HapTestReport) report = run (process, "LogCurrentTasks");

  g_assert_true (is_true (get_sum (report), "incomplete"));
  g_assert_nonnull (find_entry (report, "in the middle of a change at each look"));
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

/* The one place of a field like awaits or frames at @index; from the end: -1. */
static char *
get_place (GVariant *entry, const char *key, gint index)
{
  g_autoptr (GVariant) places = g_variant_lookup_value (entry, key, G_VARIANT_TYPE ("a(sus)"));
  const char *file, *name;
  guint line;

  g_assert_nonnull (places);
  g_variant_get_child (places, index < 0 ? g_variant_n_children (places) + index : (gsize)index, "(&su&s)",
                       &file, &line, &name);
  return g_strdup_printf ("%s %s:%u", name, file, line);
}

static void
assert_place (GVariant *entry, const char *key, gint index, const char *pattern)
{
  g_autofree char *place = get_place (entry, key, index);

  if (!g_pattern_match_simple (pattern, place))
    g_error ("%s[%d]: %s is not %s", key, index, place, pattern);
}

/* A task of Home Assistant's core in which an integration hangs: who it is, and where. It says "ready" a
 * moment before it is there. @innermost: the function */
static void
check_inside (gconstpointer data, const char *how, const char *innermost, const char *rests_on)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "thread_hung.py", how, NULL });
  g_autofree char *end = g_strdup_printf (", in %s", innermost);
  g_autofree char *last = g_strdup_printf ("%s *", innermost);
  g_autoptr (HapTestReport) report = NULL;
  g_auto (GStrv) lines = NULL;
  GVariant *task;

  do
    {
      g_clear_object (&report);
      report = run (process, "LogCurrentTasks");
      task = find_entry (report, "coro=<run() running at ");
      g_assert_nonnull (task);
    }
  while (!g_str_has_suffix (get_text (task, "message"), end));
  assert_place (task, "awaits", 0, "run */homeassistant/core.py:2");
  assert_place (task, "awaits", 1, "async_update */stuck_sensor/sensor.py:2");
  assert_place (task, "awaits", -1, "async_update *");
  assert_place (task, "frames", 0, "read_meter */stuck_sensor/sensor.py:*");
  assert_place (task, "frames", -1, last);
  assert_origin (task, "stuck_sensor", "custom", rests_on);
  g_assert_nonnull (find_entry (report, "Tasks by integration: stuck_sensor 1"));

  lines = g_strsplit (get_text (task, "message"), "\n", -1);
  g_assert_true (g_str_has_suffix (lines[0], ">"));
  g_assert_cmpstr (lines[1], ==,
                   "  File \"/config/custom_components/stuck_sensor/sensor.py\", line 2, in async_update");
  g_assert_nonnull (strstr (lines[2], ", in read_meter"));
}

static void
test_inside (gconstpointer data)
{
  check_inside (data, "inside-gil", "hang",
                "function read_meter at /config/custom_components/stuck_sensor/sensor.py:5");
  check_inside (data, "inside-spin", "read_meter",
                "function read_meter at /config/custom_components/stuck_sensor/sensor.py:");
}

static guint
count_places (GVariant *entry, const char *key)
{
  g_autoptr (GVariant) places = g_variant_lookup_value (entry, key, G_VARIANT_TYPE ("a(sus)"));

  g_assert_nonnull (places);
  return g_variant_n_children (places);
}

static void
assert_left_out (GVariant *entry, const char *key, guint expected)
{
  guint n = 0;

  g_assert_true (g_variant_lookup (entry, key, "u", &n));
  g_assert_cmpuint (n, ==, expected);
}

/* Of what is long both ends are told, and how much is missing between them. */
static void
test_deep (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "tasks_deep.py", "5000", NULL });
  g_autoptr (HapTestReport) report = run (process, "LogCurrentTasks");
  GVariant *deep = find_entry (report, "Task: <Task pending name='deep'");
  GVariant *runs = find_entry (report, "Task: <Task pending name='runs deep'");

  g_assert_nonnull (deep);
  g_assert_cmpuint (count_places (deep, "awaits"), ==, 256);
  assert_left_out (deep, "awaits_left_out", 5000 + 2 - 256);
  assert_place (deep, "awaits", 0, "outer *");
  assert_place (deep, "awaits", -2, "step *");
  assert_place (deep, "awaits", -1, "inner *");
  g_assert_false (is_true (deep, "awaits_cut"));

  g_assert_nonnull (runs);
  g_assert_cmpuint (count_places (runs, "awaits"), ==, 1);
  g_assert_cmpuint (count_places (runs, "frames"), ==, 256);
  assert_left_out (runs, "frames_left_out", 5000 + 1 - 256);
  assert_place (runs, "frames", 0, "call *");
  assert_place (runs, "frames", -1, "stop *");
  g_assert_nonnull (strstr (get_text (runs, "message"), "\n  [4969 entries left out here]\n"));
  g_assert_true (g_str_has_suffix (get_text (runs, "message"), ", in stop"));
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
check_ends (gconstpointer data, const char *method)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (HapTestProcess) process =
          hap_test_spawn (data, (const char *const[]){ "tasks_many.py", "2000", "1000", "2", NULL });
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
      report = hap_test_run_action (target, "tasks", method, NULL, &error);
      if (thread != NULL)
        g_thread_join (thread);
      if (report == NULL)
        g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
      g_assert_true (i > 0 || report == NULL);
    }
}

static void
test_ends (gconstpointer data)
{
  check_ends (data, "LogCurrentTasks");
  check_ends (data, "LogEventLoopScheduled");
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
  hap_test_add ("/tasks/torn", test_torn);
  hap_test_add ("/tasks/deep", test_deep);
  hap_test_add ("/tasks/hung", test_hung);
  hap_test_add ("/tasks/inside", test_inside);
  hap_test_add ("/tasks/many", test_many);
  hap_test_add ("/tasks/ends", test_ends);
  return g_test_run ();
}
