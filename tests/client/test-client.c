/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built command against a fake service on a private bus: what it sends, prints and returns.
 */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <signal.h>

#include "client-run.h"
#include "client-text.h"
#include "fake-service.h"

static GTestDBus *bus;

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

typedef struct
{
  FakeService *service;
  ClientRunSetup setup;
  char *directory; /* a fresh one */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->service = fake_service_new (g_test_dbus_get_bus_address (bus));
  fixture->setup.bus = g_test_dbus_get_bus_address (bus);
  fixture->directory = g_dir_make_tmp ("client-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_directory (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fake_service_free (fixture->service);
  remove_directory (fixture->directory);
  g_free (fixture->directory);
}

/* Runs to the end and checks the exit status. */
static ClientRun *
run (Fixture *fixture, int status, const char *const *arguments)
{
  ClientRun *result = client_run_start (&fixture->setup, arguments);
  int reached = client_run_finish (result);

  if (reached != status)
    g_error ("Exit status %d, not %d:\n%s\n%s", reached, status, result->out->str, result->err->str);
  return result;
}

static void
assert_has (const GString *text, const char *part)
{
  if (strstr (text->str, part) == NULL)
    g_error ("No “%s” in:\n%s", part, text->str);
}

static void
assert_lacks (const GString *text, const char *part)
{
  if (strstr (text->str, part) != NULL)
    g_error ("“%s” in:\n%s", part, text->str);
}

static JsonNode *
parse_json (const ClientRun *result)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (result->out->str, &error);

  g_assert_no_error (error);
  return node;
}

static void
test_targets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = run (fixture, 0, ARGUMENTS ("targets"));

  assert_has (result->out, "PID  USER");
  assert_has (result->out, "812  root");
  assert_has (result->out, "Home Assistant 2025.11.1, container");
  assert_has (result->out, "Python 3.8 is too old");
  assert_lacks (result->out, "\033");
  g_assert_cmpstr (result->err->str, ==, "");
}

static void
test_targets_none (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = NULL;
  g_autoptr (ClientRun) scripts = NULL;

  fake_service_set (&fixture->service->targets, g_variant_new_parsed ("@aa{sv} []"));
  people = run (fixture, 0, ARGUMENTS ("targets"));
  scripts = run (fixture, 0, ARGUMENTS ("--json", "targets"));
  assert_has (people->err, "No Python process");
  g_assert_cmpstr (scripts->out->str, ==, "[]\n");
}

static void
test_targets_json (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = run (fixture, 0, ARGUMENTS ("targets", "--json"));
  g_autoptr (JsonNode) node = parse_json (result);
  JsonObject *first = json_array_get_object_element (json_node_get_array (node), 0);

  g_assert_cmpint (json_object_get_int_member (first, "pid"), ==, 812);
  g_assert_true (json_object_get_boolean_member (first, "supported"));
}

static GVariant *
make_hostile_target (void)
{
  g_autoptr (GString) name =
      g_string_new ("x\033]0;owned\007\033[2J\nsecond line\xe2\x80\xaegnp.exe שלום 日本 ");

  for (guint i = 0; i < 5000; i++)
    g_string_append_c (name, 'A');
  return g_variant_new_parsed (
      "[{'pid': <uint32 5>, 'name': <%s>, 'command': <%s>, 'python': <%s>, 'reason': <%s>}]", name->str,
      name->str, name->str, name->str);
}

static void
test_targets_hostile (Fixture *fixture, gconstpointer data)
{
  static const char *const narrow[] = { "COLUMNS=60", NULL };
  g_autoptr (ClientRun) plain = NULL;
  g_autoptr (ClientRun) fitted = NULL;
  g_autoptr (ClientRun) scripts = NULL;

  fake_service_set (&fixture->service->targets, make_hostile_target ());
  plain = run (fixture, 0, ARGUMENTS ("targets"));
  scripts = run (fixture, 0, ARGUMENTS ("targets", "--json"));
  fixture->setup.env = narrow;
  fitted = run (fixture, 0, ARGUMENTS ("targets"));
  assert_lacks (plain->out, "\033");
  assert_lacks (plain->out, "\007");
  assert_lacks (plain->out, "\xe2\x80\xae");
  assert_has (plain->out, "\\x1b]0;owned\\x07");
  assert_lacks (scripts->out, "\033");
  g_assert_cmpuint (client_run_measure (plain->out->str), <, 1000);
  g_assert_cmpuint (client_run_measure (fitted->out->str), <=, 60);
  g_assert_cmpint (g_strrstr (fitted->out->str, "second line") != NULL, ==, FALSE);
}

static void
test_start (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = run (fixture, 0, ARGUMENTS ("start"));

  g_assert_cmpstr (strstr (fixture->service->log->str, "Start"), ==, "Start (@a{sv} {},)\n");
  g_assert_true (fixture->service->interactive);
  assert_has (result->err, "Start: 25 %");
  assert_lacks (result->err, "\r");
  assert_has (result->out, "2970 samples, in 30.0 s, 99 a second, 14 threads, process 812, Python 3.13.1");
  assert_has (result->out,
              "2900 read live, 60 at rest, 10 stopped for, longest stop 41 µs, all stops 400 µs");
  assert_has (result->out, "weather: fine");
  assert_has (result->out, "zha          integration  46.1 %");
  assert_has (result->out, "device.py:117");
  assert_has (result->out, "flamegraph.1763800000000000.html");
  assert_has (result->out, "snakeviz, gprof2dot");
  assert_has (result->out, "KCachegrind");
}

static void
test_start_options (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  result = run (fixture, 0,
                ARGUMENTS ("--quiet", "start", "--seconds", "2.5", "--rate=500", "--target", "812",
                           "--clock=cpu", "--formats", "pstats", "--formats=flamegraph,collapsed"));
  assert_has (fixture->service->log, "'seconds': <2.5>");
  assert_has (fixture->service->log, "'rate': <uint64 500>");
  assert_has (fixture->service->log, "'target': <uint32 812>");
  assert_has (fixture->service->log, "'clock': <'cpu'>");
  assert_has (fixture->service->log, "'formats': <['pstats', 'flamegraph', 'collapsed']>");
  g_assert_cmpstr (result->err->str, ==, "");
}

/* The command knows nothing of ranges: what is out of one is sent, and the answer shown. */
static void
test_start_out_of_range (Fixture *fixture, gconstpointer data)
{
  static const char *const values[] = { "-1", "nan", "inf", "1e9", "0" };

  fixture->service->error = "InvalidData";
  fixture->service->error_message = "“seconds” must be between 0.1 and 3600";
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (ClientRun) result = run (fixture, 2, ARGUMENTS ("start", "--seconds", values[i]));

      assert_has (result->err, "ha-profiler: “seconds” must be between");
      assert_lacks (result->err, "GDBus");
    }
  assert_has (fixture->service->log, "'seconds': <nan>");
}

static void
test_start_json (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = run (fixture, 0, ARGUMENTS ("start", "--json"));
  g_autoptr (JsonNode) node = parse_json (result);
  JsonObject *job = json_node_get_object (node);
  JsonObject *summary = json_object_get_object_member (job, "summary");

  g_assert_cmpstr (result->err->str, ==, "");
  g_assert_cmpstr (json_object_get_string_member (job, "state"), ==, "finished");
  g_assert_cmpint (json_object_get_int_member (job, "started_at"), ==, 1763800000000000);
  g_assert_cmpint (json_object_get_int_member (summary, "samples"), ==, 2970);
  g_assert_cmpint (json_array_get_length (json_object_get_array_member (job, "artifacts")), ==, 4);
}

static void
test_start_no_wait (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = run (fixture, 0, ARGUMENTS ("start", "--no-wait"));
  g_autoptr (ClientRun) scripts = run (fixture, 0, ARGUMENTS ("start", "--no-wait", "--json"));
  g_autoptr (JsonNode) node = parse_json (scripts);

  assert_has (people->out, "Job 7 started");
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "job"), ==,
                   "/org/homeassistant/Profiler/jobs/7");
}

static void
test_start_output_dir (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = g_build_filename (fixture->directory, "new", NULL);
  g_autofree char *file = g_build_filename (directory, "profile.1763800000000000.cprof", NULL);
  g_autofree char *content = NULL;
  g_autoptr (ClientRun) result = run (fixture, 0, ARGUMENTS ("start", "--output-dir", directory));

  g_assert_true (g_file_get_contents (file, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "<html>");
  assert_has (result->err, "4 files saved in");
}

/* Before the minutes of a job, not after. */
static void
test_start_bad_output_dir (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = run (fixture, 1, ARGUMENTS ("start", "--output-dir", "/dev/null/x"));

  assert_has (result->err, "“/dev/null/x” cannot be written to");
  assert_lacks (fixture->service->log, "Start");
}

static void
test_start_unknown_summary (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fake_service_set (
      &fixture->service->summary,
      g_variant_new_parsed ("{'objects': <uint64 12>, 'pause_us': <2500.0>, 'verdict': <'gr\033ows'>,"
                            " 'shapes': <[{'shape': <'round'>, 'count': <uint32 3>}]>,"
                            " 'functions': <'none'>, 'odd': <(1, 'x')>}"));
  result = run (fixture, 0, ARGUMENTS ("start"));
  assert_has (result->out, "objects: 12");
  assert_has (result->out, "pause_us: 2.5 ms");
  assert_has (result->out, "verdict: gr\\x1bows");
  assert_has (result->out, "SHAPE");
  assert_has (result->out, "round");
  assert_has (result->out, "odd: (1, 'x')");
}

static void
test_start_failing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = NULL;
  g_autoptr (ClientRun) scripts = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonArray *pair;

  fixture->service->plan = FAKE_JOB_FAILS;
  people = run (fixture, 4, ARGUMENTS ("start"));
  assert_has (people->err, "ha-profiler: It ended\n");
  scripts = run (fixture, 4, ARGUMENTS ("start", "--json"));
  node = parse_json (scripts);
  pair = json_object_get_array_member (json_node_get_object (node), "error");
  g_assert_cmpstr (json_array_get_string_element (pair, 1), ==, "It ended");
}

static void
test_start_interrupted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->service->plan = FAKE_JOB_RUNS;
  result = client_run_start (&fixture->setup, ARGUMENTS ("start"));
  client_run_wait_for (result, "25 %");
  client_run_signal (result, SIGINT);
  g_assert_cmpint (client_run_finish (result), ==, 5);
  assert_has (fixture->service->log, "Cancel");
  assert_has (result->err, "cancelling");
  assert_has (result->err, "The job was cancelled.");
  assert_has (result->out, "2970 samples");
}

static void
test_start_interrupted_twice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->service->plan = FAKE_JOB_STUCK;
  result = client_run_start (&fixture->setup, ARGUMENTS ("start"));
  client_run_wait_for (result, "25 %");
  client_run_signal (result, SIGINT);
  client_run_wait_for (result, "cancelling");
  client_run_signal (result, SIGINT);
  g_assert_cmpint (client_run_finish (result), ==, 5);
}

static void
test_start_service_leaves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->service->plan = FAKE_JOB_LEAVES;
  result = run (fixture, 6, ARGUMENTS ("start"));
  assert_has (result->err, "The service left while the job ran");
}

static void
test_errors (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name;
    int status;
    const char *hint;
  } cases[] = {
    { "InvalidData", 2, NULL },
    { "NoTarget", 4, "ha-profiler targets" },
    { "AmbiguousTarget", 4, "--target" },
    { "TargetGone", 4, "ha-profiler targets" },
    { "UnsupportedTarget", 4, "ha-profiler targets" },
    { "NotAuthorized", 3, "sudo" },
    { "AlreadyStarted", 1, "ha-profiler jobs" },
    { "NotRunning", 1, "ha-profiler jobs" },
    { "Busy", 1, "ha-profiler cancel" },
    { "TimedOut", 1, NULL },
    { "NoSpace", 1, "ha-profiler remove" },
    { "Failed", 1, NULL },
    { "Cancelled", 5, NULL },
    { "org.freedesktop.DBus.Error.AccessDenied", 3, "sudo" },
    { "com.example.Unheard", 1, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ClientRun) result = NULL;

      fixture->service->error = cases[i].name;
      fixture->service->error_message = "what was wr\033ong";
      result = run (fixture, cases[i].status, ARGUMENTS ("start"));
      assert_has (result->err, "ha-profiler: what was wr\\x1bong\n");
      assert_lacks (result->err, "GDBus");
      g_assert_cmpstr (result->out->str, ==, "");
      if (cases[i].hint != NULL)
        assert_has (result->err, cases[i].hint);
    }
}

static void
test_errors_json (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *error;

  fixture->service->error = "NoTarget";
  fixture->service->error_message = "none";
  result = run (fixture, 4, ARGUMENTS ("start", "--json"));
  node = parse_json (result);
  error = json_object_get_object_member (json_node_get_object (node), "error");
  g_assert_cmpstr (json_object_get_string_member (error, "name"), ==, "NoTarget");
  g_assert_cmpstr (json_object_get_string_member (error, "message"), ==, "none");
  g_assert_cmpint (json_object_get_int_member (error, "exit_status"), ==, 4);
}

static void
test_usage (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *arguments[5];
    const char *message;
  } cases[] = {
    { { NULL }, "Which command?" },
    { { "--what", NULL }, "Unknown option --what" },
    { { "dance", NULL }, "There is no command “dance”" },
    { { "start", "--what", NULL }, "Unknown option --what" },
    { { "start", "--seconds", NULL }, "Missing argument for --seconds" },
    { { "start", "--seconds", "abc", NULL }, "--seconds takes NUMBER, not “abc”" },
    { { "start", "--rate", "fast", NULL }, "--rate takes COUNT" },
    { { "start", "now", NULL }, "“now” is one argument too many" },
    { { "targets", "--seconds=3", NULL }, "Unknown option --seconds" },
    { { "targets", "all", NULL }, "“all” is one argument too many" },
    { { "open", NULL }, "“open” needs ARTIFACT" },
    { { "cancel", "?", NULL }, "“?” is no job" },
    { { "dump-log-objects", NULL }, "--type is missing: of which type" },
    { { "set-asyncio-debug", "--enabled=perhaps", NULL }, "--enabled takes YES|NO" },
    { { "--bus=nowhere", "targets", NULL }, "--bus takes system, session" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ClientRun) result = run (fixture, 2, cases[i].arguments);

      assert_has (result->err, cases[i].message);
      g_assert_cmpstr (result->out->str, ==, "");
    }
}

static void
test_report (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = run (fixture, 0, ARGUMENTS ("log-thread-frames"));
  g_autoptr (ClientRun) scripts = run (fixture, 0, ARGUMENTS ("log-thread-frames", "--json"));
  g_autoptr (JsonNode) node = parse_json (scripts);
  JsonObject *entry = json_array_get_object_element (json_node_get_array (node), 0);

  g_assert_cmpstr (people->out->str, ==, "Thread [Main] \\x1b[31mred\n  File \"x.py\"\n");
  g_assert_cmpint (json_object_get_int_member (entry, "thread"), ==, 5);
}

static void
test_boolean (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *option, *sent;
  } cases[] = {
    { "--enabled", "<true>" },
    { "--enabled=no", "<false>" },
    { "--no-enabled", "<false>" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ClientRun) result = NULL;

      g_string_truncate (fixture->service->log, 0);
      result = run (fixture, 0, ARGUMENTS ("set-asyncio-debug", cases[i].option));
      assert_has (fixture->service->log, cases[i].sent);
      g_assert_cmpstr (result->out->str, ==, "");
    }
}

static void
test_help (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) all = run (fixture, 0, ARGUMENTS ("--help"));
  g_autoptr (ClientRun) action = run (fixture, 0, ARGUMENTS ("start", "--help"));
  g_autoptr (ClientRun) command = run (fixture, 0, ARGUMENTS ("open", "-h"));

  assert_has (all->out, "log-thread-frames");
  assert_has (all->out, "Exit status");
  assert_has (action->out, "--seconds NUMBER");
  assert_has (action->out, "how long (0.1 to 3600; default: 60)");
  assert_has (action->out, "from 1; default: 100");
  assert_has (action->out, "wall, cpu, gil; default: wall");
  assert_has (action->out, "--output-dir");
  assert_has (command->out, "--output FILE");
  assert_lacks (fixture->service->log, "Start");
}

static void
test_help_unreachable (void)
{
  const ClientRunSetup setup = { .bus = "unix:path=/nowhere" };
  g_autoptr (ClientRun) result = client_run_start (&setup, ARGUMENTS ("--help"));

  g_assert_cmpint (client_run_finish (result), ==, 0);
  assert_has (result->out, "cannot be reached");
  assert_has (result->out, "targets");
}

static void
test_unreachable (void)
{
  const ClientRunSetup without_bus = { .bus = "unix:path=/nowhere" };
  const ClientRunSetup without_service = { .bus = g_test_dbus_get_bus_address (bus) };
  g_autoptr (ClientRun) no_bus = client_run_start (&without_bus, ARGUMENTS ("targets"));
  g_autoptr (ClientRun) no_service = client_run_start (&without_service, ARGUMENTS ("start"));

  g_assert_cmpint (client_run_finish (no_bus), ==, 6);
  g_assert_cmpint (client_run_finish (no_service), ==, 6);
  assert_has (no_bus->err, "The bus cannot be reached");
  assert_has (no_service->err, "The service is not on this bus.");
}

/* The way to the system bus and to the session bus of a user is the usual one. */
static void
test_bus_addresses (Fixture *fixture, gconstpointer data)
{
  g_autofree char *system = g_strconcat ("DBUS_SYSTEM_BUS_ADDRESS=", fixture->setup.bus, NULL);
  g_autofree char *session = g_strconcat ("DBUS_SESSION_BUS_ADDRESS=", fixture->setup.bus, NULL);
  const char *const of_system[] = { system, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", NULL };
  const char *const of_session[] = { session, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere", NULL };
  g_autoptr (ClientRun) first = NULL;
  g_autoptr (ClientRun) second = NULL;

  fixture->setup = (ClientRunSetup){ .env = of_system };
  first = run (fixture, 0, ARGUMENTS ("version"));
  fixture->setup = (ClientRunSetup){ .bus = "session", .env = of_session };
  second = run (fixture, 0, ARGUMENTS ("version"));
  assert_has (first->out, "ha-profilerd 9.8.7");
  assert_has (second->out, "ha-profilerd 9.8.7");
}

static void
test_jobs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = run (fixture, 0, ARGUMENTS ("jobs"));
  g_autoptr (ClientRun) scripts = run (fixture, 0, ARGUMENTS ("jobs", "--json"));
  g_autoptr (ClientRun) cancel = run (fixture, 0, ARGUMENTS ("cancel", "7"));
  g_autoptr (JsonNode) node = parse_json (scripts);
  JsonObject *job = json_array_get_object_element (json_node_get_array (node), 0);

  assert_has (people->out, "  7  Start");
  assert_has (people->out, "50 %");
  g_assert_cmpfloat (json_object_get_double_member (job, "progress"), ==, 0.5);
  g_assert_cmpstr (json_object_get_string_member (job, "job"), ==, "/org/homeassistant/Profiler/jobs/7");
  assert_has (fixture->service->log, "Cancel");
}

static void
test_jobs_follow (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->service->state = "finished";
  result = run (fixture, 0, ARGUMENTS ("jobs", "7"));
  assert_has (result->out, "2970 samples");
}

/* Who only looks at a job does not end it. */
static void
test_jobs_follow_interrupted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = client_run_start (&fixture->setup, ARGUMENTS ("jobs", "7"));

  client_run_wait_for (result, "0 %");
  client_run_signal (result, SIGINT);
  g_assert_cmpint (client_run_finish (result), ==, 5);
  assert_lacks (fixture->service->log, "Cancel");
}

static void
test_artifacts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = run (fixture, 0, ARGUMENTS ("artifacts"));
  g_autoptr (ClientRun) scripts = run (fixture, 0, ARGUMENTS ("artifacts", "--json"));
  g_autoptr (ClientRun) removal = run (fixture, 0, ARGUMENTS ("remove", "x.html"));
  g_autoptr (JsonNode) node = parse_json (scripts);

  assert_has (people->out, "412.3 kB  Flame graph  web browser");
  g_assert_cmpint (json_array_get_length (json_node_get_array (node)), ==, 4);
  assert_has (fixture->service->log, "RemoveArtifact ('x.html',)");
}

static void
test_open_output (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = g_build_filename (fixture->directory, "saved.html", NULL);
  g_autofree char *content = NULL;
  g_autoptr (ClientRun) saved = run (fixture, 0, ARGUMENTS ("open", "flamegraph", "--output", file));
  g_autoptr (ClientRun) piped =
      run (fixture, 0, ARGUMENTS ("open", "flamegraph.1763700000000000.html", "--output", "-"));
  g_autoptr (ClientRun) unknown = run (fixture, 1, ARGUMENTS ("open", "nothing"));
  GStatBuf status;

  g_assert_true (g_file_get_contents (file, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "<html>");
  g_assert_cmpint (g_stat (file, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  g_assert_cmpstr (piped->out->str, ==, "<html>");
  assert_has (fixture->service->log, "OpenArtifact ('flamegraph.1763800000000000.html',)");
  assert_has (fixture->service->log, "OpenArtifact ('flamegraph.1763700000000000.html',)");
  assert_has (unknown->err, "There is no artifact “nothing”");
}

static void
write_file (const char *path, const char *text)
{
  g_autofree char *directory = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
on_file_changed (GFileMonitor *monitor,
                 GFile *file,
                 GFile *other,
                 GFileMonitorEvent event,
                 gpointer user_data)
{
  g_main_context_wakeup (NULL);
}

/* The viewer that this user chose gets a copy that only this user can read. */
static void
test_open_viewer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *data_home = g_strconcat ("XDG_DATA_HOME=", fixture->directory, "/data", NULL);
  g_autofree char *config_home = g_strconcat ("XDG_CONFIG_HOME=", fixture->directory, "/config", NULL);
  g_autofree char *cache_home = g_strconcat ("XDG_CACHE_HOME=", fixture->directory, "/cache", NULL);
  g_autofree char *desktop = g_build_filename (fixture->directory, "data/applications/viewer.desktop", NULL);
  g_autofree char *choice = g_build_filename (fixture->directory, "config/mimeapps.list", NULL);
  g_autofree char *seen = g_build_filename (fixture->directory, "seen", NULL);
  g_autofree char *entry = NULL;
  g_autofree char *content = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (seen);
  g_autoptr (GFileMonitor) monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, NULL);
  g_autoptr (ClientRun) result = NULL;
  const char *const env[] = { data_home, config_home, cache_home, NULL };

  entry = g_strdup_printf (
      "[Desktop Entry]\nType=Application\nName=Viewer\nMimeType=text/html;\nExec=cp %%f %s\n", seen);
  write_file (desktop, entry);
  write_file (choice, "[Default Applications]\ntext/html=viewer.desktop\n");
  g_signal_connect (monitor, "changed", G_CALLBACK (on_file_changed), NULL);
  fixture->setup.env = env;
  result = run (fixture, 0, ARGUMENTS ("open", "flamegraph"));
  while (!g_file_get_contents (seen, &content, NULL, NULL) || content[0] == '\0')
    {
      g_clear_pointer (&content, g_free);
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpstr (content, ==, "<html>");
  assert_has (result->err, "Opening");
}

static void
test_terminal (Fixture *fixture, gconstpointer data)
{
  static const guint widths[] = { 120, 80, 60, 40 };

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      g_autoptr (ClientRun) result = NULL;

      fixture->service->progress = 0;
      fixture->setup.columns = widths[i];
      result = run (fixture, 0, ARGUMENTS ("start"));
      assert_has (result->out, "\r\033[K");
      assert_has (result->out, "25 %");
      assert_has (result->out, "\033[1m");
      assert_has (result->out, "zha");
      assert_has (result->out, "46.1 %");
      if (widths[i] >= 60)
        g_assert_cmpuint (client_run_measure (strstr (result->out->str, "2970")), <=, widths[i]);
    }
}

static void
test_terminal_no_colour (Fixture *fixture, gconstpointer data)
{
  static const char *const env[] = { "NO_COLOR=1", NULL };
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.columns = 80;
  fixture->setup.env = env;
  result = run (fixture, 0, ARGUMENTS ("targets"));
  assert_lacks (result->out, "\033");
}

static void
test_terminal_artifact (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.columns = 80;
  result = run (fixture, 2, ARGUMENTS ("open", "flamegraph", "--output", "-"));
  assert_has (result->out, "not for a terminal");
  assert_lacks (result->out, "<html>");
}

static void
test_full_output (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.out = "/dev/full";
  result = run (fixture, 1, ARGUMENTS ("targets", "--json"));
  assert_has (result->err, "The output cannot be written.");
}

static void
test_ascii (Fixture *fixture, gconstpointer data)
{
  static const char *const env[] = { "LC_ALL=C", NULL };
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.env = env;
  result = run (fixture, 0, ARGUMENTS ("start"));
  assert_has (result->out, "\"ha-profiler open ARTIFACT\"");
  for (gsize i = 0; i < result->out->len; i++)
    g_assert_cmpint (result->out->str[i] & 0x80, ==, 0);
}

#define ADD(path, function) g_test_add ("/client/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  int status;

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  ADD ("targets/are-a-table", test_targets);
  ADD ("targets/may-be-none", test_targets_none);
  ADD ("targets/are-json", test_targets_json);
  ADD ("targets/have-hostile-names", test_targets_hostile);
  ADD ("start/prints-what-came-out", test_start);
  ADD ("start/sends-its-options", test_start_options);
  ADD ("start/leaves-ranges-to-the-service", test_start_out_of_range);
  ADD ("start/is-json", test_start_json);
  ADD ("start/does-not-wait", test_start_no_wait);
  ADD ("start/saves-artifacts", test_start_output_dir);
  ADD ("start/checks-the-directory-first", test_start_bad_output_dir);
  ADD ("start/shows-what-it-does-not-know", test_start_unknown_summary);
  ADD ("start/fails-with-the-job", test_start_failing);
  ADD ("start/is-cancelled-by-an-interrupt", test_start_interrupted);
  ADD ("start/ends-at-the-second-interrupt", test_start_interrupted_twice);
  ADD ("start/tells-that-the-service-left", test_start_service_leaves);
  ADD ("errors/have-a-status-and-a-hint", test_errors);
  ADD ("errors/are-json", test_errors_json);
  ADD ("usage/is-explained", test_usage);
  ADD ("report/prints-messages", test_report);
  ADD ("options/are-booleans", test_boolean);
  ADD ("help/is-made-from-descriptions", test_help);
  g_test_add_func ("/client/help/needs-no-service", test_help_unreachable);
  g_test_add_func ("/client/bus/may-be-absent", test_unreachable);
  ADD ("bus/is-found-as-usual", test_bus_addresses);
  ADD ("jobs/are-listed-and-cancelled", test_jobs);
  ADD ("jobs/are-followed", test_jobs_follow);
  ADD ("jobs/go-on-when-left", test_jobs_follow_interrupted);
  ADD ("artifacts/are-listed-and-removed", test_artifacts);
  ADD ("open/saves", test_open_output);
  ADD ("open/starts-the-viewer", test_open_viewer);
  ADD ("terminal/fits-and-redraws", test_terminal);
  ADD ("terminal/respects-no-color", test_terminal_no_colour);
  ADD ("terminal/gets-no-artifact", test_terminal_artifact);
  ADD ("terminal/may-know-ascii-alone", test_ascii);
  ADD ("output/may-be-full", test_full_output);
  status = g_test_run ();
  g_test_dbus_stop (bus);
  g_object_unref (bus);
  return status;
}
