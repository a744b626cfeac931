/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sampling loop: what a thread did, and where in the call tree its stack belongs. When to observe is
 * cpu-pace.c's, how a stack is read truly the observer's; what the samples mean is the profile room's.
 */

#include "cpu-sampler.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "cpu-pace.h"
#include "py-code.h"

/* 64 bytes a node: at most 64 MiB of call tree. */
#define MAX_NODES (1024 * 1024)

#define MAX_CODES 65536

/* Threads that come and go: later ones share one root, and what is known of those that ended is forgotten. */
#define MAX_ROOTS 1024
#define MAX_TRACKS 4096
#define FORGET_AFTER 1000 /* observations */

/* A code object, and with it a mapped stack, is looked at again at least this often: its address may be
 * another's by then. */
#define RECHECK_US G_USEC_PER_SEC

/* Whether a thread without the GIL runs is asked at most this often: it costs more than to read its stack. */
#define ACTIVITY_US (G_USEC_PER_SEC / 100)

#define PROGRESS_US (G_USEC_PER_SEC / 2)

/* The longest sleep: how soon a cancellation is seen. */
#define MAX_SLEEP_NS (100 * G_GINT64_CONSTANT (1000000))

#define N_LINES 4096

/* As far as the service lets a worker go. */
#define SAMPLING_NICE -10

/* One thread of the target: where its last stack lies in the tree, outermost frame first. */
typedef struct
{
  guint64 serial;
  guint64 last_seen; /* number of the observation */
  guint32 root;
  GArray *codes; /* (element-type guint64) */
  GArray *nodes; /* (element-type guint32) nodes[i] is the path down to codes[i] */
  guint32 leaf;
  gint line;
  gboolean mapped;
  gboolean truncated;
  gint64 mapped_us;

  gboolean running;
  guint64 run_ns, switches; /* when that was asked */
  gint64 activity_us;
} Track;

typedef struct
{
  guint64 code, instruction;
  guint generation;
  gint line;
} LineEntry;

struct _CpuSampler
{
  GObject parent_instance;

  HapTarget *target;
  PyRuntime *runtime;
  PyObserver *observer;
  PyCodeCache *codes;
  HapCallTree *tree;
  CpuOptions options;

  GHashTable *tracks;    /* serial -> Track */
  GHashTable *functions; /* code address -> FunctionEntry */
  LineEntry *lines;
  gboolean names_are_old;
  guint32 shared_root; /* of the threads over MAX_ROOTS */

  guint64 weight; /* of the observation at hand */
  guint64 n_observations, n_samples, n_slots;
  double duration;
  char *end;
};

typedef struct
{
  guint generation;
  const HapFunction *function;
} FunctionEntry;

G_DEFINE_FINAL_TYPE (CpuSampler, cpu_sampler, G_TYPE_OBJECT)

static gint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
track_free (Track *track)
{
  g_array_unref (track->codes);
  g_array_unref (track->nodes);
  g_free (track);
}

/* The names of threads, as far as they are known by now: they are often set after a thread began. */
static void
name_threads (CpuSampler *self)
{
  g_autoptr (PyThreadNames) names = py_thread_names_read (self->runtime);
  g_autoptr (GArray) threads = py_threads_list (self->runtime);

  self->names_are_old = FALSE;
  for (guint i = 0; i < hap_call_tree_get_n_threads (self->tree); i++)
    {
      const HapCallThread *known = hap_call_tree_get_thread (self->tree, i);

      for (guint j = 0; j < threads->len; j++)
        {
          const PyThread *thread = &g_array_index (threads, PyThread, j);
          const char *name = py_thread_names_get (names, thread);

          if (thread->native_id == known->tid && name != NULL && known->tid != 0)
            hap_call_tree_rename_thread (self->tree, known->root, name);
        }
    }
}

static guint32
add_root (CpuSampler *self, const PyThread *thread)
{
  g_autofree char *name = NULL;

  if (hap_call_tree_get_n_threads (self->tree) >= MAX_ROOTS)
    {
      if (self->shared_root == HAP_CALL_TREE_NONE)
        self->shared_root = hap_call_tree_add_thread (self->tree, "Other threads", 0, FALSE);
      return self->shared_root;
    }
  name = thread->main ? g_strdup ("MainThread") : g_strdup_printf ("Thread-%u", thread->native_id);
  return hap_call_tree_add_thread (self->tree, name, thread->native_id, thread->main);
}

static gboolean
is_forgotten (gpointer key, gpointer value, gpointer data)
{
  return ((Track *)value)->last_seen + FORGET_AFTER < ((CpuSampler *)data)->n_observations;
}

static Track *
get_track (CpuSampler *self, const PyObservation *observation)
{
  Track *track = g_hash_table_lookup (self->tracks, &observation->serial);

  if (track == NULL)
    {
      if (g_hash_table_size (self->tracks) >= MAX_TRACKS)
        g_hash_table_foreach_remove (self->tracks, is_forgotten, self);

      track = g_new0 (Track, 1);
      track->serial = observation->serial;
      track->codes = g_array_new (FALSE, FALSE, sizeof (guint64));
      track->nodes = g_array_new (FALSE, FALSE, sizeof (guint32));
      track->root = add_root (self, &observation->thread);
      g_hash_table_insert (self->tracks, &track->serial, track);
      self->names_are_old = TRUE;
    }
  track->last_seen = self->n_observations;
  return track;
}

/* The function of a code object; NULL when there is none at that address (any more). */
static const HapFunction *
find_function (CpuSampler *self, guint64 address, gint64 now_us)
{
  guint generation = 0;
  const PyCode *code = py_code_cache_lookup (self->codes, address, now_us, &generation);
  FunctionEntry *entry;

  if (code == NULL)
    return NULL;
  entry = g_hash_table_lookup (self->functions, &address);
  if (entry != NULL && entry->generation == generation)
    return entry->function;

  if (g_hash_table_size (self->functions) >= MAX_CODES)
    g_hash_table_remove_all (self->functions);
  entry = g_new (FunctionEntry, 1);
  entry->generation = generation;
  entry->function =
      hap_call_tree_intern (self->tree, code->filename, code->name, code->qualname, code->first_line);
  g_hash_table_insert (self->functions, g_memdup2 (&address, sizeof address), entry);
  return entry->function;
}

static gint
find_line (CpuSampler *self, const PyFrameRecord *frame, gint64 now_us)
{
  LineEntry *entry = &self->lines[(frame->instruction >> 1) % N_LINES];
  guint generation = 0;
  const PyCode *code = py_code_cache_lookup (self->codes, frame->code, now_us, &generation);

  if (code == NULL)
    return 0;
  if (entry->code != frame->code || entry->instruction != frame->instruction
      || entry->generation != generation)
    *entry = (LineEntry){ frame->code, frame->instruction, generation,
                          MAX (py_code_get_line (code, frame->instruction), 0) };
  return entry->line;
}

/* How many frames, from the outermost, are those of the stack that was mapped last. */
static guint
count_common (const Track *track, const PyStack *stack)
{
  guint limit = MIN (track->codes->len, stack->n_frames);
  guint n = 0;

  while (n < limit && g_array_index (track->codes, guint64, n) == stack->frames[stack->n_frames - 1 - n].code)
    n++;
  return n;
}

/* Finds the node of a stack, walking only what changed. FALSE: it has a frame whose code object is gone. */
static gboolean
map_stack (CpuSampler *self, Track *track, const PyStack *stack, gint64 now_us)
{
  gboolean recheck = now_us - track->mapped_us > RECHECK_US;
  guint n = recheck || track->truncated ? 0 : count_common (track, stack);
  guint32 node;

  g_array_set_size (track->codes, n);
  g_array_set_size (track->nodes, n);
  node = n > 0 ? g_array_index (track->nodes, guint32, n - 1) : track->root;
  track->mapped = FALSE;
  track->truncated = FALSE;
  if (n == 0)
    track->mapped_us = now_us;

  for (; n < stack->n_frames; n++)
    {
      guint64 code = stack->frames[stack->n_frames - 1 - n].code;
      const HapFunction *function = find_function (self, code, now_us);
      guint32 child;

      if (function == NULL)
        return FALSE;
      child = hap_call_tree_child (self->tree, node, function);
      if (child == HAP_CALL_TREE_NONE)
        {
          track->truncated = TRUE;
          break;
        }
      node = child;
      g_array_append_val (track->codes, code);
      g_array_append_val (track->nodes, node);
    }

  track->leaf = node;
  track->line = track->truncated ? 0 : find_line (self, &stack->frames[0], now_us);
  track->mapped = TRUE;
  return TRUE;
}

static gboolean
is_running (CpuSampler *self, Track *track, const PyObservation *observation, gint64 now_us)
{
  const HapThread *kernel;
  guint64 run_ns, switches;

  if (observation->holds_gil && self->options.clock != CPU_CLOCK_CPU)
    return TRUE;
  if (self->options.clock != CPU_CLOCK_CPU && now_us - track->activity_us < ACTIVITY_US)
    return track->running;

  kernel = hap_target_find_thread (self->target, observation->thread.native_id);
  if (kernel == NULL || !hap_thread_read_schedule (kernel, &run_ns, &switches))
    return FALSE;

  /* The state costs five times as much: a thread that slept and was not put on a CPU since sleeps on. */
  if (track->running || switches == 0 || run_ns != track->run_ns || switches != track->switches)
    track->running = hap_thread_read_state (kernel) == 'R';
  track->run_ns = run_ns;
  track->switches = switches;
  track->activity_us = now_us;
  return track->running;
}

static void
add_sample (CpuSampler *self, const PyObservation *observation, gint64 now_us)
{
  Track *track = get_track (self, observation);
  HapActivity activity = HAP_ACTIVITY_WAITING;

  if (observation->stack.n_frames == 0)
    return;
  if (is_running (self, track, observation, now_us))
    activity = HAP_ACTIVITY_RUNNING;
  else if (self->options.clock == CPU_CLOCK_CPU)
    return;

  if (!(observation->unchanged && track->mapped) && !map_stack (self, track, &observation->stack, now_us))
    return;
  if (activity == HAP_ACTIVITY_WAITING && observation->thread.main
      && hap_call_tree_get_node (self->tree, track->leaf)->origin != NULL)
    activity = HAP_ACTIVITY_BLOCKING;

  hap_call_tree_add (self->tree, track->leaf, track->line, activity, self->weight);
  self->n_samples++;
  if (track->truncated || observation->stack.truncated)
    hap_call_tree_count_truncated (self->tree);
}

/* FALSE when there is nothing more to observe: @error. */
static gboolean
observe (CpuSampler *self, GError **error)
{
  GPtrArray *observations = py_observer_observe (self->observer, error);
  gint64 now_us = g_get_monotonic_time ();

  if (observations == NULL)
    return FALSE;

  self->n_observations++;
  self->n_slots += self->weight;
  for (guint i = 0; i < observations->len; i++)
    {
      const PyObservation *observation = g_ptr_array_index (observations, i);

      if (observation->valid)
        add_sample (self, observation, now_us);
    }
  return TRUE;
}

static void
sleep_until (gint64 deadline_ns, GCancellable *cancellable)
{
  for (gint64 now = now_ns (); now < deadline_ns && !g_cancellable_is_cancelled (cancellable);
       now = now_ns ())
    {
      gint64 until = MIN (deadline_ns, now + MAX_SLEEP_NS);
      struct timespec time = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };

      clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    }
}

static gboolean
sample_loop (CpuSampler *self,
             CpuPace *pace,
             gint64 start_ns,
             CpuProgressFunc progress,
             gpointer data,
             GCancellable *cancellable,
             GError **error)
{
  gint64 end_ns = start_ns + (gint64)(self->options.seconds * 1e9);
  gint64 told_us = 0;

  for (gint64 now = start_ns; now < end_ns && !g_cancellable_is_cancelled (cancellable); now = now_ns ())
    {
      gint64 deadline_ns = cpu_pace_next (pace, now, &self->weight);

      if (deadline_ns >= end_ns)
        break;
      sleep_until (deadline_ns, cancellable);

      if (!observe (self, error))
        return FALSE;
      if (now / 1000 - told_us < PROGRESS_US)
        continue;
      told_us = now / 1000;
      if (self->names_are_old)
        name_threads (self);
      if (!progress ((double)(now - start_ns) / (double)(end_ns - start_ns), data, error))
        return FALSE;
    }
  sleep_until (end_ns, cancellable);
  return TRUE;
}

static void
cpu_sampler_finalize (GObject *object)
{
  CpuSampler *self = CPU_SAMPLER (object);

  g_clear_pointer (&self->tracks, g_hash_table_unref);
  g_clear_pointer (&self->functions, g_hash_table_unref);
  g_clear_pointer (&self->lines, g_free);
  g_clear_pointer (&self->codes, py_code_cache_free);
  g_clear_pointer (&self->tree, hap_call_tree_free);
  g_clear_object (&self->observer);
  g_clear_object (&self->runtime);
  g_clear_object (&self->target);
  g_clear_pointer (&self->end, g_free);

  G_OBJECT_CLASS (cpu_sampler_parent_class)->finalize (object);
}

static void
cpu_sampler_class_init (CpuSamplerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpu_sampler_finalize;
}

static void
cpu_sampler_init (CpuSampler *self)
{
  self->tracks = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)track_free);
  self->functions = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->lines = g_new0 (LineEntry, N_LINES);
  self->tree = hap_call_tree_new (MAX_NODES);
  self->shared_root = HAP_CALL_TREE_NONE;
}

CpuSampler *
cpu_sampler_new (HapTarget *target, PyRuntime *runtime, const CpuOptions *options)
{
  CpuSampler *self = g_object_new (CPU_TYPE_SAMPLER, NULL);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  self->options = *options;
  self->codes = py_code_cache_new (runtime, MAX_CODES, RECHECK_US);
  self->observer = py_observer_new (target, runtime, options->precision);
  py_observer_set_main_only (self->observer, options->main_only);
  py_observer_set_gil_only (self->observer, options->clock == CPU_CLOCK_GIL);
  return self;
}

gboolean
cpu_sampler_run (CpuSampler *self,
                 CpuProgressFunc progress,
                 gpointer data,
                 GCancellable *cancellable,
                 GError **error)
{
  gint64 start_ns = now_ns ();
  GError *local_error = NULL;
  CpuPace pace;
  gboolean done;

  /* The default slack of 50 us would bunch fast samples, and who holds a thread must not wait for a turn. */
  prctl (PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  setpriority (PRIO_PROCESS, 0, SAMPLING_NICE);

  cpu_pace_init (&pace, start_ns, self->options.rate);
  done = sample_loop (self, &pace, start_ns, progress, data, cancellable, &local_error);
  cpu_pace_clear (&pace);
  self->duration = (double)(now_ns () - start_ns) / 1e9;
  if (!done && g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TARGET_GONE)
      && hap_call_tree_get_n_samples (self->tree) > 0)
    {
      self->end = g_strdup (local_error->message);
      g_clear_error (&local_error);
      return TRUE;
    }
  if (!done)
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }
  name_threads (self);
  return TRUE;
}

HapCallTree *
cpu_sampler_get_tree (CpuSampler *self)
{
  return self->tree;
}

HapCallTree *
cpu_sampler_steal_tree (CpuSampler *self)
{
  return g_steal_pointer (&self->tree);
}

const PyObserverCounts *
cpu_sampler_get_counts (CpuSampler *self)
{
  return py_observer_get_counts (self->observer);
}

guint64
cpu_sampler_get_n_observations (CpuSampler *self)
{
  return self->n_observations;
}

guint64
cpu_sampler_get_n_samples (CpuSampler *self)
{
  return self->n_samples;
}

guint64
cpu_sampler_get_n_slots (CpuSampler *self)
{
  return self->n_slots;
}

double
cpu_sampler_get_duration (CpuSampler *self)
{
  return self->duration;
}

const char *
cpu_sampler_get_end (CpuSampler *self)
{
  return self->end;
}
