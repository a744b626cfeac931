/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SetAsyncioDebug as a worker runs it, without a service, on every interpreter at hand.
 */

#include <string.h>

#include "hap-test-action.h"

#define ON "[True, True] 20 1"
#define OFF "[False, False] 30 0"

static HapTarget *
attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  return target;
}

static HapTestReport *
set (HapTarget *target, const char *data)
{
  g_autoptr (GError) error = NULL;
  HapTestReport *report = hap_test_run_action (target, "asyncio-debug", "SetAsyncioDebug", data, &error);

  g_assert_no_error (error);
  return report;
}

static char *
ask (HapTestProcess *process, const char *question)
{
  hap_test_process_write_line (process, question);
  return hap_test_process_read_line (process);
}

static void
await_answer (HapTestProcess *process, const char *question, const char *expected)
{
  g_autofree char *answer = NULL;

  do
    {
      g_free (answer);
      answer = ask (process, question);
    }
  while (!g_str_equal (answer, expected));
}

static void
assert_state (HapTestProcess *process, const char *expected)
{
  g_autofree char *state = ask (process, "state");

  g_assert_cmpstr (state, ==, expected);
}

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = NULL;

  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

static void
assert_setting (GVariant *entry, const char *message, gboolean previous)
{
  gboolean before;

  g_assert_cmpstr (get_text (entry, "message"), ==, message);
  g_assert_true (g_variant_lookup (entry, "previous", "b", &before));
  g_assert_true (before == previous);
}

/* On, with what asyncio says of the one that blocks, and off when the time is over. */
static void
test_on (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", NULL });
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (HapTestReport) report = NULL;
  GPtrArray *entries;
  guint n_slow = 0;

  assert_state (process, OFF);
  report = set (target, "{'seconds': <3.0>}");
  assert_state (process, OFF);
  entries = hap_test_report_get_entries (report);
  g_assert_cmpuint (entries->len, >=, 3);
  assert_setting (entries->pdata[0], "Setting asyncio debug to True", FALSE);
  assert_setting (entries->pdata[entries->len - 1], "Setting asyncio debug to False", TRUE);
  for (guint i = 1; i + 1 < entries->len; i++)
    if (g_str_has_prefix (get_text (entries->pdata[i], "message"), "Executing <")
        && g_strcmp0 (get_text (entries->pdata[i], "integration"), "slow_sensor") == 0)
      n_slow++;
  g_assert_cmpuint (n_slow, >, 0);
}

/* Its entries are the one that it is on, and what asyncio says. */
static void
assert_says_nothing_of_its_end (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  assert_setting (entries->pdata[0], "Setting asyncio debug to True", FALSE);
  for (guint i = 1; i < entries->len; i++)
    g_assert_null (strstr (get_text (entries->pdata[i], "message"), "Setting asyncio debug"));
}

static gpointer
turn_on (gpointer target)
{
  return set (target, NULL);
}

/* It stays on until somebody else sets it. */
static void
test_taken_over (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", NULL });
  g_autoptr (HapTarget) first = attach (process);
  g_autoptr (HapTarget) second = attach (process);
  g_autoptr (HapTestReport) report = NULL;
  g_autoptr (HapTestReport) other = NULL;
  GThread *thread = g_thread_new ("first", turn_on, first);

  await_answer (process, "state", ON);
  other = set (second, "{'enabled': <false>}");
  assert_setting (hap_test_report_get_entries (other)->pdata[0], "Setting asyncio debug to False", TRUE);
  assert_state (process, OFF);
  report = g_thread_join (thread);
  assert_state (process, OFF);
  assert_says_nothing_of_its_end (report);
}

/* Who has it on is followed by another: the first one does not say that it is off, and in the end all is as
 * it was, loops that began meanwhile, too. */
static void
test_handed_over (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", NULL });
  g_autoptr (HapTarget) first = attach (process);
  g_autoptr (HapTarget) second = attach (process);
  g_autoptr (HapTestReport) report = NULL;
  g_autoptr (HapTestReport) other = NULL;
  GThread *thread = g_thread_new ("first", turn_on, first);
  GPtrArray *entries;

  await_answer (process, "state", ON);
  g_free (ask (process, "start"));
  assert_state (process, "[True, True, False] 20 1");
  other = set (second, "{'seconds': <0.1>}");
  assert_state (process, "[False, False, False] 30 0");
  report = g_thread_join (thread);
  assert_says_nothing_of_its_end (report);
  entries = hap_test_report_get_entries (other);
  assert_setting (entries->pdata[0], "Setting asyncio debug to True", TRUE);
  assert_setting (entries->pdata[entries->len - 1], "Setting asyncio debug to False", TRUE);
}

/* What could not be told is counted. */
static void
test_dropped (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", NULL });
  g_autoptr (HapTarget) first = attach (process);
  g_autoptr (HapTarget) second = attach (process);
  g_autoptr (HapTestReport) report = NULL;
  GThread *thread = g_thread_new ("first", turn_on, first);
  gint64 n_dropped;

  await_answer (process, "state", ON);
  g_free (ask (process, "deaf"));
  await_answer (process, "dropped", "True");
  g_object_unref (set (second, "{'seconds': <0.1>}"));
  report = g_thread_join (thread);
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "dropped", "x", &n_dropped));
  g_assert_cmpint (n_dropped, >, 0);
}

/* The main thread does not wait for it for long. */
static void
test_locked (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", NULL });
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (GError) error = NULL;

  g_free (ask (process, "lock"));
  g_assert_null (hap_test_run_action (target, "asyncio-debug", "SetAsyncioDebug", NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "lock of the module logging"));
  assert_state (process, OFF);
  g_free (ask (process, "unlock"));
  g_object_unref (set (target, "{'seconds': <0.1>}"));
  assert_state (process, OFF);
}

/* A mode that was on already is left on, or switched off on request. */
static void
test_previous (gconstpointer data)
{
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (data, (const char *const[]){ "asyncio_debug.py", "debug", NULL });
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (HapTestReport) on = set (target, "{'seconds': <0.1>}");
  g_autoptr (HapTestReport) off = NULL;

  assert_setting (hap_test_report_get_entries (on)->pdata[0], "Setting asyncio debug to True", TRUE);
  assert_state (process, "[True, False] 30 0");
  off = set (target, "{'enabled': <false>}");
  assert_setting (hap_test_report_get_entries (off)->pdata[0], "Setting asyncio debug to False", TRUE);
  assert_state (process, OFF);
}

static void
test_no_loop (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "busy.py", NULL });
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (GError) error = NULL;

  g_assert_null (hap_test_run_action (target, "asyncio-debug", "SetAsyncioDebug", NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, "No event loop"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/asyncio-debug/on", test_on);
  hap_test_add ("/asyncio-debug/taken-over", test_taken_over);
  hap_test_add ("/asyncio-debug/handed-over", test_handed_over);
  hap_test_add ("/asyncio-debug/dropped", test_dropped);
  hap_test_add ("/asyncio-debug/locked", test_locked);
  hap_test_add ("/asyncio-debug/previous", test_previous);
  hap_test_add ("/asyncio-debug/no-loop", test_no_loop);
  return g_test_run ();
}
