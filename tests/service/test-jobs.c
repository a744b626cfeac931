/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The life of a job, with a worker that is honest, unlucky or hostile.
 */

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "service-fixture.h"

static void
assert_failed (Fixture *fixture, const char *path, const char *name, const char *text)
{
  g_autoptr (GVariant) error = NULL;
  const char *code, *message;

  fixture_wait_for_state (fixture, path, "failed");
  error = fixture_get (fixture, path, "Error");
  g_variant_get (error, "(&s&s)", &code, &message);
  g_assert_true (g_str_has_suffix (code, name));
  if (strstr (message, text) == NULL)
    g_error ("expected “%s” in: %s", text, message);
}

static gsize
count_artifacts (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (fixture, PROFILER_PATH, "Profiler.Manager", "ListArtifacts", NULL, &error);
  g_autoptr (GVariant) list = NULL;

  g_assert_no_error (error);
  list = g_variant_get_child_value (reply, 0);
  return g_variant_n_children (list);
}

static gsize
count_job_artifacts (Fixture *fixture, const char *path)
{
  g_autoptr (GVariant) artifacts = fixture_get (fixture, path, "Artifacts");

  return g_variant_n_children (artifacts);
}

static void
test_finished (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GVariant) artifact = NULL;
  g_autoptr (GVariant) started = NULL;
  g_autoptr (GVariant) summary = NULL;
  g_autoptr (GVariant) progress = NULL;
  g_autofree char *name = NULL;
  guint64 samples, size;
  const char *text;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_job (&fixture, target, "succeed");
  g_assert_true (g_str_has_prefix (path, PROFILER_PATH "/jobs/"));
  fixture_wait_for_state (&fixture, path, "finished");

  progress = fixture_get (&fixture, path, "Progress");
  g_assert_cmpfloat (g_variant_get_double (progress), ==, 1.0);
  summary = fixture_get (&fixture, path, "Summary");
  g_assert_true (g_variant_lookup (summary, "samples", "t", &samples));
  g_assert_cmpuint (samples, ==, 42);

  started = fixture_get (&fixture, path, "StartedAt");
  name = g_strdup_printf ("fake.%" G_GUINT64_FORMAT ".txt", g_variant_get_uint64 (started));
  artifacts = fixture_get (&fixture, path, "Artifacts");
  g_assert_cmpuint (g_variant_n_children (artifacts), ==, 1);
  artifact = g_variant_get_child_value (artifacts, 0);
  g_assert_true (g_variant_lookup (artifact, "name", "&s", &text));
  g_assert_cmpstr (text, ==, name);
  g_assert_true (g_variant_lookup (artifact, "size", "t", &size));
  g_assert_cmpuint (size, ==, 5);
  g_assert_cmpuint (count_artifacts (&fixture), ==, 1);
  fixture_tear_down (&fixture);
}

typedef struct
{
  const char *script, *error, *text;
} Failure;

/* How a job fails that its worker brings to its end by itself, and by breaking each rule. */
static const Failure failures[] = {
  { "fail", "Error.TargetGone", "The process went away" },
  { "exit", "Error.Failed", "exited with status 3" },
  { "crash", "Error.Failed", "ended by signal 9" },
  { "flood", "Error.Failed", "too much at once" },
  { "huge", "Error.Failed", "too long a message" },
  { "long-entry", "Error.Failed", "an entry is too long" },
  { "many-entries", "Error.NoSpace", "The report is too long" },
  { "bad-name", "Error.Failed", "the name or the type" },
  { "bad-mime", "Error.Failed", "the name or the type" },
  { "twice", "Error.Failed", "twice" },
  { "commit-unknown", "Error.Failed", "does not write" },
  { "many-artifacts", "Error.Failed", "too many" },
  { "many-notifications", "Error.Failed", "too many notifications" },
  { "big-file", "Error.NoSpace", "File too large" },
  { "bad-progress", "Error.Failed", "its progress" },
  { "wrong-reply", "Error.Failed", "another type" },
  { "descriptors", "Error.Failed", "descriptors" },
  { "handle", "Error.Failed", "a handle" },
  { "foreign-pid", "Error.Failed", "another process" },
};

static void
test_failed (gconstpointer data)
{
  const Failure *failure = data;
  Fixture fixture;
  g_autofree char *path = NULL;
  guint target;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_job (&fixture, target, failure->script);
  assert_failed (&fixture, path, failure->error, failure->text);
  g_assert_cmpuint (count_artifacts (&fixture), ==, 0);
  g_free (path);

  /* The service is none the worse for it. */
  path = fixture_start_job (&fixture, target, "succeed");
  fixture_wait_for_state (&fixture, path, "finished");
  fixture_tear_down (&fixture);
}

/* Scripts at whose end the job is finished, with as many artifacts. */
static const struct
{
  const char *script;
  gsize n_artifacts;
} finishing[] = {
  { "uncommitted", 0 }, { "grow", 0 },    { "wrong-type", 0 },
  { "threads", 0 },     { "mapping", 0 }, { "succeed", 1 },
};

static void
test_finishing (void)
{
  Fixture fixture;
  guint target;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  for (guint i = 0; i < G_N_ELEMENTS (finishing); i++)
    {
      g_autofree char *path = fixture_start_job (&fixture, target, finishing[i].script);

      fixture_wait_for_state (&fixture, path, "finished");
      g_assert_cmpuint (count_job_artifacts (&fixture, path), ==, finishing[i].n_artifacts);
    }
  g_assert_cmpuint (count_artifacts (&fixture), ==, 1);
  fixture_tear_down (&fixture);
}

static void
test_same_artifact (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  first = fixture_start_job (&fixture, target, "same-name");
  fixture_wait_for_state (&fixture, first, "finished");
  second = fixture_start_job (&fixture, target, "same-name");
  assert_failed (&fixture, second, "Error.Failed", "There is an artifact “fake.same” already");
  g_assert_cmpuint (count_artifacts (&fixture), ==, 1);
  fixture_tear_down (&fixture);
}

static void
test_cancelled (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_waiting_job (&fixture, target, "wait");
  reply = fixture_call (&fixture, path, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  fixture_wait_for_state (&fixture, path, "cancelled");
  /* What it had is kept. */
  g_assert_cmpuint (count_job_artifacts (&fixture, path), ==, 1);

  g_assert_null (fixture_call (&fixture, path, "Profiler.Job", "Cancel", NULL, &error));
  fixture_assert_error (&error, "NotRunning", "has ended already");
  fixture_tear_down (&fixture);
}

/* A worker that does not come to its end is brought to it. */
static void
test_cancelled_hanging (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_waiting_job (&fixture, target, "hang");
  reply = fixture_call (&fixture, path, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  fixture_wait_for_state (&fixture, path, "cancelled");
  fixture_tear_down (&fixture);
}

static gboolean
has_worker (gpointer data)
{
  return fixture_find_child (data, "fake-worker") != 0;
}

static gboolean
has_no_children (gpointer data)
{
  return fixture_find_child (data, "fake-worker") == 0 && fixture_find_child (data, "fake-tracer") == 0;
}

static void
test_killed_worker (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_waiting_job (&fixture, target, "wait");
  fixture_wait (has_worker, &fixture);
  kill ((pid_t)fixture_find_child (&fixture, "fake-worker"), SIGKILL);
  assert_failed (&fixture, path, "Error.Failed", "ended by signal 9");
  fixture_wait (has_no_children, &fixture);
  fixture_tear_down (&fixture);
}

/* Programs that do not speak the protocol. */
static void
test_no_worker (void)
{
  const char *const arguments[] = { "--worker=/bin/false", NULL };
  const char *const missing[] = { "--worker=/nonexistent", NULL };
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, arguments))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_job (&fixture, target, "succeed");
  assert_failed (&fixture, path, "Error.Failed", "exited with status 1");
  fixture_tear_down (&fixture);

  fixture_set_up (&fixture, missing);
  target = fixture_add_target (&fixture, "python");
  g_assert_null (fixture_run (&fixture, "FakeJob", target, "succeed", &error));
  fixture_assert_error (&error, "Failed", "is it installed whole?");
  fixture_tear_down (&fixture);
}

static void
test_report (void)
{
  Fixture fixture;
  guint target, value;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GVariant) entry = NULL;
  g_autoptr (GVariant) none = NULL;
  g_autoptr (GError) error = NULL;
  const char *message;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  reply = fixture_run (&fixture, "FakeReport", target, "succeed", &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_is_of_type (reply, G_VARIANT_TYPE ("(aa{sv})")));
  report = g_variant_get_child_value (reply, 0);
  g_assert_cmpuint (g_variant_n_children (report), ==, 1);
  entry = g_variant_get_child_value (report, 0);
  g_assert_true (g_variant_lookup (entry, "message", "&s", &message));
  g_assert_cmpstr (message, ==, "One \033[31mline");
  g_assert_true (g_variant_lookup (entry, "value", "u", &value));
  g_assert_cmpuint (value, ==, 7);

  none = fixture_run (&fixture, "FakeNone", target, "succeed", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);

  g_assert_null (fixture_run (&fixture, "FakeReport", target, "fail", &error));
  fixture_assert_error (&error, "TargetGone", "went away");
  fixture_tear_down (&fixture);
}

/* Whose answer nobody would get is ended; a job goes on. */
static void
test_caller_leaves (void)
{
  Fixture fixture;
  guint target;
  g_autofree char *path = NULL;
  g_autoptr (GDBusConnection) kept = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  kept = fixture.connection;
  fixture.connection = fixture_connect (&fixture);
  g_dbus_connection_call (fixture.connection, PROFILER_NAME, PROFILER_PATH, "org.homeassistant.Profiler",
                          "FakeReport",
                          g_variant_new_parsed ("({'target': <%u>, 'script': <'wait'>},)", target), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  g_dbus_connection_flush_sync (fixture.connection, NULL, NULL);
  fixture_wait (has_worker, &fixture);
  g_dbus_connection_close_sync (fixture.connection, NULL, NULL);
  fixture_wait (has_no_children, &fixture);
  g_clear_object (&fixture.connection);

  fixture.connection = fixture_connect (&fixture);
  path = fixture_start_waiting_job (&fixture, target, "wait");
  g_dbus_connection_close_sync (fixture.connection, NULL, NULL);
  g_clear_object (&fixture.connection);
  fixture.connection = g_steal_pointer (&kept);
  fixture_wait_for_state (&fixture, path, "running");
  fixture_tear_down (&fixture);
}

static void
test_slot_is_stopped (void)
{
  Fixture fixture;
  guint target, other;
  g_autoptr (GVariant) started = NULL;
  g_autoptr (GVariant) second = NULL;
  g_autoptr (GVariant) stopped = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  other = fixture_add_target (&fixture, "python");
  g_assert_null (fixture_run (&fixture, "StopFakeLogging", 0, NULL, &error));
  fixture_assert_error (&error, "NotRunning", "Fake logging not running");

  started = fixture_run (&fixture, "StartFakeLogging", target, "wait", &error);
  g_assert_no_error (error);
  g_assert_null (fixture_run (&fixture, "StartFakeLogging", target, "wait", &error));
  fixture_assert_error (&error, "AlreadyStarted", "Fake logging already started");
  second = fixture_run (&fixture, "StartFakeLogging", other, "wait", &error);
  g_assert_no_error (error);
  g_assert_null (fixture_run (&fixture, "StopFakeLogging", 0, NULL, &error));
  fixture_assert_error (&error, "AmbiguousTarget", "more than one process");

  stopped = fixture_run (&fixture, "StopFakeLogging", target, NULL, &error);
  g_assert_no_error (error);
  g_variant_get (started, "(&o)", &path);
  fixture_wait_for_state (&fixture, path, "finished");
  g_clear_pointer (&stopped, g_variant_unref);
  stopped = fixture_run (&fixture, "StopFakeLogging", 0, NULL, &error);
  g_assert_no_error (error);
  fixture_tear_down (&fixture);
}

/* Nothing but what it needs reaches a worker, or its tracer. */
static void
test_confinement (void)
{
  Fixture fixture;
  guint target, uid = 0;
  gint32 groups = -1, no_new_privs = 0;
  guint64 capabilities = 1, core = 1;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) entry = NULL;
  g_autoptr (GVariant) tracer = NULL;
  g_autofree const char **environment = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *printed = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  reply = fixture_run (&fixture, "FakeReport", target, "inspect", &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(aa{sv})", NULL);
  {
    g_autoptr (GVariant) report = g_variant_get_child_value (reply, 0);

    entry = g_variant_get_child_value (report, 0);
  }
  g_variant_lookup (entry, "uid", "u", &uid);
  g_variant_lookup (entry, "groups", "i", &groups);
  g_variant_lookup (entry, "capabilities", "t", &capabilities);
  g_variant_lookup (entry, "core", "t", &core);
  g_variant_lookup (entry, "no_new_privs", "i", &no_new_privs);
  g_variant_lookup (entry, "environment", "^a&s", &environment);
  g_assert_cmpuint (uid, !=, 0);
  if (geteuid () == 0)
    g_assert_cmpint (groups, ==, 0);
  g_assert_cmpuint (capabilities, ==, 0);
  g_assert_cmpuint (core, ==, 0);
  g_assert_cmpint (no_new_privs, ==, 1);
  g_assert_true (g_strv_contains (environment, "PATH"));
  g_assert_false (g_strv_contains (environment, "SECRET"));
  g_assert_false (g_strv_contains (environment, "DBUS_SYSTEM_BUS_ADDRESS"));

  tracer = fixture_run (&fixture, "FakeReport", target, "tracer", &error);
  g_assert_no_error (error);
  printed = g_variant_print (tracer, FALSE);
  if (strstr (printed, "alive=1 thread=1 others=0 capabilities=2") == NULL)
    g_error ("%s", printed);
  fixture_tear_down (&fixture);
}

/* Our own, which has a connection to the bus: what the worker is told of sockets, and of which table. */
static void
test_sockets (void)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *printed = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  reply = fixture_run (&fixture, "FakeReport", (guint)getpid (), "sockets", &error);
  g_assert_no_error (error);
  printed = g_variant_print (reply, FALSE);
  if (strstr (printed, "'message': <'unix'>") == NULL)
    g_error ("%s", printed);
  fixture_tear_down (&fixture);
}

static gboolean
is_gone (gpointer data)
{
  return kill ((pid_t)GPOINTER_TO_INT (data), 0) != 0;
}

/* Told to end, the service leaves no process behind. */
static void
test_terminated (void)
{
  Fixture fixture;
  guint target, worker;
  g_autofree char *path = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  path = fixture_start_waiting_job (&fixture, target, "wait");
  fixture_wait (has_worker, &fixture);
  worker = fixture_find_child (&fixture, "fake-worker");
  g_subprocess_send_signal (fixture.service, SIGTERM);
  g_subprocess_wait (fixture.service, NULL, NULL);
  g_assert_true (g_subprocess_get_if_exited (fixture.service));
  g_assert_cmpint (g_subprocess_get_exit_status (fixture.service), ==, 0);
  g_clear_object (&fixture.service);
  fixture_wait (is_gone, GINT_TO_POINTER ((gint)worker));
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/job/finished", test_finished);
  for (guint i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      g_autofree char *path = g_strdup_printf ("/service/job/failed/%s", failures[i].script);

      g_test_add_data_func (path, &failures[i], test_failed);
    }
  g_test_add_func ("/service/job/finishing", test_finishing);
  g_test_add_func ("/service/job/same-artifact", test_same_artifact);
  g_test_add_func ("/service/job/cancelled", test_cancelled);
  g_test_add_func ("/service/job/cancelled-hanging", test_cancelled_hanging);
  g_test_add_func ("/service/job/killed-worker", test_killed_worker);
  g_test_add_func ("/service/job/no-worker", test_no_worker);
  g_test_add_func ("/service/job/report", test_report);
  g_test_add_func ("/service/job/caller-leaves", test_caller_leaves);
  g_test_add_func ("/service/job/slot-is-stopped", test_slot_is_stopped);
  g_test_add_func ("/service/job/confinement", test_confinement);
  g_test_add_func ("/service/job/sockets", test_sockets);
  g_test_add_func ("/service/job/terminated", test_terminated);
  return g_test_run ();
}
