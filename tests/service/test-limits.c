/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How many jobs there may be, which exclude each other, how long they can be read, and how long a call may
 * be.
 */

#include "service-fixture.h"

#include <glib/gstdio.h>

static void
test_busy (void)
{
  Fixture fixture;
  guint target, other;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  other = fixture_add_target (&fixture, "python");
  first = fixture_start_waiting_job (&fixture, target, "wait");
  g_assert_null (fixture_run (&fixture, "FakeJob", target, "succeed", &error));
  fixture_assert_error (&error, "Busy", "FakeJob runs on process");

  second = fixture_start_job (&fixture, other, "succeed");
  fixture_wait_for_state (&fixture, second, "finished");
  reply = fixture_call (&fixture, first, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  third = fixture_start_job (&fixture, target, "succeed");
  fixture_wait_for_state (&fixture, third, "finished");
  fixture_tear_down (&fixture);
}

/* FALSE: skipped */
static gboolean
set_up_with (Fixture *fixture, const char *limits)
{
  g_autofree char *config = NULL;
  g_autofree char *argument = NULL;
  g_autoptr (GError) error = NULL;
  gint fd = g_file_open_tmp ("ha-profiler-test-XXXXXX.conf", &config, &error);
  const char *arguments[] = { NULL, NULL };
  gboolean is_up;

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (config, limits, -1, NULL);
  arguments[0] = argument = g_strdup_printf ("--config=%s", config);
  is_up = fixture_set_up (fixture, arguments);
  g_unlink (config);
  return is_up;
}

static void
test_too_many (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  if (set_up_with (&fixture, "[Limits]\nJobs=3\nJobsPerUser=2\n"))
    {
      for (guint i = 0; i < 2; i++)
        {
          guint target = fixture_add_target (&fixture, "python");
          g_autofree char *path = fixture_start_waiting_job (&fixture, target, "wait");
        }
      g_assert_null (
          fixture_run (&fixture, "FakeJob", fixture_add_target (&fixture, "python"), "succeed", &error));
      fixture_assert_error (&error, "Busy", "2 jobs run for user");
      fixture_tear_down (&fixture);
    }
}

/* Who commits what is too large, and who writes on and says nothing. */
static void
test_artifact_bytes (void)
{
  static const char *const scripts[] = { "large", "spill" };
  Fixture fixture;
  guint target;

  if (!set_up_with (&fixture, "[Limits]\nJobArtifactBytes=1M\n"))
    return;
  target = fixture_add_target (&fixture, "python");
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autofree char *path = fixture_start_job (&fixture, target, scripts[i]);
      g_autoptr (GVariant) error = NULL;
      const char *name, *message;

      fixture_wait_for_state (&fixture, path, "failed");
      error = fixture_get (&fixture, path, "Error");
      g_variant_get (error, "(&s&s)", &name, &message);
      g_assert_cmpstr (name, ==, "org.homeassistant.Profiler.Error.NoSpace");
      g_assert_nonnull (strstr (message, "JobArtifactBytes"));
    }
  fixture_tear_down (&fixture);
}

/* Of jobs that have ended, the last ones can be read. */
static void
test_bounded (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *last = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) objects = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  for (guint i = 0; i < 34; i++)
    {
      g_free (last);
      last = fixture_start_job (&fixture, target, "wrong-type");
      fixture_wait_for_state (&fixture, last, "finished");
    }
  reply = fixture_call (&fixture, PROFILER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                        NULL, &error);
  g_assert_no_error (error);
  objects = g_variant_get_child_value (reply, 0);
  g_assert_cmpuint (g_variant_n_children (objects), ==, 32);
  first = g_variant_lookup_value (objects, PROFILER_PATH "/jobs/1", NULL);
  g_assert_null (first);
  g_assert_null (fixture_call (&fixture, PROFILER_PATH "/jobs/1", "Profiler.Job", "Cancel", NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
  fixture_tear_down (&fixture);
}

/* Whoever waits for a password cannot fill the memory meanwhile. */
static void
test_long_call (void)
{
  Fixture fixture;
  g_autofree char *text = g_strnfill (64 * 1024, 'x');
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "RemoveArtifact",
                               g_variant_new ("(s)", text), &error));
  fixture_assert_error (&error, "InvalidData", "The call is too long");
  text[1024] = '\0';
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "RemoveArtifact",
                               g_variant_new ("(s)", text), &error));
  fixture_assert_error (&error, "InvalidData", "is not the name of an artifact");
  fixture_tear_down (&fixture);
}

static GVariant *
set_locale (GDBusConnection *connection, const char *locale, GError **error)
{
  return g_dbus_connection_call_sync (connection, PROFILER_NAME, PROFILER_PATH, PROFILER_NAME ".Manager",
                                      "SetLocale", g_variant_new ("(s)", locale), NULL,
                                      G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
}

/* Each costs a rule on the bus, which would be missing elsewhere. */
static void
test_many_languages (void)
{
  Fixture fixture;
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GVariant) last = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  for (guint i = 0; i <= 16; i++)
    {
      g_autoptr (GVariant) reply = NULL;

      g_ptr_array_add (connections, fixture_connect (&fixture));
      reply = set_locale (connections->pdata[i], "C.UTF-8", &error);
      g_assert_true ((reply != NULL) == (i < 16));
    }
  fixture_assert_error (&error, "Busy", "16 callers have a language");
  /* Who wants none takes none; who gives it back makes room. */
  g_variant_unref (set_locale (connections->pdata[16], "none", &error));
  g_variant_unref (set_locale (connections->pdata[0], "none", &error));
  last = set_locale (connections->pdata[16], "C.UTF-8", &error);
  g_assert_no_error (error);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/job/busy", test_busy);
  g_test_add_func ("/service/job/too-many", test_too_many);
  g_test_add_func ("/service/job/artifact-bytes", test_artifact_bytes);
  g_test_add_func ("/service/job/bounded", test_bounded);
  g_test_add_func ("/service/call/too-long", test_long_call);
  g_test_add_func ("/service/call/languages", test_many_languages);
  return g_test_run ();
}
