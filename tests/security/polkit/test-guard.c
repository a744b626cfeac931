/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What could get around polkit: callers and targets that change while somebody is asked, pids that are used
 * again, containers, rules, second agents, a listener on the bus, a polkit that hangs or is gone. In
 * polkit-world.
 */

#include "world.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DENIED "error org.homeassistant.Profiler.Error.NotAuthorized "
#define GONE "error org.homeassistant.Profiler.Error.TargetGone "

static World world;

static char *
make_call (const char *verb, const char *method, guint target)
{
  return g_strdup_printf ("%s 1 %s org.homeassistant.Profiler %s ({'target': <uint32 %u>},)", verb,
                          PROFILER_PATH, method, target);
}

static void
assert_answer (const char *answer, const char *prefix, const char *text)
{
  if (!g_str_has_prefix (answer, prefix) || strstr (answer, text) == NULL)
    g_error ("expected %s with “%s”: %s", prefix, text, answer);
}

static char *
list_jobs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (
      &world.fixture, PROFILER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &error);

  g_assert_no_error (error);
  return g_variant_print (reply, FALSE);
}

static void
assert_no_job_of (guint target)
{
  g_autofree char *jobs = list_jobs ();
  g_autofree char *text = g_strdup_printf ("'Target': <uint32 %u>", target);

  if (strstr (jobs, text) != NULL)
    g_error ("there is a job: %s", jobs);
}

/* The caller changes after it was asked for a password, and before the answer, which is right. */
static void
test_caller_changes (gconstpointer data)
{
  const char *how = data;
  g_autoptr (Caller) caller = world_add_caller (&world, 64321);
  guint target = world_add_target (&world, 0);
  g_autofree char *line = make_call ("post", "FakeJob", target);
  g_autofree char *posted = NULL;
  g_autofree char *answer = NULL;
  Ear *ear = world_listen (&world, caller);

  world.n_prompts = 0;
  world_set_agent (&world, caller, AGENT_HANG);
  posted = world_tell (&world, caller, line);
  g_assert_cmpstr (posted, ==, "ok");
  world_wait_for_prompts (&world, 1);

  if (g_str_equal (how, "exit"))
    {
      g_subprocess_force_exit (caller->process);
      g_subprocess_wait (caller->process, NULL, NULL);
    }
  else
    {
      g_autofree char *told = world_tell (&world, caller, how);

      g_assert_cmpstr (told, ==, "ok");
    }
  if (g_str_equal (how, "exec"))
    world_wait_for_program (caller->pid, "sleep");
  world_answer (&world, caller);
  answer = ear_wait (ear);
  g_assert_cmpstr (answer, ==, "org.homeassistant.Profiler.Error.NotAuthorized");
  assert_no_job_of (target);
  world_set_agent (&world, caller, AGENT_NONE);
}

/* A process that becomes another program when it is told. */
static GSubprocess *
start_changing_target (guint *pid)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *target = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "sh", "-c",
                                          "read -r line; exec sleep 1000", NULL);

  g_assert_no_error (error);
  *pid = (guint)g_ascii_strtoull (g_subprocess_get_identifier (target), NULL, 10);
  world_wait_for_program (*pid, "sh");
  return target;
}

static gboolean
choose_next_pid (guint pid)
{
  FILE *file = fopen ("/proc/sys/kernel/ns_last_pid", "w");
  gboolean chosen = file != NULL && fprintf (file, "%u", pid - 1) > 0;

  return file != NULL && fclose (file) == 0 && chosen;
}

/* Forks until the child has the number. */
static pid_t
take_pid (guint pid)
{
  for (guint i = 0; i < 1000; i++)
    {
      pid_t child;

      if (!choose_next_pid (pid))
        return -1;
      child = fork ();
      if (child == 0)
        {
          execlp ("sleep", "sleep", "1000", NULL);
          _exit (127);
        }
      if ((guint)child == pid)
        return child;
      kill (child, SIGKILL);
      waitpid (child, NULL, 0);
    }
  return -1;
}

static void
test_target_changes (gconstpointer data)
{
  gboolean exec = g_str_equal (data, "exec");
  gboolean reuse = g_str_equal (data, "pid-reuse");
  g_autoptr (Caller) caller = world_add_caller (&world, 64321);
  guint pid;
  g_autoptr (GSubprocess) target = start_changing_target (&pid);
  g_autofree char *line = make_call ("call", "FakeJob", pid);
  g_autofree char *answer = NULL;
  pid_t other = 0;

  world.n_prompts = 0;
  world_set_agent (&world, caller, AGENT_HANG);
  caller_send (caller, line);
  world_wait_for_prompts (&world, 1);
  if (exec)
    {
      g_output_stream_write_all (g_subprocess_get_stdin_pipe (target), "\n", 1, NULL, NULL, NULL);
      world_wait_for_program (pid, "sleep");
    }
  else
    {
      g_subprocess_force_exit (target);
      g_subprocess_wait (target, NULL, NULL);
    }
  if (reuse)
    other = take_pid (pid);
  world_answer (&world, caller);
  answer = world_receive (&world, caller);
  assert_answer (answer, GONE, "since it was asked for");
  if (other > 0)
    {
      kill (other, SIGKILL);
      waitpid (other, NULL, 0);
    }
  g_subprocess_force_exit (target);
  world_set_agent (&world, caller, AGENT_NONE);
  if (reuse && other < 0)
    g_test_skip ("the kernel does not let a pid be chosen");
}

/* By the name that somebody was asked about there is another user's artifact afterwards. */
static void
test_artifact_changes (gconstpointer data)
{
  const char *method = data;
  g_autofree char *path = g_build_filename (world.fixture.state_dir, "asked-for", NULL);
  g_autofree char *line = g_strdup_printf ("call 1 %s org.homeassistant.Profiler.Manager %s ('asked-for',)",
                                           PROFILER_PATH, method);
  g_autoptr (Caller) caller = world_add_caller (&world, 64321);
  g_autofree char *answer = NULL;
  gboolean kept;

  g_assert_true (g_file_set_contents (path, "root's", -1, NULL));
  world.n_prompts = 0;
  world_set_agent (&world, caller, AGENT_HANG);
  caller_send (caller, line);
  world_wait_for_prompts (&world, 1);
  g_unlink (path);
  g_assert_true (g_file_set_contents (path, "xyzzy", -1, NULL));
  kept = setxattr (path, "user.ha-profiler.owner", "64324", strlen ("64324"), 0) == 0;
  world_answer (&world, caller);
  answer = world_receive (&world, caller);
  if (kept)
    {
      assert_answer (answer, DENIED, "another than it was");
      g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
    }
  else
    g_test_skip ("the file system keeps no extended attributes");
  g_unlink (path);
  world_set_agent (&world, caller, AGENT_NONE);
}

/* A program that its user may run and not read: its memory is not theirs. */
static char *
make_hidden_program (void)
{
  char *path = g_build_filename (world.fixture.dir, "hidden", NULL);
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents ("/bin/sleep", &content, &length, NULL));
  g_assert_true (g_file_set_contents (path, content, (gssize)length, NULL));
  g_assert_cmpint (g_chmod (path, 0711), ==, 0);
  return path;
}

/* The kernel says whose a process is. */
static void
test_own (void)
{
  /* By way of a shell, as setpriv has root's rights when it starts its program. */
  g_autofree char *hidden = make_hidden_program ();
  g_autofree char *script = g_strdup_printf ("exec %s 1000", hidden);
  const struct
  {
    const char *uid, *gid, *name;
    gboolean own;
  } cases[] = {
    { "--reuid=64324", "--regid=64324", "sleep", TRUE },
    { "--reuid=64324", "--regid=0", "sleep", FALSE },
    { "--reuid=64322", "--regid=64322", "sleep", FALSE },
    { "--ruid=64324", "--regid=64324", "sleep", FALSE },
    { "--euid=64324", "--regid=64324", "sleep", FALSE },
    { "--reuid=64324", "--regid=64324", "hidden", FALSE },
  };
  g_autoptr (Caller) caller = world_add_caller (&world, 64324);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean plain = g_str_equal (cases[i].name, "sleep");
      g_autoptr (GSubprocess) target = g_subprocess_new (
          G_SUBPROCESS_FLAGS_NONE, &error, "setpriv", cases[i].uid, cases[i].gid, "--clear-groups",
          plain ? "sleep" : "sh", plain ? "1000" : "-c", plain ? NULL : script, NULL);
      guint pid = (guint)g_ascii_strtoull (g_subprocess_get_identifier (target), NULL, 10);
      g_autofree char *line = make_call ("call", "FakeReport", pid);
      g_autofree char *answer = NULL;

      g_assert_no_error (error);
      world_wait_for_program (pid, cases[i].name);
      answer = world_tell (&world, caller, line);
      if (g_str_has_prefix (answer, "ok ") != cases[i].own)
        g_error ("%s %s %s: %s", cases[i].uid, cases[i].gid, cases[i].name, answer);
      g_subprocess_force_exit (target);
    }
}

/* How a caller comes to be in namespaces of its own: root there, or the same user as outside. */
typedef struct
{
  const char *path;
  const char *argv[12];
} Container;

static const Container containers[] = {
  { "/security/guard/callers/container/pid",
    { "unshare", "--pid", "--fork", "--kill-child", HAP_TEST_CALLER, "0" } },
  { "/security/guard/callers/container/user",
    { "unshare", "--user", "--map-root-user", HAP_TEST_CALLER, "0" } },
  { "/security/guard/callers/container/user-of-nobody",
    { "setpriv", "--reuid=64324", "--regid=64324", "--clear-groups", "unshare", "--user", "--map-user=64324",
      "--map-group=64324", HAP_TEST_CALLER, "0" } },
};

/* Root in a container is not the machine's, whatever number the bus says; nor is anybody else who is there.
 */
static void
test_container (gconstpointer data)
{
  const Container *container = data;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *output = NULL;

  for (guint i = 0; container->argv[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer)container->argv[i]);
  g_ptr_array_add (argv, "-");
  g_ptr_array_add (argv, world.fixture.address);
  g_ptr_array_add (argv, NULL);
  process = g_subprocess_newv ((const char *const *)argv->pdata,
                               G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (
      process, "call 0 " PROFILER_PATH " org.homeassistant.Profiler.Manager ListArtifacts ()\n", NULL,
      &output, NULL, &error);
  g_assert_no_error (error);
  assert_answer (strchr (output, '\n') + 1, DENIED, "runs in a container");
}

static char *
read_example (const char *name, const char *const *replaced)
{
  g_autofree char *path = g_build_filename (HAP_TEST_SOURCE, "data", "polkit", name, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  GString *script;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  script = g_string_new (text);
  for (; replaced[0] != NULL; replaced += 2)
    g_assert_cmpuint (g_string_replace (script, replaced[0], replaced[1], 0), >, 0);
  return g_string_free (script, FALSE);
}

static void
assert_call (Caller *caller, const char *method, guint target, gboolean allowed)
{
  g_autofree char *line = make_call ("call", method, target);
  g_autofree char *answer = world_tell (&world, caller, line);

  if (allowed != g_str_has_prefix (answer, "ok "))
    g_error ("%s: %s", line, answer);
  if (!allowed)
    assert_answer (answer, DENIED, "");
}

/* The examples do what they say, on the details that they decide on. */
static void
test_examples (void)
{
  const char *const group[] = { "\"ha-admin\"", "\"hap-user\"", NULL };
  const char *const one[] = { "\"monitoring\"", "\"hap-remote\"", "\"990\"", "\"64324\"", NULL };
  g_autofree char *group_rule = read_example ("example-group.rules", group);
  g_autofree char *target_rule = read_example ("example-target.rules", one);
  g_autoptr (Caller) user = world_add_caller (&world, 64322);
  g_autoptr (Caller) remote = world_add_caller (&world, 64323);
  guint owners = world_add_target (&world, 64324), roots = world_add_target (&world, 0);

  world_set_rule (&world, group_rule);
  assert_call (user, "FakeReport", roots, TRUE);
  assert_call (user, "FakeDump", roots, FALSE);
  assert_call (user, "FakeNone", roots, FALSE);
  assert_call (remote, "FakeReport", roots, FALSE);

  world_set_rule (&world, target_rule);
  assert_call (remote, "FakeReport", owners, TRUE);
  assert_call (remote, "FakeReport", roots, FALSE);
  assert_call (remote, "FakeDump", owners, FALSE);
  assert_call (user, "FakeReport", owners, FALSE);
  world_set_rule (&world, NULL);
}

/* Each detail reaches the rules, and nothing else decides. */
static void
test_details (void)
{
  guint target = world_add_target (&world, 64324), other = world_add_target (&world, 64324);
  g_autoptr (Caller) caller = world_add_caller (&world, 65534);
  g_autofree char *rule = g_strdup_printf (
      "polkit.addRule(function (action, subject) {"
      " return action.id == 'org.homeassistant.Profiler.observe' && action.lookup('target-pid') == '%u'"
      " && action.lookup('target-uid') == '64324' && action.lookup('target-command') == 'sleep'"
      " && action.lookup('action') == 'FakeReport' ? polkit.Result.YES : polkit.Result.NO; });",
      target);

  world_set_rule (&world, rule);
  assert_call (caller, "FakeReport", target, TRUE);
  assert_call (caller, "FakeReport", other, FALSE);
  assert_call (caller, "FakeJob", target, FALSE);
  world_set_rule (&world, NULL);
}

/* A second agent for the same process is turned away, and the first asks, once. */
static void
test_two_agents (void)
{
  g_autoptr (Caller) caller = world_add_caller (&world, 64321);
  guint target = world_add_target (&world, 0);
  g_autofree char *line = make_call ("call", "FakeDump", target);
  g_autofree char *answer = NULL;

  world.n_prompts = 0;
  world_set_agent (&world, caller, AGENT_YES);
  g_assert_false (world_try_second_agent (&world, caller));
  answer = world_tell (&world, caller, line);
  assert_answer (answer, "ok ", "");
  g_assert_cmpuint (world.n_prompts, ==, 1);
  world_set_agent (&world, caller, AGENT_NONE);
}

/* Another user's jobs of each kind, which end in each way. */
static void
make_noise (guint target)
{
  static const char *const scripts[][2] = { { "notify", "finished" }, { "notify-fail", "failed" } };
  g_autofree char *cancelled = NULL;
  g_autoptr (GVariant) subscribed = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GVariant) listed = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  subscribed = fixture_call (&world.fixture, PROFILER_PATH, "Profiler.Manager", "Subscribe", NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autofree char *job = fixture_start_job (&world.fixture, target, scripts[i][0]);

      fixture_wait_for_state (&world.fixture, job, scripts[i][1]);
    }
  cancelled = fixture_start_waiting_job (&world.fixture, target, "wait");
  reply = fixture_call (&world.fixture, cancelled, "Profiler.Job", "Cancel", NULL, &error);
  g_assert_no_error (error);
  report = fixture_run (&world.fixture, "FakeReport", target, "succeed", &error);
  g_assert_no_error (error);
  listed = fixture_call (&world.fixture, PROFILER_PATH, "Profiler.Manager", "ListArtifacts", NULL, &error);
  g_assert_no_error (error);
  /* An error has something to tell, too. */
  g_assert_null (fixture_run (&world.fixture, "FakeReport", target, "fail", &error));
}

/* Who listens with match rules on everything, and may not observe, hears of all that the service says to the
 * bus, in signals, answers and errors, that a job has ended and that its object is gone, by its number, and
 * nothing else; subscribing adds their own jobs alone. */
static void
test_listener (void)
{
  static const char *const harmless[] = { "JobRemoved", "InterfacesRemoved", NULL };
  g_autoptr (Caller) listener = world_add_caller (&world, 65534);
  g_autofree char *rules = world_tell (&world, listener, "monitor");
  g_autofree char *subscribed = world_tell (
      &world, listener, "call 0 " PROFILER_PATH " org.homeassistant.Profiler.Manager Subscribe ()");
  g_autofree char *owner = world_get_owner (&world);
  g_autofree char *heard = NULL;
  g_auto (GStrv) messages = NULL;
  guint n_harmless = 0;

  g_assert_true (g_str_has_prefix (rules, "ok "));
  g_assert_true (g_str_has_prefix (subscribed, "ok "));
  make_noise (world_add_target (&world, 0));
  heard = world_tell (&world, listener, "heard");
  messages = g_strsplit (heard + strlen ("ok "), "|", -1);
  for (guint i = 0; messages[i] != NULL && *messages[i] != '\0'; i++)
    {
      g_auto (GStrv) fields = g_strsplit (messages[i], "\t", 4); /* sender, kind, member, body */

      if (!g_str_equal (fields[0], owner) || g_str_equal (fields[1], "answer"))
        continue;
      if (!g_strv_contains (harmless, fields[2]) || strstr (fields[3], "/jobs/") == NULL
          || strcasestr (fields[3], "fake") != NULL || strlen (fields[3]) > 120)
        g_error ("it was heard: %s", messages[i]);
      n_harmless++;
    }
  g_assert_cmpuint (n_harmless, >=, 3);
}

/* Errors about targets would tell what runs here. */
static void
test_errors_tell_nothing (void)
{
  static const char *const data[] = { "{'target': <'no-such-name'>}", "{'target': <'python'>}", "@a{sv} {}",
                                      "{'target': <uint32 1>}", "{'target': <uint32 4000000>}" };
  g_autoptr (Caller) caller = world_add_caller (&world, 65534);
  g_autofree char *invalid = NULL;

  world_add_target (&world, 0);
  world_add_target (&world, 0);
  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    {
      g_autofree char *line =
          g_strdup_printf ("call 0 %s org.homeassistant.Profiler FakeReport (%s,)", PROFILER_PATH, data[i]);
      g_autofree char *answer = world_tell (&world, caller, line);

      assert_answer (answer, DENIED, "org.homeassistant.Profiler.observe is not allowed");
    }
  /* Of what is wrong in itself everybody is told. */
  invalid = world_tell (&world, caller,
                        "call 0 " PROFILER_PATH " org.homeassistant.Profiler FakeReport ({'sript': <1>},)");
  assert_answer (invalid, "error org.homeassistant.Profiler.Error.InvalidData ", "sript");
}

/* A user who keeps many calls waiting keeps out nobody else. */
static void
test_waiting_calls (void)
{
  g_autoptr (Caller) caller = world_add_caller (&world, 64321);
  g_autoptr (Caller) another = world_add_caller (&world, 64322);
  guint target = world_add_target (&world, 0);
  g_autofree char *line = make_call ("post", "FakeReport", target);
  g_autofree char *refused = NULL;
  g_autofree char *served = NULL;

  world_set_agent (&world, caller, AGENT_HANG);
  for (guint i = 0; i < 4; i++)
    g_free (world_tell (&world, caller, line));
  refused = world_tell (&world, caller,
                        "call 0 " PROFILER_PATH " org.homeassistant.Profiler.Manager Unsubscribe ()");
  assert_answer (refused, "error org.homeassistant.Profiler.Error.Busy ", "4 calls wait for user 64321");
  served = world_tell (&world, another,
                       "call 0 " PROFILER_PATH " org.homeassistant.Profiler.Manager Unsubscribe ()");
  assert_answer (served, "ok ", "");
  world_set_agent (&world, caller, AGENT_NONE);
}

static void
assert_root_is_served (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_run (&world.fixture, "FakeReport", world_add_target (&world, 0), NULL, &error);

  g_assert_no_error (error);
}

static void
test_hanging_polkit (void)
{
  g_autoptr (Caller) caller = world_add_caller (&world, 64322);
  guint target = world_add_target (&world, 0);
  g_autofree char *line = g_strdup_printf (
      "call 0 %s org.homeassistant.Profiler FakeReport ({'target': <uint32 %u>},)", PROFILER_PATH, target);
  g_autofree char *answer = NULL;

  g_subprocess_send_signal (world.polkitd, SIGSTOP);
  answer = world_tell (&world, caller, line);
  assert_answer (answer, DENIED, "did not answer in time");
  assert_root_is_served ();
  g_subprocess_send_signal (world.polkitd, SIGCONT);
}

/* Runs last: there is none from then on. */
static void
test_missing_polkit (void)
{
  g_autoptr (Caller) caller = world_add_caller (&world, 64322);
  guint target = world_add_target (&world, 0);
  g_autofree char *line = make_call ("call", "FakeReport", target);
  g_autofree char *answer = NULL;

  world_end_polkit (&world);
  answer = world_tell (&world, caller, line);
  assert_answer (answer, DENIED, "only root may do it without");
  assert_root_is_served ();
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!world_set_up (&world, "PasswordSeconds=20\nPolkitSeconds=1\nJobsPerUser=8\nCallsPerUser=4\n", TRUE))
    {
      g_print ("1..0 # SKIP the fixture cannot be set up\n");
      return 0;
    }
  g_test_add_data_func ("/security/guard/caller-changes/exit", "exit", test_caller_changes);
  g_test_add_data_func ("/security/guard/caller-changes/exec", "exec", test_caller_changes);
  g_test_add_data_func ("/security/guard/caller-changes/leave", "leave", test_caller_changes);
  g_test_add_data_func ("/security/guard/target-changes/exit", "exit", test_target_changes);
  g_test_add_data_func ("/security/guard/target-changes/exec", "exec", test_target_changes);
  g_test_add_data_func ("/security/guard/target-changes/pid-reuse", "pid-reuse", test_target_changes);
  g_test_add_data_func ("/security/guard/artifact-changes/open", "OpenArtifact", test_artifact_changes);
  g_test_add_data_func ("/security/guard/artifact-changes/remove", "RemoveArtifact", test_artifact_changes);
  g_test_add_func ("/security/guard/callers/own", test_own);
  for (guint i = 0; i < G_N_ELEMENTS (containers); i++)
    g_test_add_data_func (containers[i].path, &containers[i], test_container);
  g_test_add_func ("/security/guard/callers/waiting", test_waiting_calls);
  g_test_add_func ("/security/guard/rules/examples", test_examples);
  g_test_add_func ("/security/guard/rules/details", test_details);
  g_test_add_func ("/security/guard/agents/two", test_two_agents);
  g_test_add_func ("/security/guard/silence/listener", test_listener);
  g_test_add_func ("/security/guard/silence/errors", test_errors_tell_nothing);
  g_test_add_func ("/security/guard/without/hanging", test_hanging_polkit);
  g_test_add_func ("/security/guard/without/missing", test_missing_polkit);
  status = g_test_run ();
  world_tear_down (&world);
  return status;
}
