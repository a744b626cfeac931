/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A private bus and the service on it, for integration tests.
 */

#include "service-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_SECONDS 60

typedef struct
{
  Fixture *fixture;
  const char *path, *state;
} Wanted;

static const char bus_config[] =
    "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN'\n"
    " 'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
    "<busconfig>\n"
    "  <type>%s</type>\n"
    "  <listen>unix:path=%s/bus</listen>\n"
    "  <auth>EXTERNAL</auth>\n"
    "  <policy context='default'>\n"
    "    <allow user='*'/>\n"
    "    <deny own='*'/>\n"
    "    <deny send_type='method_call'/>\n"
    "    <allow send_type='signal'/>\n"
    "    <allow send_requested_reply='true' send_type='method_return'/>\n"
    "    <allow send_requested_reply='true' send_type='error'/>\n"
    "    <allow receive_type='method_call'/>\n"
    "    <allow receive_type='method_return'/>\n"
    "    <allow receive_type='error'/>\n"
    "    <allow receive_type='signal'/>\n"
    "    <allow send_destination='org.freedesktop.DBus'/>\n"
    "  </policy>\n"
    "  %s\n"
    "</busconfig>\n";

/* What a test that fails leaves behind ends with it. */
static void
end_with_test (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocessLauncher *
make_launcher (GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_set_child_setup (launcher, end_with_test, NULL, NULL);
  return launcher;
}

static gboolean
is_root (void)
{
  return geteuid () == 0;
}

/* A worker of root's service runs as somebody else, who must be able to reach its program. */
static gboolean
worker_is_reachable (void)
{
  g_autofree char *path = g_strdup (HAP_TEST_BUILD_DIR);
  struct stat status;

  for (char *end = path; is_root () && end != NULL; end = strchr (end + 1, '/'))
    {
      char saved = *end;

      *end = '\0';
      if (stat (*path != '\0' ? path : "/", &status) != 0 || (status.st_mode & S_IXOTH) == 0)
        return FALSE;
      *end = saved;
    }
  return TRUE;
}

void
fixture_wait (FixtureDone done, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;

  while (!done (data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (2000);
    }
}

static void
start_bus (Fixture *self)
{
  g_autofree char *config = g_build_filename (self->dir, "bus.conf", NULL);
  g_autofree char *config_argument = g_strdup_printf ("--config-file=%s", config);
  g_autofree char *include = g_strdup_printf ("<include>%s</include>"
                                              "<include ignore_missing='yes'>/usr/share/dbus-1/system.d/"
                                              "org.freedesktop.PolicyKit1.conf</include>",
                                              HAP_TEST_POLICY);
  g_autofree char *text = g_strdup_printf (
      bus_config, is_root () ? "system" : "session", self->dir,
      is_root () ? include
                 : "<policy context='mandatory'><allow own='*'/><allow send_type='method_call'/></policy>");
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  g_autoptr (GSubprocessLauncher) launcher = make_launcher (G_SUBPROCESS_FLAGS_STDOUT_PIPE);

  g_file_set_contents (config, text, -1, &error);
  g_assert_no_error (error);
  self->bus = g_subprocess_launcher_spawn (launcher, &error, "dbus-daemon", config_argument, "--nofork",
                                           "--nopidfile", "--print-address", NULL);
  g_assert_no_error (error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->bus));
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (output), FALSE);
  self->address = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->address);
}

GDBusConnection *
fixture_connect (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      self->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static gboolean
name_is_there (gpointer data)
{
  Fixture *self = data;
  gboolean there = FALSE;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "NameHasOwner", g_variant_new ("(s)", PROFILER_NAME), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

  g_variant_get (reply, "(b)", &there);
  return there;
}

void
fixture_start_service (Fixture *self, const char *const *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher = make_launcher (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_setenv (launcher, is_root () ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS",
                                self->address, TRUE);
  g_subprocess_launcher_setenv (launcher, "G_DEBUG", "fatal-warnings", FALSE);
  g_subprocess_launcher_setenv (launcher, "SECRET", "not for workers", TRUE);
  g_ptr_array_add (argv, g_strdup (HAP_TEST_SERVICE));
  g_ptr_array_add (argv, g_strdup_printf ("--bus=%s", is_root () ? "system" : "session"));
  g_ptr_array_add (argv, g_strdup_printf ("--state-dir=%s", self->state_dir));
  g_ptr_array_add (argv, g_strdup ("--plugin-dir=" HAP_TEST_BUILD_DIR "/plugin"));
  g_ptr_array_add (argv, g_strdup ("--worker=" HAP_TEST_BUILD_DIR "/fake-worker"));
  g_ptr_array_add (argv, g_strdup ("--tracer=" HAP_TEST_BUILD_DIR "/fake-tracer"));
  for (guint i = 0; arguments != NULL && arguments[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (arguments[i]));
  g_ptr_array_add (argv, NULL);

  self->service = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv->pdata, &error);
  g_assert_no_error (error);
  fixture_wait (name_is_there, self);
}

gboolean
fixture_set_up (Fixture *self, const char *const *arguments)
{
  g_autoptr (GError) error = NULL;

  *self = (Fixture){ 0 };
  if (!worker_is_reachable ())
    {
      g_test_skip ("the user of root's workers cannot reach the build directory");
      return FALSE;
    }
  self->dir = g_dir_make_tmp ("ha-profiler-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->state_dir = g_build_filename (self->dir, "state", NULL);
  self->targets = g_ptr_array_new_with_free_func (g_object_unref);
  start_bus (self);
  self->connection = fixture_connect (self);
  fixture_start_service (self, arguments);
  return TRUE;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

static void
end_process (GSubprocess **process, int signal_number)
{
  if (*process == NULL)
    return;
  g_subprocess_send_signal (*process, signal_number);
  g_subprocess_wait (*process, NULL, NULL);
  g_clear_object (process);
}

void
fixture_tear_down (Fixture *self)
{
  end_process (&self->service, SIGTERM);
  for (guint i = 0; self->targets != NULL && i < self->targets->len; i++)
    {
      GSubprocess *target = g_object_ref (self->targets->pdata[i]);

      end_process (&target, SIGKILL);
    }
  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_clear_object (&self->connection);
  end_process (&self->bus, SIGTERM);
  if (self->dir != NULL)
    remove_tree (self->dir);
  g_free (self->dir);
  g_free (self->state_dir);
  g_free (self->address);
}

guint
fixture_add_target (Fixture *self, const char *kind)
{
  g_autofree char *command = g_strdup_printf ("exec -a fake:%s sleep 1000", kind);
  g_autofree char *expected = g_strdup_printf ("fake:%s", kind);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = make_launcher (G_SUBPROCESS_FLAGS_NONE);
  GSubprocess *target = g_subprocess_launcher_spawn (launcher, &error, "bash", "-c", command, NULL);
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_ptr_array_add (self->targets, target);
  path = g_strdup_printf ("/proc/%s/cmdline", g_subprocess_get_identifier (target));
  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_clear_pointer (&text, g_free);
      g_file_get_contents (path, &text, NULL, NULL);
    }
  while (g_strcmp0 (text, expected) != 0);
  return (guint)g_ascii_strtoull (g_subprocess_get_identifier (target), NULL, 10);
}

GVariant *
fixture_call (Fixture *self,
              const char *path,
              const char *interface,
              const char *method,
              GVariant *parameters,
              GError **error)
{
  g_autofree char *full = g_strconcat ("org.homeassistant.", interface, NULL);
  const char *name = g_str_has_prefix (interface, "org.freedesktop.") ? interface : full;

  return g_dbus_connection_call_sync (self->connection, PROFILER_NAME, path, name, method, parameters, NULL,
                                      G_DBUS_CALL_FLAGS_NO_AUTO_START, WAIT_SECONDS * 1000, NULL, error);
}

GVariant *
fixture_run (Fixture *self, const char *method, guint target, const char *script, GError **error)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (target != 0)
    g_variant_builder_add (&builder, "{sv}", "target", g_variant_new_uint32 (target));
  if (script != NULL)
    g_variant_builder_add (&builder, "{sv}", "script", g_variant_new_string (script));
  return fixture_call (self, PROFILER_PATH, "Profiler", method, g_variant_new ("(a{sv})", &builder), error);
}

char *
fixture_start_job (Fixture *self, guint target, const char *script)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_run (self, "FakeJob", target, script, &error);
  char *path = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &path);
  return path;
}

static gboolean
has_begun (gpointer data)
{
  const Wanted *wanted = data;
  g_autoptr (GVariant) progress = fixture_get (wanted->fixture, wanted->path, "Progress");

  return g_variant_get_double (progress) > 0;
}

char *
fixture_start_waiting_job (Fixture *self, guint target, const char *script)
{
  char *path = fixture_start_job (self, target, script);
  Wanted wanted = { self, path, NULL };

  fixture_wait (has_begun, &wanted);
  return path;
}

GVariant *
fixture_get (Fixture *self, const char *path, const char *property)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (self, path, "org.freedesktop.DBus.Properties", "Get",
                    g_variant_new ("(ss)", "org.homeassistant.Profiler.Job", property), &error);
  GVariant *value = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(v)", &value);
  return value;
}

static gboolean
has_state (gpointer data)
{
  const Wanted *wanted = data;
  g_autoptr (GVariant) state = fixture_get (wanted->fixture, wanted->path, "State");
  gboolean running = g_str_equal (g_variant_get_string (state, NULL), "running");

  if (!running)
    g_assert_cmpstr (g_variant_get_string (state, NULL), ==, wanted->state);
  return !running || g_str_equal (wanted->state, "running");
}

void
fixture_wait_for_state (Fixture *self, const char *path, const char *state)
{
  Wanted wanted = { self, path, state };

  fixture_wait (has_state, &wanted);
}

guint
fixture_find_child (Fixture *self, const char *program)
{
  const char *service = g_subprocess_get_identifier (self->service);
  g_autofree char *list = g_strdup_printf ("/proc/%s/task/%s/children", service, service);
  g_autofree char *text = NULL;
  g_auto (GStrv) pids = NULL;

  g_assert_true (g_file_get_contents (list, &text, NULL, NULL));
  pids = g_strsplit (g_strstrip (text), " ", -1);
  for (guint i = 0; pids[i] != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s/cmdline", pids[i]);
      g_autofree char *command = NULL;

      /* Its first word: a child that is not yet another program has the service's, which name all. */
      if (g_file_get_contents (path, &command, NULL, NULL) && g_str_has_suffix (command, program))
        return (guint)g_ascii_strtoull (pids[i], NULL, 10);
    }
  return 0;
}

void
fixture_assert_error (GError **error, const char *name, const char *text)
{
  g_autofree char *expected = g_strconcat ("org.homeassistant.Profiler.Error.", name, NULL);
  g_autofree char *remote = NULL;

  g_assert_nonnull (*error);
  remote = g_dbus_error_get_remote_error (*error);
  g_dbus_error_strip_remote_error (*error);
  if (g_strcmp0 (remote, expected) != 0 || strstr ((*error)->message, text) == NULL)
    g_error ("expected %s with “%s”, got %s: %s", expected, text, remote, (*error)->message);
  g_clear_error (error);
}
