/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the agent makes of what the service says and what is clicked on. With real daemons: test-daemons.py.
 */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"

/* @artifact: (nullable) */
static void
notify (Fixture *fixture, const char *title, const char *message, const char *state, const char *artifact)
{
  const char *const artifacts[] = { artifact, NULL };
  GVariantBuilder hints;

  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "job", g_variant_new_object_path (JOB));
  g_variant_builder_add (&hints, "{sv}", "state", g_variant_new_string (state));
  g_variant_builder_add (&hints, "{sv}", "progress", g_variant_new_double (0.25));
  g_variant_builder_add (&hints, "{sv}", "artifacts", g_variant_new_strv (artifacts, -1));
  g_dbus_connection_emit_signal (fixture->service, NULL, PROFILER_PATH, PROFILER, "Notification",
                                 g_variant_new ("(sssa{sv})", "profiler_1", title, message, &hints), NULL);
}

static gboolean
has_shown (Fixture *fixture, gconstpointer n)
{
  return fixture->shown->len >= GPOINTER_TO_UINT (n);
}

static gboolean
has_closed (Fixture *fixture, gconstpointer n)
{
  return fixture->closed->len >= GPOINTER_TO_UINT (n);
}

/* The last that was shown. */
static void
get_shown (Fixture *fixture,
           guint32 *replaces,
           const char **title,
           const char **body,
           char **actions,
           int *value)
{
  GVariant *last = fixture->shown->pdata[fixture->shown->len - 1];
  g_autoptr (GVariant) hints = NULL;
  g_autofree const char **list = NULL;

  g_variant_get (last, "(&su&s&s&s^a&s@a{sv}i)", NULL, replaces, NULL, title, body, &list, &hints, NULL);
  *actions = g_strjoinv ("|", (GStrv)list);
  *value = -1;
  g_variant_lookup (hints, "value", "i", value);
}

static void
assert_shown (Fixture *fixture,
              guint32 replaces,
              const char *title,
              const char *body,
              const char *actions,
              int value)
{
  guint32 shown_replaces;
  const char *shown_title, *shown_body;
  g_autofree char *shown_actions = NULL;
  int shown_value;

  get_shown (fixture, &shown_replaces, &shown_title, &shown_body, &shown_actions, &shown_value);
  g_assert_cmpuint (shown_replaces, ==, replaces);
  g_assert_cmpstr (shown_title, ==, title);
  g_assert_cmpstr (shown_body, ==, body);
  g_assert_cmpstr (shown_actions, ==, actions);
  g_assert_cmpint (shown_value, ==, value);
}

#define RESULT_ACTIONS "default|Open|open|Open|folder|Show in Folder"

static void
test_life (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "Profile Started", "It has", "cancel|Cancel", 25);

  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete", "Wrote it", RESULT_ACTIONS, -1);

  g_dbus_connection_emit_signal (fixture->service, NULL, PROFILER_PATH, PROFILER, "NotificationDismissed",
                                 g_variant_new ("(s)", "profiler_1"), NULL);
  fixture_wait_for (fixture, has_closed, GUINT_TO_POINTER (1));
  g_assert_cmpuint (g_array_index (fixture->closed, guint32, 0), ==, 1);
}

static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  g_autofree char *flood = g_strnfill (5000, 'x');
  guint32 replaces;
  const char *title, *body;
  g_autofree char *actions = NULL;
  int value;

  notify (fixture, "<b>\u202e\"title\"\033", "<a href='file:///etc/passwd'>\u2067click</a>&", "finished",
          NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "<b>\"title\"",
                "&lt;a href=&apos;file:///etc/passwd&apos;&gt;click&lt;/a&gt;&amp;", "", -1);

  notify (fixture, flood, flood, "finished", NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  get_shown (fixture, &replaces, &title, &body, &actions, &value);
  g_assert_cmpint (g_utf8_strlen (title, -1), ==, 201);
  g_assert_cmpint (g_utf8_strlen (body, -1), ==, 1001);
}

static void
invoke (Fixture *fixture, const char *key)
{
  g_dbus_connection_emit_signal (fixture->daemon, NULL, DAEMON_PATH, DAEMON, "ActionInvoked",
                                 g_variant_new ("(us)", fixture->last_id, key), NULL);
}

/* What opens which artifact. */
typedef struct
{
  const char *artifact, *viewer;
} Viewing;

static const Viewing viewings[] = { { "flamegraph.1.html", "browser" },
                                    { "callgrind.out.1", "kcachegrind" },
                                    { "profile.1.collapsed", "editor" },
                                    { "heap_profile.1.hpy", "editor" },
                                    { "object_dump.1.txt", "editor" } };

/* @data: a Viewing */
static gboolean
has_viewed (Fixture *fixture, gconstpointer data)
{
  const Viewing *viewing = data;
  g_autofree char *path = g_strdup_printf ("%s/%s.part", fixture->dir, viewing->viewer);
  g_autofree char *expected = g_strconcat ("contents of ", viewing->artifact, NULL);
  g_autofree char *contents = NULL;

  g_usleep (1000);
  g_main_context_wakeup (NULL);
  return g_file_get_contents (path, &contents, NULL, NULL) && g_str_equal (contents, expected);
}

static void
assert_mode (Fixture *fixture, const char *name, mode_t mode)
{
  g_autofree char *path = g_build_filename (fixture->dir, "cache", "ha-profiler", "artifacts", name, NULL);
  GStatBuf status;

  g_assert_cmpint (g_lstat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, mode);
}

static void
test_open (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (viewings); i++)
    {
      notify (fixture, "Profile Complete", "Wrote it", "finished", viewings[i].artifact);
      fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (i + 1));
      invoke (fixture, "default");
      fixture_wait_for (fixture, has_viewed, &viewings[i]);
      assert_mode (fixture, viewings[i].artifact, 0600);
    }
  assert_mode (fixture, NULL, 0700);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  fixture->gone = TRUE;
  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete",
                "“flamegraph.1.html” cannot be opened: There is no artifact of that name", RESULT_ACTIONS,
                -1);
}

static void
test_bad_name (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Complete", "Wrote it", "finished", "../../evil.html");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete",
                "“../../evil.html” cannot be opened: “../../evil.html” is not the name of a file",
                RESULT_ACTIONS, -1);
}

/* A home of one page, which is taken. */
static void
test_full_home (Fixture *fixture, gconstpointer data)
{
  g_autofree char *expected = g_strdup_printf (
      "“flamegraph.1.html” cannot be opened: Error writing to file descriptor: %s", g_strerror (ENOSPC));
  g_autofree char *cache = g_build_filename (fixture->dir, "cache", NULL);
  g_autofree char *copies = g_build_filename (cache, "ha-profiler", "artifacts", NULL);
  g_autofree char *rest = g_build_filename (cache, "rest", NULL);
  g_autofree char *filling = g_strnfill (4096, 'x');
  g_autoptr (GDir) dir = NULL;

  if (!fixture_has_small_home (fixture))
    {
      g_test_skip ("only root can mount a small file system");
      return;
    }
  g_assert_true (g_file_set_contents_full (rest, filling, 4096, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete", expected, RESULT_ACTIONS, -1);
  dir = g_dir_open (copies, 0, NULL);
  g_assert_null (g_dir_read_name (dir));

  /* As soon as there is room, it goes. */
  g_assert_cmpint (g_unlink (rest), ==, 0);
  invoke (fixture, "open");
  fixture_wait_for (fixture, has_viewed, &viewings[0]);
}

static gboolean
has_cancelled (Fixture *fixture, gconstpointer data)
{
  return fixture->n_cancelled > 0;
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "cancel");
  fixture_wait_for (fixture, has_cancelled, NULL);
}

static void
test_daemon_restarted (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  fixture_stop_daemon (fixture);
  fixture_start_daemon (fixture);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 0, "Profile Started", "It has", "cancel|Cancel", 25);
}

static void
test_daemon_late (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Complete", "Wrote it", "finished", NULL);
  fixture_start_daemon (fixture);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "Profile Complete", "Wrote it", "", -1);
}

static void
test_service_left (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  fixture_stop_service (fixture);
  fixture_wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Started", "The profiler has stopped, and this job with it.", "", -1);
}

static void
test_second_agent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) second = fixture_start_agent (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_subprocess_wait_check (second, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_subscribed, ==, 1);
}

#define ADD(path, function)                                                                                  \
  g_test_add ("/notifier/agent/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("life", test_life);
  ADD ("hostile", test_hostile);
  ADD ("open", test_open);
  ADD ("gone", test_gone);
  ADD ("bad-name", test_bad_name);
  ADD ("cancel", test_cancel);
  ADD ("daemon-restarted", test_daemon_restarted);
  g_test_add ("/notifier/agent/daemon-late", Fixture, "without", fixture_set_up, test_daemon_late,
              fixture_tear_down);
  g_test_add ("/notifier/agent/full-home", Fixture, "full", fixture_set_up, test_full_home,
              fixture_tear_down);
  ADD ("service-left", test_service_left);
  ADD ("second-agent", test_second_agent);
  return g_test_run ();
}
