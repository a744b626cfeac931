/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a caller's "target" means, the names of targets, and the processes that can be held.
 */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-discovery.h"
#include "service-targets.h"

static gboolean
parse (const char *text, guint *pid, char **name, GError **error)
{
  g_autoptr (GVariant) target = g_variant_ref_sink (g_variant_new_parsed (text));

  return service_targets_parse (target, pid, name, error);
}

static const char *const pids[] = { "byte 0x2a", "int16 42",  "uint16 42", "int32 42", "uint32 42",
                                    "int64 42",  "uint64 42", "'42'",      "'042'" };
static const char *const names[] = { "'home-assistant'", "'python-2'", "'a.b_c'" };
static const char *const bad[] = { "0",
                                   "-1",
                                   "'0'",
                                   "'-5'",
                                   "uint64 18446744073709551615",
                                   "int64 2147483648",
                                   "'2147483648'",
                                   "4.2",
                                   "'99999999999999999999'",
                                   "''",
                                   "'a b'",
                                   "'../x'",
                                   "'\\033[2J'",
                                   "true",
                                   "['42']",
                                   "<42>" };

static void
test_parse (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pids); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;
      guint pid = 0;

      parse (pids[i], &pid, &name, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (pid, ==, 42);
      g_assert_null (name);
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;
      guint pid = 1;

      parse (names[i], &pid, &name, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (pid, ==, 0);
      g_assert_nonnull (name);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;
      guint pid = 7;

      if (parse (bad[i], &pid, &name, &error))
        g_error ("%s was taken", bad[i]);
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
      g_assert_nonnull (strstr (error->message, "target"));
      g_assert_cmpuint (pid, ==, 7);
    }
}

static void
test_names (void)
{
  const struct
  {
    const char *name;
    gboolean home_assistant;
    const char *expected;
  } cases[] = {
    { "python", FALSE, "python-1000" },
    { "home-assistant", FALSE, "python-1001" },
    { "hass", TRUE, "home-assistant-1002" },
    { "hass", TRUE, "home-assistant-1003" },
    { "home-assistant-2", FALSE, "python-1004" },
    { "123", FALSE, "python-1005" },
    { "worker", FALSE, "worker" },
    { "poller", FALSE, "poller-1007" },
    { "poller", FALSE, "poller-1008" },
  };
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func ((GDestroyNotify)service_target_free);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ServiceTarget *target = g_new0 (ServiceTarget, 1);

      target->pid = 1000 + i;
      target->name = g_strdup (cases[i].name);
      target->home_assistant = cases[i].home_assistant;
      g_ptr_array_add (targets, target);
    }
  service_targets_make_unique (targets);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (((ServiceTarget *)targets->pdata[i])->name, ==, cases[i].expected);
}

static pid_t
start_child (void)
{
  pid_t child = fork ();

  if (child == 0)
    {
      pause ();
      _exit (0);
    }
  g_assert_cmpint (child, >, 0);
  return child;
}

static void
test_process (void)
{
  g_autoptr (GError) error = NULL;
  pid_t child = start_child ();
  g_autoptr (ServiceProcess) process = service_process_open ((guint)child, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (service_process_get_pid (process), ==, child);
  g_assert_cmpuint (service_process_get_uid (process), ==, geteuid ());
  g_assert_true (service_process_is_alive (process));

  /* Dead is dead, also before it is reaped. */
  kill (child, SIGKILL);
  g_assert_cmpint (waitid (P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), ==, 0);
  g_assert_false (service_process_is_alive (process));
  g_assert_null (service_process_open ((guint)child, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  g_clear_error (&error);

  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_null (service_process_open ((guint)child, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
}

static void
test_no_process (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (service_process_open (0, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_assert_null (service_process_open (G_MAXUINT, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_assert_null (service_process_open (G_MAXINT32, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
}

static void
test_kernel_thread (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *status = NULL;

  if (geteuid () != 0 || !g_file_get_contents ("/proc/2/status", &status, NULL, NULL)
      || !g_str_has_prefix (status, "Name:\tkthreadd\n"))
    {
      g_test_skip ("no kernel thread is to be seen from here, or not as root");
      return;
    }
  g_assert_null (service_process_open (2, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
}

static void
test_threads (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ServiceProcess) process = service_process_open ((guint)getpid (), &error);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) threads = NULL;
  g_autoptr (GVariant) rest = NULL;
  guint tid, last = 0;

  g_assert_no_error (error);
  threads = g_variant_ref_sink (service_process_open_threads (process, 0, fds, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (threads), >=, 1);
  g_assert_cmpint (g_unix_fd_list_get_length (fds), ==, 3 * (gint)g_variant_n_children (threads));
  for (gsize i = 0; i < g_variant_n_children (threads); i++)
    {
      g_variant_get_child (threads, i, "(uhhh)", &tid, NULL, NULL, NULL);
      g_assert_cmpuint (tid, >, last);
      last = tid;
    }

  rest = g_variant_ref_sink (service_process_open_threads (process, last, fds, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (rest), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/targets/parse", test_parse);
  g_test_add_func ("/service/targets/names", test_names);
  g_test_add_func ("/service/process/lives-and-dies", test_process);
  g_test_add_func ("/service/process/none", test_no_process);
  g_test_add_func ("/service/process/kernel-thread", test_kernel_thread);
  g_test_add_func ("/service/process/threads", test_threads);
  return g_test_run ();
}
