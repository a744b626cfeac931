/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What people are told of a job, from its start to each of its ends, and who is told.
 */

#include <string.h>
#include <unistd.h>

#include "service-fixture.h"

typedef struct
{
  Fixture fixture;
  GString *seen; /* the signals, a line each */
  guint target;
} Listener;

static void
on_signal (GDBusConnection *connection,
           const char *sender,
           const char *path,
           const char *interface,
           const char *signal,
           GVariant *parameters,
           gpointer data)
{
  g_autofree char *printed = g_variant_print (parameters, FALSE);

  g_string_append_printf (data, "%s %s\n", signal, printed);
}

static gboolean
listener_set_up (Listener *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (!fixture_set_up (&self->fixture, NULL))
    return FALSE;
  self->seen = g_string_new (NULL);
  self->target = fixture_add_target (&self->fixture, "python");
  g_dbus_connection_signal_subscribe (self->fixture.connection, PROFILER_NAME, NULL, NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, self->seen, NULL);
  reply = fixture_call (&self->fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);
  return TRUE;
}

static void
listener_tear_down (Listener *self)
{
  fixture_tear_down (&self->fixture);
  g_string_free (self->seen, TRUE);
}

/* Returns: (transfer full): the @n-th signal that begins so; NULL: there is none */
static char *
find_signal (Listener *self, const char *beginning, guint n)
{
  g_auto (GStrv) lines = g_strsplit (self->seen->str, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      if (g_str_has_prefix (*line, beginning) && n-- == 0)
        return g_strdup (*line);
    }
  return NULL;
}

static void
assert_signal (Listener *self, guint n, const char *beginning, const char *const *parts)
{
  g_autofree char *signal = find_signal (self, beginning, n);

  if (signal == NULL)
    g_error ("no “%s” in:\n%s", beginning, self->seen->str);
  for (const char *const *part = parts; part != NULL && *part != NULL; part++)
    {
      if (strstr (signal, *part) == NULL)
        g_error ("no “%s” in: %s", *part, signal);
    }
}

static gboolean
has_job_removed (gpointer data)
{
  return strstr (((Listener *)data)->seen->str, "JobRemoved") != NULL;
}

static char *
run_job (Listener *self, const char *script)
{
  char *path = fixture_start_job (&self->fixture, self->target, script);

  fixture_wait (has_job_removed, self);
  return path;
}

static void
test_complete (void)
{
  Listener listener;
  g_autofree char *path = NULL;
  g_autofree char *job = NULL;
  g_autofree char *further = NULL;

  if (!listener_set_up (&listener))
    return;
  path = run_job (&listener, "notify");
  job = g_strdup_printf ("'job': <objectpath '%s'>", path);
  assert_signal (&listener, 0, "Notification ('fake_id', 'Started'",
                 (const char *[]){ job, "'state': <'running'>", "'action': <'FakeJob'>",
                                   "'artifacts': <@as []>", NULL });
  /* It says that the job has ended, and so do its hints. */
  assert_signal (
      &listener, 0, "Notification ('fake_id', 'Complete",
      (const char *[]){ job, "'state': <'finished'>", "'progress': <1.0>", "'artifacts': <['fake.", NULL });
  further = find_signal (&listener, "Notification ", 2);
  g_assert_null (further);
  listener_tear_down (&listener);
}

static void
test_failed (void)
{
  Listener listener;
  g_autofree char *path = NULL;
  g_autofree char *last = NULL;

  if (!listener_set_up (&listener))
    return;
  path = run_job (&listener, "notify-fail");
  assert_signal (&listener, 0, "Notification ('fake_id', 'FakeJob failed'",
                 (const char *[]){ "'state': <'failed'>", NULL });
  last = find_signal (&listener, "Notification ", 1);
  g_assert_null (strstr (last, "The process went away"));
  listener_tear_down (&listener);
}

static void
cancel (Listener *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (&self->fixture, path, "Profiler.Job", "Cancel", NULL, &error);

  g_assert_no_error (error);
  fixture_wait (has_job_removed, self);
}

static void
test_cancelled (void)
{
  Listener listener;
  g_autofree char *path = NULL;

  if (!listener_set_up (&listener))
    return;
  path = fixture_start_waiting_job (&listener.fixture, listener.target, "notify-wait");
  cancel (&listener, path);
  assert_signal (&listener, 0, "NotificationDismissed ('fake_id'", NULL);
  listener_tear_down (&listener);
}

static gboolean
has_notification (gpointer data)
{
  return strstr (((Listener *)data)->seen->str, "Notification ") != NULL;
}

static void
test_stopped (void)
{
  Listener listener;
  g_autoptr (GVariant) started = NULL;
  g_autoptr (GVariant) stopped = NULL;
  g_autoptr (GError) error = NULL;

  if (!listener_set_up (&listener))
    return;
  started = fixture_run (&listener.fixture, "StartFakeLogging", listener.target, "notify-wait", &error);
  g_assert_no_error (error);
  fixture_wait (has_notification, &listener);
  stopped = fixture_run (&listener.fixture, "StopFakeLogging", listener.target, NULL, &error);
  g_assert_no_error (error);
  fixture_wait (has_job_removed, &listener);
  assert_signal (&listener, 0, "Notification ('fake_id', 'Started'", NULL);
  assert_signal (&listener, 0, "NotificationDismissed ('fake_id'", NULL);
  listener_tear_down (&listener);
}

static void
test_report (void)
{
  Listener listener;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *signal = NULL;

  if (!listener_set_up (&listener))
    return;
  reply = fixture_run (&listener.fixture, "FakeReport", listener.target, "notify", &error);
  g_assert_no_error (error);
  fixture_wait (has_notification, &listener);
  assert_signal (&listener, 0, "Notification ('fake_id', 'Complete",
                 (const char *[]){ "'state': <'finished'>", "'action': <'FakeReport'>", NULL });
  signal = find_signal (&listener, "Notification ", 0);
  g_assert_null (strstr (signal, "'job'"));
  listener_tear_down (&listener);
}

static void
test_late (void)
{
  Listener listener;
  g_autofree char *path = NULL;
  g_autoptr (GDBusConnection) late = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!listener_set_up (&listener))
    return;
  path = fixture_start_waiting_job (&listener.fixture, listener.target, "notify-wait");
  fixture_wait (has_notification, &listener);
  g_string_truncate (listener.seen, 0);
  late = fixture_connect (&listener.fixture);
  g_dbus_connection_signal_subscribe (late, PROFILER_NAME, NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                      on_signal, listener.seen, NULL);
  g_set_object (&listener.fixture.connection, late);
  reply = fixture_call (&listener.fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);
  fixture_wait (has_notification, &listener);
  assert_signal (&listener, 0, "Notification ('fake_id', 'Started'",
                 (const char *[]){ "'state': <'running'>", NULL });
  listener_tear_down (&listener);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/notifications/complete", test_complete);
  g_test_add_func ("/service/notifications/failed", test_failed);
  g_test_add_func ("/service/notifications/cancelled", test_cancelled);
  g_test_add_func ("/service/notifications/stopped", test_stopped);
  g_test_add_func ("/service/notifications/report", test_report);
  g_test_add_func ("/service/notifications/late", test_late);
  return g_test_run ();
}
