/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Code that runs in targets, on every interpreter at hand, in the states that their main threads can be in.
 * HAP_TEST_RUNS: how often code is run in one target to see whether it grows; 100 by default.
 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "hap-test.h"
#include "py-run.h"
#include "py-runtime-private.h"

#define TIMEOUT 10

/* Long enough to be sure that nothing comes by itself. */
#define SHORT_TIMEOUT 0.3

#define ADD "def run(arguments):\n    return arguments['a'] + arguments['b']\n"

typedef struct
{
  HapTestProcess *process;
  HapTarget *target;
  PyRuntime *runtime;
} Fixture;

static void
fixture_init (Fixture *self, const HapTestPython *python, const char *const *argv)
{
  g_autoptr (GError) error = NULL;

  self->process = hap_test_spawn (python, argv);
  self->target = hap_test_attach (hap_test_process_get_pid (self->process), TRUE, &error);
  g_assert_no_error (error);
  self->runtime = py_runtime_attach (self->target, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *self)
{
  g_clear_object (&self->runtime);
  g_clear_object (&self->target);
  g_clear_pointer (&self->process, hap_test_process_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static char *
ask (Fixture *self, const char *question)
{
  hap_test_process_write_line (self->process, question);
  return hap_test_process_read_line (self->process);
}

/* The text of what the snippet says next. */
static char *
next (PyRun *run, PyRunEvent expected, GError **error)
{
  g_autoptr (JsonNode) value = NULL;
  PyRunEvent event;

  if (!py_run_next (run, &event, &value, TIMEOUT, NULL, error))
    return NULL;
  g_assert_cmpint (event, ==, expected);
  return value != NULL ? json_to_string (value, FALSE) : g_strdup ("null");
}

static PyRun *
start (Fixture *self, const char *snippet, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PyRun) run = py_run_new (self->target, self->runtime);

  py_run_start (run, snippet, arguments, TIMEOUT, NULL, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&run);
}

static char *
run_once (Fixture *self, const char *snippet, GVariant *arguments)
{
  g_autoptr (PyRun) run = start (self, snippet, arguments);
  g_autoptr (GError) error = NULL;
  char *result = next (run, PY_RUN_RESULT, &error);

  g_assert_no_error (error);
  return result;
}

static GVariant *
make_numbers (int a, int b)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "a", "i", a);
  g_variant_dict_insert (&dict, "b", "i", b);
  return g_variant_dict_end (&dict);
}

static void
test_states (gconstpointer data)
{
  static const char *const states[] = { "asleep", "timers", "busy", "threads", "replaced" };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_auto (Fixture) fixture = { NULL };
      g_autofree char *before = NULL;
      g_autofree char *after = NULL;
      gint64 begin;

      fixture_init (&fixture, data, (const char *const[]){ "-I", "-S", "-E", "run.py", states[i], NULL });
      before = ask (&fixture, "state");
      begin = g_get_monotonic_time ();
      for (int j = 0; j < 10; j++)
        {
          g_autofree char *sum = run_once (&fixture, ADD, make_numbers (j, -3));
          g_autofree char *expected = g_strdup_printf ("%d", j - 3);

          g_assert_cmpstr (sum, ==, expected);
        }
      g_test_message ("%s: %.2f ms a run", states[i], (double)(g_get_monotonic_time () - begin) / 1e4);
      after = ask (&fixture, "state");
      g_assert_cmpstr (before, ==, after);
    }
}

static void
test_values (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (PyRun) run = NULL;
  g_autoptr (GError) error = NULL;
  GVariantDict dict;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "text", "s", "a'\"\\\n\t\x01é€😀");
  g_variant_dict_insert (&dict, "flag", "b", TRUE);
  g_variant_dict_insert (&dict, "big", "t", G_MAXUINT64);
  g_variant_dict_insert (&dict, "small", "x", G_MININT64);
  g_variant_dict_insert (&dict, "number", "d", -0.5);
  g_variant_dict_insert_value (&dict, "list", g_variant_new_strv ((const char *const[]){ "a", "" }, 2));
  run = start (&fixture,
               "def run(arguments):\n"
               "    emit([arguments[name] for name in ('flag', 'small', 'number', 'list')])\n"
               "    emit(arguments['big'] - 1)\n"
               "    emit([None, 1.5, float('nan'), '\\ud800', 'a\\0b', {'k': ()}])\n"
               "    return arguments['text']\n",
               g_variant_dict_end (&dict));
  for (guint i = 0; i < 4; i++)
    {
      static const char *const expected[] = {
        "[true,-9223372036854775808,-0.5,[\"a\",\"\"]]",
        "null",
        "[null,1.5,null,\"?\",\"a�b\",{\"k\":[]}]",
        "\"a'\\\"\\\\\\n\\t\\u0001é€😀\"",
      };
      g_autofree char *text = next (run, i < 3 ? PY_RUN_ITEM : PY_RUN_RESULT, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (text, ==, expected[i]);
    }
}

/* What goes wrong in a snippet goes wrong for us alone. */
static void
test_errors (gconstpointer data)
{
  static const struct
  {
    const char *snippet, *error;
  } cases[] = {
    { "def run(arguments):\n    raise SystemExit(3)\n", "SystemExit: 3" },
    { "def run(arguments):\n    raise KeyboardInterrupt\n", "KeyboardInterrupt" },
    { "def run(arguments):\n    return 1 / 0\n", "ZeroDivisionError: division by zero" },
    { "def run(arguments:\n", "SyntaxError: " },
    { "pass\n", "KeyError: 'run'" },
    { "def run(arguments):\n    return run(arguments)\n", "RecursionError: " },
    { "class E(Exception):\n    def __str__(self):\n        raise self\n"
      "def run(arguments):\n    raise E\n",
      "E" },
    { "def run(arguments):\n    stay(lambda: 1)\n    raise ValueError('after')\n", "ValueError: after" },
  };
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  before = ask (&fixture, "state");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PyRun) run = start (&fixture, cases[i].snippet, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *result = next (run, PY_RUN_RESULT, &error);

      g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, cases[i].error));
    }
  after = ask (&fixture, "state");
  g_assert_cmpstr (before, ==, after);
}

/* 16 MiB through room for 2; the reader makes more of it. */
#define EMIT_MUCH                                                                                            \
  "import time\n"                                                                                            \
  "def run(arguments):\n"                                                                                    \
  "    emit.__globals__.update(limit=2 << 20, room=2 << 20)\n"                                               \
  "    n = 0\n"                                                                                              \
  "    while n < 256:\n"                                                                                     \
  "        try:\n"                                                                                           \
  "            emit('x' * 65536)\n"                                                                          \
  "            n += 1\n"                                                                                     \
  "        except MemoryError:\n"                                                                            \
  "            time.sleep(0.001)\n"

/* Who reads makes room for more; and a fast one waits for a slow one's room, or is told that there is none.
 */
static void
test_much (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (PyRun) run = NULL;
  g_autofree char *left = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  run = start (&fixture, EMIT_MUCH, NULL);
  for (guint i = 0; i < 256; i++)
    {
      g_autofree char *item = next (run, PY_RUN_ITEM, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (strlen (item), ==, 65536 + 2);
    }
  left = next (run, PY_RUN_RESULT, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (left, ==, "null");
}

#define STAY                                                                                                 \
  "import sys\n"                                                                                             \
  "def run(arguments):\n"                                                                                    \
  "    def undo():\n"                                                                                        \
  "        del sys.mark\n"                                                                                   \
  "        return 'undone'\n"                                                                                \
  "    stay(undo)\n"                                                                                         \
  "    sys.mark = 1\n"                                                                                       \
  "    return 'on'\n"

#define IS_MARKED "import sys\ndef run(arguments):\n    return hasattr(sys, 'mark')\n"

static void
wait_until_unmarked (Fixture *fixture)
{
  g_autofree char *marked = NULL;

  do
    {
      g_free (marked);
      marked = run_once (fixture, IS_MARKED, NULL);
    }
  while (g_str_equal (marked, "true"));
}

static void
test_stay (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  before = ask (&fixture, "state");

  /* The second time it is not let go of: who had it is no more. */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PyRun) run = start (&fixture, STAY, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *state = next (run, PY_RUN_STAYS, &error);
      g_autofree char *marked = run_once (&fixture, IS_MARKED, NULL);
      g_autofree char *result = NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (state, ==, "\"on\"");
      g_assert_cmpstr (marked, ==, "true");
      if (i == 1)
        break;
      py_run_let_go (run);
      result = next (run, PY_RUN_RESULT, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (result, ==, "\"undone\"");
    }
  wait_until_unmarked (&fixture);
  do
    {
      g_free (after);
      after = ask (&fixture, "state");
    }
  while (strstr (after, " 1 threads") == NULL);
  g_assert_cmpstr (before, ==, after);
}

#define NEVER_RETURN                                                                                         \
  "import sys, time\n"                                                                                       \
  "def run(arguments):\n"                                                                                    \
  "    def undo():\n"                                                                                        \
  "        del sys.mark\n"                                                                                   \
  "    stay(undo)\n"                                                                                         \
  "    sys.mark = 1\n"                                                                                       \
  "    emit(1)\n"                                                                                            \
  "    while True:\n"                                                                                        \
  "        time.sleep(1000)\n"

/* Nothing ends a snippet from outside; whoever waits for it is told, and when something in the target ends it
 * after all, nothing of it stays. */
static void
test_never_returns (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *ready = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *item = NULL;
  g_autoptr (PyRun) run = NULL;
  g_autoptr (JsonNode) value = NULL;
  g_autoptr (GError) error = NULL;
  PyRunEvent event;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "sleep", NULL });
  kill ((pid_t)hap_test_process_get_pid (fixture.process), SIGUSR1);
  ready = hap_test_process_read_line (fixture.process);
  g_assert_cmpstr (ready, ==, "ready");
  before = ask (&fixture, "state");
  run = start (&fixture, NEVER_RETURN, NULL);
  item = next (run, PY_RUN_ITEM, &error);
  g_assert_no_error (error);
  g_assert_false (py_run_next (run, &event, &value, SHORT_TIMEOUT, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  g_clear_object (&run);

  kill ((pid_t)hap_test_process_get_pid (fixture.process), SIGUSR1);
  wait_until_unmarked (&fixture); /* the next may run within it */
  after = ask (&fixture, "state");
  g_assert_cmpstr (before, ==, after);
}

#define MARK "import sys\ndef run(arguments):\n    sys.mark = 1\n"

/* A loaded machine may not even let it be asked in time, and the target not go back to sleep at once. */
static char *
give_up (Fixture *fixture)
{
  while (TRUE)
    {
      g_autoptr (PyRun) run = py_run_new (fixture->target, fixture->runtime);
      g_autoptr (GError) error = NULL;

      g_assert_false (py_run_start (run, MARK, NULL, SHORT_TIMEOUT, NULL, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
      g_test_message ("%s", error->message);
      if (strstr (error->message, "taken back") != NULL
          && strstr (error->message, "sleeps in the system call") != NULL)
        return g_strdup (error->message);
    }
}

/* The main thread cannot be woken; what it is at is said; and nothing runs when it goes on. */
static void
test_given_up (gconstpointer data)
{
  static const char *const states[][2] = { { "sleep", "main (" }, { "recv", "main (" }, { "lock", "(" } };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_auto (Fixture) fixture = { NULL };
      g_autofree char *message = NULL;
      g_autofree char *marked = NULL;

      fixture_init (&fixture, data, (const char *const[]){ "run.py", states[i][0], NULL });
      message = give_up (&fixture);
      g_assert_nonnull (strstr (message, states[i][1]));

      kill ((pid_t)hap_test_process_get_pid (fixture.process), SIGUSR1);
      marked = run_once (&fixture, IS_MARKED, NULL);
      g_assert_cmpstr (marked, ==, "false");
    }
}

/* No interpreter at hand was built without it. All that such a build differs in, for who looks, is the zero
 * in its configuration (Python/initconfig.c, config_init_remote_debug()). Before 3.14 there is none. */
static void
build_without (Fixture *self)
{
  static const guint32 zero = 0;
  g_autofree char *path = g_strdup_printf ("/proc/%u/mem", hap_test_process_get_pid (self->process));
  guint64 at = py_runtime_get_main_interpreter (self->runtime) + self->runtime->layout.interp_remote;
  int fd = g_open (path, O_WRONLY | O_CLOEXEC, 0);

  g_assert_cmpint (pwrite (fd, &zero, sizeof zero, (off_t)at), ==, sizeof zero);
  close (fd);
}

static void
assert_switched_off (Fixture *fixture)
{
  g_autoptr (PyRun) run = py_run_new (fixture->target, fixture->runtime);
  g_autoptr (GError) error = NULL;

  g_assert_false (py_run_start (run, MARK, NULL, TIMEOUT, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, "switched off"));
}

static void
test_switched_off (gconstpointer data)
{
  static const char *const options[] = { "-Xdisable-remote-debug", "-Xdisable_remote_debug" };
  const HapTestPython *python = data;

  for (guint i = 0; i < G_N_ELEMENTS (options) + 1; i++)
    {
      g_auto (Fixture) fixture = { NULL };

      /* The second form is the older ones' alone. */
      if (i == 1 && python->version[3] >= '4')
        continue;
      if (i < G_N_ELEMENTS (options))
        fixture_init (&fixture, data, (const char *const[]){ options[i], "run.py", "timers", NULL });
      else
        {
          g_setenv ("PYTHON_DISABLE_REMOTE_DEBUG", "1", TRUE);
          fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
          g_unsetenv ("PYTHON_DISABLE_REMOTE_DEBUG");
        }
      assert_switched_off (&fixture);
    }

  if (python->version[3] >= '4')
    {
      g_auto (Fixture) fixture = { NULL };

      fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
      build_without (&fixture);
      assert_switched_off (&fixture);
    }
}

/* A GFunc. */
static void
add_once (gpointer process, gpointer data)
{
  g_free (run_once (data, ADD, make_numbers (1, 2)));
}

static void
test_growth (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "asleep", NULL });
  before = ask (&fixture, "state");
  hap_test_assert_no_growth (fixture.process, 100, add_once, &fixture);
  after = ask (&fixture, "state");
  g_assert_cmpstr (before, ==, after);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc test;
  } tests[] = {
    { "states", test_states },
    { "values", test_values },
    { "errors", test_errors },
    { "much", test_much },
    { "never-returns", test_never_returns },
    { "stay", test_stay },
    { "given-up", test_given_up },
    { "switched-off", test_switched_off },
    { "growth", test_growth },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/run/", tests[i].name, NULL);

      hap_test_add (path, tests[i].test);
    }
  return g_test_run ();
}
