/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The actions that run code in a target, each in every state that its event loop can be in, on every
 * interpreter at hand: that they work, and that nothing is left. What they answer is for the tests of their
 * own areas; how long they take, for tests/bench/run.
 */

#include <string.h>
#include <unistd.h>

#include "hap-test-action.h"

#define LOOP "_UnixSelectorEventLoop"

/* As its repr has it; no other action's doing shows there. */
#define LOOP_RUNS "running=True closed=False debug=False"

typedef struct
{
  const char *name;
  const char *mode; /* of tests/targets/run.py */
  gboolean apart;   /* in mount and pid namespaces of its own, where nothing can be written to /tmp */
} State;

static const State states[] = {
  { "idle", "timers", FALSE },     { "busy", "busy", FALSE },        { "asleep", "asleep", FALSE },
  { "threads", "threads", FALSE }, { "namespaces", "timers", TRUE },
};

static char *
get_state (HapTestProcess *process)
{
  hap_test_process_write_line (process, "state");
  return hap_test_process_read_line (process);
}

static const char *
get_message (HapTestReport *report, guint index)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  const char *message = NULL;

  g_assert_cmpuint (entries->len, >, index);
  g_assert_true (g_variant_lookup (entries->pdata[index], "message", "&s", &message));
  return message;
}

static void
check_dump (HapTestReport *report)
{
  g_assert_nonnull (strstr (get_message (report, 0), LOOP " object in memory: <"));
  g_assert_nonnull (strstr (get_message (report, 0), LOOP_RUNS));
  g_assert_cmpuint (hap_test_report_get_entries (report)->len, ==, 1);
}

static void
check_debug (HapTestReport *report)
{
  guint n = hap_test_report_get_entries (report)->len;

  g_assert_cmpstr (get_message (report, 0), ==, "Setting asyncio debug to True");
  g_assert_cmpstr (get_message (report, n - 1), ==, "Setting asyncio debug to False");
}

static void
check_tracing (HapTestReport *report)
{
  g_autofree char *path = hap_test_report_get_path (report, "profile.1700000000000000.cprof");
  guint64 n_calls;
  gboolean mixed = TRUE;

  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "calls_counted", "t", &n_calls));
  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "mixed", "b", &mixed));
  g_assert_false (mixed);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
}

static const struct
{
  const char *plugin, *method, *data;
  void (*check) (HapTestReport *report);
} actions[] = {
  { "objects", "DumpLogObjects", "{'type': <'" LOOP "'>}", check_dump },
  { "asyncio-debug", "SetAsyncioDebug", "{'seconds': <0.1>}", check_debug },
  { "cpu", "Start", "{'mode': <'tracing'>, 'seconds': <0.1>, 'formats': <['cprof']>}", check_tracing },
};

/* A machine under load may not stop the target in time. */
static HapTestReport *
perform (HapTarget *target, guint action)
{
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      HapTestReport *report = hap_test_run_action (target, actions[action].plugin, actions[action].method,
                                                   actions[action].data, &error);

      if (report != NULL)
        return report;
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
    }
}

/* A thread of ours ends after it has answered. */
static void
wait_until_nothing_is_left (HapTestProcess *process, const char *before)
{
  g_autofree char *after = NULL;

  do
    {
      g_free (after);
      after = get_state (process);
    }
  while (strstr (after, strstr (before, " modules")) == NULL);
  g_assert_cmpstr (after, ==, before);
}

#define WITHOUT_TMP                                                                                          \
  "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && ! touch /tmp/it 2>&- && exec \"$0\" \"$@\""

/* In the namespaces that a root is entered by, be it this one. */
static HapTestProcess *
spawn_apart (const HapTestPython *python, const char *mode)
{
  const HapTestPython shell = { python->version, (char *)"sh",
                                python->root != NULL ? python->root : (char *)"/" };

  return hap_test_spawn (&shell,
                         (const char *const[]){ "-c", WITHOUT_TMP, python->path, "run.py", mode, NULL });
}

static void
test_state (const HapTestPython *python, const State *state)
{
  g_autoptr (HapTestProcess) process =
      state->apart ? spawn_apart (python, state->mode)
                   : hap_test_spawn (python, (const char *const[]){ "run.py", state->mode, NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_autofree char *before = get_state (process);

  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      g_autoptr (HapTestReport) report = perform (target, i);

      g_test_message ("%s: %s", state->name, actions[i].method);
      actions[i].check (report);
      wait_until_nothing_is_left (process, before);
    }
}

static void
test_states (gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (states[i].apart && geteuid () != 0)
      g_test_message ("%s is left out: only root can make them", states[i].name);
    else
      test_state (data, &states[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/system/matrix", test_states);
  return g_test_run ();
}
