/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An agent with its home, and the service and the notification daemon that it speaks with: both are this
 * process, on a bus of their own. What they say and are told is for the tests to judge.
 */

#include "fixture.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

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

static gboolean
on_patience_over (gpointer data)
{
  g_error ("It did not come to that in %d s", PATIENCE_SECONDS);
  return G_SOURCE_REMOVE;
}

void
fixture_wait_for (Fixture *fixture, Condition condition, gconstpointer data)
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

static void
export_at (GDBusConnection *connection,
           const char *path,
           const char *xml,
           guint index,
           const GDBusInterfaceVTable *vtable,
           gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (xml, &error);

  g_assert_no_error (error);
  g_dbus_connection_register_object (connection, path, node->interfaces[index], vtable, data, NULL, &error);
  g_assert_no_error (error);
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
leave (GDBusConnection **connection)
{
  g_dbus_connection_close_sync (*connection, NULL, NULL);
  g_clear_object (connection);
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

void
fixture_start_daemon (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_daemon_call };

  fixture->daemon = connect_to (fixture);
  export_at (fixture->daemon, DAEMON_PATH, daemon_xml, 0, &vtable, fixture);
  own (fixture->daemon, DAEMON);
}

void
fixture_stop_daemon (Fixture *fixture)
{
  leave (&fixture->daemon);
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

void
fixture_stop_service (Fixture *fixture)
{
  leave (&fixture->service);
}

static gboolean
is_subscribed (Fixture *fixture, gconstpointer data)
{
  return fixture->n_subscribed > 0;
}

/* An application of this user, which copies what it gets. */
static void
install_viewer (Fixture *fixture, const char *name, const char *type)
{
  g_autofree char *applications = g_build_filename (fixture->dir, "data", "applications", NULL);
  g_autofree char *desktop = g_strdup_printf ("%s/%s.desktop", applications, name);
  g_autofree char *entry = g_strdup_printf ("[Desktop Entry]\nType=Application\nName=%s\nMimeType=%s;\n"
                                            "Exec=cp %%f %s/%s.part\n",
                                            name, type, fixture->dir, name);

  g_mkdir_with_parents (applications, 0700);
  g_assert_true (g_file_set_contents (desktop, entry, -1, NULL));
}

static void
install_viewers (Fixture *fixture)
{
  static const char defaults[] = "[Default Applications]\ntext/html=browser.desktop\n"
                                 "application/x-kcachegrind=kcachegrind.desktop\ntext/plain=editor.desktop\n";
  g_autofree char *config = g_build_filename (fixture->dir, "config", NULL);
  g_autofree char *path = g_build_filename (config, "mimeapps.list", NULL);

  install_viewer (fixture, "browser", "text/html");
  install_viewer (fixture, "kcachegrind", "application/x-kcachegrind");
  install_viewer (fixture, "editor", "text/plain");
  g_mkdir_with_parents (config, 0700);
  g_assert_true (g_file_set_contents (path, defaults, -1, NULL));
}

GSubprocess *
fixture_start_agent (Fixture *fixture)
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

gboolean
fixture_has_small_home (Fixture *fixture)
{
  g_autofree char *cache = g_build_filename (fixture->dir, "cache", NULL);
  struct stat own, parent;

  return stat (cache, &own) == 0 && stat (fixture->dir, &parent) == 0 && own.st_dev != parent.st_dev;
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("ha-profiler-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->shown = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  fixture->closed = g_array_new (FALSE, FALSE, sizeof (guint32));
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  install_viewers (fixture);
  start_service (fixture);
  if (g_strcmp0 (data, "without") != 0)
    fixture_start_daemon (fixture);
  if (g_strcmp0 (data, "full") == 0)
    mount_small_home (fixture);
  fixture->agent = fixture_start_agent (fixture);
  fixture_wait_for (fixture, is_subscribed, NULL);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_send_signal (fixture->agent, SIGTERM);
  g_subprocess_wait_check (fixture->agent, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&fixture->agent);
  if (fixture->daemon != NULL)
    fixture_stop_daemon (fixture);
  if (fixture->service != NULL)
    fixture_stop_service (fixture);
  /* What the agent said at its end. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  if (fixture_has_small_home (fixture))
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
