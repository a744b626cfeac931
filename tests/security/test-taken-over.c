/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The real worker and tracer with an attacker on each side: a plugin that does what a worker must not be able
 * to, and a user who is the target's and goes for our processes.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-test.h"
#include "service-fixture.h"

#define NOBODY 65534

/* What the plugin's four lists come to. */
#define MIN_ATTEMPTS 50

static const char *const real[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                    "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                    "--plugin-dir=" HAP_TEST_BUILD "/plugins",
                                    "--plugin-dir=" HAP_TEST_PLUGIN_DIR, NULL };

typedef struct
{
  Fixture *fixture;
  const char *job;
} Waiting;

static HapTestProcess *
spawn (const char *script)
{
  return hap_test_spawn (g_ptr_array_index (hap_test_list_pythons (TRUE), 0),
                         (const char *const[]){ script, NULL });
}

static GVariant *
take_over (Fixture *fixture, guint target, const char *more, GError **error)
{
  g_autofree char *text = g_strdup_printf ("{'target': <%u>%s}", target, more);

  return fixture_call (fixture, PROFILER_PATH, "Profiler", "TakenOver",
                       g_variant_new ("(@a{sv})", g_variant_new_parsed (text)), error);
}

/* EPERM is the cage's answer: without it most of this would fail as well, but otherwise. */
static void
assert_refused (GVariant *entry)
{
  const char *attempt = NULL;
  gint64 result = 0;

  g_variant_lookup (entry, "message", "&s", &attempt);
  g_assert_true (g_variant_lookup (entry, "result", "x", &result));
  if (result != EPERM)
    g_error ("“%s” was not refused by the cage: %s", attempt,
             result == 0 ? "it worked" : g_strerror ((int)result));
}

static void
test_refused (void)
{
  Fixture fixture = { 0 };
  g_autoptr (HapTestProcess) process = NULL;
  g_autoptr (HapTestProcess) victim = NULL;
  g_autofree char *more = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GError) error = NULL;

  if (!fixture_set_up (&fixture, real))
    return;
  process = spawn ("busy.py");
  victim = spawn ("busy.py");
  more = g_strdup_printf (", 'victim': <%u>", hap_test_process_get_pid (victim));
  reply = take_over (&fixture, hap_test_process_get_pid (process), more, &error);
  g_assert_no_error (error);
  report = g_variant_get_child_value (reply, 0);
  g_assert_cmpuint (g_variant_n_children (report), >=, MIN_ATTEMPTS);
  for (gsize i = 0; i < g_variant_n_children (report); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (report, i);

      assert_refused (entry);
    }
  g_test_message ("%u attempts", (guint)g_variant_n_children (report));
  g_assert_cmpint (hap_test_get_state (hap_test_process_get_pid (victim)), !=, 'T');
  g_assert_cmpint (hap_test_get_state (hap_test_process_get_pid (process)), !=, 'T');
  fixture_tear_down (&fixture);
}

/* What cannot be refused is bounded, and ends the job: the service goes on. */
static void
test_bounded (void)
{
  static const struct
  {
    const char *attempt, *error, *text;
  } cases[] = {
    { "memory", "Failed", "exited with status 41" },
    { "threads", "Failed", "exited with status 41" },
    { "flood", "Failed", "it sent too much at once" },
    { "another", "Failed", "it asks for another process than its own" },
    { "garbage", "Failed", "before it was done" },
  };
  Fixture fixture = { 0 };
  g_autoptr (HapTestProcess) process = NULL;

  /* GDBus warns of garbage. */
  g_setenv ("G_DEBUG", "", TRUE);
  if (!fixture_set_up (&fixture, real))
    return;
  g_unsetenv ("G_DEBUG");
  process = spawn ("busy.py");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *more =
          g_strdup_printf (", 'attempt': <'%s'>, 'victim': <%d>", cases[i].attempt, getpid ());
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = NULL;

      /* Whoever runs it for themselves may have as many threads as they like. */
      if (geteuid () != 0 && g_str_equal (cases[i].attempt, "threads"))
        continue;
      reply = take_over (&fixture, hap_test_process_get_pid (process), more, &error);
      g_test_message ("%s: %s", cases[i].attempt, error != NULL ? error->message : "no error");
      g_assert_null (reply);
      fixture_assert_error (&error, cases[i].error, cases[i].text);
    }
  g_assert_true (hap_test_process_is_alive (process));
  fixture_tear_down (&fixture);
}

static char *
start (Fixture *fixture, guint target, const char *more)
{
  g_autofree char *text = g_strdup_printf ("({'target': <%u>%s},)", target, more);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (fixture, PROFILER_PATH, "Profiler", "Start", g_variant_new_parsed (text), &error);
  char *job = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &job);
  return job;
}

/* What subscribers hear: how often of forged things, and which of it was said to be another job's. */
typedef struct
{
  const char *job;
  GString *forged;
  guint n_own;
} Heard;

static void
on_signal (GDBusConnection *connection,
           const char *sender,
           const char *path,
           const char *interface,
           const char *signal,
           GVariant *parameters,
           gpointer data)
{
  Heard *heard = data;
  g_autofree char *text = g_variant_print (parameters, FALSE);

  if (strstr (text, "forged") == NULL)
    return;
  if (g_str_equal (path, heard->job) || strstr (text, heard->job) != NULL
      || strstr (text, "TakenOver") == NULL)
    g_string_append_printf (heard->forged, "%s %s %s\n", path, signal, text);
  else
    heard->n_own++;
}

static gboolean
has_samples (gpointer data)
{
  const Waiting *waiting = data;
  g_autoptr (GVariant) progress = fixture_get (waiting->fixture, waiting->job, "Progress");

  return g_variant_get_double (progress) > 0;
}

static void
assert_not_forged (Fixture *fixture, const char *job, const char *property)
{
  g_autoptr (GVariant) value = fixture_get (fixture, job, property);
  g_autofree char *text = g_variant_print (value, FALSE);

  if (strstr (text, "forged") != NULL)
    g_error ("%s: %s", property, text);
}

/* Of what it says nothing comes to a job that runs beside its own. */
static void
test_forged (void)
{
  Fixture fixture = { 0 };
  g_autoptr (HapTestProcess) process = NULL;
  g_autoptr (HapTestProcess) other = NULL;
  g_autoptr (GVariant) subscribed = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GVariant) cancelled = NULL;
  g_autoptr (GVariant) progress = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) forged = g_string_new (NULL);
  g_autofree char *job = NULL;
  g_autofree char *more = NULL;
  Heard heard = { .forged = forged };

  if (!fixture_set_up (&fixture, real))
    return;
  process = spawn ("busy.py");
  other = spawn ("busy.py");
  subscribed = fixture_call (&fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);
  heard.job = job = start (&fixture, hap_test_process_get_pid (other), ", 'seconds': <600.0>");
  g_dbus_connection_signal_subscribe (fixture.connection, PROFILER_NAME, NULL, NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, on_signal, &heard, NULL);
  fixture_wait (has_samples, &(Waiting){ &fixture, job });
  more = g_strdup_printf (", 'attempt': <'forge'>, 'job': <'%s'>", job);
  report = take_over (&fixture, hap_test_process_get_pid (process), more, &error);
  g_assert_no_error (error);

  fixture_wait_for_state (&fixture, job, "running");
  progress = fixture_get (&fixture, job, "Progress");
  g_assert_cmpfloat (g_variant_get_double (progress), <, 1);
  cancelled = fixture_call (&fixture, job, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  fixture_wait_for_state (&fixture, job, "cancelled");
  assert_not_forged (&fixture, job, "Summary");
  assert_not_forged (&fixture, job, "Artifacts");
  artifacts = fixture_get (&fixture, job, "Artifacts");
  g_assert_cmpuint (g_variant_n_children (artifacts), ==, 5);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  /* Its own entry and notification came. */
  g_assert_cmpuint (heard.n_own, >=, 2);
  g_assert_cmpstr (forged->str, ==, "");
  fixture_tear_down (&fixture);
}

/* Its watchdog may end a tracer; then there is another soon. */
static guint
wait_for_child (Fixture *fixture, const char *program)
{
  guint pid;

  while ((pid = fixture_find_child (fixture, program)) == 0)
    g_thread_yield ();
  return pid;
}

static gboolean
has_tracer (gpointer data)
{
  guint pid = fixture_find_child (data, "ha-profiler-tracer");
  g_autofree char *path = g_strdup_printf ("/proc/%u/status", pid);
  g_autofree char *text = NULL;

  return pid != 0 && g_file_get_contents (path, &text, NULL, NULL)
         && strstr (text, "\nSeccomp:\t2\n") != NULL;
}

/* In a child that became the target's owner: returns the number of the first attack that worked, 0: none. */
static int
attack (pid_t pid)
{
  const struct rlimit none = { 0, 0 };
  g_autofree char *memory = g_strdup_printf ("/proc/%d/mem", pid);
  g_autofree char *fds = g_strdup_printf ("/proc/%d/fd/3", pid);
  int pidfd = (int)syscall (SYS_pidfd_open, pid, 0);
  char byte;
  struct iovec local = { &byte, 1 }, remote = { &byte, 1 };
  const gboolean worked[] = {
    kill (pid, SIGSTOP) == 0,
    kill (pid, SIGKILL) == 0,
    syscall (SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0) == 0,
    ptrace (PTRACE_SEIZE, pid, NULL, NULL) == 0,
    process_vm_readv (pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT,
    process_vm_writev (pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT,
    prlimit (pid, RLIMIT_CPU, &none, NULL) == 0,
    setpriority (PRIO_PROCESS, (id_t)pid, 19) == 0,
    syscall (SYS_pidfd_getfd, pidfd, 3, 0) >= 0,
    open (memory, O_RDONLY) >= 0,
    open (fds, O_RDONLY) >= 0,
  };

  for (guint i = 0; i < G_N_ELEMENTS (worked); i++)
    {
      if (worked[i])
        return (int)i + 1;
    }
  return 0;
}

static void
assert_safe_from (uid_t uid, guint pid)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      if (setgroups (0, NULL) != 0 || setresgid (uid, uid, uid) != 0 || setresuid (uid, uid, uid) != 0)
        _exit (100);
      _exit (attack ((pid_t)pid));
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
test_owner (void)
{
  Fixture fixture = { 0 };
  g_autoptr (HapTestProcess) process = NULL;
  g_autofree char *job = NULL;
  guint worker, tracer, target;

  if (geteuid () != 0)
    {
      g_test_skip ("only root can start processes of several users");
      return;
    }
  if (!fixture_set_up (&fixture, real))
    return;
  process = spawn ("busy_nobody.py");
  target = hap_test_process_get_pid (process);
  job = start (&fixture, target, ", 'seconds': <60.0>, 'precision': <'exact'>, 'rate': <200>");
  fixture_wait (has_tracer, &fixture);
  worker = wait_for_child (&fixture, "ha-profiler-worker");
  tracer = wait_for_child (&fixture, "ha-profiler-tracer");

  assert_safe_from (NOBODY, worker);
  assert_safe_from (NOBODY, tracer);
  g_assert_cmpint (hap_test_get_state (worker), !=, 'T');
  g_assert_cmpint (hap_test_get_state (tracer), !=, 'T');
  /* The owner can do all that to what is theirs: it is our processes that are safe. */
  g_assert_cmpuint (target, !=, 0);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/security/worker/refused", test_refused);
  g_test_add_func ("/security/worker/bounded", test_bounded);
  g_test_add_func ("/security/worker/forged", test_forged);
  g_test_add_func ("/security/owner/refused", test_owner);
  return g_test_run ();
}
