/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Counts what an observer says that cannot be: stacks of a target that told beforehand who may call whom. The
 * target's own file is judged; what lies between its functions (asyncio) is not.
 */

#include "truth.h"

#include "py-code.h"

typedef struct
{
  GHashTable *edges; /* "caller callee" */
  PyCodeCache *codes;
  char *file; /* base name */
} Oracle;

static void
read_edges (HapTestProcess *process, Oracle *oracle)
{
  for (;;)
    {
      g_autofree char *line = hap_test_process_read_line (process);

      g_assert_nonnull (line);
      if (g_str_equal (line, "done"))
        return;
      g_assert_true (g_str_has_prefix (line, "edge "));
      g_hash_table_add (oracle->edges, g_strdup (line + strlen ("edge ")));
    }
}

/* Looks at one stack, innermost frame first. */
static void
judge (Oracle *oracle, const PyStack *stack, Truth *truth)
{
  g_autofree char *callee = NULL;
  gint64 now = g_get_monotonic_time ();
  guint generation;

  truth->samples++;
  for (guint i = 0; i < stack->n_frames; i++)
    {
      const PyCode *code = py_code_cache_lookup (oracle->codes, stack->frames[i].code, now, &generation);
      g_autofree char *edge = NULL;

      if (code == NULL)
        {
          truth->unreadable++;
          return;
        }
      if (!g_str_has_suffix (code->filename, oracle->file))
        continue;
      edge = g_strconcat (code->name, " ", callee, NULL);
      if (callee != NULL && !g_hash_table_contains (oracle->edges, edge))
        {
          if (truth->impossible++ < 3)
            g_test_message ("impossible: %s (frame %u of %u)", edge, i, stack->n_frames);
          return;
        }
      g_free (callee);
      callee = g_strdup (code->name);
    }
}

void
truth_measure (const HapTestPython *python,
               const char *const *argv,
               PyPrecision precision,
               guint64 samples,
               Truth *truth)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (python, argv);
  Oracle oracle = { .edges = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (PyRuntime) runtime = NULL;
  g_autoptr (PyObserver) observer = NULL;
  gint64 start;

  *truth = (Truth){ 0 };
  oracle.file = g_path_get_basename (argv[0]);
  read_edges (process, &oracle);

  target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_assert_no_error (error);
  hap_test_allow_tracers (target, G_MAXUINT);
  runtime = py_runtime_attach (target, &error);
  g_assert_no_error (error);
  observer = py_observer_new (target, runtime, precision);
  oracle.codes = py_code_cache_new (runtime, 65536, G_USEC_PER_SEC);

  start = g_get_monotonic_time ();
  while (truth->samples < samples)
    {
      GPtrArray *observations = py_observer_observe (observer, &error);

      g_assert_no_error (error);
      for (guint i = 0; i < observations->len; i++)
        {
          const PyObservation *observation = g_ptr_array_index (observations, i);

          if (observation->valid)
            judge (&oracle, &observation->stack, truth);
        }
    }
  truth->seconds = (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  truth->counts = *py_observer_get_counts (observer);
  g_assert_true (hap_test_process_is_alive (process));

  py_code_cache_free (oracle.codes);
  g_hash_table_unref (oracle.edges);
  g_free (oracle.file);
}
