/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Targets that count what must not happen to them, and what the kernel says of their threads.
 */

#include "tracer-test.h"

#include <string.h>

HapTestProcess *
tracer_test_spawn_with (const char *mode, const char *argument)
{
  const HapTestPython program = { .path = (char *)TRACER_TARGET };
  const char *argv[] = { mode, argument, NULL };

  return hap_test_spawn (&program, argv);
}

HapTestProcess *
tracer_test_spawn (const char *mode)
{
  return tracer_test_spawn_with (mode, NULL);
}

HapTarget *
tracer_test_attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);

  g_assert_no_error (error);
  return target;
}

GArray *
tracer_test_list_threads (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task", pid);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  GArray *tids = g_array_new (FALSE, FALSE, sizeof (guint));
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      guint tid = g_ascii_strtoull (name, NULL, 10);

      g_array_append_val (tids, tid);
    }
  return tids;
}

char
tracer_test_get_state (guint pid, guint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/stat", pid, tid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return '\0';
  return strrchr (text, ')')[2];
}

void
tracer_test_wait_for_state (guint pid, guint tid, const char *states)
{
  while (strchr (states, tracer_test_get_state (pid, tid)) == NULL)
    g_thread_yield ();
}

guint
tracer_test_get_other_thread (guint pid)
{
  g_autoptr (GArray) tids = tracer_test_list_threads (pid);

  for (guint i = 0; i < tids->len; i++)
    if (g_array_index (tids, guint, i) != pid)
      return g_array_index (tids, guint, i);
  g_assert_not_reached ();
}

gboolean
tracer_test_is_traced (guint pid, guint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/status", pid, tid);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && strstr (text, "\nTracerPid:\t0\n") == NULL;
}

void
tracer_test_wait_until_free (guint pid, guint tid)
{
  while (tracer_test_is_traced (pid, tid))
    g_thread_yield ();
}

gint64
tracer_test_get_count (HapTestProcess *process)
{
  g_autofree char *line = NULL;

  hap_test_process_write_line (process, "count");
  line = hap_test_process_read_line (process);
  g_assert_nonnull (line);
  return g_ascii_strtoll (line, NULL, 10);
}

gboolean
tracer_test_hold (HapTarget *target, guint tid)
{
  g_autoptr (GError) error = NULL;

  if (hap_target_hold (target, tid, &error))
    return TRUE;
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  return FALSE;
}

gboolean
tracer_test_let_go (HapTarget *target)
{
  g_autoptr (GError) error = NULL;

  if (hap_target_let_go (target, NULL, &error))
    return TRUE;
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  return FALSE;
}

void
tracer_test_visit (HapTarget *target, guint tid)
{
  if (tracer_test_hold (target, tid))
    tracer_test_let_go (target);
}
