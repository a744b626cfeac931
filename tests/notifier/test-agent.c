/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The agent between a service and a notification daemon, which both are this test, on a bus of their own.
 * With real daemons: test-daemons.py.
 */

#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROFILER "org.homeassistant.Profiler"
#define PROFILER_PATH "/org/homeassistant/Profiler"
#define JOB PROFILER_PATH "/jobs/7"
#define DAEMON "org.freedesktop.Notifications"
#define DAEMON_PATH "/org/freedesktop/Notifications"
#define PATIENCE_SECONDS 30

static const char service_xml[] =
    "<node><interface name='" PROFILER ".Manager'>"
    "<method name='Subscribe'/>"
    "<method name='OpenArtifact'><arg type='s' direction='in'/><arg type='h' direction='out'/></method>"
    "</interface><interface name='" PROFILER ".Job'><method name='Cancel'/></interface></node>";

static const char daemon_xml[] =
    "<node><interface name='" DAEMON "'>"
    "<method name='GetCapabilities'><arg type='as' direction='out'/></method>"
    "<method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' "
    "direction='in'/>"
    "<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' direction='in'/>"
    "<arg type='a{sv}' direction='in'/><arg type='i' direction='in'/><arg type='u' direction='out'/></method>"
    "<method name='CloseNotification'><arg type='u' direction='in'/></method>"
    "</interface></node>";

typedef struct
{
  char *dir;
  GTestDBus *bus;
  GDBusConnection *service;
  GDBusConnection *daemon;
  GSubprocess *agent;
  GPtrArray *shown; /* of GVariant: the parameters of Notify */
  GArray *closed;   /* of guint32 */
  guint32 last_id;
  guint n_subscribed;
  guint n_cancelled;
  guint exports[3];
  gboolean gone; /* no artifact is there any more */
} Fixture;

typedef gboolean (*Condition) (Fixture *fixture, gconstpointer data);

static gboolean
on_patience_over (gpointer data)
{
  g_error ("It did not come to that in %d s", PATIENCE_SECONDS);
  return G_SOURCE_REMOVE;
}

static void
wait_for (Fixture *fixture, Condition condition, gconstpointer data)
{
  guint timer = g_timeout_add_seconds (PATIENCE_SECONDS, on_patience_over, NULL);

  while (!condition (fixture, data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
}

static GDBusConnection *
connect_to (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (fixture->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static guint
export_at (GDBusConnection *connection,
           const char *path,
           const char *xml,
           guint index,
           const GDBusInterfaceVTable *vtable,
           gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (xml, &error);
  guint id;

  g_assert_no_error (error);
  id = g_dbus_connection_register_object (connection, path, node->interfaces[index], vtable, data, NULL,
                                          &error);
  g_assert_no_error (error);
  return id;
}

static void
own (GDBusConnection *connection, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", name, 4), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);
}

static void
answer_artifact (Fixture *fixture, GDBusMethodInvocation *invocation, const char *name)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autofree char *path = g_build_filename (fixture->dir, "artifact", NULL);
  g_autofree char *contents = g_strconcat ("contents of ", name, NULL);
  int fd;

  if (fixture->gone)
    {
      g_dbus_method_invocation_return_dbus_error (invocation, PROFILER ".Error.InvalidData",
                                                  "There is no artifact of that name");
      return;
    }
  g_assert_true (g_file_set_contents (path, contents, -1, NULL));
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0), fds);
}

static void
on_service_call (GDBusConnection *connection,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *method,
                 GVariant *parameters,
                 GDBusMethodInvocation *invocation,
                 gpointer data)
{
  Fixture *fixture = data;
  const char *name;

  if (g_str_equal (method, "OpenArtifact"))
    {
      g_variant_get (parameters, "(&s)", &name);
      answer_artifact (fixture, invocation, name);
      return;
    }
  fixture->n_subscribed += g_str_equal (method, "Subscribe");
  fixture->n_cancelled += g_str_equal (method, "Cancel");
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
on_daemon_call (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer data)
{
  Fixture *fixture = data;
  const char *const capabilities[] = { "actions", "body", "body-markup", NULL };
  guint32 id;

  if (g_str_equal (method, "GetCapabilities"))
    {
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(^as)", capabilities));
    }
  else if (g_str_equal (method, "Notify"))
    {
      g_variant_get_child (parameters, 1, "u", &id);
      if (id == 0)
        id = ++fixture->last_id;
      g_ptr_array_add (fixture->shown, g_variant_ref (parameters));
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(u)", id));
    }
  else
    {
      g_variant_get (parameters, "(u)", &id);
      g_array_append_val (fixture->closed, id);
      g_dbus_method_invocation_return_value (invocation, NULL);
    }
}

static void
start_daemon (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_daemon_call };

  fixture->daemon = connect_to (fixture);
  export_at (fixture->daemon, DAEMON_PATH, daemon_xml, 0, &vtable, fixture);
  own (fixture->daemon, DAEMON);
}

static void
stop_daemon (Fixture *fixture)
{
  g_dbus_connection_unregister_object (fixture->daemon, fixture->exports[0]);
  g_dbus_connection_close_sync (fixture->daemon, NULL, NULL);
  g_clear_object (&fixture->daemon);
}

static void
start_service (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_service_call };

  fixture->service = connect_to (fixture);
  export_at (fixture->service, PROFILER_PATH, service_xml, 0, &vtable, fixture);
  export_at (fixture->service, JOB, service_xml, 1, &vtable, fixture);
  own (fixture->service, PROFILER);
}

static void
stop_service (Fixture *fixture)
{
  g_dbus_connection_unregister_object (fixture->service, fixture->exports[1]);
  g_dbus_connection_unregister_object (fixture->service, fixture->exports[2]);
  g_dbus_connection_close_sync (fixture->service, NULL, NULL);
  g_clear_object (&fixture->service);
}

static gboolean
is_subscribed (Fixture *fixture, gconstpointer data)
{
  return fixture->n_subscribed > 0;
}

/* The applications of this user: one for HTML, which copies what it gets. */
static void
install_viewer (Fixture *fixture)
{
  g_autofree char *applications = g_build_filename (fixture->dir, "data", "applications", NULL);
  g_autofree char *config = g_build_filename (fixture->dir, "config", NULL);
  g_autofree char *desktop = g_build_filename (applications, "viewer.desktop", NULL);
  g_autofree char *defaults = g_build_filename (config, "mimeapps.list", NULL);
  g_autofree char *entry =
      g_strdup_printf ("[Desktop Entry]\nType=Application\nName=Viewer\nMimeType=text/html;\n"
                       "Exec=cp %%f %s/viewed.part\n",
                       fixture->dir);

  g_mkdir_with_parents (applications, 0700);
  g_mkdir_with_parents (config, 0700);
  g_assert_true (g_file_set_contents (desktop, entry, -1, NULL));
  g_assert_true (
      g_file_set_contents (defaults, "[Default Applications]\ntext/html=viewer.desktop\n", -1, NULL));
}

static GSubprocess *
start_agent (Fixture *fixture)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  GSubprocess *agent;
  static const struct
  {
    const char *variable, *place;
  } places[] = { { "XDG_CACHE_HOME", "cache" },
                 { "XDG_CONFIG_HOME", "config" },
                 { "XDG_DATA_HOME", "data" } };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_build_filename (fixture->dir, places[i].place, NULL);

      g_subprocess_launcher_setenv (launcher, places[i].variable, path, TRUE);
    }
  g_subprocess_launcher_setenv (launcher, "DBUS_SESSION_BUS_ADDRESS",
                                g_test_dbus_get_bus_address (fixture->bus), TRUE);
  g_subprocess_launcher_setenv (launcher, "DBUS_SYSTEM_BUS_ADDRESS",
                                g_test_dbus_get_bus_address (fixture->bus), TRUE);
  /* A locale that is not there. */
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "xx_YY.UTF-8", TRUE);
  agent = g_subprocess_launcher_spawn (launcher, &error, HAP_TEST_NOTIFIER, NULL);
  g_assert_no_error (error);
  return agent;
}

/* In a mount namespace of this thread and of what it starts. */
static void
mount_small_home (Fixture *fixture)
{
  g_autofree char *cache = g_build_filename (fixture->dir, "cache", NULL);

  g_mkdir_with_parents (cache, 0700);
  if (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
    mount ("home", cache, "tmpfs", 0, "size=4096");
}

static gboolean
has_small_home (Fixture *fixture)
{
  g_autofree char *cache = g_build_filename (fixture->dir, "cache", NULL);
  struct stat own, parent;

  return stat (cache, &own) == 0 && stat (fixture->dir, &parent) == 0 && own.st_dev != parent.st_dev;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("ha-profiler-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->shown = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  fixture->closed = g_array_new (FALSE, FALSE, sizeof (guint32));
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  install_viewer (fixture);
  start_service (fixture);
  if (g_strcmp0 (data, "without") != 0)
    start_daemon (fixture);
  if (g_strcmp0 (data, "full") == 0)
    mount_small_home (fixture);
  fixture->agent = start_agent (fixture);
  wait_for (fixture, is_subscribed, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_send_signal (fixture->agent, SIGTERM);
  g_subprocess_wait_check (fixture->agent, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&fixture->agent);
  if (fixture->daemon != NULL)
    stop_daemon (fixture);
  if (fixture->service != NULL)
    stop_service (fixture);
  /* What the agent said at its end. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  if (has_small_home (fixture))
    {
      g_autofree char *cache = g_build_filename (fixture->dir, "cache", NULL);

      g_assert_cmpint (umount2 (cache, MNT_DETACH), ==, 0);
    }
  g_test_dbus_down (fixture->bus);
  g_clear_object (&fixture->bus);
  g_ptr_array_unref (fixture->shown);
  g_array_unref (fixture->closed);
  g_spawn_sync (NULL, (char *[]){ "rm", "-rf", fixture->dir, NULL }, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                NULL, NULL, NULL, NULL);
  g_free (fixture->dir);
}

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
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "Profile Started", "It has", "cancel|Cancel", 25);

  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete", "Wrote it", RESULT_ACTIONS, -1);

  g_dbus_connection_emit_signal (fixture->service, NULL, PROFILER_PATH, PROFILER, "NotificationDismissed",
                                 g_variant_new ("(s)", "profiler_1"), NULL);
  wait_for (fixture, has_closed, GUINT_TO_POINTER (1));
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
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "<b>\"title\"",
                "&lt;a href=&apos;file:///etc/passwd&apos;&gt;click&lt;/a&gt;&amp;", "", -1);

  notify (fixture, flood, flood, "finished", NULL);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
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

static gboolean
has_viewed (Fixture *fixture, gconstpointer expected)
{
  g_autofree char *path = g_build_filename (fixture->dir, "viewed.part", NULL);
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
  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "default");
  wait_for (fixture, has_viewed, "contents of flamegraph.1.html");
  assert_mode (fixture, "flamegraph.1.html", 0600);
  assert_mode (fixture, NULL, 0700);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  fixture->gone = TRUE;
  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete",
                "“flamegraph.1.html” cannot be opened: There is no artifact of that name", RESULT_ACTIONS,
                -1);
}

static void
test_bad_name (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Complete", "Wrote it", "finished", "../../evil.html");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
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

  if (!has_small_home (fixture))
    {
      g_test_skip ("only root can mount a small file system");
      return;
    }
  g_assert_true (g_file_set_contents_full (rest, filling, 4096, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  notify (fixture, "Profile Complete", "Wrote it", "finished", "flamegraph.1.html");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "open");
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Complete", expected, RESULT_ACTIONS, -1);
  dir = g_dir_open (copies, 0, NULL);
  g_assert_null (g_dir_read_name (dir));

  /* As soon as there is room, it goes. */
  g_assert_cmpint (g_unlink (rest), ==, 0);
  invoke (fixture, "open");
  wait_for (fixture, has_viewed, "contents of flamegraph.1.html");
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
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  invoke (fixture, "cancel");
  wait_for (fixture, has_cancelled, NULL);
}

static void
test_daemon_restarted (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  stop_daemon (fixture);
  start_daemon (fixture);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 0, "Profile Started", "It has", "cancel|Cancel", 25);
}

static void
test_daemon_late (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Complete", "Wrote it", "finished", NULL);
  start_daemon (fixture);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  assert_shown (fixture, 0, "Profile Complete", "Wrote it", "", -1);
}

static void
test_service_left (Fixture *fixture, gconstpointer data)
{
  notify (fixture, "Profile Started", "It has", "running", NULL);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (1));
  stop_service (fixture);
  wait_for (fixture, has_shown, GUINT_TO_POINTER (2));
  assert_shown (fixture, 1, "Profile Started", "The profiler has stopped, and this job with it.", "", -1);
}

static void
test_second_agent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) second = start_agent (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_subprocess_wait_check (second, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_subscribed, ==, 1);
}

#define ADD(path, function) g_test_add ("/notifier/agent/" path, Fixture, NULL, set_up, function, tear_down)

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
  g_test_add ("/notifier/agent/daemon-late", Fixture, "without", set_up, test_daemon_late, tear_down);
  g_test_add ("/notifier/agent/full-home", Fixture, "full", set_up, test_full_home, tear_down);
  ADD ("service-left", test_service_left);
  ADD ("second-agent", test_second_agent);
  return g_test_run ();
}
