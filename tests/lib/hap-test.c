/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The interpreters at hand and the targets that tests start with them. A target never outlives its test: the
 * kernel kills it with us. Attaching to one is hap-test-attach.c's.
 */

#include "hap-test.h"

#include <gio/gunixinputstream.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLDEST_SUPPORTED 11
#define NEWEST_SUPPORTED 15

/* Where a chroot sees tests/targets: a directory that every root has. */
#define MOUNT_POINT "/mnt"

/*
 * Run in the new namespaces, with the root and then the command line. While the old /proc is still mounted,
 * it tells our own number outside; the two exec keep it.
 */
#define CHROOT_SCRIPT                                                                                        \
  "read -r pid rest </proc/self/stat && echo \"$pid\" && mount --bind \"$1\" \"$2" MOUNT_POINT "\" "         \
  "&& mount -t proc proc \"$2/proc\" && shift && exec chroot \"$@\""

struct _HapTestProcess
{
  GPid child; /* ours to reap: the interpreter, or unshare(1) */
  guint pid;  /* the interpreter */
  int pidfd;
  int input;
  GDataInputStream *output;
};

const char *
hap_test_source_dir (void)
{
  return HAP_TEST_SOURCE_DIR;
}

const char *
hap_test_build_dir (void)
{
  return HAP_TEST_BUILD_DIR;
}

/* Where scripts/readers puts what it fetches. */
static char *
find_readers (void)
{
  const char *readers = g_getenv ("HAP_READERS");
  const char *cache = g_getenv ("HAP_CACHE");

  if (readers != NULL)
    return g_build_filename (readers, "lib", NULL);
  if (cache != NULL)
    return g_build_filename (cache, "readers", "lib", NULL);
  return g_build_filename (g_get_user_cache_dir (), "ha-profiler", "readers", "lib", NULL);
}

char *
hap_test_find_package (const char *file)
{
  g_autofree char *base = find_readers ();
  g_autoptr (GDir) dir = g_dir_open (base, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (base, name, "site-packages", NULL);
      g_autofree char *found = g_build_filename (path, file, NULL);

      if (g_file_test (found, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return g_strdup ("/nonexistent");
}

static gboolean
is_supported (const char *version)
{
  g_auto (GStrv) parts = g_strsplit (version, ".", 3);
  guint64 minor;

  return g_strv_length (parts) == 3 && g_str_equal (parts[0], "3")
         && g_ascii_string_to_unsigned (parts[1], 10, OLDEST_SUPPORTED, NEWEST_SUPPORTED, &minor, NULL);
}

static void
python_free (gpointer data)
{
  HapTestPython *python = data;

  g_free (python->version);
  g_free (python->path);
  g_free (python->root);
  g_free (python);
}

static GPtrArray *
list_pythons (gboolean supported)
{
  g_autofree char *program = g_build_filename (HAP_TEST_SOURCE_DIR, "scripts", "interpreters", NULL);
  const char *argv[] = { program, NULL };
  g_autofree char *output = NULL;
  g_autoptr (GPtrArray) pythons = g_ptr_array_new_with_free_func (python_free);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;

  g_spawn_sync (NULL, (char **)argv, NULL, 0, NULL, NULL, &output, NULL, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (output, "\n", -1);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);
      HapTestPython *python;

      g_assert_cmpuint (g_strv_length (fields), ==, 3);
      if (supported && !is_supported (fields[0]))
        continue;
      if (*fields[2] != '\0' && geteuid () != 0)
        {
          g_test_message ("%s in %s is left out: only root can chroot", fields[1], fields[2]);
          continue;
        }
      python = g_new0 (HapTestPython, 1);
      python->version = g_strdup (fields[0]);
      python->path = g_strdup (fields[1]);
      python->root = *fields[2] != '\0' ? g_strdup (fields[2]) : NULL;
      g_ptr_array_add (pythons, python);
    }
  return g_steal_pointer (&pythons);
}

GPtrArray *
hap_test_list_pythons (gboolean supported)
{
  static GPtrArray *lists[2];
  GPtrArray **list = &lists[supported ? 1 : 0];

  if (*list == NULL)
    *list = list_pythons (supported);
  return *list;
}

void
hap_test_add (const char *path, GTestDataFunc test)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = pythons->pdata[i];
      g_autofree char *full =
          g_strdup_printf ("%s/%s%s", path, python->version, python->root != NULL ? "-container" : "");

      g_test_add_data_func (full, python, test);
    }
}

/* The command line, with the script's bare name made a path that the interpreter can open. */
static GPtrArray *
make_command (const HapTestPython *python, const char *const *argv)
{
  g_autofree char *targets = g_build_filename (HAP_TEST_SOURCE_DIR, "tests", "targets", NULL);
  GPtrArray *command = g_ptr_array_new_with_free_func (g_free);
  gboolean found = FALSE;

  if (python->root != NULL)
    {
      const char *const wrapper[] = { "unshare",      "--mount",       "--pid",   "--fork",
                                      "--kill-child", "--propagation", "private", "sh",
                                      "-c",           CHROOT_SCRIPT,   "sh",      targets,
                                      python->root };

      for (guint i = 0; i < G_N_ELEMENTS (wrapper); i++)
        g_ptr_array_add (command, g_strdup (wrapper[i]));
    }
  g_ptr_array_add (command, g_strdup (python->path));

  for (guint i = 0; argv[i] != NULL; i++)
    {
      g_autofree char *script = g_build_filename (targets, argv[i], NULL);
      gboolean is_script =
          !found && g_str_has_suffix (argv[i], ".py") && g_file_test (script, G_FILE_TEST_EXISTS);

      if (is_script && python->root != NULL)
        g_ptr_array_add (command, g_build_filename (MOUNT_POINT, argv[i], NULL));
      else
        g_ptr_array_add (command, g_strdup (is_script ? script : argv[i]));
      found = found || is_script;
    }
  g_ptr_array_add (command, NULL);
  return command;
}

static void
prepare_child (gpointer data)
{
  signal (SIGPIPE, SIG_DFL);
  setsid ();
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

HapTestProcess *
hap_test_spawn (const HapTestPython *python, const char *const *argv)
{
  g_autoptr (GPtrArray) command = make_command (python, argv);
  g_auto (GStrv) environment = g_get_environ ();
  HapTestProcess *self = g_new0 (HapTestProcess, 1);
  g_autoptr (GInputStream) output = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  int output_fd;

  environment = g_environ_setenv (environment, "PYTHONDONTWRITEBYTECODE", "1", TRUE);
  environment = g_environ_unsetenv (environment, "PYTHONPATH");
  environment = g_environ_unsetenv (environment, "PYTHONHOME");
  signal (SIGPIPE, SIG_IGN);

  g_spawn_async_with_pipes (NULL, (char **)command->pdata, environment,
                            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, prepare_child, NULL,
                            &self->child, &self->input, &output_fd, NULL, &error);
  g_assert_no_error (error);
  output = g_unix_input_stream_new (output_fd, TRUE);
  self->output = g_data_input_stream_new (output);

  self->pid = self->child;
  if (python->root != NULL)
    {
      g_autofree char *number = hap_test_process_read_line (self);

      g_assert_nonnull (number);
      self->pid = g_ascii_strtoull (number, NULL, 10);
    }
  self->pidfd = syscall (SYS_pidfd_open, self->pid, 0);
  g_assert_cmpint (self->pidfd, >=, 0);

  do
    {
      g_free (line);
      line = hap_test_process_read_line (self);
      if (line == NULL)
        g_error ("%s %s ended before it was ready", python->path, argv[0]);
    }
  while (!g_str_equal (line, "ready"));
  return self;
}

guint
hap_test_process_get_pid (HapTestProcess *self)
{
  return self->pid;
}

char *
hap_test_process_read_line (HapTestProcess *self)
{
  return g_data_input_stream_read_line (self->output, NULL, NULL, NULL);
}

void
hap_test_process_write_line (HapTestProcess *self, const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  g_assert_cmpint (write (self->input, text, strlen (text)), ==, strlen (text));
}

gboolean
hap_test_process_is_alive (HapTestProcess *self)
{
  struct pollfd ended = { .fd = self->pidfd, .events = POLLIN };

  return poll (&ended, 1, 0) == 0;
}

char
hap_test_get_state (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", pid);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? strrchr (text, ')')[2] : '\0';
}

void
hap_test_await_state (guint pid, char state)
{
  while (hap_test_get_state (pid) != state)
    g_usleep (1000);
}

void
hap_test_process_free (HapTestProcess *self)
{
  /* In a chroot that is unshare(1) as well, and the interpreter, the init of its namespace, takes all of that
   * with it. */
  kill (-self->child, SIGKILL);
  syscall (SYS_pidfd_send_signal, self->pidfd, SIGKILL, NULL, 0);
  waitpid (self->child, NULL, 0);

  close (self->pidfd);
  close (self->input);
  g_object_unref (self->output);
  g_free (self);
}
