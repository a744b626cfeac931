/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whoever started something leaves the bus with the answer, as busctl does: it goes on, and what it had
 * switched on in the target is switched off when its time is over. The bus itself leaves: all that is ours
 * ends, and the target goes on. The real service, worker and tracer, on every interpreter at hand.
 */

#include <string.h>

#include "hap-test.h"
#include "service-fixture.h"

static const char *const real[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                    "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                    "--plugin-dir=" HAP_TEST_BUILD "/plugins", NULL };

/* @off: (nullable): what the program says of itself when it is as it was; NULL: nothing is switched on in it
 */
static const struct
{
  const char *script, *method, *data, *off;
} cases[] = {
  { "calls.py", "Start", "'mode': <'tracing'>, 'seconds': <0.5>", "off 0 " },
  { "asyncio_debug.py", "SetAsyncioDebug", "'seconds': <0.5>", "[False, False] 30 0" },
  { "busy.py", "Start", "'seconds': <0.5>", NULL },
};

/* Calls as somebody who leaves with the answer, which is returned. */
static GVariant *
call_and_leave (Fixture *fixture, const char *method, guint pid, const char *more)
{
  g_autofree char *text = g_strdup_printf ("({'target': <%u>, %s},)", pid, more);
  g_autoptr (GDBusConnection) client = fixture_connect (fixture);
  g_autoptr (GError) error = NULL;
  GVariant *data = g_variant_parse (G_VARIANT_TYPE ("(a{sv})"), text, NULL, NULL, &error);
  GVariant *reply;

  g_assert_no_error (error);
  reply = g_dbus_connection_call_sync (client, PROFILER_NAME, PROFILER_PATH, PROFILER_NAME, method, data,
                                       NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_close_sync (client, NULL, NULL);
  return reply;
}

static void
wait_until_off (HapTestProcess *process, const char *off)
{
  g_autofree char *state = NULL;

  do
    {
      g_free (state);
      hap_test_process_write_line (process, "state");
      state = hap_test_process_read_line (process);
      g_assert_nonnull (state);
    }
  while (!g_str_has_prefix (state, off));
}

static void
test_leaves (gconstpointer data)
{
  Fixture fixture;

  if (!fixture_set_up (&fixture, real))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HapTestProcess) process =
          hap_test_spawn (data, (const char *const[]){ cases[i].script, NULL });
      g_autoptr (GVariant) reply =
          call_and_leave (&fixture, cases[i].method, hap_test_process_get_pid (process), cases[i].data);
      const char *path;

      g_test_message ("%s", cases[i].method);
      if (g_variant_is_of_type (reply, G_VARIANT_TYPE ("(o)")))
        {
          g_variant_get (reply, "(&o)", &path);
          fixture_wait_for_state (&fixture, path, "finished");
        }
      if (cases[i].off != NULL)
        wait_until_off (process, cases[i].off);
    }
  fixture_tear_down (&fixture);
}

typedef struct
{
  Fixture *fixture;
  const char *job;
  guint pids[2]; /* the worker, a tracer that holds the target */
} Running;

static gboolean
is_sampling (gpointer data)
{
  Running *running = data;
  g_autoptr (GVariant) progress = fixture_get (running->fixture, running->job, "Progress");

  running->pids[0] = fixture_find_child (running->fixture, "ha-profiler-worker");
  running->pids[1] = fixture_find_child (running->fixture, "ha-profiler-tracer");
  return g_variant_get_double (progress) > 0 && running->pids[0] != 0 && running->pids[1] != 0;
}

/* Running or asleep, as it pleases, and traced by nobody. */
static gboolean
goes_on (gpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/status", GPOINTER_TO_UINT (data));
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return (strstr (text, "\nState:\tR") != NULL || strstr (text, "\nState:\tS") != NULL)
         && strstr (text, "\nTracerPid:\t0\n") != NULL;
}

static gboolean
is_gone (gpointer data)
{
  char state = hap_test_get_state (GPOINTER_TO_UINT (data));

  /* Whoever reaps it now may take a while. */
  return state == '\0' || state == 'Z';
}

static void
test_bus_is_gone (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "busy.py", NULL });
  guint pid = hap_test_process_get_pid (process);
  g_autofree char *text =
      g_strdup_printf ("({'target': <%u>, 'seconds': <600.0>, 'rate': <200>, 'precision': <'exact'>},)", pid);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  Running running = { 0 };
  Fixture fixture;

  if (!fixture_set_up (&fixture, real))
    return;
  reply = fixture_call (&fixture, PROFILER_PATH, "Profiler", "Start", g_variant_new_parsed (text), &error);
  g_assert_no_error (error);
  running.fixture = &fixture;
  g_variant_get (reply, "(&o)", &running.job);
  fixture_wait (is_sampling, &running);

  g_subprocess_force_exit (fixture.bus);
  g_subprocess_wait (fixture.service, NULL, NULL);
  g_assert_true (g_subprocess_get_if_exited (fixture.service));
  g_assert_cmpint (g_subprocess_get_exit_status (fixture.service), ==, 0);
  g_clear_object (&fixture.service);
  for (guint i = 0; i < G_N_ELEMENTS (running.pids); i++)
    fixture_wait (is_gone, GUINT_TO_POINTER (running.pids[i]));
  fixture_wait (goes_on, GUINT_TO_POINTER (pid));
  g_assert_true (hap_test_process_is_alive (process));
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/system/leave", test_leaves);
  hap_test_add ("/system/bus-is-gone", test_bus_is_gone);
  return g_test_run ();
}
