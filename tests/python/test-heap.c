/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The heap beside what the interpreter says of itself: counts by type, sizes, references, on each version.
 * The target (tests/targets/heap.py) says it and then stands still.
 */

#include <stdlib.h>
#include <string.h>

#include "hap-test.h"
#include "py-heap.h"

/* What the target says of one object. */
typedef struct
{
  guint64 address, type, size;
  gboolean tracked;
  GArray *referents; /* (element-type guint64) sorted */
} Said;

typedef struct
{
  HapTestProcess *process;
  PyRuntime *runtime;
  PyHeap *heap;
  GPtrArray *said;    /* (element-type Said) */
  GHashTable *counts; /* (element-type guint64 guint) type -> how many */
} Fixture;

static void
said_free (gpointer data)
{
  Said *self = data;

  g_array_unref (self->referents);
  g_free (self);
}

static int
compare_addresses (gconstpointer a, gconstpointer b)
{
  guint64 one = *(const guint64 *)a, other = *(const guint64 *)b;

  return (one > other) - (one < other);
}

static Said *
parse_object (const char *line)
{
  Said *self = g_new0 (Said, 1);
  char *rest;

  self->address = g_ascii_strtoull (line, &rest, 16);
  self->type = g_ascii_strtoull (rest, &rest, 16);
  self->size = g_ascii_strtoull (rest, &rest, 10);
  self->tracked = g_ascii_strtoull (rest, &rest, 10) != 0;
  self->referents = g_array_new (FALSE, FALSE, sizeof (guint64));
  while (*rest == ' ' && rest[1] != '\0')
    {
      guint64 referent = g_ascii_strtoull (rest, &rest, 16);

      g_array_append_val (self->referents, referent);
    }
  g_array_sort (self->referents, compare_addresses);
  return self;
}

static void
listen_to (Fixture *self)
{
  self->said = g_ptr_array_new_with_free_func (said_free);
  self->counts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  hap_test_process_write_line (self->process, "go");
  for (;;)
    {
      g_autofree char *line = hap_test_process_read_line (self->process);
      char *rest;

      g_assert_nonnull (line);
      if (g_str_equal (line, "done"))
        return;
      if (line[0] == 'o')
        g_ptr_array_add (self->said, parse_object (line + 2));
      else
        {
          guint64 type = g_ascii_strtoull (line + 2, &rest, 16);

          g_hash_table_insert (self->counts, g_memdup2 (&type, sizeof type),
                               GUINT_TO_POINTER (strtoul (rest, NULL, 10)));
        }
    }
}

static PyHeap *
read_heap (Fixture *self, PyHeapFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (self->process), FALSE, &error);
  PyHeap *heap;

  g_assert_no_error (error);
  self->runtime = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  heap = py_heap_new (self->runtime, hap_target_get_maps (target, &error), flags, NULL, &error);
  g_assert_no_error (error);
  return heap;
}

static void
set_up (Fixture *self, gconstpointer python)
{
  const char *const argv[] = { "heap.py", NULL };

  self->process = hap_test_spawn (python, argv);
  listen_to (self);
  self->heap = read_heap (self, PY_HEAP_WITH_REFERENCES);
}

static void
tear_down (Fixture *self, gconstpointer python)
{
  g_clear_pointer (&self->heap, py_heap_free);
  g_clear_object (&self->runtime);
  g_ptr_array_unref (self->said);
  g_hash_table_unref (self->counts);
  hap_test_process_free (self->process);
}

static void
assert_counts (Fixture *self, PyHeap *heap)
{
  guint n_total = 0, n_wrong = 0;

  for (guint32 i = 0; i < py_heap_get_n_types (heap); i++)
    {
      const PyHeapType *type = py_heap_get_type (heap, i);
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, &type->class->address));

      n_total += n;
      if (n != type->n_tracked && n_wrong++ < 10)
        g_test_message ("%s: %u, not %u", type->class->c_name, type->n_tracked, n);
    }
  g_assert_cmpuint (n_wrong, ==, 0);
  g_assert_cmpuint (n_total, ==, py_heap_get_stats (heap)->n_tracked);
}

static void
test_counts (Fixture *self, gconstpointer python)
{
  const PyHeapStats *stats = py_heap_get_stats (self->heap);
  GHashTableIter iter;
  gpointer n;
  guint n_said = 0;

  assert_counts (self, self->heap);
  g_hash_table_iter_init (&iter, self->counts);
  while (g_hash_table_iter_next (&iter, NULL, &n))
    n_said += GPOINTER_TO_UINT (n);
  g_assert_cmpuint (stats->n_tracked, ==, n_said);
  g_assert_cmpuint (stats->n_skipped, ==, 0);
  g_test_message ("%u tracked, %u permanent, %u objects, %u conservative", stats->n_tracked,
                  stats->n_permanent, py_heap_get_n_objects (self->heap), stats->n_conservative);
}

static void
test_counts_alone (Fixture *self, gconstpointer python)
{
  g_clear_pointer (&self->heap, py_heap_free);
  g_clear_object (&self->runtime);
  self->heap = read_heap (self, PY_HEAP_TRACKED_ONLY);
  g_assert_cmpuint (py_heap_get_n_objects (self->heap), ==, 0);
  assert_counts (self, self->heap);
}

static const PyHeapType *
find_type (Fixture *self, const Said *said, guint32 *index)
{
  const PyHeapType *type;

  *index = py_heap_find (self->heap, said->address);
  if (*index == PY_HEAP_NONE)
    g_test_message ("no object at %" G_GINT64_MODIFIER "x", said->address);
  g_assert_cmpuint (*index, !=, PY_HEAP_NONE);
  g_assert_cmphex (py_heap_get_address (self->heap, *index), ==, said->address);
  type = py_heap_get_type (self->heap, py_heap_get_object_type (self->heap, *index));
  g_assert_cmphex (type->class->address, ==, said->type);
  return type;
}

static void
test_sizes (Fixture *self, gconstpointer python)
{
  guint n_wrong = 0;

  for (guint i = 0; i < self->said->len; i++)
    {
      const Said *said = self->said->pdata[i];
      guint32 index;
      const PyHeapType *type = find_type (self, said, &index);

      if (py_heap_get_size (self->heap, index) != said->size && n_wrong++ < 30)
        g_test_message ("%s: %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT, type->class->c_name,
                        py_heap_get_size (self->heap, index), said->size);
      g_assert_cmpint ((py_heap_get_flags (self->heap, index) & PY_HEAP_OBJECT_TRACKED) != 0, ==,
                       said->tracked);
    }
  g_assert_cmpuint (n_wrong, ==, 0);
}

static gboolean
same_referents (PyHeap *heap, guint32 index, const Said *said)
{
  g_autoptr (GArray) referents = py_heap_list_referents (heap, index);

  g_array_sort (referents, compare_addresses);
  return referents->len == said->referents->len
         && memcmp (referents->data, said->referents->data, referents->len * sizeof (guint64)) == 0;
}

static void
tell_difference (PyHeap *heap, guint32 index, const Said *said, const char *name)
{
  g_autoptr (GArray) referents = py_heap_list_referents (heap, index);
  guint i = 0, j = 0;
  g_autoptr (GString) text = g_string_new (name);

  g_array_sort (referents, compare_addresses);
  while ((i < referents->len || j < said->referents->len) && text->len < 400)
    {
      guint64 ours = i < referents->len ? g_array_index (referents, guint64, i) : G_MAXUINT64;
      guint64 theirs = j < said->referents->len ? g_array_index (said->referents, guint64, j) : G_MAXUINT64;
      guint32 other = py_heap_find (heap, MIN (ours, theirs));

      if (ours != theirs)
        g_string_append_printf (
            text, " %c%s", ours < theirs ? '+' : '-',
            other != PY_HEAP_NONE
                ? py_heap_get_type (heap, py_heap_get_object_type (heap, other))->class->c_name
                : "?");
      i += ours <= theirs;
      j += theirs <= ours;
    }
  g_test_message ("%s", text->str);
}

/* Objects of these are most of a heap: they are read, and not guessed at. */
static const char *const known[] = {
  "list",
  "tuple",
  "dict",
  "set",
  "frozenset",
  "type",
  "function",
  "builtin_function_or_method",
  "method",
  "cell",
  "code",
  "generator",
  "coroutine",
  "frame",
  "property",
  "staticmethod",
  "classmethod",
  "mappingproxy",
  "traceback",
  "types.SimpleNamespace",
  "collections.deque",
  "collections.defaultdict",
  "collections.OrderedDict",
  "functools.partial",
  "functools._lru_cache_wrapper",
  "Plain",
  "Slotted",
  "SlottedChild",
  "SlottedWithDict",
  "Data",
  "FrozenData",
  "Colour",
  "Flags",
  "Point",
  NULL,
};

/* Of 1,500 that are guessed at, some 25 are guessed wrong. */
#define MIN_RIGHT 0.95

static void
test_references (Fixture *self, gconstpointer python)
{
  guint n_wrong = 0, n_guessed_wrong = 0, n_guessed = 0;

  for (guint i = 0; i < self->said->len; i++)
    {
      const Said *said = self->said->pdata[i];
      guint32 index;
      const PyHeapType *type = find_type (self, said, &index);
      gboolean guessed = (py_heap_get_flags (self->heap, index) & PY_HEAP_OBJECT_CONSERVATIVE) != 0;

      n_guessed += guessed;
      g_assert_false (guessed && g_strv_contains (known, type->class->c_name));
      if (same_referents (self->heap, index, said))
        continue;
      n_guessed_wrong += guessed;
      n_wrong += !guessed;
      if (guessed ? n_guessed_wrong < 10 : n_wrong < 30)
        tell_difference (self->heap, index, said, type->class->c_name);
    }
  g_test_message ("of types that are not known: %u of %u as they say", n_guessed - n_guessed_wrong,
                  n_guessed);
  g_assert_cmpuint (n_wrong, ==, 0);
  g_assert_cmpfloat (n_guessed - n_guessed_wrong, >=, MIN_RIGHT * n_guessed);
}

/* Every reference is somebody's referrer, and all objects have an index that leads back. */
static void
test_graph (Fixture *self, gconstpointer python)
{
  g_autoptr (GError) error = NULL;
  guint64 n_references = 0, n_referrers = 0;
  guint32 n_objects = py_heap_get_n_objects (self->heap);

  g_assert_true (py_heap_make_referrers (self->heap, NULL, &error));
  g_assert_no_error (error);
  for (guint32 i = 0; i < n_objects; i++)
    {
      guint32 n, n_back;
      const guint32 *references = py_heap_get_references (self->heap, i, &n);

      g_assert_cmpuint (py_heap_find (self->heap, py_heap_get_address (self->heap, i)), ==, i);
      n_references += n;
      for (guint32 j = 0; j < MIN (n, 3); j++)
        {
          const guint32 *referrers = py_heap_get_referrers (self->heap, references[j], &n_back);
          guint32 k = 0;

          while (k < n_back && referrers[k] != i)
            k++;
          g_assert_cmpuint (k, <, n_back);
        }
      py_heap_get_referrers (self->heap, i, &n);
      n_referrers += n;
    }
  g_assert_cmpuint (n_references, ==, n_referrers);
  g_assert_cmpuint (n_references, >, n_objects);
}

static const struct
{
  const char *name;
  void (*test) (Fixture *self, gconstpointer python);
} tests[] = {
  { "counts", test_counts }, { "counts-alone", test_counts_alone },
  { "sizes", test_sizes },   { "references", test_references },
  { "graph", test_graph },
};

int
main (int argc, char *argv[])
{
  GPtrArray *pythons;

  g_test_init (&argc, &argv, NULL);
  pythons = hap_test_list_pythons (TRUE);
  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
      {
        const HapTestPython *python = pythons->pdata[i];
        g_autofree char *path = g_strdup_printf ("/python/heap/%s/%s", tests[j].name, python->version);

        g_test_add (path, Fixture, python, set_up, tests[j].test, tear_down);
      }
  return g_test_run ();
}
