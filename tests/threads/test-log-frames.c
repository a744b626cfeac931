/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LogThreadFrames as a worker runs it, without a service: what it reports is compared, on every interpreter
 * at hand, with what the target says of itself; and it answers of targets that cannot say anything.
 */

#include <signal.h>
#include <stdlib.h>

#include "hap-test-action.h"

/* How often what takes a moment (a thread on its way to its lock) is looked at again. */
#define MAX_LOOKS 2000

static HapTestReport *
run_with (HapTestProcess *process, const char *attributes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (HapTestReport) report = NULL;

  target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  g_assert_no_error (error);
  report = hap_test_run_action (target, "threads", "LogThreadFrames", attributes, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&report);
}

static HapTestReport *
run (HapTestProcess *process)
{
  return run_with (process, NULL);
}

static HapTestProcess *
spawn (gconstpointer python, const char *script, const char *argument)
{
  return hap_test_spawn (python, (const char *const[]){ script, argument, NULL });
}

/* NULL: there is no such field. */
static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = NULL;

  g_assert_nonnull (entry);
  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

static gboolean
is_true (GVariant *entry, const char *key)
{
  gboolean value;

  g_assert_true (g_variant_lookup (entry, key, "b", &value));
  return value;
}

/* All entries are of threads but the last. */
static guint
count_threads (HapTestReport *report)
{
  return hap_test_report_get_entries (report)->len - 1;
}

static GVariant *
get_sum (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  return entries->pdata[entries->len - 1];
}

/* The entry whose field has this value; NULL if there is none. */
static GVariant *
find (HapTestReport *report, const char *key, const char *value)
{
  for (guint i = 0; i < count_threads (report); i++)
    {
      GVariant *entry = hap_test_report_get_entries (report)->pdata[i];

      if (g_strcmp0 (get_text (entry, key), value) == 0)
        return entry;
    }
  return NULL;
}

static GVariant *
find_ident (HapTestReport *report, guint64 ident)
{
  for (guint i = 0; i < count_threads (report); i++)
    {
      GVariant *entry = hap_test_report_get_entries (report)->pdata[i];
      guint64 found;

      g_assert_true (g_variant_lookup (entry, "ident", "t", &found));
      if (found == ident)
        return entry;
    }
  return NULL;
}

static guint
count_origin (HapTestReport *report, const char *name)
{
  g_autoptr (GVariant) rows =
      g_variant_lookup_value (get_sum (report), "integrations", G_VARIANT_TYPE ("aa{sv}"));
  guint32 n = 0;

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      if (g_strcmp0 (get_text (row, "name"), name) == 0)
        g_assert_true (g_variant_lookup (row, "threads", "u", &n));
    }
  return n;
}

static char *
decode_hex (const char *hex)
{
  GString *text = g_string_new (NULL);

  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
    g_string_append_c (text, (char)(g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1])));
  return g_string_free (text, FALSE);
}

/* @said: the fields of one line of thread_frames.py */
static void
compare_thread (HapTestReport *report, char **said)
{
  GVariant *entry = find_ident (report, g_ascii_strtoull (said[1], NULL, 10));
  g_autofree char *name = decode_hex (said[4]);
  g_autofree char *text = decode_hex (said[5]);
  g_autofree char *expected = NULL;
  guint32 native_id;

  g_assert_nonnull (entry);
  g_assert_true (g_variant_lookup (entry, "native_id", "u", &native_id));
  g_assert_cmpuint (native_id, ==, strtoul (said[2], NULL, 10));
  g_assert_cmpint (is_true (entry, "main"), ==, atoi (said[3]));
  g_assert_cmpstr (get_text (entry, "thread"), ==, name);
  expected = g_strdup_printf ("Thread [%s]: %s", get_text (entry, "thread"), text);
  g_assert_cmpstr (get_text (entry, "message"), ==, expected);
}

/* Every thread, word for word as traceback prints it. */
static void
test_parity (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_frames.py", NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (HapTestReport) report = NULL;
  g_autofree char *removed = NULL;
  char *line;

  while ((line = hap_test_process_read_line (process)) != NULL && !g_str_equal (line, "end"))
    g_ptr_array_add (lines, line);
  g_free (line);
  g_assert_cmpuint (lines->len, >, 20);

  report = run (process);
  hap_test_process_write_line (process, "remove");
  removed = hap_test_process_read_line (process);
  g_assert_cmpstr (removed, ==, "removed");
  /* The one that told of the others, too. */
  g_assert_cmpuint (count_threads (report), ==, lines->len + 1);
  for (guint i = 0; i < lines->len; i++)
    {
      g_auto (GStrv) said = g_strsplit (lines->pdata[i], "\t", -1);

      g_assert_cmpuint (g_strv_length (said), ==, 6);
      compare_thread (report, said);
    }
}

/* @entry: (nullable) */
static gboolean
waits_for_event (GVariant *entry)
{
  return entry != NULL && g_strcmp0 (get_text (entry, "syscall"), "futex") == 0
         && !is_true (entry, "waits_for_gil");
}

/* The typed frames are those of the message. */
static void
test_fields (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_seed.py", NULL);
  g_autoptr (HapTestReport) report = run (process);
  GVariant *entry = find (report, "thread", "SyncWorker_6");
  g_autoptr (GVariantIter) frames = NULL;
  const char *file, *function;
  GString *lines = g_string_new (NULL);
  guint32 line;

  /* It is ready a moment before it waits, and may have to wait for the GIL until then. */
  for (guint i = 0; i < MAX_LOOKS && !waits_for_event (entry); i++)
    {
      g_clear_object (&report);
      report = run (process);
      entry = find (report, "thread", "SyncWorker_6");
    }
  g_assert_nonnull (entry);
  g_assert_true (g_variant_lookup (entry, "frames", "a(sus)", &frames));
  while (g_variant_iter_next (frames, "(&su&s)", &file, &line, &function))
    if (g_str_has_prefix (file, "/usr/local/lib/python3.8") || g_str_has_prefix (file, "/usr/src"))
      g_string_append_printf (lines, "  File \"%s\", line %u, in %s\n", file, line, function);
  /* Each of them, in this order, is in the message as Home Assistant's documentation shows it. */
  g_assert_nonnull (strstr (get_text (entry, "message"), lines->str));
  g_assert_true (g_str_has_prefix (
      lines->str, "  File \"/usr/local/lib/python3.8/concurrent/futures/thread.py\", line 80, in _worker\n"
                  "  File \"/usr/local/lib/python3.8/concurrent/futures/thread.py\", line 57, in run\n"
                  "  File \"/usr/src/homeassistant/homeassistant/components/samsungtv/"
                  "media_player.py\", line 139, in update\n"));
  g_assert_true (g_str_has_suffix (lines->str, "websocket/_http.py\", line 170, in _open_socket\n"));
  g_assert_true (g_str_has_prefix (get_text (entry, "message"), "Thread [SyncWorker_6]: File \""));

  g_assert_cmpstr (get_text (entry, "integration"), ==, "samsungtv");
  g_assert_cmpstr (get_text (entry, "kind"), ==, "integration");
  g_assert_cmpstr (get_text (entry, "rests_on"), ==,
                   "_get_remote at /usr/src/homeassistant/homeassistant/components/samsungtv/bridge.py:274");
  g_assert_cmpstr (get_text (entry, "state"), ==, "sleeping");
  g_assert_cmpstr (get_text (entry, "syscall"), ==, "futex");
  g_assert_false (is_true (entry, "waits_for_gil"));
  g_assert_cmpuint (count_origin (report, "samsungtv"), ==, 1);
  g_assert_true (
      g_str_has_prefix (get_text (get_sum (report), "message"), "Threads by integration: samsungtv 1"));
  g_string_free (lines, TRUE);
}

/* A sleep that was interrupted to read the stack is restarted by a system call of its own. */
static gboolean
is_asleep (GVariant *entry)
{
  const char *system_call = get_text (entry, "syscall");

  return g_strcmp0 (system_call, "clock_nanosleep") == 0 || g_strcmp0 (system_call, "restart_syscall") == 0;
}

/* (a) C code that holds the GIL and never returns. */
static void
test_gil_held (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", "gil");
  g_autoptr (HapTestReport) report = NULL;
  GVariant *main_thread = NULL, *counter = NULL;
  gboolean settled = FALSE;

  for (guint i = 0; i < MAX_LOOKS && !settled; i++)
    {
      g_clear_object (&report);
      report = run (process);
      main_thread = find (report, "thread", "MainThread");
      counter = find (report, "thread", "Counter");
      g_assert_nonnull (main_thread);
      g_assert_nonnull (counter);
      settled =
          is_true (main_thread, "holds_gil") && is_asleep (main_thread) && is_true (counter, "waits_for_gil");
    }
  g_assert_true (settled);
  g_assert_false (is_true (main_thread, "waits_for_gil"));
  g_assert_cmpstr (get_text (main_thread, "integration"), ==, "stuck_sensor");
  g_assert_cmpstr (get_text (main_thread, "kind"), ==, "custom");
  g_assert_cmpstr (get_text (main_thread, "rests_on"), ==,
                   "async_update at /config/custom_components/stuck_sensor/sensor.py:2");
  g_assert_nonnull (
      strstr (get_text (main_thread, "message"),
              "  File \"/config/custom_components/stuck_sensor/sensor.py\", line 2, in async_update\n"));
  g_assert_false (is_true (counter, "holds_gil"));
}

/* The C functions below the innermost Python frame, the innermost last; NULL: none. */
static char *
join_native (GVariant *entry, gboolean *complete)
{
  g_autoptr (GVariantIter) frames = NULL;
  GString *text = g_string_new (NULL);
  const char *symbol, *library;
  guint64 offset;

  if (!g_variant_lookup (entry, "native", "a(sts)", &frames))
    return g_string_free (text, TRUE);
  while (g_variant_iter_next (frames, "(&st&s)", &symbol, &offset, &library))
    {
      g_autofree char *line =
          g_strdup_printf ("\n  C function %s+0x%" G_GINT64_MODIFIER "x, in %s", symbol, offset, library);

      g_assert_nonnull (strstr (get_text (entry, "message"), line));
      g_string_append_printf (text, "%s ", symbol);
    }
  *complete = is_true (entry, "native_complete");
  return g_string_free (text, FALSE);
}

/* Whether the culprit's C functions, down to those that run Python, have this one among them. */
static gboolean
finds_native (HapTestProcess *process, const char *name, const char *function, const char *wanted)
{
  for (guint i = 0; i < MAX_LOOKS; i++)
    {
      g_autoptr (HapTestReport) report = run_with (process, "{'native': <true>}");
      GVariant *entry = find (report, "thread", name);
      gboolean complete = FALSE;
      g_autofree char *native = NULL;

      g_assert_nonnull (entry);
      /* Ready is said a moment before. */
      if (strstr (get_text (entry, "message"), function) == NULL)
        continue;
      g_assert_nonnull (get_text (entry, "integration"));
      native = join_native (entry, &complete);
      g_test_message ("%s: %s", name, native);
      if (wanted == NULL)
        return TRUE;
      if (native != NULL && complete && g_regex_match_simple (wanted, native, 0, 0))
        return strstr (native, "main ") == NULL;
    }
  return FALSE;
}

/* Which C function it is that keeps the GIL, or waits for the lock; of a thread that is in Python there is
 * none. And each of them stopped. */
static void
test_native (gconstpointer data)
{
  static const struct
  {
    const char *way, *thread, *function, *wanted;
  } cases[] = {
    { "gil", "MainThread", ", in hang", "nanosleep " },
    { "spin", "MainThread", ", in async_update", NULL },
    { "deadlock", "Sun", "line 4, in follow", "[Ss]em|futex|lock|Park" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", cases[i].way);

      g_assert_true (finds_native (process, cases[i].thread, cases[i].function, cases[i].wanted));
      g_assert_cmpint (kill (hap_test_process_get_pid (process), SIGSTOP), ==, 0);
      g_assert_true (finds_native (process, cases[i].thread, cases[i].function, cases[i].wanted));
    }
}

/* (b) A loop in Python, on the thread of the event loop. */
static void
test_spins (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", "spin");
  gboolean running = FALSE, waiting = FALSE;

  for (guint i = 0; i < MAX_LOOKS && !(running && waiting); i++)
    {
      g_autoptr (HapTestReport) report = run (process);
      GVariant *main_thread = find (report, "thread", "MainThread");
      GVariant *counter = find (report, "thread", "Counter");

      g_assert_cmpstr (get_text (main_thread, "integration"), ==, "stuck_sensor");
      g_assert_nonnull (strstr (get_text (main_thread, "message"), "in async_update"));
      g_assert_false (is_true (main_thread, "holds_gil") && is_true (counter, "holds_gil"));
      /* No entry says both. */
      g_assert_false (is_true (main_thread, "holds_gil")
                      && g_strcmp0 (get_text (main_thread, "syscall"), "futex") == 0);
      running |=
          is_true (main_thread, "holds_gil") && g_strcmp0 (get_text (main_thread, "state"), "running") == 0;
      waiting |= is_true (main_thread, "waits_for_gil");
    }
  g_assert_true (running);
  g_assert_true (waiting);
}

static gboolean
all_stopped (HapTestReport *report)
{
  for (guint i = 0; i < count_threads (report); i++)
    {
      if (g_strcmp0 (get_text (hap_test_report_get_entries (report)->pdata[i], "state"), "stopped") != 0)
        return FALSE;
    }
  return TRUE;
}

/* (c) Stopped by SIGSTOP: answered as it stands, and left stopped. */
static void
test_stopped (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", "spin");
  g_autoptr (HapTestReport) report = NULL;
  GVariant *main_thread;
  gboolean stopped = FALSE;
  double pause_us;

  g_assert_cmpint (kill (hap_test_process_get_pid (process), SIGSTOP), ==, 0);
  for (guint i = 0; i < MAX_LOOKS && !stopped; i++)
    {
      g_autoptr (HapTestReport) early = run (process);

      stopped = all_stopped (early);
    }
  g_assert_true (stopped);

  report = run (process);
  g_assert_true (all_stopped (report));
  main_thread = find (report, "thread", "MainThread");
  g_assert_cmpstr (get_text (main_thread, "integration"), ==, "stuck_sensor");
  g_assert_nonnull (strstr (get_text (main_thread, "message"), "in async_update"));
  g_assert_true (g_variant_lookup (get_sum (report), "pause_us", "d", &pause_us));
  g_assert_cmpfloat (pause_us, ==, 0);
}

/* (d) Two threads that wait for each other's lock. */
static void
test_deadlock (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", "deadlock");
  g_autoptr (HapTestReport) report = NULL;
  GVariant *sun = NULL, *zone = NULL;
  gboolean settled = FALSE;

  for (guint i = 0; i < MAX_LOOKS && !settled; i++)
    {
      g_clear_object (&report);
      report = run (process);
      sun = find (report, "thread", "Sun");
      zone = find (report, "thread", "Zone");
      settled = sun != NULL && zone != NULL && strstr (get_text (sun, "message"), "line 4, in follow") != NULL
                && strstr (get_text (zone, "message"), "line 4, in enter") != NULL;
    }
  g_assert_true (settled);
  g_assert_cmpstr (get_text (sun, "integration"), ==, "sun");
  g_assert_cmpstr (get_text (zone, "integration"), ==, "zone");
  g_assert_cmpstr (get_text (find (report, "thread", "MainThread"), "integration"), ==, "stuck_sensor");
  g_assert_cmpuint (count_origin (report, "sun"), ==, 1);
  g_assert_cmpuint (count_origin (report, "zone"), ==, 1);
}

/* Threads that begin and end meanwhile: none has a stack that it never had. */
static void
test_churn (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_churn.py", NULL);
  guint n_seen = 0;

  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (HapTestReport) report = run (process);

      for (guint j = 0; j < count_threads (report); j++)
        {
          GVariant *entry = hap_test_report_get_entries (report)->pdata[j];
          const char *text = get_text (entry, "message");

          if (is_true (entry, "main"))
            continue;
          n_seen++;
          g_assert_false (strstr (text, "in even") != NULL && strstr (text, "in odd") != NULL);
          if (strstr (text, ", in even_inner\n") != NULL || strstr (text, ", in odd_inner\n") != NULL)
            g_assert_true (strstr (text, ", in run\n") != NULL
                           && (strstr (text, ", in even\n") != NULL || strstr (text, ", in odd\n") != NULL));
          g_assert_null (strstr (text, "File \"?\""));
        }
    }
  g_assert_cmpuint (n_seen, >, 0);
}

/* A stack that is too long for an entry: both ends of it, and how much is missing. */
static void
test_long (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "thread_long.py", NULL);
  g_autoptr (HapTestReport) report = run (process);
  GVariant *entry = hap_test_report_get_entries (report)->pdata[0];
  const char *text = get_text (entry, "message");
  g_autoptr (GVariant) frames = g_variant_lookup_value (entry, "frames", G_VARIANT_TYPE ("a(sus)"));
  const char *file, *function;
  guint32 left_out, line;

  g_assert_cmpuint (count_threads (report), ==, 1);
  g_assert_cmpuint (g_variant_get_size (entry), <, 256 * 1024);
  g_assert_true (g_variant_lookup (entry, "frames_left_out", "u", &left_out));
  g_assert_cmpuint (g_variant_n_children (frames) + left_out, ==, 9002);
  g_variant_get_child (frames, 0, "(&su&s)", &file, &line, &function);
  g_assert_cmpstr (function, ==, "<module>");
  g_variant_get_child (frames, g_variant_n_children (frames) - 1, "(&su&s)", &file, &line, &function);
  g_assert_cmpuint (line, ==, 11);

  g_assert_true (
      g_regex_match_simple ("\\n  \\[[7-9][0-9]{3} entries left out here\\]\n  File \"", text, 0, 0));
  g_assert_true (g_str_has_suffix (text, " or sys.stdin.read()"));
}

static gboolean
all_wait (HapTestReport *report)
{
  for (guint i = 0; i < count_threads (report); i++)
    {
      GVariant *entry = hap_test_report_get_entries (report)->pdata[i];

      if (!is_true (entry, "main")
          && strstr (get_text (entry, "message"), "    threading.Event().wait()\n") == NULL)
        return FALSE;
    }
  return TRUE;
}

static void
test_many (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "threads.py", "200");
  gboolean waiting = FALSE;

  for (guint i = 0; i < MAX_LOOKS && !waiting; i++)
    {
      gint64 started = g_get_monotonic_time ();
      g_autoptr (HapTestReport) report = run (process);
      guint32 n_threads;

      g_test_message ("201 threads in %.1f ms", (double)(g_get_monotonic_time () - started) / 1000);
      g_assert_cmpuint (count_threads (report), ==, 201);
      g_assert_true (g_variant_lookup (get_sum (report), "threads", "u", &n_threads));
      g_assert_cmpuint (n_threads, ==, 201);
      waiting = all_wait (report);
    }
  g_assert_true (waiting);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/threads/log-frames/parity", test_parity);
  hap_test_add ("/threads/log-frames/fields", test_fields);
  hap_test_add ("/threads/log-frames/gil-held", test_gil_held);
  hap_test_add ("/threads/log-frames/native", test_native);
  hap_test_add ("/threads/log-frames/spins", test_spins);
  hap_test_add ("/threads/log-frames/stopped", test_stopped);
  hap_test_add ("/threads/log-frames/deadlock", test_deadlock);
  hap_test_add ("/threads/log-frames/churn", test_churn);
  hap_test_add ("/threads/log-frames/long", test_long);
  hap_test_add ("/threads/log-frames/many", test_many);
  return g_test_run ();
}
