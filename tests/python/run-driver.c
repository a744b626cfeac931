/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * run-driver PID: runs code in a process again and again, and switches something on and off in it, until it
 * is killed. For kill-runs.
 */

#include <stdio.h>
#include <stdlib.h>

#include "hap-test.h"
#include "py-run.h"

#define TIMEOUT 10

#define SNIPPET                                                                                              \
  "import sys\n"                                                                                             \
  "def run(arguments):\n"                                                                                    \
  "    if arguments['lasts']:\n"                                                                             \
  "        stay(lambda: None)\n"                                                                             \
  "    return len(sys.modules)\n"

static void
run (HapTarget *target, PyRuntime *runtime, gboolean lasts)
{
  g_autoptr (PyRun) self = py_run_new (target, runtime);
  g_autoptr (JsonNode) value = NULL;
  GVariantDict arguments;
  PyRunEvent event;

  g_variant_dict_init (&arguments, NULL);
  g_variant_dict_insert (&arguments, "lasts", "b", lasts);
  if (py_run_start (self, SNIPPET, g_variant_dict_end (&arguments), TIMEOUT, NULL, NULL))
    py_run_next (self, &event, &value, TIMEOUT, NULL, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  guint pid = argc == 2 ? (guint)strtoul (argv[1], NULL, 10) : 0;
  g_autoptr (HapTarget) target = hap_test_attach (pid, TRUE, &error);
  g_autoptr (PyRuntime) runtime = NULL;

  if (target != NULL)
    {
      hap_test_allow_tracers (target, G_MAXUINT);
      runtime = py_runtime_attach (target, &error);
    }
  if (runtime == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  puts ("ready");
  fflush (stdout);
  for (guint i = 0; hap_target_is_alive (target); i++)
    run (target, runtime, i % 4 == 3);
  return EXIT_SUCCESS;
}
