/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The whole of it on a private bus: the real service, worker, tracer and plugins, real interpreters, and
 * whatever users and targets do to them.
 */

#include <gio/gunixfdlist.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hap-test.h"
#include "service-fixture.h"

static const char *const real[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                    "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                    "--plugin-dir=" HAP_TEST_BUILD "/plugins", NULL };

/* Besides, the zoo: a sound plugin in a folder, and broken ones of each kind. */
static const char *const foreign[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                       "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                       "--plugin-dir=" HAP_TEST_BUILD "/tests/action/plugins",
                                       "--plugin-dir=" HAP_TEST_BUILD "/plugins", NULL };

/* So often is each asked for beside a sampler. */
#define N_BESIDE 8

static const HapTestPython *
get_python (void)
{
  return g_ptr_array_index (hap_test_list_pythons (TRUE), 0);
}

static HapTestProcess *
spawn (const HapTestPython *python, const char *script)
{
  return hap_test_spawn (python, (const char *const[]){ script, NULL });
}

static gboolean
set_up (Fixture *fixture)
{
  return fixture_set_up (fixture, real);
}

/* @text: the caller's data in GVariant's text form */
static GVariant *
call (Fixture *fixture, const char *method, const char *text, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  GVariant *data = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &parse_error);

  g_assert_no_error (parse_error);
  return fixture_call (fixture, PROFILER_PATH, "Profiler", method, g_variant_new ("(@a{sv})", data), error);
}

/* Starts a profile of a process and returns the job's path. */
static char *
start (Fixture *fixture, guint pid, const char *more)
{
  g_autofree char *text = g_strdup_printf ("{'target': <%u>%s}", pid, more);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (fixture, "Start", text, &error);
  char *path = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &path);
  return path;
}

static guint64
get_samples (Fixture *fixture, const char *path)
{
  g_autoptr (GVariant) summary = fixture_get (fixture, path, "Summary");
  guint64 samples = 0;

  g_variant_lookup (summary, "samples", "t", &samples);
  return samples;
}

typedef struct
{
  Fixture *fixture;
  const char *path;
} Job;

static gboolean
is_under_way (gpointer data)
{
  const Job *job = data;
  g_autoptr (GVariant) progress = fixture_get (job->fixture, job->path, "Progress");

  return g_variant_get_double (progress) > 0;
}

static void
wait_until_under_way (Fixture *fixture, const char *path)
{
  Job job = { fixture, path };

  fixture_wait (is_under_way, &job);
}

/* Each interpreter, plain or in other namespaces: a job that finishes, with samples and all artifacts. */
static void
test_interpreter (gconstpointer data)
{
  const HapTestPython *python = data;
  g_autoptr (HapTestProcess) process = spawn (python, "busy.py");
  g_autofree char *path = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GVariant) summary = NULL;
  const char *version;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <1.0>");
  fixture_wait_for_state (&fixture, path, "finished");

  artifacts = fixture_get (&fixture, path, "Artifacts");
  g_assert_cmpuint (g_variant_n_children (artifacts), ==, 5);
  summary = fixture_get (&fixture, path, "Summary");
  g_assert_true (g_variant_lookup (summary, "python", "&s", &version));
  g_assert_cmpstr (version, ==, python->version);
  g_assert_cmpuint (get_samples (&fixture, path), >, 0);
  g_assert_true (hap_test_process_is_alive (process));
  fixture_tear_down (&fixture);
}

static void
test_data_refused (void)
{
  static const struct
  {
    const char *data;
    const char *text;
  } cases[] = {
    { "'seconds': <0>", "seconds" },    { "'seconds': <-1>", "seconds" },
    { "'seconds': <1e9>", "seconds" },  { "'seconds': <'abc'>", "seconds" },
    { "'second': <3>", "second" },      { "'rate': <0>", "rate" },
    { "'clock': <'sun'>", "clock" },    { "'formats': <['gif']>", "formats" },
    { "'target': <0>", "target" },      { "'target': <-3>", "target" },
    { "'target': <@as []>", "target" },
  };
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{%s}", cases[i].data);
      g_autoptr (GError) error = NULL;

      g_assert_null (call (&fixture, "Start", text, &error));
      fixture_assert_error (&error, "InvalidData", cases[i].text);
    }
  fixture_tear_down (&fixture);
}

static void
test_seconds_not_finite (void)
{
  const double values[] = { INFINITY, -INFINITY, NAN };
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      GVariantDict dict;
      g_autoptr (GError) error = NULL;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "seconds", "d", values[i]);
      g_assert_null (fixture_call (&fixture, PROFILER_PATH, "Profiler", "Start",
                                   g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)), &error));
      fixture_assert_error (&error, "InvalidData", "seconds");
    }
  fixture_tear_down (&fixture);
}

/* Starts a profile that cannot be: refused at once, or a job that fails soon. */
static void
assert_refused (Fixture *fixture, guint pid, const char *error_name, const char *text)
{
  g_autofree char *data = g_strdup_printf ("{'target': <%u>, 'seconds': <5.0>}", pid);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (fixture, "Start", data, &error);
  g_autoptr (GVariant) job_error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *full = NULL;
  const char *name, *message;

  if (reply == NULL)
    {
      fixture_assert_error (&error, error_name, text);
      return;
    }
  g_variant_get (reply, "(o)", &path);
  fixture_wait_for_state (fixture, path, "failed");
  job_error = fixture_get (fixture, path, "Error");
  g_variant_get (job_error, "(&s&s)", &name, &message);
  full = g_strconcat ("org.homeassistant.Profiler.Error.", error_name, NULL);
  g_assert_cmpstr (name, ==, full);
  g_assert_nonnull (strstr (message, text));
}

static void
test_target_refused (void)
{
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  assert_refused (&fixture, 4194303, "TargetGone", "4194303");
  assert_refused (&fixture, fixture_add_target (&fixture, "none"), "UnsupportedTarget", "Python");
  assert_refused (&fixture, (guint)g_ascii_strtoull (g_subprocess_get_identifier (fixture.service), NULL, 10),
                  "UnsupportedTarget", "itself");
  fixture_tear_down (&fixture);
}

/* @data: a version of Python that is too old, "2.7" */
static void
test_old_python_refused (gconstpointer data)
{
  GPtrArray *pythons = hap_test_list_pythons (FALSE);
  const HapTestPython *python = NULL;
  g_autofree char *prefix = g_strconcat (data, ".", NULL);
  g_autofree char *missing = g_strconcat ("Python ", data, " is not at hand", NULL);
  g_autoptr (HapTestProcess) process = NULL;
  Fixture fixture;

  for (guint i = 0; i < pythons->len && python == NULL; i++)
    {
      const HapTestPython *candidate = g_ptr_array_index (pythons, i);

      python = g_str_has_prefix (candidate->version, prefix) ? candidate : NULL;
    }
  if (python == NULL)
    {
      g_test_skip (missing);
      return;
    }
  if (!set_up (&fixture))
    return;
  process = spawn (python, "old.py");
  assert_refused (&fixture, hap_test_process_get_pid (process), "UnsupportedTarget", "3.11");
  fixture_tear_down (&fixture);
}

/* What there was until then, and why it ended. */
static void
assert_ended_early (Fixture *fixture, const char *path, const char *text)
{
  g_autoptr (GVariant) summary = NULL;
  const char *ended = NULL;

  fixture_wait_for_state (fixture, path, "finished");
  summary = fixture_get (fixture, path, "Summary");
  g_assert_true (g_variant_lookup (summary, "ended", "&s", &ended));
  g_assert_nonnull (strstr (ended, text));
  g_assert_cmpuint (get_samples (fixture, path), >, 0);
}

static void
test_target_exits (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *path = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <60.0>");
  wait_until_under_way (&fixture, path);
  kill ((pid_t)hap_test_process_get_pid (process), SIGKILL);
  assert_ended_early (&fixture, path, "ended");
  fixture_tear_down (&fixture);
}

static void
test_target_execs (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "exec.py");
  g_autofree char *path = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <60.0>");
  wait_until_under_way (&fixture, path);
  hap_test_process_write_line (process, "now");
  assert_ended_early (&fixture, path, "exec");
  g_assert_true (hap_test_process_is_alive (process));
  fixture_tear_down (&fixture);
}

static void
test_target_stopped (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  guint pid = hap_test_process_get_pid (process);
  g_autofree char *path = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  kill ((pid_t)pid, SIGSTOP);
  path = start (&fixture, pid, ", 'seconds': <0.5>, 'precision': <'exact'>");
  fixture_wait_for_state (&fixture, path, "finished");
  g_assert_cmpuint (get_samples (&fixture, path), >, 0);
  g_assert_cmpint (hap_test_get_state (pid), ==, 'T');
  fixture_tear_down (&fixture);
}

static void
test_worker_killed (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *path = NULL;
  g_autoptr (GVariant) error = NULL;
  const char *name, *message;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <60.0>, 'precision': <'exact'>");
  wait_until_under_way (&fixture, path);
  kill ((pid_t)fixture_find_child (&fixture, "ha-profiler-worker"), SIGKILL);
  fixture_wait_for_state (&fixture, path, "failed");
  error = fixture_get (&fixture, path, "Error");
  g_variant_get (error, "(&s&s)", &name, &message);
  g_assert_cmpstr (name, ==, "org.homeassistant.Profiler.Error.Failed");
  g_assert_nonnull (strstr (message, "signal 9"));
  g_assert_true (hap_test_process_is_alive (process));
  hap_test_await_state (hap_test_process_get_pid (process), 'R');
  fixture_tear_down (&fixture);
}

/* Another tracer takes its place. */
static void
test_tracer_killed (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *path = NULL;
  guint tracer;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <2.0>, 'precision': <'exact'>");
  wait_until_under_way (&fixture, path);
  tracer = fixture_find_child (&fixture, "ha-profiler-tracer");
  g_assert_cmpuint (tracer, !=, 0);
  kill ((pid_t)tracer, SIGKILL);
  fixture_wait_for_state (&fixture, path, "finished");
  g_assert_cmpuint (get_samples (&fixture, path), >, 10);
  g_assert_true (hap_test_process_is_alive (process));
  fixture_tear_down (&fixture);
}

static void
test_cancel (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <60.0>");
  wait_until_under_way (&fixture, path);
  reply = fixture_call (&fixture, path, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  fixture_wait_for_state (&fixture, path, "cancelled");
  g_assert_cmpuint (get_samples (&fixture, path), >, 0);
  fixture_tear_down (&fixture);
}

static void
test_busy (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *path = NULL;
  g_autofree char *data =
      g_strdup_printf ("{'target': <%u>, 'seconds': <1.0>}", hap_test_process_get_pid (process));
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <60.0>");
  g_assert_null (call (&fixture, "Start", data, &error));
  fixture_assert_error (&error, "Busy", path);
  fixture_tear_down (&fixture);
}

/* Who samples, and so holds the target again and again, keeps nobody from an answer. */
static void
test_beside (void)
{
  static const char *const methods[] = { "LogCurrentTasks", "LruStats", "LogThreadFrames" };
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  guint pid = hap_test_process_get_pid (process);
  g_autofree char *data = g_strdup_printf ("{'target': <%u>}", pid);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) cancelled = NULL;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, pid, ", 'seconds': <600.0>, 'rate': <1000>, 'precision': <'exact'>");
  wait_until_under_way (&fixture, path);
  for (guint i = 0; i < N_BESIDE; i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      {
        g_autoptr (GVariant) reply = call (&fixture, methods[j], data, &error);

        g_assert_no_error (error);
      }
  cancelled = fixture_call (&fixture, path, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (get_samples (&fixture, path), >, 0);
  fixture_tear_down (&fixture);
}

/* The store lies on a file system of 100 kB. */
static void
test_disk_full (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *directory = g_dir_make_tmp ("hap-full-XXXXXX", NULL);
  g_autofree char *option = g_strconcat ("--state-dir=", directory, NULL);
  const char *arguments[] = { real[0], real[1], real[2], option, NULL };
  g_autofree char *path = NULL;
  g_autoptr (GVariant) error = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  const char *name, *message;
  Fixture fixture;

  if (geteuid () != 0 || unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
      || mount ("tmpfs", directory, "tmpfs", 0, "size=12k,mode=0700") != 0)
    {
      g_test_skip ("only root can make a small file system");
      rmdir (directory);
      return;
    }
  if (fixture_set_up (&fixture, arguments))
    {
      path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <0.5>");
      fixture_wait_for_state (&fixture, path, "failed");
      error = fixture_get (&fixture, path, "Error");
      g_variant_get (error, "(&s&s)", &name, &message);
      g_assert_cmpstr (name, ==, "org.homeassistant.Profiler.Error.NoSpace");
      /* What was complete before stays; what was not is gone. */
      artifacts = fixture_get (&fixture, path, "Artifacts");
      g_assert_cmpuint (g_variant_n_children (artifacts), <, 5);
      fixture_tear_down (&fixture);
    }
  umount2 (directory, MNT_DETACH);
  rmdir (directory);
}

/* The sub-command that there is by the plugin alone. Returns: (transfer full): what it prints */
static char *
run_command (Fixture *fixture, const char *command, guint pid)
{
  gboolean root = geteuid () == 0;
  g_autofree char *target = g_strdup_printf ("--target=%u", pid);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) client = NULL;
  g_autoptr (GError) error = NULL;
  char *output = NULL;

  g_subprocess_launcher_setenv (launcher, root ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS",
                                fixture->address, TRUE);
  client = g_subprocess_launcher_spawn (launcher, &error, HAP_TEST_BUILD "/src/client/ha-profiler",
                                        root ? "--bus=system" : "--bus=session", command, target,
                                        "--whom=you", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (client, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (client));
  return output;
}

/* One sound plugin from elsewhere, among broken ones: its methods are there, described, and run in a worker,
 * by D-Bus and by the command. */
static void
test_foreign_plugin (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "idle.py");
  g_autofree char *data =
      g_strdup_printf ("{'target': <%u>, 'whom': <'you'>}", hap_test_process_get_pid (process));
  g_autoptr (GVariant) introspection = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GVariant) entries = NULL;
  g_autoptr (GVariant) entry = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *printed = NULL;
  const char *xml, *message;
  Fixture fixture;

  /* GLib warns of them. */
  g_setenv ("G_DEBUG", "", TRUE);
  if (!fixture_set_up (&fixture, foreign))
    return;
  g_unsetenv ("G_DEBUG");
  introspection = fixture_call (&fixture, PROFILER_PATH, "org.freedesktop.DBus.Introspectable", "Introspect",
                                NULL, &error);
  g_assert_no_error (error);
  g_variant_get (introspection, "(&s)", &xml);
  g_assert_nonnull (strstr (xml, "<method name=\"Start\">"));
  g_assert_nonnull (strstr (xml, "<method name=\"Hello\">"));

  report = call (&fixture, "Hello", data, &error);
  g_assert_no_error (error);
  entries = g_variant_get_child_value (report, 0);
  entry = g_variant_get_child_value (entries, 0);
  g_assert_true (g_variant_lookup (entry, "message", "&s", &message));
  g_assert_cmpstr (message, ==, "Hello");
  printed = run_command (&fixture, "hello", hap_test_process_get_pid (process));
  g_assert_true (g_str_has_prefix (printed, "Hello\n"));
  fixture_tear_down (&fixture);
}

/* The artifact comes as a descriptor that can be read and not written. */
static void
test_open_artifact (void)
{
  g_autoptr (HapTestProcess) process = spawn (get_python (), "busy.py");
  g_autofree char *path = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;
  guint64 size;
  struct stat status;
  int fd;
  Fixture fixture;

  if (!set_up (&fixture))
    return;
  path = start (&fixture, hap_test_process_get_pid (process), ", 'seconds': <0.3>");
  fixture_wait_for_state (&fixture, path, "finished");
  artifacts = fixture_get (&fixture, path, "Artifacts");
  first = g_variant_get_child_value (artifacts, 0);
  g_assert_true (g_variant_lookup (first, "name", "&s", &name));
  g_assert_true (g_variant_lookup (first, "size", "t", &size));

  reply = g_dbus_connection_call_with_unix_fd_list_sync (
      fixture.connection, PROFILER_NAME, PROFILER_PATH, PROFILER_NAME ".Manager", "OpenArtifact",
      g_variant_new ("(s)", name), G_VARIANT_TYPE ("(h)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &fds, NULL,
      &error);
  g_assert_no_error (error);
  fd = g_unix_fd_list_get (fds, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpuint ((guint64)status.st_size, ==, size);
  g_assert_cmpint (write (fd, "x", 1), ==, -1);
  close (fd);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/system/interpreter", test_interpreter);
  g_test_add_func ("/system/data/refused", test_data_refused);
  g_test_add_func ("/system/data/seconds-not-finite", test_seconds_not_finite);
  g_test_add_func ("/system/target/refused/others", test_target_refused);
  g_test_add_data_func ("/system/target/refused/2.7", "2.7", test_old_python_refused);
  g_test_add_data_func ("/system/target/refused/3.8", "3.8", test_old_python_refused);
  g_test_add_func ("/system/target/exits", test_target_exits);
  g_test_add_func ("/system/target/execs", test_target_execs);
  g_test_add_func ("/system/target/stopped", test_target_stopped);
  g_test_add_func ("/system/killed/worker", test_worker_killed);
  g_test_add_func ("/system/killed/tracer", test_tracer_killed);
  g_test_add_func ("/system/client/cancels", test_cancel);
  g_test_add_func ("/system/client/busy", test_busy);
  g_test_add_func ("/system/client/beside", test_beside);
  g_test_add_func ("/system/plugin/foreign", test_foreign_plugin);
  g_test_add_func ("/system/artifact/open", test_open_artifact);
  g_test_add_func ("/system/artifact/disk-full", test_disk_full);
  return g_test_run ();
}
