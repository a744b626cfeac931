/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built command against a fake service: targets, actions as sub-commands, errors, usage, help.
 */
#include <signal.h>
#include <unistd.h>

#include "fixture.h"

static void
test_targets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = fixture_run (fixture, 0, ARGUMENTS ("targets"));

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
  people = fixture_run (fixture, 0, ARGUMENTS ("targets"));
  scripts = fixture_run (fixture, 0, ARGUMENTS ("--json", "targets"));
  assert_has (people->err, "No Python process");
  g_assert_cmpstr (scripts->out->str, ==, "[]\n");
}

static void
test_targets_json (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = fixture_run (fixture, 0, ARGUMENTS ("targets", "--json"));
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
  plain = fixture_run (fixture, 0, ARGUMENTS ("targets"));
  scripts = fixture_run (fixture, 0, ARGUMENTS ("targets", "--json"));
  fixture->setup.env = narrow;
  fitted = fixture_run (fixture, 0, ARGUMENTS ("targets"));
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
  g_autoptr (ClientRun) result = fixture_run (fixture, 0, ARGUMENTS ("start"));

  g_assert_cmpstr (strstr (fixture->service->log->str, "Start"), ==, "Start (@a{sv} {},)\n");
  g_assert_true (fixture->service->interactive);
  assert_has (result->err, "Start: 25 %");
  assert_lacks (result->err, "\r");
  assert_has (result->out, "2970 samples in 30.0 s, 99 a second, 14 threads, process 812, Python 3.13.1");
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

  result = fixture_run (fixture, 0,
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
      g_autoptr (ClientRun) result = fixture_run (fixture, 2, ARGUMENTS ("start", "--seconds", values[i]));

      assert_has (result->err, "ha-profiler: “seconds” must be between");
      assert_lacks (result->err, "GDBus");
    }
  assert_has (fixture->service->log, "'seconds': <nan>");
}

static void
test_start_json (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = fixture_run (fixture, 0, ARGUMENTS ("start", "--json"));
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
  g_autoptr (ClientRun) people = fixture_run (fixture, 0, ARGUMENTS ("start", "--no-wait"));
  g_autoptr (ClientRun) scripts = fixture_run (fixture, 0, ARGUMENTS ("start", "--no-wait", "--json"));
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
  g_autoptr (ClientRun) result = fixture_run (fixture, 0, ARGUMENTS ("start", "--output-dir", directory));

  g_assert_true (g_file_get_contents (file, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "<html>");
  assert_has (result->err, "4 files saved in");
}

/* Before the minutes of a job, not after. */
static void
test_start_bad_output_dir (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = fixture_run (fixture, 1, ARGUMENTS ("start", "--output-dir", "/dev/null/x"));

  assert_has (result->err, "“/dev/null/x” cannot be written to");
  assert_lacks (fixture->service->log, "Start");
}

static void
test_start_unknown_summary (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fake_service_set (
      &fixture->service->summary,
      g_variant_new_parsed ("{'objects': <uint64 12>, 'wait_us': <2500.0>, 'verdict': <'gr\033ows'>,"
                            " 'shapes': <[{'shape': <'round'>, 'count': <uint32 3>}]>,"
                            " 'functions': <'none'>, 'odd': <(1, 'x')>}"));
  result = fixture_run (fixture, 0, ARGUMENTS ("start"));
  g_assert_true (g_str_has_prefix (result->out->str, "gr\\x1bows\n"));
  assert_has (result->out, "Objects: 12");
  assert_has (result->out, "wait_us: 2.5 ms");
  assert_has (result->out, "SHAPE");
  assert_has (result->out, "round");
  assert_has (result->out, "odd: (1, 'x')");
}

/* Functions and files of a target have any name. */
static void
test_start_hostile (Fixture *fixture, gconstpointer data)
{
  static const char *const terminal[] = { "COLUMNS=80", NULL };
  g_autofree char *flood = g_strnfill (5000, 'x');
  g_autofree char *name = g_strconcat ("<b>\"'&\033]0;owned\007\n\xe2\x80\xaeשלום 日本", flood, NULL);
  g_autoptr (ClientRun) plain = NULL;
  g_autoptr (ClientRun) fitted = NULL;

  fake_service_set (&fixture->service->summary,
                    g_variant_new_parsed (
                        "{'integrations': <[{'name': <%s>, 'kind': <%s>, 'running': <1.0>}]>, 'functions': "
                        "<[{'function': <%s>, 'file': <%s>, 'line': <1>, 'integration': <%s>,"
                        " 'origin': <%s>, 'self': <8.0>, 'total': <9.0>, 'self_busy': <7.5>}]>}",
                        name, name, name, name, name, name));
  plain = fixture_run (fixture, 0, ARGUMENTS ("start"));
  fixture->setup.env = terminal;
  fitted = fixture_run (fixture, 0, ARGUMENTS ("start"));
  assert_has (plain->out, "<b>\"'&\\x1b]0;owned\\x07");
  assert_has (fitted->out, "FUNCTION");
  assert_has (fitted->out, "9.00 s");
  assert_lacks (fitted->out, "\033");
  assert_lacks (fitted->out, "\007");
  assert_lacks (fitted->out, "\xe2\x80\xae");
  g_assert_cmpuint (client_run_measure (fitted->out->str), <=, 80);
}

static void
test_start_failing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = NULL;
  g_autoptr (ClientRun) scripts = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonArray *pair;

  fixture->service->plan = FAKE_JOB_FAILS;
  people = fixture_run (fixture, 4, ARGUMENTS ("start"));
  assert_has (people->err, "ha-profiler: It ended\n");
  scripts = fixture_run (fixture, 4, ARGUMENTS ("start", "--json"));
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
  result = fixture_run (fixture, 6, ARGUMENTS ("start"));
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
      result = fixture_run (fixture, cases[i].status, ARGUMENTS ("start"));
      assert_has (result->err, "ha-profiler: what was wr\\x1bong\n");
      assert_lacks (result->err, "GDBus");
      g_assert_cmpstr (result->out->str, ==, "");
      /* Root is not told to become root. */
      if (cases[i].hint != NULL && (cases[i].status != 3 || geteuid () != 0))
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
  result = fixture_run (fixture, 4, ARGUMENTS ("start", "--json"));
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
      g_autoptr (ClientRun) result = fixture_run (fixture, 2, cases[i].arguments);

      assert_has (result->err, cases[i].message);
      g_assert_cmpstr (result->out->str, ==, "");
    }
}

static void
test_report (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = fixture_run (fixture, 0, ARGUMENTS ("log-thread-frames"));
  g_autoptr (ClientRun) scripts = fixture_run (fixture, 0, ARGUMENTS ("log-thread-frames", "--json"));
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
      result = fixture_run (fixture, 0, ARGUMENTS ("set-asyncio-debug", cases[i].option));
      assert_has (fixture->service->log, cases[i].sent);
      g_assert_cmpstr (result->out->str, ==, "");
    }
}

static void
test_help (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) all = fixture_run (fixture, 0, ARGUMENTS ("--help"));
  g_autoptr (ClientRun) action = fixture_run (fixture, 0, ARGUMENTS ("start", "--help"));
  g_autoptr (ClientRun) command = fixture_run (fixture, 0, ARGUMENTS ("open", "-h"));

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
  const ClientRunSetup without_service = { .bus = g_test_dbus_get_bus_address (client_bus) };
  g_autoptr (ClientRun) no_bus = client_run_start (&without_bus, ARGUMENTS ("targets"));
  g_autoptr (ClientRun) no_service = client_run_start (&without_service, ARGUMENTS ("start"));

  g_assert_cmpint (client_run_finish (no_bus), ==, 6);
  g_assert_cmpint (client_run_finish (no_service), ==, 6);
  assert_has (no_bus->err, "The bus cannot be reached");
  assert_has (no_service->err, "The service is not on this bus.");
}

static void
add_tests (void)
{
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
  ADD ("start/has-hostile-functions", test_start_hostile);
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
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
