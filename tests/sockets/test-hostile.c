/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sockets of a recorded heap whose memory lies: words that come out changed, other ones in each round.
 * Nothing may crash, and no round may read without end. HAP_TEST_ROUNDS: how many rounds.
 */

#include "hap-image.h"
#include "hap-test-lies.h"
#include "hap-test.h"
#include "sockets-objects.h"

#define DEFAULT_ROUNDS 3
#define SEED 20250103
#define MAX_READS 20000000 /* in one round; an honest one needs some hundred thousand */

/* Returns: how many socket objects there seem to be */
static guint
read_sockets (PyRuntime *runtime, HapMaps *maps)
{
  g_autoptr (PyHeap) heap = py_heap_new (runtime, maps, PY_HEAP_WITH_REFERENCES, NULL, NULL);
  g_autoptr (GPtrArray) objects = heap != NULL ? sockets_objects_read (heap, NULL, NULL) : NULL;

  return objects != NULL ? objects->len : 0;
}

static void
test_lies (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "sockets.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (HapTestLies) memory = hap_test_lies_new (SEED, MAX_READS);
  g_autoptr (HapImage) recording = NULL;
  g_autoptr (PyRuntime) live = NULL, runtime = NULL;
  guint n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS);
  HapMaps *maps;

  g_assert_no_error (error);
  live = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  maps = hap_target_get_maps (target, &error);
  g_assert_no_error (error);

  recording = hap_image_record (hap_target_get_memory (target));
  hap_test_lies_set_source (memory, HAP_MEMORY (recording));
  runtime = py_runtime_with_memory (live, HAP_MEMORY (memory));
  g_assert_cmpuint (read_sockets (runtime, maps), >, 20);
  for (guint i = 0; i < n_rounds; i++)
    {
      hap_test_lies_begin (memory, 2U << (2 * (i % 6)));
      read_sockets (runtime, maps);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/sockets/hostile/lies", test_lies);
  return g_test_run ();
}
