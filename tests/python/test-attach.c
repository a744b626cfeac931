/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finding CPython in whatever program holds it, and refusing what is none or not ours to read.
 */

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "hap-test.h"
#include "py-discover.h"
#include "py-runtime-private.h"
#include "py-self-check.h"
#include "py-threads.h"

static HapTestProcess *
spawn_idle (const HapTestPython *python)
{
  const char *const argv[] = { "idle.py", NULL };

  return hap_test_spawn (python, argv);
}

static void
check_attach (HapTestProcess *process, const char *version)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (GArray) threads = NULL;

  g_assert_no_error (error);
  runtime = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (py_runtime_get_version_string (runtime), ==, version);
  threads = py_threads_list (runtime);
  g_assert_cmpuint (threads->len, >, 0);
}

static void
check_refused (HapTestProcess *process, const char *message, const char *version)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (PyDiscovery) discovery = NULL;

  g_assert_no_error (error);
  runtime = py_runtime_attach (target, &error);
  g_assert_null (runtime);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, message));

  discovery = py_discover (target);
  g_assert_cmpint (discovery->python, ==, version != NULL);
  g_assert_false (discovery->supported);
  g_assert_cmpstr (discovery->version, ==, version);
  g_assert_cmpstr (discovery->reason, ==, version != NULL ? error->message : NULL);
}

/* Needs no extension module. */
static HapTestProcess *
spawn_plain (const HapTestPython *python)
{
  const char *const argv[] = { "-S", "-c", "import sys; print('ready', flush=True); sys.stdin.read()", NULL };

  return hap_test_spawn (python, argv);
}

static gboolean
has_debug_offsets (const HapTestPython *python)
{
  return g_ascii_strtoull (strchr (python->version, '.') + 1, NULL, 10) >= 13;
}

/* The library that an interpreter of this system is linked to; NULL: it holds Python itself. */
static char *
find_library (const HapTestPython *python)
{
  g_autofree char *bin = g_path_get_dirname (python->path);
  g_auto (GStrv) parts = g_strsplit (python->version, ".", 3);
  g_autofree char *name = g_strdup_printf ("libpython%s.%s.so.1.0", parts[0], parts[1]);
  g_autofree char *library = g_build_filename (bin, "..", "lib", name, NULL);

  return python->root == NULL && g_file_test (library, G_FILE_TEST_EXISTS) ? g_steal_pointer (&library)
                                                                           : NULL;
}

static void
copy_file (const char *source, const char *destination, gboolean strip)
{
  g_autoptr (GFile) from = g_file_new_for_path (source);
  g_autoptr (GFile) to = g_file_new_for_path (destination);
  const char *argv[] = { "strip", "--strip-all", destination, NULL };
  g_autoptr (GError) error = NULL;

  g_file_copy (from, to, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  if (strip)
    {
      g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
}

/* Another name of the same GNU hash ("Py" and "QX" have one), so that the file still links to itself. */
static void
hide_symbol (guint8 *bytes, gsize size, const char *symbol)
{
  gsize length = strlen (symbol);

  for (guint8 *p = bytes; (p = memmem (p, bytes + size - p, symbol, length + 1)) != NULL; p += length)
    if (p[-1] == '\0')
      memcpy (strstr ((char *)p, "Py"), "QX", 2);
}

static void
hide_symbols (const char *path)
{
  g_autofree char *bytes = NULL;
  gsize size;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  hide_symbol ((guint8 *)bytes, size, "_PyRuntime");
  hide_symbol ((guint8 *)bytes, size, "Py_Version");
  g_file_set_contents (path, bytes, size, &error);
  g_assert_no_error (error);
  g_chmod (path, 0755);
}

typedef enum
{
  CHANGE_NAME,
  CHANGE_STRIP,
  CHANGE_HIDE,
  CHANGE_DELETE,
} Change;

/* Interpreters of this system, their program and library copied to where nothing says Python. */
static void
test_changed (gconstpointer data)
{
  Change change = GPOINTER_TO_INT (data);
  GPtrArray *pythons = hap_test_list_pythons (TRUE);
  g_autofree char *directory = g_dir_make_tmp ("hap-test-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (directory, "gateway", NULL);

  g_setenv ("LD_LIBRARY_PATH", directory, TRUE);
  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = pythons->pdata[i];
      HapTestPython changed = { .version = python->version, .path = program };
      g_autofree char *library = find_library (python);
      g_autofree char *name = library != NULL ? g_path_get_basename (library) : NULL;
      g_autofree char *copy = library != NULL ? g_build_filename (directory, name, NULL) : NULL;
      g_autoptr (HapTestProcess) process = NULL;

      if (python->root != NULL)
        continue;
      g_test_message ("%s", python->path);
      copy_file (python->path, program, change == CHANGE_STRIP);
      if (library != NULL)
        copy_file (library, copy, change == CHANGE_STRIP);
      if (change == CHANGE_HIDE)
        hide_symbols (library != NULL ? copy : program);
      process = spawn_plain (&changed);
      if (change == CHANGE_DELETE)
        {
          g_assert_cmpint (g_unlink (program), ==, 0);
          g_assert_cmpint (library != NULL ? g_unlink (copy) : 0, ==, 0);
        }
      if (change == CHANGE_HIDE && library != NULL && !has_debug_offsets (python))
        check_refused (process, "no CPython", NULL);
      else
        check_attach (process, python->version);
      g_unlink (program);
      if (library != NULL)
        g_unlink (copy);
    }
  g_unsetenv ("LD_LIBRARY_PATH");
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* Python in a program of another kind, loaded at run time. */
static void
test_embedded (void)
{
  g_autofree char *program = g_build_filename (hap_test_build_dir (), "tests", "python", "embed", NULL);
  GPtrArray *pythons = hap_test_list_pythons (TRUE);
  guint n = 0;

  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = pythons->pdata[i];
      HapTestPython host = { .version = python->version, .path = program };
      g_autofree char *library = find_library (python);
      g_autofree char *bin = g_path_get_dirname (python->path);
      g_autofree char *home = g_path_get_dirname (bin);
      const char *const argv[] = { library, home, NULL };
      g_autoptr (HapTestProcess) process = NULL;

      if (library == NULL)
        continue;
      n++;
      process = hap_test_spawn (&host, argv);
      check_attach (process, python->version);
    }
  if (n == 0)
    g_test_skip ("no shared libpython at hand");
}

/* The main interpreter has one thread, another interpreter another one. */
static void
test_subinterpreter (void)
{
  static const char program[] = "try:\n"
                                "    import _interpreters as interpreters\n"
                                "except ImportError:\n"
                                "    import _xxsubinterpreters as interpreters\n"
                                "other = interpreters.create()\n"
                                "interpreters.run_string(other, \"print('ready', flush=True)\\n\"\n"
                                "    \"import sys; sys.stdin.read()\")";
  const char *const argv[] = { "-c", program, NULL };
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      g_autoptr (HapTestProcess) process = hap_test_spawn (pythons->pdata[i], argv);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
      g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);
      g_autoptr (GArray) interpreters = NULL;
      g_autoptr (GArray) threads = NULL;

      g_assert_no_error (error);
      interpreters = py_runtime_list_interpreters (runtime);
      threads = py_threads_list (runtime);
      g_assert_cmpuint (interpreters->len, ==, 2);
      g_assert_cmpuint (g_array_index (interpreters, guint64, 0), ==,
                        py_runtime_get_main_interpreter (runtime));
      /* 3.11 and 3.12 keep the thread state that came with it. */
      g_assert_cmpuint (threads->len, >=, 2);
      g_assert_true (g_array_index (threads, PyThread, 0).main);
      g_assert_cmpuint (g_array_index (threads, PyThread, 0).interpreter, ==,
                        g_array_index (interpreters, guint64, 0));
      g_assert_false (g_array_index (threads, PyThread, 1).main);
      g_assert_cmpuint (g_array_index (threads, PyThread, 1).interpreter, ==,
                        g_array_index (interpreters, guint64, 1));
    }
}

static gboolean
is_supported (const HapTestPython *python)
{
  GPtrArray *supported = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < supported->len; i++)
    if (g_str_equal (((HapTestPython *)supported->pdata[i])->path, python->path))
      return TRUE;
  return FALSE;
}

static void
test_too_old (void)
{
  GPtrArray *pythons = hap_test_list_pythons (FALSE);
  guint n = 0;

  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = pythons->pdata[i];
      g_auto (GStrv) parts = g_strsplit (python->version, ".", 3);
      gboolean ancient = g_str_equal (parts[0], "3") && atoi (parts[1]) <= 6;
      g_autofree char *version =
          ancient ? g_strdup ("3.6 or older") : g_strdup_printf ("%s.%s", parts[0], parts[1]);
      g_autofree char *message = g_strdup_printf ("CPython %s is too old", version);
      const char *const argv[] = { "-uc", "import sys; print('ready'); sys.stdin.read()", NULL };
      g_autoptr (HapTestProcess) process = NULL;

      if (is_supported (python) || python->root != NULL)
        continue;
      g_test_message ("%s", python->path);
      n++;
      process = hap_test_spawn (python, argv);
      check_refused (process, message, version);
    }
  if (n == 0)
    g_test_skip ("no interpreter older than 3.11 at hand");
}

static void
test_no_python (void)
{
  HapTestPython shell = { .path = "/bin/sh" };
  const char *const argv[] = { "-c", "echo ready; read -r line", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (&shell, argv);

  check_refused (process, "no CPython", NULL);
}

static void
test_gone (void)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);
  g_autoptr (GError) error = NULL;
  HapTestProcess *process = spawn_idle (pythons->pdata[0]);
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (PyDiscovery) discovery = NULL;

  g_assert_no_error (error);
  hap_test_process_free (process);
  g_assert_null (py_runtime_attach (target, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  discovery = py_discover (target);
  g_assert_false (discovery->python);
}

static void
test_discover (void)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      const HapTestPython *python = pythons->pdata[i];
      g_autoptr (HapTestProcess) process = spawn_idle (python);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
      g_autoptr (PyDiscovery) discovery = NULL;

      g_assert_no_error (error);
      discovery = py_discover (target);
      g_assert_true (discovery->python && discovery->supported);
      g_assert_cmpstr (discovery->version, ==, python->version);
      g_assert_null (discovery->reason);
      g_assert_false (discovery->home_assistant);
    }
}

static void
test_discover_home_assistant (void)
{
  static const char program[] = "import sys, types\n"
                                "for name in 'core', 'const':\n"
                                "    name = 'homeassistant.' + name\n"
                                "    sys.modules[name] = types.ModuleType(name)\n"
                                "sys.modules['homeassistant.const'].__version__ = '2025.1.2'\n"
                                "print('ready', flush=True)\n"
                                "sys.stdin.read()";
  const char *const argv[] = { "-c", program, NULL };
  GPtrArray *pythons = hap_test_list_pythons (TRUE);
  g_autoptr (HapTestProcess) process = hap_test_spawn (pythons->pdata[0], argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (PyDiscovery) discovery = NULL;

  g_assert_no_error (error);
  discovery = py_discover (target);
  g_assert_true (discovery->home_assistant);
  g_assert_cmpstr (discovery->home_assistant_version, ==, "2025.1.2");
}

/* A table of another version or build does not get through, on any interpreter. */
static void
test_wrong_layout (void)
{
  static const guint32 minors[] = { 0x030b00f0, 0x030c00f0, 0x030d00f0, 0x030e00f0, 0x030f00f0 };
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      g_autoptr (HapTestProcess) process = spawn_idle (pythons->pdata[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
      g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);
      guint n_tried = 0;

      g_assert_no_error (error);
      for (guint j = 0; j < 2 * G_N_ELEMENTS (minors); j++)
        {
          const PyLayout *layout = py_layout_find (minors[j / 2], j % 2);
          g_autoptr (PyRuntime) wrong = NULL;
          guint32 version;

          if (layout == NULL
              || layout
                     == py_layout_find (py_runtime_get_version (runtime),
                                        py_runtime_get_layout (runtime)->free_threaded))
            continue;
          wrong = py_runtime_new (py_runtime_get_memory (runtime), layout, py_runtime_get_address (runtime),
                                  minors[j / 2]);
          g_assert_false (py_self_check (wrong, target, &version, NULL));
          n_tried++;
        }
      g_assert_cmpuint (n_tried, ==, 7);
    }
}

/* A memory that shows another value at one address: always, or with a thread, unless that is held, one that
 * is never the same twice. */
#define TYPE_CHANGED_MEMORY (changed_memory_get_type ())
G_DECLARE_FINAL_TYPE (ChangedMemory, changed_memory, CHANGED, MEMORY, GObject)

struct _ChangedMemory
{
  GObject parent_instance;

  HapMemory *source;
  guint64 address, value;
  const HapThread *thread; /* NULL: always */
  guint n_looks, n_still;
};

static void changed_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ChangedMemory,
                               changed_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, changed_memory_memory_init))

static gsize
changed_memory_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  ChangedMemory *self = CHANGED_MEMORY (memory);
  gsize n = hap_memory_read_some (self->source, address, buffer, size);

  if (address > self->address || n < sizeof self->value || self->address - address > n - sizeof self->value)
    return n;
  if (self->thread != NULL && hap_thread_read_state (self->thread) == 't')
    {
      self->n_still++;
      return n;
    }
  if (self->thread != NULL)
    self->value = (self->n_looks++ % 2 + 1) * 4096;
  memcpy ((guint8 *)buffer + (self->address - address), &self->value, sizeof self->value);
  return n;
}

static void
changed_memory_memory_init (HapMemoryInterface *iface)
{
  iface->read = changed_memory_read;
}

static void
changed_memory_class_init (ChangedMemoryClass *klass)
{
}

static void
changed_memory_init (ChangedMemory *self)
{
}

static void
check_changed (PyRuntime *runtime, guint32 offset, guint64 value, const char *message)
{
  g_autoptr (ChangedMemory) memory = g_object_new (TYPE_CHANGED_MEMORY, NULL);
  g_autoptr (PyRuntime) changed = py_runtime_with_memory (runtime, HAP_MEMORY (memory));
  g_autoptr (GError) error = NULL;
  guint32 version;

  memory->source = py_runtime_get_memory (runtime);
  memory->address = py_runtime_get_address (runtime) + offset;
  memory->value = value;
  g_assert_false (py_self_check (changed, NULL, &version, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_starting_and_ending (void)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      g_autoptr (HapTestProcess) process = spawn_idle (pythons->pdata[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
      g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);

      g_assert_no_error (error);
      check_changed (runtime, py_runtime_get_layout (runtime)->runtime_interpreters, 0, "still starting");
      check_changed (runtime, py_runtime_get_layout (runtime)->runtime_finalizing, 4096, "ending");
      check_changed (runtime, py_runtime_get_layout (runtime)->runtime_interpreters, 4096,
                     "main interpreter");
    }
}

/* Nobody can read live what never stands still; held for a moment it is proved all the same, and the list of
 * targets, which holds nobody, leaves it unproved. */
static void
test_restless (void)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  for (guint i = 0; i < pythons->len; i++)
    {
      g_autoptr (HapTestProcess) process = spawn_idle (pythons->pdata[i]);
      g_autoptr (ChangedMemory) memory = g_object_new (TYPE_CHANGED_MEMORY, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
      g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);
      g_autoptr (PyRuntime) restless = NULL;
      g_autoptr (GArray) threads = NULL;
      guint32 version;

      g_assert_no_error (error);
      threads = py_threads_list (runtime);
      g_assert_cmpuint (threads->len, ==, 1);
      memory->source = py_runtime_get_memory (runtime);
      memory->thread = hap_target_find_thread (target, g_array_index (threads, PyThread, 0).native_id);
      memory->address =
          g_array_index (threads, PyThread, 0).tstate + py_runtime_get_layout (runtime)->tstate_datastack_top;
      restless = py_runtime_with_memory (runtime, HAP_MEMORY (memory));

      g_assert_true (py_self_check (restless, NULL, &version, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (memory->n_still, ==, 0);
      g_assert_true (py_self_check (restless, target, &version, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (memory->n_still, >, 0);
      g_assert_true (hap_test_process_is_alive (process));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/python/attach/renamed", GINT_TO_POINTER (CHANGE_NAME), test_changed);
  g_test_add_data_func ("/python/attach/stripped", GINT_TO_POINTER (CHANGE_STRIP), test_changed);
  g_test_add_data_func ("/python/attach/without-symbols", GINT_TO_POINTER (CHANGE_HIDE), test_changed);
  g_test_add_data_func ("/python/attach/deleted", GINT_TO_POINTER (CHANGE_DELETE), test_changed);
  g_test_add_func ("/python/attach/embedded", test_embedded);
  g_test_add_func ("/python/attach/subinterpreter", test_subinterpreter);
  g_test_add_func ("/python/attach/too-old", test_too_old);
  g_test_add_func ("/python/attach/no-python", test_no_python);
  g_test_add_func ("/python/attach/gone", test_gone);
  g_test_add_func ("/python/attach/wrong-layout", test_wrong_layout);
  g_test_add_func ("/python/attach/restless", test_restless);
  g_test_add_func ("/python/attach/starting-and-ending", test_starting_and_ending);
  g_test_add_func ("/python/discover/every-interpreter", test_discover);
  g_test_add_func ("/python/discover/home-assistant", test_discover_home_assistant);
  return g_test_run ();
}
