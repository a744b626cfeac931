/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service as a caller sees it: introspection, data, targets, artifacts, signals, who is let in, and its
 * comings and goings.
 */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "service-fixture.h"

static GDBusInterfaceInfo *
introspect (Fixture *fixture, GDBusNodeInfo **node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (fixture, PROFILER_PATH, "org.freedesktop.DBus.Introspectable",
                                             "Introspect", NULL, &error);
  const char *xml;

  g_assert_no_error (error);
  g_variant_get (reply, "(&s)", &xml);
  *node = g_dbus_node_info_new_for_xml (xml, &error);
  g_assert_no_error (error);
  return g_dbus_node_info_lookup_interface (*node, "org.homeassistant.Profiler");
}

static void
test_introspection (void)
{
  Fixture fixture;
  g_autoptr (GDBusNodeInfo) node = NULL;
  GDBusInterfaceInfo *info;
  GDBusMethodInfo *method;
  GDBusAnnotationInfo **annotations;

  if (!fixture_set_up (&fixture, NULL))
    return;
  info = introspect (&fixture, &node);
  g_assert_nonnull (info);
  g_assert_nonnull (g_dbus_node_info_lookup_interface (node, "org.homeassistant.Profiler.Manager"));
  g_assert_nonnull (g_dbus_node_info_lookup_interface (node, "org.freedesktop.DBus.ObjectManager"));
  g_assert_nonnull (g_dbus_interface_info_lookup_signal (info, "Notification"));
  g_assert_nonnull (g_dbus_interface_info_lookup_signal (info, "LogEntry"));

  method = g_dbus_interface_info_lookup_method (info, "FakeJob");
  g_assert_nonnull (method);
  g_assert_cmpstr (method->in_args[0]->signature, ==, "a{sv}");
  g_assert_cmpstr (method->out_args[0]->signature, ==, "o");
  g_assert_cmpstr (g_dbus_annotation_info_lookup (method->annotations, "org.homeassistant.Profiler.Summary"),
                   ==, "Does as its script says & <nothing> else");
  annotations = method->in_args[0]->annotations;
  g_assert_cmpstr (g_dbus_annotation_info_lookup (annotations, "org.homeassistant.Profiler.Data.seconds"), ==,
                   "d, default 60.0, minimum 0.5, maximum 3600.0: How long it would take");
  g_assert_nonnull (g_dbus_annotation_info_lookup (annotations, "org.homeassistant.Profiler.Data.target"));
  method = g_dbus_interface_info_lookup_method (info, "FakeReport");
  g_assert_cmpstr (method->out_args[0]->signature, ==, "aa{sv}");
  method = g_dbus_interface_info_lookup_method (info, "FakeNone");
  g_assert_null (method->out_args != NULL ? method->out_args[0] : NULL);
  fixture_tear_down (&fixture);
}

static void
test_properties (void)
{
  Fixture fixture;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) actions = NULL;
  g_autoptr (GVariant) action = NULL;
  g_autoptr (GError) error = NULL;
  const char *text;

  if (!fixture_set_up (&fixture, NULL))
    return;
  reply = fixture_call (&fixture, PROFILER_PATH, "org.freedesktop.DBus.Properties", "GetAll",
                        g_variant_new ("(s)", "org.homeassistant.Profiler.Manager"), &error);
  g_assert_no_error (error);
  all = g_variant_get_child_value (reply, 0);
  g_assert_true (g_variant_lookup (all, "Version", "&s", &text));
  actions = g_variant_lookup_value (all, "Actions", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (actions), ==, 7);
  action = g_variant_get_child_value (actions, 0);
  g_assert_true (g_variant_lookup (action, "plugin", "&s", &text));
  g_assert_cmpstr (text, ==, "fake");
  g_assert_true (g_variant_lookup (action, "method", "&s", &text));
  g_assert_cmpstr (text, ==, "FakeDenied");
  fixture_tear_down (&fixture);
}

static void
test_data (void)
{
  const struct
  {
    const char *data, *text;
  } cases[] = {
    { "({'seconds': <0.0>},)", "seconds" },
    { "({'seconds': <-1>},)", "seconds" },
    { "({'seconds': <1e9>},)", "seconds" },
    { "({'seconds': <'abc'>},)", "seconds" },
    { "({'secs': <3>},)", "secs" },
    { "({'target': <0>},)", "target" },
    { "({'target': <-4>},)", "target" },
    { "({'target': <true>},)", "target" },
    { "({'target': <'no such \\033 name'>},)", "target" },
  };
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  fixture_add_target (&fixture, "home-assistant");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler", "FakeJob",
                                   g_variant_new_parsed (cases[i].data), &error));
      fixture_assert_error (&error, "InvalidData", cases[i].text);
    }
  fixture_tear_down (&fixture);
}

static void
test_list_targets (void)
{
  Fixture fixture;
  guint first, second, seen = 0;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) targets = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  first = fixture_add_target (&fixture, "home-assistant");
  fixture_add_target (&fixture, "crash");
  second = fixture_add_target (&fixture, "unsupported");
  reply = fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "ListTargets",
                        g_variant_new_parsed ("(@a{sv} {},)"), &error);
  g_assert_no_error (error);
  targets = g_variant_get_child_value (reply, 0);
  /* Those that the fake worker lied about are not there, and the one it died of is not either. */
  g_assert_cmpuint (g_variant_n_children (targets), ==, 2);
  for (gsize i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) target = g_variant_get_child_value (targets, i);
      const char *command, *name, *reason = NULL;
      gboolean supported, container;
      guint pid, uid;

      g_assert_true (g_variant_lookup (target, "pid", "u", &pid));
      g_assert_true (g_variant_lookup (target, "uid", "u", &uid));
      g_assert_true (g_variant_lookup (target, "name", "&s", &name));
      g_assert_true (g_variant_lookup (target, "command", "&s", &command));
      g_assert_true (g_variant_lookup (target, "supported", "b", &supported));
      g_assert_true (g_variant_lookup (target, "container", "b", &container));
      g_variant_lookup (target, "reason", "&s", &reason);
      g_assert_cmpuint (uid, ==, geteuid ());
      g_assert_cmpstr (command, ==, "fake \\u{1b}[2J command");
      g_assert_cmpstr (name, ==, pid == first ? "home-assistant" : "unsupported");
      g_assert_cmpint (supported, ==, pid == first);
      g_assert_cmpstr (reason, ==, pid == first ? NULL : "it is fake");
      seen |= pid == first ? 1 : pid == second ? 2 : 4;
    }
  g_assert_cmpuint (seen, ==, 3);
  fixture_tear_down (&fixture);
}

static void
test_default_target (void)
{
  g_autofree char *expected = NULL;
  Fixture fixture;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) target = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;
  guint pid;

  if (!fixture_set_up (&fixture, NULL))
    return;
  g_assert_null (fixture_run (&fixture, "FakeJob", 0, "succeed", &error));
  fixture_assert_error (&error, "NoTarget", "No Python process runs here");

  fixture_add_target (&fixture, "python");
  g_assert_null (fixture_run (&fixture, "FakeJob", 0, "succeed", &error));
  fixture_assert_error (&error, "NoTarget", "One Python process runs here: python (");

  pid = fixture_add_target (&fixture, "home-assistant");
  reply = fixture_run (&fixture, "FakeJob", 0, "succeed", &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(&o)", &path);
  target = fixture_get (&fixture, path, "Target");
  g_assert_cmpuint (g_variant_get_uint32 (target), ==, pid);

  fixture_add_target (&fixture, "home-assistant");
  g_assert_null (fixture_run (&fixture, "FakeJob", 0, "succeed", &error));
  expected = g_strdup_printf ("home-assistant-%u (%u)", pid, pid);
  fixture_assert_error (&error, "AmbiguousTarget", expected);

  /* Nor does the name alone say which. */
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler", "FakeJob",
                               g_variant_new_parsed ("({'target': <'home-assistant'>},)"), &error));
  fixture_assert_error (&error, "AmbiguousTarget", expected);
  fixture_tear_down (&fixture);
}

static void
test_named_target (void)
{
  const char *const arguments[] = { "--target=script", NULL };
  Fixture fixture;
  g_autoptr (GVariant) configured = NULL;
  g_autoptr (GVariant) target = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;
  guint pid;

  if (!fixture_set_up (&fixture, arguments))
    return;
  fixture_add_target (&fixture, "home-assistant");
  fixture_add_target (&fixture, "unsupported");
  pid = fixture_add_target (&fixture, "script");
  configured = fixture_run (&fixture, "FakeJob", 0, "succeed", &error);
  g_assert_no_error (error);
  g_variant_get (configured, "(&o)", &path);
  target = fixture_get (&fixture, path, "Target");
  g_assert_cmpuint (g_variant_get_uint32 (target), ==, pid);

  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler", "FakeJob",
                               g_variant_new_parsed ("({'target': <'nobody'>},)"), &error));
  fixture_assert_error (&error, "NoTarget", "3 Python processes run here:");
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler", "FakeJob",
                               g_variant_new_parsed ("({'target': <'unsupported'>},)"), &error));
  fixture_assert_error (&error, "UnsupportedTarget", "it is fake");
  fixture_tear_down (&fixture);
}

static void
test_no_home_assistant (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, NULL))
    return;
  for (guint i = 0; i < 3; i++)
    fixture_add_target (&fixture, "script");
  g_assert_null (fixture_run (&fixture, "FakeJob", 0, "succeed", &error));
  fixture_assert_error (&error, "NoTarget",
                        "No Home Assistant runs here: say what is meant by “target”. 3 Python processes run "
                        "here: script-");
  fixture_tear_down (&fixture);
}

static void
test_impossible_target (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;
  guint service;

  if (!fixture_set_up (&fixture, NULL))
    return;
  service = (guint)g_ascii_strtoull (g_subprocess_get_identifier (fixture.service), NULL, 10);
  g_assert_null (fixture_run (&fixture, "FakeJob", service, "succeed", &error));
  fixture_assert_error (&error, "UnsupportedTarget", "the profiler itself");
  g_assert_null (fixture_run (&fixture, "FakeJob", G_MAXINT32, "succeed", &error));
  fixture_assert_error (&error, "TargetGone", "There is no process");
  fixture_tear_down (&fixture);
}

static void
test_artifacts (void)
{
  Fixture fixture;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GVariant) artifact = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) removed = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;
  char content[16] = "";
  int fd;

  if (!fixture_set_up (&fixture, NULL))
    return;
  path = fixture_start_job (&fixture, fixture_add_target (&fixture, "python"), "succeed");
  fixture_wait_for_state (&fixture, path, "finished");
  artifacts = fixture_get (&fixture, path, "Artifacts");
  artifact = g_variant_get_child_value (artifacts, 0);
  g_variant_lookup (artifact, "name", "&s", &name);

  reply = g_dbus_connection_call_with_unix_fd_list_sync (
      fixture.connection, PROFILER_NAME, PROFILER_PATH, "org.homeassistant.Profiler.Manager", "OpenArtifact",
      g_variant_new ("(s)", name), G_VARIANT_TYPE ("(h)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &fds, NULL,
      &error);
  g_assert_no_error (error);
  fd = g_unix_fd_list_get (fds, 0, &error);
  g_assert_cmpint (read (fd, content, sizeof content), ==, 5);
  g_assert_cmpstr (content, ==, "fake\n");
  close (fd);

  removed = fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "RemoveArtifact",
                          g_variant_new ("(s)", name), &error);
  g_assert_no_error (error);
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "OpenArtifact",
                               g_variant_new ("(s)", name), &error));
  fixture_assert_error (&error, "InvalidData", "There is no artifact");
  g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "OpenArtifact",
                               g_variant_new ("(s)", "../../etc/passwd"), &error));
  fixture_assert_error (&error, "InvalidData", "not the name of an artifact");
  fixture_tear_down (&fixture);
}

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
has_job_removed (gpointer data)
{
  return strstr (((GString *)data)->str, "JobRemoved") != NULL;
}

/* Everybody learns that a job ended; what it found goes to its caller and to subscribers, and to nobody else.
 */
static void
test_signals (void)
{
  Fixture fixture;
  g_autoptr (GString) subscriber = g_string_new (NULL);
  g_autoptr (GString) caller = g_string_new (NULL);
  g_autoptr (GString) stranger = g_string_new (NULL);
  g_autoptr (GDBusConnection) caller_connection = NULL;
  g_autoptr (GDBusConnection) stranger_connection = NULL;
  g_autoptr (GDBusConnection) subscriber_connection = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  guint target;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = fixture_add_target (&fixture, "python");
  subscriber_connection = g_object_ref (fixture.connection);
  caller_connection = fixture_connect (&fixture);
  stranger_connection = fixture_connect (&fixture);
  g_dbus_connection_signal_subscribe (subscriber_connection, PROFILER_NAME, NULL, NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, subscriber, NULL);
  g_dbus_connection_signal_subscribe (caller_connection, PROFILER_NAME, NULL, NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, caller, NULL);
  g_dbus_connection_signal_subscribe (stranger_connection, PROFILER_NAME, NULL, NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, stranger, NULL);
  reply = fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);

  g_set_object (&fixture.connection, caller_connection);
  path = fixture_start_job (&fixture, target, "succeed");
  fixture_wait (has_job_removed, subscriber);
  fixture_wait (has_job_removed, caller);
  fixture_wait (has_job_removed, stranger);

  g_assert_nonnull (strstr (subscriber->str, "LogEntry ('FakeJob'"));
  g_assert_nonnull (strstr (subscriber->str, "Notification ('fake_id', 'Complete\\\\u{1b}'"));
  g_assert_nonnull (strstr (subscriber->str, "InterfacesAdded"));
  g_assert_nonnull (strstr (subscriber->str, "'State': <'finished'>"));
  g_assert_nonnull (strstr (caller->str, "'State': <'finished'>"));
  g_assert_null (strstr (caller->str, "LogEntry"));
  g_assert_true (g_str_has_prefix (stranger->str, "JobRemoved"));
  g_assert_null (strstr (stranger->str, "finished'>"));
  g_assert_null (strstr (stranger->str, "PropertiesChanged"));
  g_assert_null (strstr (stranger->str, "LogEntry"));
  fixture_tear_down (&fixture);
}

static void
test_object_manager (void)
{
  Fixture fixture;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) objects = NULL;
  g_autoptr (GVariant) interfaces = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (GError) error = NULL;
  const char *state;

  if (!fixture_set_up (&fixture, NULL))
    return;
  path = fixture_start_job (&fixture, fixture_add_target (&fixture, "python"), "wait");
  reply = fixture_call (&fixture, PROFILER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                        NULL, &error);
  g_assert_no_error (error);
  objects = g_variant_get_child_value (reply, 0);
  interfaces = g_variant_lookup_value (objects, path, NULL);
  g_assert_nonnull (interfaces);
  properties = g_variant_lookup_value (interfaces, "org.homeassistant.Profiler.Job", NULL);
  g_assert_nonnull (properties);
  g_assert_true (g_variant_lookup (properties, "State", "&s", &state));
  g_assert_cmpstr (state, ==, "running");
  fixture_tear_down (&fixture);
}

/* Another user's call, by a program that is on every machine that builds this. */
static char *
call_as_nobody (Fixture *fixture, const char *method, const char *argument)
{
  g_autoptr (GSubprocess) caller = NULL;
  g_autoptr (GError) error = NULL;
  char *output = NULL;

  caller = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error,
                             "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "gdbus", "call",
                             "--address", fixture->address, "--dest", PROFILER_NAME, "--object-path",
                             PROFILER_PATH, "--method", method, argument, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (caller, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  return output;
}

static void
test_not_authorized (void)
{
  const struct
  {
    const char *method, *argument;
  } calls[] = {
    { "org.homeassistant.Profiler.FakeJob", "{}" },
    { "org.homeassistant.Profiler.FakeReport", "{}" },
    { "org.homeassistant.Profiler.Manager.ListTargets", "{}" },
    { "org.homeassistant.Profiler.Manager.OpenArtifact", "missing" },
    { "org.homeassistant.Profiler.Manager.RemoveArtifact", "missing" },
  };
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0)
    {
      g_test_skip ("only root can call as somebody else");
      return;
    }
  if (!fixture_set_up (&fixture, NULL))
    return;
  g_assert_cmpint (chmod (fixture.dir, 0755), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autofree char *output = call_as_nobody (&fixture, calls[i].method, calls[i].argument);

      if (strstr (output, "org.homeassistant.Profiler.Error.NotAuthorized") == NULL
          || strstr (output, "only root may") == NULL)
        g_error ("%s: %s", calls[i].method, output);
    }
  /* Not even root does what nobody may. */
  g_assert_null (fixture_run (&fixture, "FakeDenied", 0, NULL, &error));
  fixture_assert_error (&error, "NotAuthorized", "Nobody may call");
  fixture_tear_down (&fixture);
}

static void
test_idle (void)
{
  const char *const arguments[] = { "--idle-seconds=5", NULL };
  Fixture fixture;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, arguments))
    return;
  /* A subscriber does not keep it. */
  reply = fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);
  g_subprocess_wait (fixture.service, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (fixture.service), ==, 0);
  g_clear_object (&fixture.service);
  fixture_tear_down (&fixture);
}

static void
test_second_service (void)
{
  Fixture fixture;
  g_autoptr (GSubprocess) second = NULL;
  GSubprocess *first;

  if (!fixture_set_up (&fixture, NULL))
    return;
  first = fixture.service;
  fixture_start_service (&fixture, NULL);
  second = fixture.service;
  fixture.service = first;
  g_subprocess_wait (second, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (second), ==, 1);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/bus/introspection", test_introspection);
  g_test_add_func ("/service/bus/properties", test_properties);
  g_test_add_func ("/service/bus/data", test_data);
  g_test_add_func ("/service/bus/list-targets", test_list_targets);
  g_test_add_func ("/service/bus/default-target", test_default_target);
  g_test_add_func ("/service/bus/named-target", test_named_target);
  g_test_add_func ("/service/bus/no-home-assistant", test_no_home_assistant);
  g_test_add_func ("/service/bus/impossible-target", test_impossible_target);
  g_test_add_func ("/service/bus/artifacts", test_artifacts);
  g_test_add_func ("/service/bus/signals", test_signals);
  g_test_add_func ("/service/bus/object-manager", test_object_manager);
  g_test_add_func ("/service/bus/not-authorized", test_not_authorized);
  g_test_add_func ("/service/bus/idle", test_idle);
  g_test_add_func ("/service/bus/second-service", test_second_service);
  return g_test_run ();
}
