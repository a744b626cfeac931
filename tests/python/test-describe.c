/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything that describe.py tells of itself, against what is read from outside, on every supported
 * interpreter at hand.
 */

#include <stdio.h>
#include <string.h>

#include "hap-test.h"
#include "py-code.h"
#include "py-frames.h"
#include "py-objects.h"

#define MAX_FIELDS 7
#define MAX_TRIES 1000
#define MIN_CODES 500

typedef struct
{
  HapTestProcess *process;
  HapTarget *target;
  PyRuntime *runtime;
  GPtrArray *lines; /* char** of fields */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "describe.py", NULL };
  g_autoptr (GError) error = NULL;
  char *line;

  fixture->process = hap_test_spawn (data, argv);
  fixture->lines = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  while ((line = hap_test_process_read_line (fixture->process)) != NULL && !g_str_equal (line, "end"))
    {
      g_ptr_array_add (fixture->lines, g_strsplit (line, "\t", MAX_FIELDS));
      g_free (line);
    }
  g_assert_nonnull (line);
  g_free (line);

  fixture->target = hap_test_attach (hap_test_process_get_pid (fixture->process), FALSE, &error);
  g_assert_no_error (error);
  fixture->runtime = py_runtime_attach (fixture->target, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->runtime);
  g_object_unref (fixture->target);
  g_ptr_array_unref (fixture->lines);
  hap_test_process_free (fixture->process);
}

/* The fields of the line at @index if it is of that kind, else NULL. */
static char **
get_line (Fixture *fixture, guint index, const char *kind)
{
  char **fields = index < fixture->lines->len ? fixture->lines->pdata[index] : NULL;

  return fields != NULL && g_str_equal (fields[0], kind) ? fields : NULL;
}

static guint64
get_number (const char *text)
{
  return text[0] == '-' ? (guint64)g_ascii_strtoll (text, NULL, 10) : g_ascii_strtoull (text, NULL, 10);
}

static void
test_version (Fixture *fixture, gconstpointer data)
{
  const HapTestPython *python = data;

  g_assert_cmpstr (py_runtime_get_version_string (fixture->runtime), ==, python->version);
}

static const PyThread *
find_thread (GArray *threads, guint64 ident)
{
  for (guint i = 0; i < threads->len; i++)
    if (g_array_index (threads, PyThread, i).ident == ident)
      return &g_array_index (threads, PyThread, i);
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GArray) threads = py_threads_list (fixture->runtime);
  g_autoptr (PyThreadNames) names = py_thread_names_read (fixture->runtime);
  PyThread other = g_array_index (threads, PyThread, 0);
  guint n = 0;

  g_assert_true (hap_target_refresh_threads (fixture->target, NULL));
  g_assert_true (other.main);
  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields = get_line (fixture, i, "thread");
      const PyThread *thread;

      if (fields == NULL)
        continue;
      n++;
      thread = find_thread (threads, get_number (fields[1]));
      g_assert_nonnull (thread);
      g_assert_cmpuint (thread->native_id, ==, get_number (fields[2]));
      g_assert_nonnull (hap_target_find_thread (fixture->target, thread->native_id));
      g_assert_cmpint (thread->main, ==, get_number (fields[3]));
      g_assert_cmpstr (py_thread_names_get (names, thread), ==, fields[4]);
    }
  g_assert_cmpuint (threads->len, ==, n + 1); /* the reporter */
  other.native_id++;
  g_assert_cmpstr (py_thread_names_get (names, &other), ==, "MainThread"); /* as after a fork */
  other = g_array_index (threads, PyThread, 1);
  g_assert_nonnull (py_thread_names_get (names, &other));
  other.native_id++;
  g_assert_null (py_thread_names_get (names, &other)); /* its ident passed on */
  other.native_id = 0;
  g_assert_nonnull (py_thread_names_get (names, &other)); /* not known yet */
  other.ident = 1;
  g_assert_null (py_thread_names_get (names, &other));
}

/* Compares one thread's frames with the lines from @index on; returns the index after them. */
static guint
check_frames (Fixture *fixture, PyCodeCache *codes, const PyStack *stack, guint index)
{
  for (guint i = 0; i < stack->n_frames; i++, index++)
    {
      char **fields = get_line (fixture, index, "frame");
      guint generation;
      const PyCode *code = py_code_cache_lookup (codes, stack->frames[i].code, 0, &generation);

      g_assert_nonnull (fields);
      g_assert_nonnull (code);
      g_assert_cmpstr (code->name, ==, fields[2]);
      g_assert_cmpstr (code->qualname, ==, fields[3]);
      g_assert_cmpstr (code->filename, ==, fields[4]);
      g_assert_cmpint (py_code_get_line (code, stack->frames[i].instruction), ==, get_number (fields[1]));
    }
  g_assert_null (get_line (fixture, index, "frame"));
  return index;
}

static void
test_frames (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GArray) threads = py_threads_list (fixture->runtime);
  g_autoptr (PyCodeCache) codes = py_code_cache_new (fixture->runtime, 1000, G_MAXINT64);
  PyStack stack;
  guint index = 0, n = 0;

  py_stack_init (&stack);
  while (index < fixture->lines->len)
    {
      char **fields = get_line (fixture, index++, "thread");
      PyStackVerdict verdict = PY_STACK_MOVED;

      if (fields == NULL)
        continue;
      g_test_message ("%s", fields[4]);
      for (guint i = 0; i < MAX_TRIES && verdict == PY_STACK_MOVED; i++)
        verdict = py_stack_read (&stack, fixture->runtime, find_thread (threads, get_number (fields[1])));
      g_assert_cmpint (verdict, ==, PY_STACK_OK);
      g_assert_false (stack.truncated);
      index = check_frames (fixture, codes, &stack, index);
      n++;
    }
  g_assert_cmpuint (n, ==, threads->len - 1);
  py_stack_clear (&stack);
}

static void
test_lines (Fixture *fixture, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields = get_line (fixture, i, "code");
      g_autoptr (PyCode) code = NULL;
      g_auto (GStrv) ranges = NULL;

      if (fields == NULL)
        continue;
      n++;
      code = py_code_read (fixture->runtime, get_number (fields[1]));
      g_assert_nonnull (code);
      g_assert_cmpint (code->first_line, ==, get_number (fields[2]));
      g_assert_cmpuint (code->n_units, ==, get_number (fields[3]));
      g_assert_cmpstr (code->name, ==, fields[4]);

      ranges = g_strsplit (fields[5], " ", -1);
      for (guint j = 0; ranges[j] != NULL; j++)
        {
          guint start, end;
          gint line;

          g_assert_cmpint (sscanf (ranges[j], "%u:%u:%d", &start, &end, &line), ==, 3);
          for (guint offset = start; offset < end; offset += 2)
            g_assert_cmpint (py_code_get_line (code, code->instructions + offset), ==, line);
        }
      g_assert_cmpint (py_code_get_line (code, code->instructions + 2 * code->n_units), ==, code->first_line);
    }
  g_assert_cmpuint (n, >, MIN_CODES);
}

static char *
decode_hex (const char *hex)
{
  gsize n = strlen (hex) / 2;
  char *bytes = g_malloc0 (n + 1);

  for (gsize i = 0; i < n; i++)
    bytes[i] = g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]);
  return bytes;
}

static void
test_strings (Fixture *fixture, gconstpointer data)
{
  guint64 object = 0;
  gint64 number;

  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields = get_line (fixture, i, "str");
      g_autofree char *text = NULL;
      g_autofree char *expected = NULL;

      if (fields == NULL)
        continue;
      object = get_number (fields[1]);
      expected = decode_hex (fields[2]);
      text = py_object_get_string (fixture->runtime, object, 1000);
      g_assert_cmpstr (text, ==, expected);
    }
  g_assert_cmpuint (object, !=, 0);
  g_assert_false (py_object_get_int (fixture->runtime, object, &number));
  g_assert_null (py_object_get_bytes (fixture->runtime, object, 1000));
  g_assert_cmpuint (py_dict_get (fixture->runtime, object, "a"), ==, 0);
  g_assert_null (py_object_get_string (fixture->runtime, object + 1, 1000));
  g_assert_null (py_object_get_string (fixture->runtime, 0, 1000));
}

static void
check_bytes (Fixture *fixture, char **fields)
{
  g_autofree char *expected = decode_hex (fields[2]);
  gsize size = strlen (fields[2]) / 2;
  g_autoptr (GBytes) bytes = py_object_get_bytes (fixture->runtime, get_number (fields[1]), size);

  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected, size);
  if (size > 0)
    g_assert_null (py_object_get_bytes (fixture->runtime, get_number (fields[1]), size - 1));
}

static void
test_numbers (Fixture *fixture, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields;
      gint64 number;

      if ((fields = get_line (fixture, i, "int")) != NULL)
        {
          g_assert_true (py_object_get_int (fixture->runtime, get_number (fields[1]), &number));
          g_assert_cmpint (number, ==, (gint64)get_number (fields[2]));
          n++;
        }
      else if ((fields = get_line (fixture, i, "long")) != NULL)
        g_assert_false (py_object_get_int (fixture->runtime, get_number (fields[1]), &number));
      else if ((fields = get_line (fixture, i, "bytes")) != NULL)
        check_bytes (fixture, fields);
    }
  g_assert_cmpuint (n, >, 0);
}

static gboolean
on_entry (guint64 key, guint64 value, gpointer data)
{
  guint *n = data;

  (*n)++;
  return TRUE;
}

static void
test_dicts (Fixture *fixture, gconstpointer data)
{
  guint64 dict = 0;

  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields;
      guint n = 0;

      if ((fields = get_line (fixture, i, "dict")) != NULL)
        {
          dict = get_number (fields[1]);
          g_assert_cmpuint (py_dict_get (fixture->runtime, dict, "nothing"), ==, 0);
          g_assert_true (py_dict_foreach (fixture->runtime, dict, 10000, on_entry, &n));
          g_assert_cmpuint (n, ==, get_number (fields[2]));
          n = 0;
          g_assert_true (py_dict_foreach (fixture->runtime, dict, 3, on_entry, &n));
          g_assert_cmpuint (n, ==, MIN (3, get_number (fields[2])));
        }
      else if ((fields = get_line (fixture, i, "item")) != NULL)
        {
          gint64 number;

          g_assert_true (
              py_object_get_int (fixture->runtime, py_dict_get (fixture->runtime, dict, fields[1]), &number));
          g_assert_cmpint (number, ==, get_number (fields[2]));
        }
    }
  g_assert_cmpuint (dict, !=, 0);
}

static void
test_attributes (Fixture *fixture, gconstpointer data)
{
  guint64 object = 0;
  guint n_found = 0;

  for (guint i = 0; i < fixture->lines->len; i++)
    {
      char **fields;

      if ((fields = get_line (fixture, i, "object")) != NULL)
        {
          g_autofree char *type = NULL;

          object = get_number (fields[1]);
          type = py_object_get_type_name (fixture->runtime, object);
          g_assert_cmpstr (type, ==, fields[2]);
        }
      else if ((fields = get_line (fixture, i, "attribute")) != NULL)
        {
          guint64 value = py_object_get_attribute (fixture->runtime, object, fields[1]);
          gint64 number = -1;

          g_test_message ("%s = %s", fields[1], fields[2]);
          g_assert_cmpint (value != 0, ==, fields[2][0] != '\0');
          if (value == 0)
            continue;
          n_found++;
          g_assert_true (py_object_get_int (fixture->runtime, value, &number));
          g_assert_cmpint (number, ==, get_number (fields[2]));
        }
    }
  g_assert_cmpuint (n_found, >, 8);
}

static void
test_modules (Fixture *fixture, gconstpointer data)
{
  guint64 interpreter = py_runtime_get_main_interpreter (fixture->runtime);
  guint64 dict = py_module_get_dict (fixture->runtime, interpreter, "__main__");
  gint64 number;

  g_assert_true (
      py_object_get_int (fixture->runtime, py_dict_get (fixture->runtime, dict, "DEPTH"), &number));
  g_assert_cmpint (number, ==, 9000);
  g_assert_cmpuint (py_module_get_dict (fixture->runtime, interpreter, "no.such"), ==, 0);
}

/* A code object's place is another's: the cache has to see it. */
static void
test_code_cache (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PyCodeCache) codes = py_code_cache_new (fixture->runtime, 2, 10);
  guint64 addresses[3] = { 0 };
  guint generations[3], generation;
  const PyCode *code;

  for (guint i = 0, n = 0; i < fixture->lines->len && n < 3; i++)
    if (get_line (fixture, i, "code") != NULL)
      addresses[n++] = get_number (get_line (fixture, i, "code")[1]);

  for (guint i = 0; i < 3; i++)
    g_assert_nonnull (py_code_cache_lookup (codes, addresses[i], 0, &generations[i]));
  /* The first one was dropped: it is the same object nevertheless. */
  g_assert_nonnull (code = py_code_cache_lookup (codes, addresses[0], 0, &generation));
  g_assert_cmpuint (generation, ==, generations[0]);
  g_assert_true (py_code_cache_lookup (codes, addresses[0], 9, &generation) == code);
  g_assert_nonnull (py_code_cache_lookup (codes, addresses[0], 10, &generation));
  g_assert_cmpuint (generation, ==, generations[0]);
  g_assert_null (py_code_cache_lookup (codes, addresses[0] + 8, 0, &generation));
  g_assert_null (py_code_cache_lookup (codes, 0, 0, &generation));
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *path;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "/python/runtime/version", test_version },       { "/python/threads/list", test_threads },
    { "/python/frames/every-kind", test_frames },      { "/python/code/lines", test_lines },
    { "/python/code/cache", test_code_cache },         { "/python/objects/strings", test_strings },
    { "/python/objects/numbers", test_numbers },       { "/python/objects/dicts", test_dicts },
    { "/python/objects/attributes", test_attributes }, { "/python/objects/modules", test_modules },
  };
  GPtrArray *pythons;

  g_test_init (&argc, &argv, NULL);
  pythons = hap_test_list_pythons (TRUE);
  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
      {
        const HapTestPython *python = pythons->pdata[i];
        g_autofree char *path = g_strdup_printf ("%s/%s", tests[j].path, python->version);

        g_test_add (path, Fixture, python, set_up, tests[j].function, tear_down);
      }
  return g_test_run ();
}
