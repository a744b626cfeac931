/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tasks and handles of a recorded process whose memory lies: words that come out changed, other ones in
 * each round. Nothing may crash, and no round may read without end. HAP_TEST_ROUNDS: how
 * many rounds.
 */

#include "hap-image.h"
#include "hap-test-lies.h"
#include "hap-test.h"
#include "py-asyncio.h"
#include "py-coroutine.h"
#include "py-future.h"
#include "py-repr.h"

#define DEFAULT_ROUNDS 30
#define SEED 20250102
#define MAX_READS 20000000 /* in one round; an honest one needs some hundred thousand */
#define MAX_SHOWN 100

/* Returns: how many tasks and handles were printed */
static guint
read_everything (PyRuntime *runtime, HapMaps *maps)
{
  g_autoptr (PyAsyncio) asyncio = py_asyncio_new (runtime, maps, NULL);
  g_autoptr (GArray) loops = NULL, tasks = NULL;
  PyInspector *inspector;
  guint n = 0;

  if (asyncio == NULL)
    return 0;
  inspector = py_asyncio_get_inspector (asyncio);
  loops = py_asyncio_list_loops (asyncio);
  tasks = py_asyncio_list_tasks (asyncio);
  for (guint i = 0; i < loops->len; i++)
    {
      guint64 loop = g_array_index (loops, PyLoop, i).address;
      g_autoptr (GArray) handles = py_inspector_get_items (
          inspector, py_inspector_get_attribute (inspector, loop, "_scheduled"), MAX_SHOWN, NULL);

      for (guint j = 0; handles != NULL && j < handles->len; j++, n++)
        g_free (py_repr (inspector, g_array_index (handles, guint64, j)));
    }
  for (guint i = 0; i < MIN (tasks->len, MAX_SHOWN); i++, n++)
    {
      gboolean whole;
      PyFuture task;
      g_autofree char *text = py_repr (inspector, g_array_index (tasks, guint64, i));

      g_assert_cmpuint (strlen (text), <, 2 * PY_REPR_MAX);
      if (py_future_read (inspector, g_array_index (tasks, guint64, i), &task))
        g_array_unref (py_coroutine_read_chain (inspector, task.coroutine, &whole));
    }
  return n;
}

static void
test_lies (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "tasks.py", NULL });
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (PyRuntime) live = NULL, runtime = NULL;
  g_autoptr (HapTestLies) memory = hap_test_lies_new (SEED, MAX_READS);
  g_autoptr (HapImage) recording = NULL;
  guint n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS);
  HapMaps *maps;

  for (;;)
    {
      g_autofree char *line = hap_test_process_read_line (process);

      g_assert_nonnull (line);
      if (g_str_equal (line, "done"))
        break;
    }
  target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_assert_no_error (error);
  live = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  maps = hap_target_get_maps (target, &error);
  g_assert_no_error (error);

  recording = hap_image_record (hap_target_get_memory (target));
  hap_test_lies_set_source (memory, HAP_MEMORY (recording));
  runtime = py_runtime_with_memory (live, HAP_MEMORY (memory));
  g_assert_cmpuint (read_everything (runtime, maps), >, 100);
  for (guint i = 0; i < n_rounds; i++)
    {
      hap_test_lies_begin (memory, 10U << (i % 10));
      read_everything (runtime, maps);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/tasks/hostile/lies", test_lies);
  return g_test_run ();
}
