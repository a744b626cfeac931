/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which source files the service opens for a worker: what the target's user may read, and nothing else,
 * whatever path is asked for.
 */

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hap-error.h"
#include "hap-test.h"
#include "service-interfaces.h"
#include "service-sources.h"

#define INTERFACE "org.homeassistant.Profiler.Private.Job"

/* Both ends of a private connection, and a folder of files. */
typedef struct
{
  HapTestProcess *target;
  ServiceProcess *process;
  GDBusConnection *service, *worker;
  char *folder;
  GAsyncResult *result;
} Fixture;

static void
on_call (GDBusConnection *connection,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer data)
{
  service_sources_answer (((Fixture *)data)->process, invocation);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;

  fixture->result = g_object_ref (result);
}

static GAsyncResult *
wait_for_result (Fixture *fixture)
{
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return g_steal_pointer (&fixture->result);
}

static GIOStream *
make_stream (int fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);

  g_assert_no_error (error);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static void
connect_both (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GIOStream) service = NULL;
  g_autoptr (GIOStream) worker = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  service = make_stream (pair[0]);
  worker = make_stream (pair[1]);
  g_dbus_connection_new (service, guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                             | G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS,
                         NULL, NULL, on_result, fixture);
  fixture->worker = g_dbus_connection_new_sync (worker, NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT,
                                                NULL, NULL, &error);
  g_assert_no_error (error);
  result = wait_for_result (fixture);
  fixture->service = g_dbus_connection_new_finish (result, &error);
  g_assert_no_error (error);
  g_dbus_connection_register_object (fixture->service, "/",
                                     (GDBusInterfaceInfo *)&org_homeassistant_profiler_private_job_interface,
                                     &vtable, fixture, NULL, &error);
  g_assert_no_error (error);
}

/* FALSE: skipped, since nobody can be become, or cannot run the interpreter. */
static gboolean
fixture_set_up (Fixture *fixture, const char *argument)
{
  static const HapTestPython python = { .version = (char *)"3", .path = (char *)"/usr/bin/python3" };
  g_autoptr (GError) error = NULL;

  *fixture = (Fixture){ 0 };
  if (geteuid () != 0 || !g_file_test (python.path, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_test_skip ("needs root and /usr/bin/python3");
      return FALSE;
    }
  fixture->target = hap_test_spawn (&python, (const char *const[]){ "as_nobody.py", argument, NULL });
  fixture->process = service_process_open (hap_test_process_get_pid (fixture->target), &error);
  g_assert_no_error (error);
  connect_both (fixture);
  fixture->folder = g_dir_make_tmp ("hap-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (chmod (fixture->folder, 0755), ==, 0);
  return TRUE;
}

static void
fixture_tear_down (Fixture *fixture)
{
  g_autoptr (GDir) folder = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_object_unref (fixture->worker);
  g_object_unref (fixture->service);
  service_process_unref (fixture->process);
  g_clear_pointer (&fixture->target, hap_test_process_free);
}

/* Asks for one path. Returns what the copy holds; NULL when there is none, or @error. */
static char *
ask (Fixture *fixture, const char *path, GError **error)
{
  const char *paths[] = { path, NULL };
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) sources = NULL;
  GString *text;
  char bytes[4096];
  gssize n;
  int fd;

  g_dbus_connection_call_with_unix_fd_list (fixture->worker, NULL, "/", INTERFACE, "OpenSources",
                                            g_variant_new ("(u^as)", 1, paths), G_VARIANT_TYPE ("(a(uh))"),
                                            G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_result, fixture);
  result = wait_for_result (fixture);
  reply = g_dbus_connection_call_with_unix_fd_list_finish (fixture->worker, &fds, result, error);
  if (reply == NULL)
    return NULL;
  sources = g_variant_get_child_value (reply, 0);
  if (g_variant_n_children (sources) == 0)
    return NULL;

  fd = g_unix_fd_list_get (fds, 0, error);
  g_assert_cmpint (fd, >=, 0);
  /* Nobody writes into it, wherever it goes. */
  g_assert_cmpint (write (fd, "x", 1), <, 0);
  text = g_string_new (NULL);
  for (off_t at = 0; (n = pread (fd, bytes, sizeof bytes, at)) > 0; at += n)
    g_string_append_len (text, bytes, n);
  close (fd);
  return g_string_free (text, FALSE);
}

static char *
make_file (Fixture *fixture, const char *name, gsize size, mode_t mode)
{
  char *path = g_build_filename (fixture->folder, name, NULL);
  g_autofree char *text = g_strnfill (size, 'a');

  g_assert_true (g_file_set_contents (path, text, (gssize)size, NULL));
  g_assert_cmpint (chmod (path, mode), ==, 0);
  return path;
}

static void
assert_size (Fixture *fixture, const char *path, gssize expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = ask (fixture, path, &error);

  g_assert_no_error (error);
  g_test_message ("%.80s: %s", path, text != NULL ? "opened" : "not opened");
  g_assert_cmpint (text != NULL ? (gssize)strlen (text) : -1, ==, expected);
}

static void
test_files (void)
{
  static const struct
  {
    const char *name;
    gsize size;
    mode_t mode;
    gssize expected;
  } files[] = {
    { "plain.py", 10, 0644, 10 },
    { "new\nline.py", 10, 0644, 10 },
    { "secret.py", 10, 0600, -1 },
    { "empty.py", 0, 0644, -1 },
    { "large.py", 1024 * 1024, 0644, 1024 * 1024 },
    { "larger.py", 1024 * 1024 + 1, 0644, -1 },
  };
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = make_file (&fixture, files[i].name, files[i].size, files[i].mode);

      assert_size (&fixture, path, files[i].expected);
    }
  fixture_tear_down (&fixture);
}

static void
test_links (void)
{
  g_autofree char *target = NULL;
  g_autofree char *good = NULL;
  g_autofree char *bad = NULL;
  g_autofree char *around = NULL;
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  target = make_file (&fixture, "plain.py", 10, 0644);
  good = g_build_filename (fixture.folder, "good.py", NULL);
  bad = g_build_filename (fixture.folder, "bad.py", NULL);
  around = g_strdup_printf ("/../..%s/../%s/plain.py", fixture.folder, strrchr (fixture.folder, '/') + 1);
  g_assert_cmpint (symlink ("plain.py", good), ==, 0);
  g_assert_cmpint (symlink ("/etc/shadow", bad), ==, 0);
  assert_size (&fixture, good, 10);
  assert_size (&fixture, bad, -1);
  /* No further than the root. */
  assert_size (&fixture, around, 10);
  fixture_tear_down (&fixture);
}

/* Nothing that does something when it is opened or read, nor what the kernel makes up. */
static void
test_no_files (void)
{
  static const char *const paths[] = { "/",
                                       "/etc",
                                       "/dev/zero",
                                       "/dev/null",
                                       "/proc/self/environ",
                                       "/proc/self/maps",
                                       "/proc/self/exe",
                                       "/proc/1/root/etc/passwd",
                                       "/proc/self/fd/3",
                                       "/proc/version",
                                       "/sys/kernel/mm/transparent_hugepage/enabled",
                                       "/no/such/file.py" };
  g_autofree char *fifo = NULL;
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  fifo = g_build_filename (fixture.folder, "fifo.py", NULL);
  g_assert_cmpint (mkfifo (fifo, 0666), ==, 0);
  assert_size (&fixture, fifo, -1);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    assert_size (&fixture, paths[i], -1);
  fixture_tear_down (&fixture);
}

static void
test_no_paths (void)
{
  g_autofree char *text = g_strnfill (5000, 'a');
  g_autofree char *longest = g_strconcat ("/", text, NULL);
  const char *paths[] = { "", "etc/hostname", "../etc/hostname", longest };
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ask (&fixture, paths[i], &error));
      hap_error_convert (&error);
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
  fixture_tear_down (&fixture);
}

/* Half root, half nobody: neither's files. */
static void
test_two_users (void)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  if (!fixture_set_up (&fixture, "effective"))
    return;
  path = make_file (&fixture, "plain.py", 10, 0644);
  g_assert_null (ask (&fixture, path, &error));
  hap_error_convert (&error);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
  fixture_tear_down (&fixture);
}

static void
test_target_gone (void)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  if (!fixture_set_up (&fixture, NULL))
    return;
  path = make_file (&fixture, "plain.py", 10, 0644);
  g_clear_pointer (&fixture.target, hap_test_process_free);
  g_assert_null (ask (&fixture, path, &error));
  hap_error_convert (&error);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* So that the errors are known by their names. */
  g_assert_cmpuint (HAP_ERROR, !=, 0);
  g_test_add_func ("/service/sources/files", test_files);
  g_test_add_func ("/service/sources/links", test_links);
  g_test_add_func ("/service/sources/no-files", test_no_files);
  g_test_add_func ("/service/sources/no-paths", test_no_paths);
  g_test_add_func ("/service/sources/two-users", test_two_users);
  g_test_add_func ("/service/sources/target-gone", test_target_gone);
  return g_test_run ();
}
