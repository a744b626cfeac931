/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The memory of an interpreter whose heap was overwritten: with intent (lists of the collector that run in
 * circles, lengths of 2^60, types that are nowhere, containers that all have the same ten million items), and
 * by chance, other words in each round. Nothing may crash or go on without end; what is left out is counted.
 * HAP_TEST_ROUNDS: how many rounds.
 */

#include <string.h>

#include "hap-image.h"
#include "hap-test-lies.h"
#include "hap-test.h"
#include "py-heap-chain.h"

#define DEFAULT_ROUNDS 20
#define SEED 20250103
#define MAX_READS 20000000 /* in one round; an honest one needs some thousands */
#define MAX_DAMAGE 300     /* words of one round */
#define SAMPLES 200
#define N_ITEMS ((guint64)10 * 1024 * 1024)
#define ITEMS G_GUINT64_CONSTANT (0x100000000000) /* between all that an interpreter has */

/* A piece of the memory, ours to write to. */
typedef struct
{
  guint64 start;
  guint8 *data;
  gsize size;
} Piece;

/* A word that was overwritten. */
typedef struct
{
  guint8 *where;
  guint64 truth;
} Damage;

typedef struct
{
  HapTestProcess *process;
  PyRuntime *live, *runtime;
  HapMaps *maps;
  HapTestLies *memory;
  GRand *rand;
  GArray *pieces; /* (element-type Piece) */
  GArray *damage; /* (element-type Damage) */
  PyHeap *honest;
} Fixture;

static void
piece_clear (gpointer data)
{
  g_free (((Piece *)data)->data);
}

static void
add_piece (Fixture *self, HapImage *image, guint64 start, guint8 *data, gsize size)
{
  const Piece piece = { start, data, size };
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);

  hap_image_add (image, start, bytes);
  g_array_append_val (self->pieces, piece);
}

/* All that a heap may lie in, as it is at this moment, and room for ten million words. */
static HapImage *
copy_memory (Fixture *self, HapMemory *source)
{
  HapImage *image = hap_image_new ();

  for (guint i = 0; i < hap_maps_get_length (self->maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (self->maps, i);
      gsize size = mapping->end - mapping->start;
      guint8 *data;

      if (!mapping->readable || g_str_has_prefix (mapping->path, "[v") || mapping->start == ITEMS)
        continue;
      data = g_malloc (size);
      add_piece (self, image, mapping->start, data,
                 hap_memory_read_some (source, mapping->start, data, size));
    }
  add_piece (self, image, ITEMS, g_malloc0 (N_ITEMS * 8), N_ITEMS * 8);
  return image;
}

/* The kernel's lines, and one more. */
static HapMaps *
read_maps (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/maps", pid);
  g_autofree char *text = NULL;
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean added = FALSE;
  HapMaps *maps;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      if (!added && g_ascii_strtoull (lines[i], NULL, 16) > ITEMS)
        {
          g_string_append_printf (all,
                                  "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x rw-p 00000000 00:00 0 \n",
                                  ITEMS, ITEMS + N_ITEMS * 8);
          added = TRUE;
        }
      g_string_append_printf (all, "%s\n", lines[i]);
    }
  maps = hap_maps_parse (all->str, all->len, &error);
  g_assert_no_error (error);
  return maps;
}

static PyHeap *
read_heap (Fixture *self, GError **error)
{
  return py_heap_new (self->runtime, self->maps, PY_HEAP_WITH_REFERENCES, NULL, error);
}

static void
set_up (Fixture *self, gconstpointer python)
{
  const char *const argv[] = { "-I", "-S", "-c",
                               "import sys, gc; big = [list(range(9)) for i in range(3000)]; print('ready', "
                               "flush=True); sys.stdin.readline()",
                               NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (HapImage) image = NULL;

  self->process = hap_test_spawn (python, argv);
  target = hap_test_attach (hap_test_process_get_pid (self->process), FALSE, &error);
  g_assert_no_error (error);
  self->live = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  self->maps = read_maps (hap_test_process_get_pid (self->process));
  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (self->pieces, piece_clear);
  self->damage = g_array_new (FALSE, FALSE, sizeof (Damage));
  image = copy_memory (self, hap_target_get_memory (target));
  self->rand = g_rand_new_with_seed (SEED);
  self->memory = hap_test_lies_new (SEED, MAX_READS);
  hap_test_lies_set_source (self->memory, HAP_MEMORY (image));
  self->runtime = py_runtime_with_memory (self->live, HAP_MEMORY (self->memory));
  self->honest = read_heap (self, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (py_heap_get_stats (self->honest)->n_skipped, ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer python)
{
  py_heap_free (self->honest);
  g_object_unref (self->runtime);
  g_object_unref (self->live);
  g_object_unref (self->memory);
  g_rand_free (self->rand);
  g_array_unref (self->damage);
  g_array_unref (self->pieces);
  hap_maps_unref (self->maps);
  hap_test_process_free (self->process);
}

/* Returns: (nullable): where the word at @address is kept */
static guint8 *
find_word (Fixture *self, guint64 address)
{
  for (guint i = 0; i < self->pieces->len; i++)
    {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);

      if (address >= piece->start && address + 8 <= piece->start + piece->size)
        return piece->data + (address - piece->start);
    }
  return NULL;
}

static void
write_word (Fixture *self, guint64 address, guint64 value)
{
  Damage damage = { .where = find_word (self, address) };

  g_assert_nonnull (damage.where);
  memcpy (&damage.truth, damage.where, 8);
  memcpy (damage.where, &value, 8);
  g_array_append_val (self->damage, damage);
}

static void
repair (Fixture *self)
{
  for (guint i = self->damage->len; i > 0; i--)
    {
      const Damage *damage = &g_array_index (self->damage, Damage, i - 1);

      memcpy (damage->where, &damage->truth, 8);
    }
  g_array_set_size (self->damage, 0);
}

/* Up to @max objects of a type of C's, spread over the heap. */
static GArray *
list_objects (Fixture *self, const char *name, guint max)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint32 n = py_heap_get_n_objects (self->honest);
  guint32 step = MAX (n / 20000, 1);

  for (guint32 i = 0; i < n && found->len < max; i += step)
    {
      guint64 address = py_heap_get_address (self->honest, i);

      if (g_str_equal (
              py_heap_get_type (self->honest, py_heap_get_object_type (self->honest, i))->class->c_name, name)
          && (py_heap_get_flags (self->honest, i) & PY_HEAP_OBJECT_TRACKED) != 0)
        g_array_append_val (found, address);
    }
  g_assert_cmpuint (found->len, >, 0);
  return found;
}

static void
use_object (PyHeap *heap, const PyHeapOwners *owners, guint32 index)
{
  g_autoptr (GArray) referents = py_heap_list_referents (heap, index);
  g_autofree char *text = py_heap_describe_holders (owners, heap, index);

  g_assert_cmpuint (py_heap_find (heap, py_heap_get_address (heap, index)), ==, index);
  g_assert_nonnull (py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class);
  py_heap_get_dict (heap, index);
}

/* A heap may be anything, but it is whole. */
static void
use_heap (Fixture *self, PyHeap *heap)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PyHeapOwners) owners = NULL;
  guint32 n = py_heap_get_n_objects (heap);
  guint64 n_by_type = 0;

  for (guint32 i = 0; i < py_heap_get_n_types (heap); i++)
    n_by_type += py_heap_get_type (heap, i)->n_objects;
  g_assert_cmpuint (n_by_type, ==, n);
  owners = py_heap_owners_new (heap, NULL, &error);
  if (owners == NULL)
    {
      g_assert_true (error->domain == HAP_ERROR);
      return;
    }
  for (guint32 i = 0; i < n; i++)
    {
      guint32 n_references;
      const guint32 *references = py_heap_get_references (heap, i, &n_references);

      for (guint32 j = 0; j < n_references; j++)
        g_assert_cmpuint (references[j], <, n);
    }
  for (guint i = 0; i < SAMPLES && n > 0; i++)
    use_object (heap, owners, g_rand_int_range (self->rand, 0, n));
}

/* Reads what was overwritten, as a whole; @least: so much of the honest heap has to be found, in percent. */
static PyHeapStats
read_damaged (Fixture *self, guint least)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PyHeap) heap = NULL;
  PyHeapStats stats;

  hap_test_lies_begin (self->memory, 0);
  heap = read_heap (self, &error);
  g_assert_no_error (error);
  use_heap (self, heap);
  stats = *py_heap_get_stats (heap);
  g_test_message ("%u objects of %u, %u skipped, %" G_GUINT64_FORMAT " MiB", py_heap_get_n_objects (heap),
                  py_heap_get_n_objects (self->honest), stats.n_skipped, stats.bytes >> 20);
  g_assert_cmpuint (py_heap_get_n_objects (heap), >=, py_heap_get_n_objects (self->honest) / 100 * least);
  repair (self);
  return stats;
}

/* In circles, from both ends: what is cut out is found by what refers to it. */
static void
test_circles (Fixture *self, gconstpointer python)
{
  g_autoptr (GArray) lists = list_objects (self, "list", 100);
  guint head = py_runtime_get_layout (self->live)->gc_head_size;
  guint64 first = g_array_index (lists, guint64, 0) - head;
  guint64 middle = g_array_index (lists, guint64, lists->len / 2) - head;

  write_word (self, middle, first);
  g_assert_cmpuint (read_damaged (self, 100).n_tracked, ==, py_heap_get_stats (self->honest)->n_tracked);

  write_word (self, first, middle);
  write_word (self, first + 8, middle);
  write_word (self, middle, first);
  write_word (self, middle + 8, first);
  read_damaged (self, 99);

  for (guint i = 0; i < lists->len; i++)
    write_word (self, g_array_index (lists, guint64, i) - head, g_array_index (lists, guint64, i) - head);
  read_damaged (self, 90);
}

static void
test_lengths (Fixture *self, gconstpointer python)
{
  static const char *const names[] = { "list", "tuple", "dict", "set", "type", "function" };
  const guint64 length = G_GUINT64_CONSTANT (1) << 60;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GArray) objects = list_objects (self, names[i], 20);

      for (guint j = 0; j < objects->len; j++)
        for (guint offset = 16; offset < 48; offset += 8)
          {
            write_word (self, g_array_index (objects, guint64, j) + offset, j % 2 == 0 ? length : -length);
            if (j % 4 > 1) /* one field alone */
              break;
          }
      read_damaged (self, i < 4 ? 80 : 20);
    }
}

static void
test_types (Fixture *self, gconstpointer python)
{
  static const guint64 nowhere[] = { 0, 8, 1, 0xdeadbeef000, G_MAXUINT64 - 7, ITEMS, ITEMS + 800 };
  g_autoptr (GArray) lists = list_objects (self, "list", 500);

  for (guint i = 0; i < lists->len; i++)
    write_word (self, g_array_index (lists, guint64, i) + 8, nowhere[i % G_N_ELEMENTS (nowhere)]);
  g_assert_cmpuint (read_damaged (self, 50).n_skipped, >=, lists->len);
}

/* Every list of 500 has the same ten million items: five thousand million references, of which a few are
 * followed. */
static void
test_overlap (Fixture *self, gconstpointer python)
{
  g_autoptr (GArray) lists = list_objects (self, "list", 500);
  guint64 item = g_array_index (lists, guint64, 0);
  guint8 *items = find_word (self, ITEMS);

  for (guint64 i = 0; i < N_ITEMS; i++)
    memcpy (items + i * 8, &item, 8);
  for (guint i = 1; i < lists->len; i++)
    {
      guint64 list = g_array_index (lists, guint64, i);

      write_word (self, list + 16, N_ITEMS);
      write_word (self, list + py_runtime_get_layout (self->live)->list_items, ITEMS);
    }
  g_assert_cmpuint (read_damaged (self, 50).n_skipped, >, 0);
}

/* Ten million items are an honest length, too. */
static void
test_large (Fixture *self, gconstpointer python)
{
  g_autoptr (GArray) lists = list_objects (self, "list", 2);
  guint64 list = g_array_index (lists, guint64, 1), item = g_array_index (lists, guint64, 0);
  guint8 *items = find_word (self, ITEMS);
  g_autoptr (GError) error = NULL;
  g_autoptr (PyHeap) heap = NULL;
  guint32 n;

  for (guint64 i = 0; i < N_ITEMS; i++)
    memcpy (items + i * 8, &item, 8);
  write_word (self, list + 16, N_ITEMS);
  write_word (self, list + py_runtime_get_layout (self->live)->list_items, ITEMS);
  heap = read_heap (self, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (py_heap_get_stats (heap)->n_skipped, ==, 0);
  g_assert_true (py_heap_make_referrers (heap, NULL, &error));
  py_heap_get_references (heap, py_heap_find (heap, list), &n);
  g_assert_cmpuint (n, ==, N_ITEMS);
  py_heap_get_referrers (heap, py_heap_find (heap, item), &n);
  g_assert_cmpuint (n, >=, N_ITEMS);
}

/* Words near objects, most of them, for there they are looked at. */
static void
damage_by_chance (Fixture *self)
{
  GRand *rand = self->rand;
  guint n = g_rand_int_range (rand, 1, MAX_DAMAGE);

  for (guint i = 0; i < n; i++)
    {
      guint32 object = g_rand_int_range (rand, 0, py_heap_get_n_objects (self->honest));
      guint64 address =
          py_heap_get_address (self->honest, object) + 8 * (guint64)g_rand_int_range (rand, 0, 12) - 16;
      guint8 *where = find_word (self, address);
      guint64 truth;

      if (where == NULL)
        continue;
      memcpy (&truth, where, 8);
      write_word (self, address, hap_test_lies_make (self->memory, truth));
    }
}

static void
test_chance (Fixture *self, gconstpointer python)
{
  guint n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS), n_refused = 0;
  guint64 n_skipped = 0;

  for (guint round = 0; round < n_rounds; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PyHeap) heap = NULL;

      damage_by_chance (self);
      /* Some memory does not even say the same twice. */
      hap_test_lies_begin (self->memory, round % 4 == 0 ? 4 << (round / 4 % 8) : 0);
      heap = read_heap (self, &error);
      if (heap != NULL)
        {
          use_heap (self, heap);
          n_skipped += py_heap_get_stats (heap)->n_skipped;
        }
      else
        {
          g_assert_true (error->domain == HAP_ERROR);
          n_refused++;
        }
      repair (self);
    }
  g_test_message ("%u rounds, %u refused, %" G_GUINT64_FORMAT " skipped", n_rounds, n_refused, n_skipped);
  g_assert_cmpuint (n_skipped, >, 0);
}

static const struct
{
  const char *name;
  void (*test) (Fixture *self, gconstpointer python);
  gboolean once; /* takes a while, and is the same for each version */
} tests[] = {
  { "circles", test_circles, FALSE }, { "lengths", test_lengths, FALSE }, { "types", test_types, FALSE },
  { "chance", test_chance, FALSE },   { "overlap", test_overlap, TRUE },  { "large", test_large, TRUE },
};

int
main (int argc, char **argv)
{
  GPtrArray *pythons;

  g_test_init (&argc, &argv, NULL);
  pythons = hap_test_list_pythons (TRUE);
  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
      {
        const HapTestPython *python = pythons->pdata[i];
        g_autofree char *path =
            g_strdup_printf ("/python/hostile-heap/%s/%s", tests[j].name, python->version);

        if (!tests[j].once || i == 0)
          g_test_add (path, Fixture, python, set_up, tests[j].test, tear_down);
      }
  return g_test_run ();
}
