/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Work in copies of targets, on every interpreter at hand: whatever becomes of a copy, its target does not
 * see it. HAP_TEST_RUNS: how often work is done of one target to see whether it grows; 30 by default.
 */

#include <string.h>

#include "hap-test.h"
#include "py-fork.h"

#define TIMEOUT 10

/* Long enough to be sure that nothing comes. */
#define SHORT_TIMEOUT 0.3

#define ADD                                                                                                  \
  "def run(arguments):\n"                                                                                    \
  "    copy(lambda first: arguments['a'] + first)\n"

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

/* A machine under load may not stop the target in time. */
static PyFork *
fork_target (Fixture *self, const char *snippet, int number)
{
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      GVariantDict dict;
      PyFork *fork;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "a", "i", number);
      fork = py_fork_new (self->target, self->runtime, snippet, g_variant_dict_end (&dict), TIMEOUT, NULL,
                          &error);
      if (fork != NULL)
        return fork;
      g_assert_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT);
    }
}

static void
start (PyFork *fork, guint first)
{
  g_autoptr (GError) error = NULL;

  py_fork_run (fork, first, &error);
  g_assert_no_error (error);
}

/* The text of what the copy says next. */
static char *
next (PyFork *fork, PyForkEvent expected, double timeout)
{
  g_autoptr (JsonNode) value = NULL;
  g_autoptr (GError) error = NULL;
  PyForkEvent event;

  py_fork_next (fork, &event, &value, timeout, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (event, ==, expected);
  return value != NULL ? json_to_string (value, FALSE) : g_strdup ("null");
}

static void
assert_next (PyFork *fork, PyForkEvent expected, const char *text)
{
  g_autofree char *said = next (fork, expected, TIMEOUT);

  g_assert_cmpstr (said, ==, text);
}

static void
assert_unchanged (Fixture *self, const char *before)
{
  g_autofree char *after = ask (self, "state");

  g_assert_cmpstr (before, ==, after);
  hap_test_await_reaped (self->target);
}

static void
test_states (gconstpointer data)
{
  static const char *const states[] = { "asleep", "timers", "busy", "threads", "replaced" };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_auto (Fixture) fixture = { NULL };
      g_autofree char *before = NULL;
      guint64 most = 0;

      fixture_init (&fixture, data, (const char *const[]){ "-I", "-S", "-E", "run.py", states[i], NULL });
      before = ask (&fixture, "state");
      for (int j = 0; j < 5; j++)
        {
          g_autoptr (PyFork) fork = fork_target (&fixture, ADD, j);
          g_autofree char *expected = g_strdup_printf ("%d", j + 100);

          start (fork, 100);
          assert_next (fork, PY_FORK_RESULT, expected);
          assert_next (fork, PY_FORK_ENDED, "null");
          most = MAX (most, py_fork_get_pause_ns (fork));
        }
      g_test_message ("%s: the target waited for %.1f ms at most", states[i], most / 1e6);
      assert_unchanged (&fixture, before);
    }
}

/* Whatever the first copy dies of, or is at: the next goes on from the same moment. */
static void
test_ends (gconstpointer data)
{
  static const struct
  {
    const char *what;
    PyForkEvent event;
  } cases[] = {
    { "posix._exit(3)", PY_FORK_ENDED },      { "faulthandler._stack_overflow()", PY_FORK_ENDED },
    { "posix.abort()", PY_FORK_ENDED },       { "time.sleep(1000)", PY_FORK_BLOCKED },
    { "any(iter(int, 1))", PY_FORK_BLOCKED }, { "lock.acquire()", PY_FORK_BLOCKED },
  };
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  before = ask (&fixture, "state");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *snippet = g_strdup_printf ("import posix, time, _thread\n"
                                                  "lock = _thread.allocate_lock()\n"
                                                  "lock.acquire()\n"
                                                  "def work(first):\n"
                                                  "    emit(first)\n"
                                                  "    if first == 1:\n"
                                                  "        import faulthandler\n"
                                                  "        %s\n"
                                                  "    return 'done'\n"
                                                  "def run(arguments):\n"
                                                  "    copy(work)\n",
                                                  cases[i].what);
      g_autoptr (PyFork) fork = fork_target (&fixture, snippet, 0);
      g_autofree char *end = NULL;

      g_test_message ("%s", cases[i].what);
      start (fork, 1);
      assert_next (fork, PY_FORK_ITEM, "1");
      end = next (fork, cases[i].event, cases[i].event == PY_FORK_BLOCKED ? SHORT_TIMEOUT : TIMEOUT);
      start (fork, 2);
      assert_next (fork, PY_FORK_ITEM, "2");
      assert_next (fork, PY_FORK_RESULT, "\"done\"");
    }
  assert_unchanged (&fixture, before);
}

#define ATTEMPT                                                                                              \
  "import posix, sys, _thread\n"                                                                             \
  "def attempt(function, *arguments):\n"                                                                     \
  "    try:\n"                                                                                               \
  "        function(*arguments)\n"                                                                           \
  "    except (OSError, RuntimeError, MemoryError) as error:\n"                                              \
  "        return type(error).__name__\n"                                                                    \
  "    return 'works'\n"

#define ATTEMPTS                                                                                             \
  ATTEMPT                                                                                                    \
  "def work(first):\n"                                                                                       \
  "    emit(attempt(posix.kill, posix.getppid(), 0))\n"                                                      \
  "    emit(attempt(posix.kill, posix.getpid(), 9))\n"                                                       \
  "    emit(attempt(posix.fork))\n"                                                                          \
  "    emit(attempt(_thread.start_new_thread, print, ()))\n"                                                 \
  "    emit(attempt(posix.execv, '/bin/true', ['true']))\n"                                                  \
  "    emit(attempt(posix.open, '/dev/null', posix.O_WRONLY))\n"                                             \
  "    emit(attempt(posix.mkdir, '/tmp/ha-profiler-test'))\n"                                                \
  "    emit(attempt(bytearray, 10 << 30))\n"                                                                 \
  "    emit(attempt(print, 'printed'))\n"                                                                    \
  "    emit(attempt(posix.open, '/dev/null', posix.O_RDONLY))\n"                                             \
  "def run(arguments):\n"                                                                                    \
  "    copy(work)\n"

/* A copy changes nothing outside of itself. */
static void
test_confined (gconstpointer data)
{
  static const char *const expected[] = {
    "PermissionError", "PermissionError", "PermissionError", "RuntimeError", "PermissionError",
    "PermissionError", "PermissionError", "MemoryError",     "works",        "works",
  };
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (PyFork) fork = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  fork = fork_target (&fixture, ATTEMPTS, 0);
  start (fork, 0);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *quoted = g_strdup_printf ("\"%s\"", expected[i]);

      g_test_message ("%u", i);
      assert_next (fork, PY_FORK_ITEM, quoted);
    }
  assert_next (fork, PY_FORK_RESULT, "null");
}

#define WRITE                                                                                                \
  ATTEMPT                                                                                                    \
  "def work(first):\n"                                                                                       \
  "    main = sys.modules['__main__']\n"                                                                     \
  "    posix.write(1, b'written')\n"                                                                         \
  "    posix.write(2, b'written')\n"                                                                         \
  "    emit([attempt(posix.write, number, b'written') for number in main.descriptors])\n"                    \
  "    return main.noticed\n"                                                                                \
  "def run(arguments):\n"                                                                                    \
  "    copy(work)\n"

/* Nothing tells a target of it: no handler, no signal, no child, no warning; its descriptors are its own. */
static void
test_unnoticed (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "-Werror", "run.py", "notices", NULL });
  before = ask (&fixture, "state");
  g_assert_true (g_str_has_suffix (before, " [], [0, 0, 0, 0]"));
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (PyFork) fork = fork_target (&fixture, WRITE, 0);

      start (fork, 0);
      assert_next (fork, PY_FORK_ITEM, "[\"OSError\",\"OSError\",\"OSError\",\"OSError\"]");
      assert_next (fork, PY_FORK_RESULT, "[]");
      assert_next (fork, PY_FORK_ENDED, "null");
    }
  assert_unchanged (&fixture, before);

  /* It would have noticed its own. */
  g_free (ask (&fixture, "fork"));
  after = ask (&fixture, "state");
  g_assert_cmpstr (before, !=, after);
}

static void
test_errors (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (PyFork) fork = NULL;
  g_autoptr (JsonNode) value = NULL;
  g_autoptr (GError) error = NULL;
  PyForkEvent event;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "timers", NULL });
  fork = fork_target (&fixture, "def run(arguments):\n    copy(lambda first: first / 0)\n", 0);
  start (fork, 1);
  g_assert_false (py_fork_next (fork, &event, &value, TIMEOUT, NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "ZeroDivisionError"));
  g_clear_error (&error);

  g_clear_pointer (&fork, py_fork_free);
  fork = py_fork_new (fixture.target, fixture.runtime, "def run(arguments):\n    pass\n", NULL, TIMEOUT, NULL,
                      &error);
  g_assert_null (fork);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "does not wait"));
}

/* A GFunc. */
static void
add_once (gpointer process, gpointer data)
{
  g_autoptr (PyFork) fork = fork_target (data, ADD, 1);

  start (fork, 2);
  assert_next (fork, PY_FORK_RESULT, "3");
}

static void
test_growth (gconstpointer data)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *before = NULL;

  fixture_init (&fixture, data, (const char *const[]){ "run.py", "asleep", NULL });
  before = ask (&fixture, "state");
  hap_test_assert_no_growth (fixture.process, 30, add_once, &fixture);
  assert_unchanged (&fixture, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/fork/states", test_states);
  hap_test_add ("/fork/ends", test_ends);
  hap_test_add ("/fork/confined", test_confined);
  hap_test_add ("/fork/unnoticed", test_unnoticed);
  hap_test_add ("/fork/errors", test_errors);
  hap_test_add ("/fork/growth", test_growth);
  return g_test_run ();
}
