/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built command against a fake service: buses, jobs, artifacts, and what a terminal gets.
 */
#include <glib/gstdio.h>
#include <signal.h>

#include "fixture.h"

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
  first = fixture_run (fixture, 0, ARGUMENTS ("version"));
  fixture->setup = (ClientRunSetup){ .bus = "session", .env = of_session };
  second = fixture_run (fixture, 0, ARGUMENTS ("version"));
  assert_has (first->out, "ha-profilerd 9.8.7");
  assert_has (second->out, "ha-profilerd 9.8.7");
}

static void
test_jobs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) people = fixture_run (fixture, 0, ARGUMENTS ("jobs"));
  g_autoptr (ClientRun) scripts = fixture_run (fixture, 0, ARGUMENTS ("jobs", "--json"));
  g_autoptr (ClientRun) cancel = fixture_run (fixture, 0, ARGUMENTS ("cancel", "7"));
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
  result = fixture_run (fixture, 0, ARGUMENTS ("jobs", "7"));
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
  g_autoptr (ClientRun) people = fixture_run (fixture, 0, ARGUMENTS ("artifacts"));
  g_autoptr (ClientRun) scripts = fixture_run (fixture, 0, ARGUMENTS ("artifacts", "--json"));
  g_autoptr (ClientRun) removal = fixture_run (fixture, 0, ARGUMENTS ("remove", "x.html"));
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
  g_autoptr (ClientRun) saved = fixture_run (fixture, 0, ARGUMENTS ("open", "flamegraph", "--output", file));
  g_autoptr (ClientRun) piped =
      fixture_run (fixture, 0, ARGUMENTS ("open", "flamegraph.1763700000000000.html", "--output", "-"));
  g_autoptr (ClientRun) unknown = fixture_run (fixture, 1, ARGUMENTS ("open", "nothing"));
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
  result = fixture_run (fixture, 0, ARGUMENTS ("open", "flamegraph"));
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

  if (!client_run_has_terminals ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      g_autoptr (ClientRun) result = NULL;

      fixture->service->progress = 0;
      fixture->setup.columns = widths[i];
      result = fixture_run (fixture, 0, ARGUMENTS ("start"));
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

  if (!client_run_has_terminals ())
    return;
  fixture->setup.columns = 80;
  fixture->setup.env = env;
  result = fixture_run (fixture, 0, ARGUMENTS ("targets"));
  assert_lacks (result->out, "\033");
}

static void
test_terminal_artifact (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  if (!client_run_has_terminals ())
    return;
  fixture->setup.columns = 80;
  result = fixture_run (fixture, 2, ARGUMENTS ("open", "flamegraph", "--output", "-"));
  assert_has (result->out, "not for a terminal");
  assert_lacks (result->out, "<html>");
}

static void
test_full_output (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.out = "/dev/full";
  result = fixture_run (fixture, 1, ARGUMENTS ("targets", "--json"));
  assert_has (result->err, "The output cannot be written.");
}

static void
test_ascii (Fixture *fixture, gconstpointer data)
{
  static const char *const env[] = { "LC_ALL=C", NULL };
  g_autoptr (ClientRun) result = NULL;

  fixture->setup.env = env;
  result = fixture_run (fixture, 0, ARGUMENTS ("start"));
  assert_has (result->out, "\"ha-profiler open ARTIFACT\"");
  for (gsize i = 0; i < result->out->len; i++)
    g_assert_cmpint (result->out->str[i] & 0x80, ==, 0);
}

static void
add_tests (void)
{
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
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
