/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The real service, workers and tracers against processes that are made to harm them: one whose memory, ELF
 * headers and Python structures say something else in each round, with names that are meant to be misread;
 * one whose memory nobody comes back from. HAP_TEST_ROUNDS: how many rounds (50).
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hap-test-lies.h"
#include "hap-test.h"
#include "service-fixture.h"

#define DEFAULT_ROUNDS 50
#define SEED 20261122
#define MAX_WORDS 512
#define MAX_GROWTH_KIB (16 * 1024)

static const char *const real[] = { "--worker=" HAP_TEST_BUILD "/src/worker/ha-profiler-worker",
                                    "--tracer=" HAP_TEST_BUILD "/src/tracer/ha-profiler-tracer",
                                    "--plugin-dir=" HAP_TEST_BUILD "/plugins", NULL };

typedef enum
{
  REPORT,
  JOB,
  LOG, /* a job that goes on until it is ended */
} Reply;

/* All but those that run code in the target, which wait until its main thread does: this one's never does. */
static const struct
{
  const char *method, *more;
  Reply reply;
} actions[] = {
  { "LogThreadFrames", "", REPORT },
  { "LogCurrentTasks", "", REPORT },
  { "LruStats", "", REPORT },
  { "LogEventLoopScheduled", "", REPORT },
  { "DumpSockets", "", REPORT },
  { "Start", ", 'seconds': <0.5>", JOB },
  { "Memory", ", 'seconds': <0.5>", JOB },
  { "StartLogObjects", "", LOG },
  { "StartLogObjectSources", "", LOG },
  { "ListTargets", "", REPORT },
};

/* A process that does not notice that its memory changes; but what the kernel finds there at a stop (of
 * restartable sequences) can be its end. */
typedef struct
{
  HapTestProcess *process;
  int mem;
  GArray *ranges; /* of guint64: start, end; the interpreter's own first */
  guint n_own;    /* of these: its headers and its data, where everything begins */
  guint64 addresses[MAX_WORDS], truths[MAX_WORDS];
  guint n_words;
} Victim;

static void
victim_init (Victim *self)
{
  const HapTestPython *python = g_ptr_array_index (hap_test_list_pythons (TRUE), 0);
  HapTestProcess *process = hap_test_spawn (python, (const char *const[]){ "hostile.py", "\033[2J\n", NULL });
  guint pid = hap_test_process_get_pid (process);
  g_autofree char *mem = g_strdup_printf ("/proc/%u/mem", pid);
  g_autofree char *maps = g_strdup_printf ("/proc/%u/maps", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  *self = (Victim){ .process = process };
  self->mem = open (mem, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (self->mem, >=, 0);
  self->ranges = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_assert_true (g_file_get_contents (maps, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      guint64 range[2];
      char *rest;

      range[0] = g_ascii_strtoull (lines[i], &rest, 16);
      range[1] = g_ascii_strtoull (rest + 1, &rest, 16);
      /* What it writes, and, once for each object, where its headers are. */
      if (strstr (lines[i], "[v") != NULL || rest[4] != 'p')
        continue;
      if (rest[2] != 'w' && strstr (lines[i], " 00000000 ") != NULL)
        range[1] = range[0] + 4096;
      else if (rest[2] != 'w')
        continue;
      if (strstr (lines[i], "/bin/python") != NULL || strstr (lines[i], "/libpython") != NULL)
        {
          g_array_prepend_vals (self->ranges, range, 2);
          self->n_own++;
        }
      else
        g_array_append_vals (self->ranges, range, 2);
    }
  g_assert_cmpuint (self->n_own, >, 0);
}

static void
victim_clear (Victim *self)
{
  hap_test_process_free (self->process);
  g_array_unref (self->ranges);
  close (self->mem);
}

static guint64
choose_lie (GRand *rand, guint64 truth, guint64 address)
{
  const guint64 lies[] = { 0,
                           1,
                           G_MAXUINT64,
                           G_MAXINT64,
                           truth + 8,
                           truth ^ (guint64)1 << g_rand_int_range (rand, 0, 64),
                           address,
                           (guint64)g_rand_int (rand) << 32 | g_rand_int (rand),
                           (guint64)1 << g_rand_int_range (rand, 12, 48) };

  return lies[g_rand_int_range (rand, 0, G_N_ELEMENTS (lies))];
}

static gboolean
victim_has_ended (gpointer data)
{
  return !hap_test_process_is_alive (((Victim *)data)->process);
}

/* The memory of one that ends is gone a while before it has ended. */
static void
victim_write (Victim *self, guint64 address, guint64 word)
{
  if (pwrite (self->mem, &word, sizeof word, (off_t)address) != sizeof word)
    fixture_wait (victim_has_ended, self);
}

static void
victim_lie (Victim *self, GRand *rand)
{
  guint n = 1U << g_rand_int_range (rand, 0, 10);

  for (self->n_words = 0; self->n_words < MIN (n, MAX_WORDS); self->n_words++)
    {
      gboolean own = g_rand_boolean (rand);
      guint i = (guint)g_rand_int_range (rand, 0, (gint)(own ? self->n_own : self->ranges->len / 2)) * 2;
      guint64 start = g_array_index (self->ranges, guint64, i);
      guint64 n_words = (g_array_index (self->ranges, guint64, i + 1) - start) / 8;
      guint64 address = start + (guint64)(g_rand_double (rand) * (double)n_words) * 8;
      guint64 truth = 0;

      if (pread (self->mem, &truth, sizeof truth, (off_t)address) != sizeof truth)
        continue;
      self->addresses[self->n_words] = address;
      self->truths[self->n_words] = truth;
      victim_write (self, address, choose_lie (rand, truth, address));
    }
}

static void
victim_be_honest (Victim *self)
{
  /* Backwards, as a word may have been chosen twice. */
  for (guint i = self->n_words; i > 0; i--)
    {
      if (self->addresses[i - 1] != 0)
        victim_write (self, self->addresses[i - 1], self->truths[i - 1]);
      self->addresses[i - 1] = 0;
    }
}

static guint
get_rss_kib (Fixture *fixture)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (fixture->service));
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return (guint)g_ascii_strtoull (strstr (text, "\nVmRSS:") + strlen ("\nVmRSS:"), NULL, 10);
}

static gboolean
has_ended (Fixture *fixture, const char *job)
{
  g_autoptr (GVariant) state = fixture_get (fixture, job, "State");

  return !g_str_equal (g_variant_get_string (state, NULL), "running");
}

typedef struct
{
  Fixture *fixture;
  const char *job;
} Waiting;

static gboolean
job_has_ended (gpointer data)
{
  const Waiting *waiting = data;

  return has_ended (waiting->fixture, waiting->job);
}

static gboolean
log_has_begun (gpointer data)
{
  const Waiting *waiting = data;
  g_autoptr (GVariant) summary = fixture_get (waiting->fixture, waiting->job, "Summary");

  return g_variant_n_children (summary) > 0 || has_ended (waiting->fixture, waiting->job);
}

/* Waits for the job's end. Returns: (transfer full): what it failed with, or NULL */
static char *
wait_for_job (Fixture *fixture, GVariant *reply, gboolean log)
{
  g_autoptr (GVariant) cancelled = NULL;
  g_autoptr (GVariant) error = NULL;
  const char *job, *name;
  char *message;

  g_variant_get (reply, "(&o)", &job);
  if (log)
    {
      fixture_wait (log_has_begun, &(Waiting){ fixture, job });
      /* It may have ended by itself. */
      cancelled = fixture_call (fixture, job, "Profiler.Job", "Cancel", NULL, NULL);
    }
  fixture_wait (job_has_ended, &(Waiting){ fixture, job });
  error = fixture_get (fixture, job, "Error");
  g_variant_get (error, "(&ss)", &name, &message);
  return message;
}

/* Whatever it says: a worker that crashed, or did what its cage kills for, is a reader that was fooled. */
static void
check_message (guint round, const char *method, const char *message)
{
  if (message == NULL || *message == '\0')
    return;
  g_test_message ("%u %s: %s", round, method, message);
  if (strstr (message, "signal") != NULL || strstr (message, "exited with status") != NULL)
    g_error ("round %u, %s: %s", round, method, message);
}

static void
ask (Fixture *fixture, guint pid, guint round)
{
  guint i = round % G_N_ELEMENTS (actions);
  gboolean lists = g_str_equal (actions[i].method, "ListTargets");
  g_autofree char *data =
      lists ? g_strdup ("(@a{sv} {},)") : g_strdup_printf ("({'target': <%u>%s},)", pid, actions[i].more);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (fixture, PROFILER_PATH, lists ? "Profiler.Manager" : "Profiler",
                                             actions[i].method, g_variant_new_parsed (data), &error);
  g_autofree char *message = NULL;

  if (reply != NULL && actions[i].reply != REPORT)
    message = wait_for_job (fixture, reply, actions[i].reply == LOG);
  check_message (round, actions[i].method, error != NULL ? error->message : message);
}

static void
test_lies (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);
  Victim victim;
  guint before = 0, n_ended = 0, n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS);

  if (!fixture_set_up (&fixture, real))
    return;
  victim_init (&victim);
  for (guint round = 0; round < n_rounds; round++)
    {
      /* Each action once without a lie. */
      if (round >= G_N_ELEMENTS (actions))
        victim_lie (&victim, rand);
      if (round == G_N_ELEMENTS (actions))
        before = get_rss_kib (&fixture);
      ask (&fixture, hap_test_process_get_pid (victim.process), round);
      victim_be_honest (&victim);
      if (hap_test_process_is_alive (victim.process))
        continue;
      n_ended++;
      victim_clear (&victim);
      victim_init (&victim);
    }
  g_test_message ("%u rounds, in which it ended itself %u times; %u KiB, then %u", n_rounds, n_ended, before,
                  get_rss_kib (&fixture));
  g_assert_cmpuint (get_rss_kib (&fixture), <, before + MAX_GROWTH_KIB);
  victim_clear (&victim);
  fixture_tear_down (&fixture);
}

static gboolean
lists (Fixture *fixture, guint pid)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (fixture, PROFILER_PATH, "Profiler.Manager", "ListTargets",
                    g_variant_new ("(@a{sv})", g_variant_new_parsed ("@a{sv} {}")), &error);
  g_autofree char *text = NULL;
  g_autofree char *wanted = g_strdup_printf ("'pid': <uint32 %u>", pid);

  g_assert_no_error (error);
  text = g_variant_print (reply, TRUE);
  return strstr (text, wanted) != NULL;
}

/* A worker that reads there can be neither answered nor ended; nobody else has to wait for it. */
static void
test_stuck_memory (void)
{
  const HapTestPython *python = g_ptr_array_index (hap_test_list_pythons (TRUE), 0);
  Fixture fixture = { 0 };
  g_autoptr (HapTestProcess) stuck = NULL;
  g_autoptr (HapTestProcess) other = NULL;
  g_autofree char *maps = NULL;
  g_autofree char *path = NULL;
  g_autofree char *data = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  stuck = hap_test_spawn (python, (const char *const[]){ "stuck_memory.py", NULL });
  path = g_strdup_printf ("/proc/%u/maps", hap_test_process_get_pid (stuck));
  g_assert_true (g_file_get_contents (path, &maps, NULL, NULL));
  if (strstr (maps, "/libpython3.11.so.1.0\n") == NULL || strstr (maps, "/tmp") == NULL)
    {
      g_test_skip ("no file system can be served here (FUSE)");
      return;
    }
  if (!fixture_set_up (&fixture, real))
    return;
  other = hap_test_spawn (python, (const char *const[]){ "idle.py", NULL });
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (lists (&fixture, hap_test_process_get_pid (other)));
      g_assert_false (lists (&fixture, hap_test_process_get_pid (stuck)));
    }
  /* It is asked for by name: its caller waits no longer than others. */
  data = g_strdup_printf ("{'target': <%u>}", hap_test_process_get_pid (other));
  reply = fixture_call (&fixture, PROFILER_PATH, "Profiler", "LogThreadFrames",
                        g_variant_new ("(@a{sv})", g_variant_new_parsed (data)), &error);
  g_assert_no_error (error);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (geteuid () != 0)
    {
      g_print ("1..0 # SKIP only root can change another process, or serve a file system\n");
      return 0;
    }
  g_test_add_func ("/security/hostile/lies", test_lies);
  g_test_add_func ("/security/hostile/stuck-memory", test_stuck_memory);
  return g_test_run ();
}
