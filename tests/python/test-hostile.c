/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A recorded interpreter whose memory lies: words that come out changed, other ones in each round. Nothing
 * may crash, and no round may read without end. HAP_TEST_ROUNDS: how many rounds.
 */

#include <fcntl.h>
#include <unistd.h>

#include "hap-image.h"
#include "hap-test-lies.h"
#include "hap-test.h"
#include "py-code.h"
#include "py-discover.h"
#include "py-frames.h"
#include "py-objects.h"

#define DEFAULT_ROUNDS 2000
#define SEED 20250101
#define MAX_READS 2000000 /* in one round; an honest one needs some thousands */
#define MAX_STACKS 64

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
  for (guint i = 0; i < threads->len; i++)
    py_thread_names_get (names, &g_array_index (threads, PyThread, i));
  g_free (py_object_get_string (runtime, py_dict_get (runtime, main_module, "__name__"), 100));
  read_stacks (runtime, threads);
}

/* What reading an interpreter takes, as an image, and a target over it. */
static HapTarget *
record (HapTestProcess *process, HapTestLies *memory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) live = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (HapImage) recording = NULL;
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (HapImage) loaded = NULL;
  g_autofree char *maps = g_strdup_printf ("/proc/%u/maps", hap_test_process_get_pid (process));
  HapTarget *target;

  g_assert_no_error (error);
  recording = hap_image_record (hap_target_get_memory (live));
  hap_test_lies_set_source (memory, HAP_MEMORY (recording));
  target = hap_target_new (hap_test_process_get_pid (process), -1, open (maps, O_RDONLY | O_CLOEXEC),
                           HAP_MEMORY (memory), hap_target_get_broker (live));
  runtime = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  read_everything (runtime);

  bytes = hap_image_save (recording);
  loaded = hap_image_load (bytes, &error);
  g_assert_no_error (error);
  hap_test_lies_set_source (memory, HAP_MEMORY (loaded));
  return target;
}

static void
test_lies (gconstpointer data)
{
  const char *const argv[] = { "describe.py", NULL };
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);
  g_autoptr (HapTestLies) memory = hap_test_lies_new (SEED, MAX_READS);
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = record (process, memory);
  g_autoptr (GError) error = NULL;
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, &error);
  guint n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS);
  guint n_refused = 0;

  g_assert_no_error (error);
  hap_test_lies_begin (memory, 0);
  read_everything (runtime);
  g_test_message ("an honest round: %u reads", hap_test_lies_get_reads (memory));

  for (guint round = 0; round < n_rounds; round++)
    {
      hap_test_lies_begin (memory, 1U << g_rand_int_range (rand, 1, 12));
      read_everything (runtime);
    }
  for (guint round = 0; round < n_rounds / 20; round++)
    {
      g_autoptr (PyDiscovery) discovery = NULL;

      hap_test_lies_begin (memory, 1U << g_rand_int_range (rand, 1, 14));
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
