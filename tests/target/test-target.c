/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A HapTarget through what happens to a process: threads come and go, it calls exec, it ends. */

#include "hap-test.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-image.h"

static HapTarget *
attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);

  g_assert_no_error (error);
  return target;
}

static gboolean
can_read (HapTarget *target, guint64 address)
{
  guint8 byte;

  return hap_memory_read_u8 (hap_target_get_memory (target), address, &byte);
}

static guint64
get_first_address (HapTarget *target)
{
  g_autoptr (GError) error = NULL;
  HapMaps *maps = hap_target_get_maps (target, &error);

  g_assert_no_error (error);
  return hap_maps_get (maps, 0)->start;
}

/* The numbers that the target's own namespace gives its threads lead to them. */
static void
test_threads (gconstpointer data)
{
  static const char *const argv[] = { "threads.py", "150", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  g_autofree char *line = hap_test_process_read_line (process);
  g_auto (GStrv) numbers = g_strsplit (line, " ", -1);
  g_autoptr (GError) error = NULL;

  g_assert_true (hap_target_refresh_threads (target, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (hap_target_get_n_threads (target), ==, 151);
  g_assert_cmpuint (g_strv_length (numbers), ==, 151);
  for (guint i = 0; numbers[i] != NULL; i++)
    {
      const HapThread *thread = hap_target_find_thread (target, g_ascii_strtoull (numbers[i], NULL, 10));
      HapThreadActivity activity;

      g_assert_nonnull (thread);
      while (hap_thread_read_state (thread) != 'S')
        g_thread_yield ();
      g_assert_true (hap_thread_read_activity (thread, &activity));
      g_assert_cmpuint (activity.switches, >, 0);
    }
  g_assert_null (hap_target_find_thread (target, 0));
  g_assert_null (hap_target_find_thread (target, G_MAXUINT));
}

/* A thread says that it stops while it is on a processor, whose time is counted later. Of one that is not off
 * yet, or runs, this file shows nothing (Linux, lib/syscall.c). */
static void
await_off_processor (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/syscall", pid);
  gboolean off = FALSE;

  while (!off)
    {
      g_autofree char *text = NULL;

      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      off = !g_str_has_prefix (text, "running");
    }
}

/* A busy thread's time grows; one asleep has the same at two moments. */
static void
test_activity (gconstpointer data)
{
  static const char *const argv[] = { "busy.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  HapThreadActivity before, after;
  guint64 run, switches;
  const HapThread *thread;
  guint ns_tid = ((const HapTestPython *)data)->root != NULL ? 1 : hap_test_process_get_pid (process);

  g_assert_true (hap_target_refresh_threads (target, NULL));
  thread = hap_target_find_thread (target, ns_tid);
  g_assert_nonnull (thread);
  g_assert_true (hap_thread_read_activity (thread, &before));
  g_assert_true (before.running);
  g_assert_cmpint (before.state, ==, 'R');
  do
    g_assert_true (hap_thread_read_schedule (thread, &run, &switches));
  while (run == before.run_ns);

  kill (hap_test_process_get_pid (process), SIGSTOP);
  while (hap_thread_read_state (thread) != 'T')
    g_thread_yield ();
  await_off_processor (hap_test_process_get_pid (process));
  g_assert_true (hap_thread_read_activity (thread, &before));
  g_assert_true (hap_thread_read_activity (thread, &after));
  g_assert_false (after.running);
  g_assert_cmpuint (after.run_ns, ==, before.run_ns);
  g_assert_cmpuint (after.switches, ==, before.switches);
  g_assert_cmpuint (after.run_ns, >=, run);
}

static int
make_file (const char *text)
{
  int fd = memfd_create ("stat", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

/* A thread may be named anything, also like the rest of the line. */
static void
test_stat (void)
{
  static const struct
  {
    const char *stat, *schedstat;
    char state;
    gboolean activity;
    guint64 run_ns, switches;
  } cases[] = {
    { "1 (a) S 1 2 3 0\n", "12 34 56\n", 'S', TRUE, 12, 56 },
    { "1 (a) R 1 2 (b) S 1 2 3 0\n", "18446744073709551615 0 4\n", 'S', TRUE, G_MAXUINT64, 4 },
    { "1 () D 1\n", "0 0 0\n", 'D', TRUE, 0, 0 },
    { "1 (()) R 1\n", "7\n", 'R', TRUE, 7, 0 },
    { "1 (a) Z 1\n", "1 2 3\n", '\0', FALSE, 0, 0 },
    { "1 (a) X 1\n", "1 2 3\n", '\0', FALSE, 0, 0 },
    { "", "", '\0', FALSE, 0, 0 },
    { "1 (a", "1 2 3\n", '\0', FALSE, 0, 0 },
    { "1 (a)", "1 2 3\n", '\0', FALSE, 0, 0 },
    { "1 (a) ", "1 2 3\n", '\0', FALSE, 0, 0 },
    { "1 (a) S", "", 'S', FALSE, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      HapThread thread = { 1, 1, make_file (cases[i].stat), make_file (cases[i].schedstat) };
      HapThreadActivity activity = { .run_ns = 99 };

      g_assert_cmpint (hap_thread_read_state (&thread), ==, cases[i].state);
      g_assert_cmpint (hap_thread_read_activity (&thread, &activity), ==, cases[i].activity);
      g_assert_cmpuint (activity.run_ns, ==, cases[i].activity ? cases[i].run_ns : 99);
      if (cases[i].activity)
        g_assert_cmpuint (activity.switches, ==, cases[i].switches);
      hap_thread_clear (&thread);
      g_assert_cmpint (thread.stat_fd, ==, -1);
    }
}

static void
test_hostile_name (void)
{
  const HapTestPython program = { .path = (char *)ELF_TARGET };
  const char *argv[] = { NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (&program, argv);
  g_autoptr (HapTarget) target = attach (process);
  const HapThread *thread;

  g_assert_true (hap_target_refresh_threads (target, NULL));
  thread = hap_target_find_thread (target, hap_test_process_get_pid (process));
  while (hap_thread_read_state (thread) != 'S')
    g_thread_yield ();
  kill (hap_test_process_get_pid (process), SIGKILL);
  while (hap_test_process_is_alive (process))
    g_thread_yield ();
  g_assert_cmpint (hap_thread_read_state (thread), ==, '\0');
}

static void
test_exec (gconstpointer data)
{
  static const char *const argv[] = { "exec.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (HapTarget) again = NULL;
  guint64 address = get_first_address (target);
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (can_read (target, address));
  g_assert_false (hap_target_has_execed (target));

  hap_test_process_write_line (process, "now");
  line = hap_test_process_read_line (process);
  g_assert_cmpstr (line, ==, "ready");

  g_assert_true (hap_target_is_alive (target));
  g_assert_true (hap_target_has_execed (target));
  g_assert_false (can_read (target, address));
  g_assert_false (hap_target_refresh_maps (target, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);

  /* Nor does it read the new program, which is there. */
  again = attach (process);
  g_assert_true (can_read (again, get_first_address (again)));
  g_assert_false (can_read (target, get_first_address (again)));
  g_assert_false (hap_target_has_execed (again));
}

static void
test_end (gconstpointer data)
{
  static const char *const argv[] = { "idle.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  guint64 address = get_first_address (target);
  g_autoptr (GError) error = NULL;

  g_assert_true (hap_target_is_alive (target));
  kill (hap_test_process_get_pid (process), SIGKILL);
  while (hap_test_process_is_alive (process))
    g_thread_yield ();
  g_assert_false (hap_target_is_alive (target));
  g_assert_false (hap_target_has_execed (target));
  g_assert_false (can_read (target, address));
  g_assert_false (hap_target_refresh_maps (target, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
}

/* A process that ends has no memory for a while before it is seen to have ended: that is no exec. */
static void
test_large_end (void)
{
  static const char *const argv[] = { "-c", "x = b'x' * (200 << 20); print('ready', flush=True); input()",
                                      NULL };
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (g_ptr_array_index (hap_test_list_pythons (TRUE), 0), argv);
  g_autoptr (HapTarget) target = attach (process);
  guint64 address = get_first_address (target);
  guint between = 0;

  kill (hap_test_process_get_pid (process), SIGKILL);
  while (hap_target_is_alive (target))
    {
      between += !can_read (target, address);
      g_assert_false (hap_target_has_execed (target));
    }
  g_test_message ("seen without memory %u times", between);
}

static void
test_no_tracer (void)
{
  static const char *const argv[] = { "idle.py", NULL };
  g_autoptr (HapTestProcess) process =
      hap_test_spawn (g_ptr_array_index (hap_test_list_pythons (TRUE), 0), argv);
  g_autoptr (HapTarget) target = attach (process);
  g_autoptr (GError) error = NULL;

  g_assert_false (hap_target_hold (target, 0, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
}

static void
test_attach_nowhere (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hap_test_attach (4194303, FALSE, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/target/thread/stat", test_stat);
  g_test_add_func ("/target/thread/hostile-name", test_hostile_name);
  g_test_add_func ("/target/large-end", test_large_end);
  g_test_add_func ("/target/no-tracer", test_no_tracer);
  g_test_add_func ("/target/attach-nowhere", test_attach_nowhere);
  hap_test_add ("/target/threads", test_threads);
  hap_test_add ("/target/activity", test_activity);
  hap_test_add ("/target/exec", test_exec);
  hap_test_add ("/target/end", test_end);
  return g_test_run ();
}
