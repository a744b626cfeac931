/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whoever started something leaves the bus with the answer, as busctl does: it goes on, and what it had
 * switched on in the target is switched off when its time is over. The real service, worker and tracer, on
 * every interpreter at hand.
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/system/leave", test_leaves);
  return g_test_run ();
}
