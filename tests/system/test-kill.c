/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Kills the service, a worker or a tracer at random moments of what they do to a process, from attaching to
 * letting go, and looks whether that process suffers: it must live, run, be traced by nobody, get the results
 * of its system calls and of its sums, and in the end have no copy of itself, no descriptor and no profiler
 * of ours. On every interpreter at hand, idle and loaded, with threads and without.
 *
 * HAP_TEST_KILLS: how many kills that hit for each of these; 2 by default. Prints how many of whom, and
 * what the process itself counted of what went wrong.
 */

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "hap-test.h"
#include "service-fixture.h"

/* How long until a process counts as standing still; longer than a request may take. */
#define PATIENCE_US (60 * G_USEC_PER_SEC)

/* After so many, what was left behind must go. */
#define CLEAN_AFTER 25

static const char *const real[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                    "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                    "--plugin-dir=" HAP_TEST_BUILD "/plugins", NULL };

static const char *const victims[] = { "ha-profiler-tracer", "ha-profiler-worker", "ha-profilerd" };
#define N_VICTIMS G_N_ELEMENTS (victims)

/* What they are at: exact sampling, a snapshot, running code, that with sampling and what lasts, and in
 * copies. */
static const struct
{
  const char *method, *data;
} actions[] = {
  { "Start", "'seconds': <0.1>, 'rate': <1000>, 'precision': <'exact'>, 'formats': <['collapsed']>" },
  { "LruStats", NULL },
  { "SetAsyncioDebug", "'seconds': <0.05>" },
  { "Start", "'seconds': <0.05>, 'mode': <'tracing'>, 'formats': <['collapsed']>" },
  { "DumpLogObjects", "'type': <'module'>, 'limit': <uint32 3>" },
};
#define N_ACTIONS G_N_ELEMENTS (actions)

static const char *const modes[] = { "idle", "busy", "dozing", "spinning" };

typedef struct
{
  const HapTestPython *python;
  const char *mode;
} Cell;

/* What kill.py says. */
typedef struct
{
  guint64 rounds, wrong, watched;
} Counts;

typedef struct
{
  Fixture fixture;
  HapTestProcess *process;
  char *file;
  volatile Counts *counts;
  guint n_files;
  gint64 durations[N_ACTIONS]; /* microseconds */
  guint killed[N_VICTIMS], missed;
} Session;

static void
start_target (Session *self, const Cell *cell)
{
  const char *root = cell->python->root != NULL ? cell->python->root : "";
  g_autofree char *pattern = g_strdup_printf ("%s/tmp/hap-kill-XXXXXX", root);
  g_autofree char *directory = g_strdup_printf ("%s/tmp", root);
  int fd = g_mkstemp (pattern);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, 4096), ==, 0);
  self->counts = mmap (NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  g_assert_true (self->counts != MAP_FAILED);
  close (fd);
  self->process = hap_test_spawn (
      cell->python, (const char *const[]){ "kill.py", cell->mode, pattern + strlen (root), NULL });
  self->file = g_steal_pointer (&pattern);
}

static void
end_target (Session *self)
{
  g_clear_pointer (&self->process, hap_test_process_free);
  munmap ((void *)self->counts, 4096);
  g_unlink (self->file);
  g_free (self->file);
}

static guint
count_names (guint pid, const char *directory)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/%s", pid, directory);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static GStrv
list_children (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/children", pid, pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_new0 (char *, 1);
  return g_strsplit (g_strstrip (text), " ", -1);
}

static guint
get_service (Session *self)
{
  return (guint)g_ascii_strtoull (g_subprocess_get_identifier (self->fixture.service), NULL, 10);
}

static gboolean
is_free (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task", pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *tid;

  while (dir != NULL && (tid = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *status = g_build_filename (path, tid, "status", NULL);
      g_autofree char *text = NULL;

      if (g_file_get_contents (status, &text, NULL, NULL)
          && (strstr (text, "\nTracerPid:\t0\n") == NULL || strstr (text, "\nState:\tT") != NULL
              || strstr (text, "\nState:\tt") != NULL))
        return FALSE;
    }
  return TRUE;
}

typedef gboolean (*Condition) (Session *self);

static gboolean
wait_for (Session *self, Condition condition)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (!condition (self))
    {
      if (g_get_monotonic_time () > deadline)
        return FALSE;
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (500);
    }
  return TRUE;
}

static gboolean
target_is_free (Session *self)
{
  return is_free (hap_test_process_get_pid (self->process));
}

static gboolean
target_is_unwatched (Session *self)
{
  return self->counts->watched == 0;
}

static gboolean
target_has_no_children (Session *self)
{
  g_auto (GStrv) children = list_children (hap_test_process_get_pid (self->process));

  return children[0] == NULL || *children[0] == '\0';
}

static gboolean
service_is_at_rest (Session *self)
{
  g_auto (GStrv) children = list_children (get_service (self));

  return children[0] == NULL || *children[0] == '\0';
}

static guint64 rounds_wanted;

static gboolean
target_goes_on (Session *self)
{
  return self->counts->rounds >= rounds_wanted;
}

/* Who is to be killed now; 0: it is not there. */
static guint
find_victim (Session *self, guint victim)
{
  guint service = get_service (self);
  g_auto (GStrv) children = NULL;

  if (victim == N_VICTIMS - 1)
    return service;
  children = list_children (service);
  for (guint i = 0; children[i] != NULL; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s/cmdline", children[i]);
      g_autofree char *command = NULL;

      if (g_file_get_contents (path, &command, NULL, NULL) && g_str_has_suffix (command, victims[victim]))
        return (guint)g_ascii_strtoull (children[i], NULL, 10);
    }
  return 0;
}

static void
on_answered (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, NULL);

  *(gboolean *)data = TRUE;
}

static void
call (Session *self, guint action, gboolean *answered)
{
  g_autofree char *text = g_strdup_printf (
      "({'target': <uint32 %u>%s%s},)", hap_test_process_get_pid (self->process),
      actions[action].data != NULL ? ", " : "", actions[action].data != NULL ? actions[action].data : "");
  g_autoptr (GError) error = NULL;
  GVariant *data = g_variant_parse (G_VARIANT_TYPE ("(a{sv})"), text, NULL, NULL, &error);

  g_assert_no_error (error);
  *answered = FALSE;
  g_dbus_connection_call (self->fixture.connection, PROFILER_NAME, PROFILER_PATH, PROFILER_NAME,
                          actions[action].method, data, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL,
                          on_answered, answered);
  g_dbus_connection_flush_sync (self->fixture.connection, NULL, NULL);
}

static void
await_end (Session *self, gboolean *answered)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  while (!*answered || !service_is_at_rest (self))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (500);
    }
}

/* Undisturbed. */
static void
perform (Session *self, guint action)
{
  gboolean answered;

  call (self, action, &answered);
  await_end (self, &answered);
}

static gboolean
name_is_free (Session *self)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->fixture.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "NameHasOwner", g_variant_new ("(s)", PROFILER_NAME), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  gboolean owned = TRUE;

  g_variant_get (reply, "(b)", &owned);
  return !owned;
}

static gboolean
is_gone (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *stat = NULL;

  return !g_file_get_contents (path, &stat, NULL, NULL) || strrchr (stat, ')')[2] == 'Z';
}

/* What a service leaves ends with it. */
static void
start_service_again (Session *self, char **children)
{
  const gint64 deadline = g_get_monotonic_time () + PATIENCE_US;

  g_subprocess_wait (self->fixture.service, NULL, NULL);
  g_clear_object (&self->fixture.service);
  for (guint i = 0; children[i] != NULL && *children[i] != '\0'; i++)
    while (!is_gone (children[i]))
      {
        g_assert_cmpint (g_get_monotonic_time (), <, deadline);
        g_usleep (500);
      }
  g_assert_true (wait_for (self, name_is_free));
  fixture_start_service (&self->fixture, real);
}

/* Whether there was somebody to be killed. */
static gboolean
kill_once (Session *self, guint action, guint victim)
{
  g_auto (GStrv) children = NULL;
  gboolean answered;
  guint pid;

  call (self, action, &answered);
  g_usleep ((gulong)g_test_rand_int_range (0, (gint32)self->durations[action]));
  children = list_children (get_service (self));
  pid = find_victim (self, victim);
  if (pid != 0)
    kill ((pid_t)pid, SIGKILL);
  self->killed[victim] += pid != 0;
  self->missed += pid == 0;
  if (victim != N_VICTIMS - 1)
    {
      await_end (self, &answered);
      return pid != 0;
    }
  start_service_again (self, children);
  while (!answered)
    g_main_context_iteration (NULL, TRUE);
  return TRUE;
}

static void
assert_unharmed (Session *self)
{
  g_assert_true (hap_test_process_is_alive (self->process));
  g_assert_true (wait_for (self, target_is_free));
  rounds_wanted = self->counts->rounds + 2;
  g_assert_true (wait_for (self, target_goes_on));
  if (!wait_for (self, target_is_unwatched))
    g_assert_cmpuint (self->counts->watched, ==, 0);
  g_assert_cmpuint (self->counts->wrong, ==, 0);
}

/* What a killed one left, the next one takes away, when it can: copies, and descriptors. */
static void
assert_cleaned (Session *self)
{
  const gint64 deadline = g_get_monotonic_time () + 4 * PATIENCE_US;
  guint pid = hap_test_process_get_pid (self->process);

  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      perform (self, 1);
      perform (self, 2);
      wait_for (self, target_is_unwatched);
    }
  while (!target_has_no_children (self) || count_names (pid, "fd") > self->n_files);
}

static void
test_kills (gconstpointer data)
{
  const Cell *cell = data;
  const char *wanted = g_getenv ("HAP_TEST_KILLS");
  guint64 n = wanted != NULL ? g_ascii_strtoull (wanted, NULL, 10) : 2;
  Session self = { .process = NULL };
  guint n_tries = 0;

  if (!fixture_set_up (&self.fixture, real))
    return;
  start_target (&self, cell);
  rounds_wanted = 2; /* by then it has all that it opens */
  g_assert_true (wait_for (&self, target_goes_on));
  self.n_files = count_names (hap_test_process_get_pid (self.process), "fd");
  for (guint i = 0; i < N_ACTIONS; i++)
    {
      gint64 begin = g_get_monotonic_time ();

      perform (&self, i);
      self.durations[i] = g_get_monotonic_time () - begin;
    }
  for (guint64 i = 0; i < n;)
    {
      i += kill_once (&self, (guint)g_test_rand_int_range (0, N_ACTIONS),
                      (guint)g_test_rand_int_range (0, N_VICTIMS));
      assert_unharmed (&self);
      if (++n_tries % CLEAN_AFTER == 0)
        assert_cleaned (&self);
    }
  assert_cleaned (&self);
  g_test_message (
      "%s %s: killed %u tracers, %u workers, %u services; %u were not there; of %" G_GUINT64_FORMAT
      " rounds of the process %" G_GUINT64_FORMAT " went wrong",
      cell->python->version, cell->mode, self.killed[0], self.killed[1], self.killed[2], self.missed,
      self.counts->rounds, self.counts->wrong);
  end_target (&self);
  fixture_tear_down (&self.fixture);
}

int
main (int argc, char **argv)
{
  GPtrArray *pythons = hap_test_list_pythons (TRUE);

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < pythons->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
      {
        Cell *cell = g_new (Cell, 1);
        g_autofree char *path = NULL;

        *cell = (Cell){ pythons->pdata[i], modes[j] };
        path = g_strdup_printf ("/system/kills/%s/%s", cell->python->version, cell->mode);
        g_test_add_data_func_full (path, cell, test_kills, g_free);
      }
  return g_test_run ();
}
