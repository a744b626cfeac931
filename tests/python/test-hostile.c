/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A recorded interpreter whose memory lies: words that come out changed, other ones in each round. Nothing
 * may crash, and no round may read without end. HAP_TEST_ROUNDS: how many rounds.
 */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hap-image.h"
#include "hap-test.h"
#include "py-code.h"
#include "py-discover.h"
#include "py-frames.h"
#include "py-objects.h"

#define DEFAULT_ROUNDS 2000
#define SEED 20250101
#define MAX_READS 2000000 /* in one round; an honest one needs some thousands */
#define MAX_STACKS 64

#define TYPE_LYING_MEMORY (lying_memory_get_type ())
G_DECLARE_FINAL_TYPE (LyingMemory, lying_memory, LYING, MEMORY, GObject)

struct _LyingMemory
{
  GObject parent_instance;

  HapMemory *source;
  GRand *rand;
  guint one_in; /* reads that lie; 0: none */
  guint n_reads;
  guint64 last; /* a word seen before: often an address */
};

static void lying_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LyingMemory,
                               lying_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, lying_memory_memory_init))

static guint64
make_lie (LyingMemory *self, guint64 truth)
{
  switch (g_rand_int_range (self->rand, 0, 8))
    {
    case 0:
      return 0;
    case 1:
      return G_MAXUINT64;
    case 2:
      return truth + 8;
    case 3:
      return truth ^ (guint64)1 << g_rand_int_range (self->rand, 0, 64);
    case 4:
      return self->last;
    case 5:
      return (guint64)1 << g_rand_int_range (self->rand, 0, 64);
    case 6:
      return (guint64)g_rand_int (self->rand) << 32 | g_rand_int (self->rand);
    default:
      return g_rand_int_range (self->rand, 0, 4096);
    }
}

static gsize
lying_memory_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  LyingMemory *self = LYING_MEMORY (memory);
  gsize n = hap_memory_read_some (self->source, address, buffer, size);
  guint8 *word;
  guint64 value;

  g_assert_cmpuint (++self->n_reads, <, MAX_READS);
  if (self->one_in == 0 || n < sizeof value || g_rand_int_range (self->rand, 0, self->one_in) != 0)
    return n;
  word = (guint8 *)buffer + g_rand_int_range (self->rand, 0, n / sizeof value) * sizeof value;
  memcpy (&value, word, sizeof value);
  self->last = value;
  value = make_lie (self, value);
  memcpy (word, &value, sizeof value);
  return n;
}

static void
lying_memory_memory_init (HapMemoryInterface *iface)
{
  iface->read = lying_memory_read;
}

static void
lying_memory_finalize (GObject *object)
{
  LyingMemory *self = LYING_MEMORY (object);

  g_object_unref (self->source);
  g_rand_free (self->rand);
  G_OBJECT_CLASS (lying_memory_parent_class)->finalize (object);
}

static void
lying_memory_class_init (LyingMemoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lying_memory_finalize;
}

static void
lying_memory_init (LyingMemory *self)
{
  self->rand = g_rand_new_with_seed (SEED);
}

static void
read_stacks (PyRuntime *runtime, GArray *threads)
{
  g_autoptr (PyCodeCache) codes = py_code_cache_new (runtime, 100, 0);
  PyStack stack;

  py_stack_init (&stack);
  for (guint i = 0; i < MIN (threads->len, MAX_STACKS); i++)
    {
      PyStackVerdict verdict = py_stack_read (&stack, runtime, &g_array_index (threads, PyThread, i));

      for (guint j = 0; verdict == PY_STACK_OK && j < MIN (stack.n_frames, MAX_STACKS); j++)
        {
          guint generation;
          const PyCode *code = py_code_cache_lookup (codes, stack.frames[j].code, j, &generation);

          if (code != NULL)
            g_assert_cmpint (py_code_get_line (code, stack.frames[j].instruction), >=, G_MININT);
        }
    }
  py_stack_clear (&stack);
}

static void
read_everything (PyRuntime *runtime)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);
  g_autoptr (GArray) threads = py_threads_list (runtime);
  g_autoptr (PyThreadNames) names = py_thread_names_read (runtime);
  guint64 main_module = py_module_get_dict (runtime, py_runtime_get_main_interpreter (runtime), "__main__");

  g_assert_cmpuint (interpreters->len, <=, 256);
  py_thread_names_get (names, 0);
  g_free (py_object_get_string (runtime, py_dict_get (runtime, main_module, "__name__"), 100));
  read_stacks (runtime, threads);
}

/* What reading an interpreter takes, as an image, and a target over it. */
static HapTarget *
record (const HapTestPython *python, HapTestProcess *process, LyingMemory *memory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) live = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (HapImage) recording = NULL;
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (PyRuntime) recorded = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *maps = g_strdup_printf ("/proc/%u/maps", hap_test_process_get_pid (process));
  HapTarget *target;

  g_assert_no_error (error);
  recording = hap_image_record (hap_target_get_memory (live));
  memory->source = g_object_ref (HAP_MEMORY (recording));
  target = hap_target_new (hap_test_process_get_pid (process), -1, open (maps, O_RDONLY | O_CLOEXEC),
                           HAP_MEMORY (memory), hap_target_get_broker (live));
  runtime = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  read_everything (runtime);

  bytes = hap_image_save (recording);
  g_object_unref (memory->source);
  memory->source = HAP_MEMORY (hap_image_load (bytes, &error));
  g_assert_no_error (error);
  return target;
}

static void
test_lies (gconstpointer data)
{
  const HapTestPython *python = data;
  const char *const argv[] = { "describe.py", NULL };
  g_autoptr (LyingMemory) memory = g_object_new (TYPE_LYING_MEMORY, NULL);
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  g_autoptr (HapTarget) target = record (python, process, memory);
  g_autoptr (GError) error = NULL;
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);
  const char *given = g_getenv ("HAP_TEST_ROUNDS");
  guint n_rounds = given != NULL ? (guint)g_ascii_strtoull (given, NULL, 10) : DEFAULT_ROUNDS;
  guint n_honest, n_refused = 0;

  g_assert_no_error (error);
  memory->n_reads = 0;
  read_everything (runtime);
  n_honest = memory->n_reads;
  g_test_message ("an honest round: %u reads", n_honest);

  for (guint round = 0; round < n_rounds; round++)
    {
      memory->n_reads = 0;
      memory->one_in = 1 << g_rand_int_range (memory->rand, 1, 12);
      read_everything (runtime);
    }
  for (guint round = 0; round < n_rounds / 20; round++)
    {
      g_autoptr (PyDiscovery) discovery = NULL;

      memory->n_reads = 0;
      memory->one_in = 1 << g_rand_int_range (memory->rand, 1, 14);
      discovery = py_discover (target);
      n_refused += !discovery->supported;
      g_assert_true (discovery->supported == (discovery->reason == NULL) || !discovery->python);
    }
  g_assert_cmpuint (n_refused, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/python/hostile/lies", test_lies);
  return g_test_run ();
}
