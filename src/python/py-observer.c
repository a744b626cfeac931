/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which thread's stack may be read how, so that what is observed is true and the target is stopped as rarely
 * as possible. Reading one stack is py-frames.c's; stopping a thread is the tracer's, asked through
 * HapTarget.
 *
 * CPython 3.11 to 3.15: `struct _gil_runtime_state` counts in switch_number each change of last_holder
 * (take_gil() in Python/ceval_gil.c, under the GIL's mutex and before the new holder runs). A thread needs
 * the GIL to change its own Python stack, so while switch_number stands, every thread but last_holder is
 * still. last_holder itself may let go of the GIL and take it again uncounted: it is the one race.
 */

#include "py-observer.h"

#include <string.h>

/* Bounds one observation of a target whose GIL wanders faster than we read. */
#define MAX_TRIES 8
#define MAX_TRIES_FAST 2

/* How unsteady a stack is, 0 to 256: which part of the recent pairs of readings differed. Above the limit it
 * is not read live. */
#define UNSTEADY_MAX 256
#define UNSTEADY_LIMIT 16
#define UNSTEADY_SHIFT 4

/* An unsteady thread's stack is held at each observation but this many'th, at which it is tried again whether
 * it became steady. */
#define RETRY_LIVE_EVERY 16

/* How often the list of threads is read again though the GIL shows no change (a new thread may have an old
 * one's address), and in free-threaded builds, where threads come and go without a sign. */
#define RELIST_US G_USEC_PER_SEC
#define RELIST_FREE_THREADED_US (G_USEC_PER_SEC / 100)

/* How a thread was read in one try. */
typedef enum
{
  WAY_UNWANTED,
  WAY_LIVE,
  WAY_STILL,
  WAY_STOPPED,
  WAY_DROPPED,
} Way;

typedef struct
{
  guint64 address;
  guint64 last_holder; /* a PyThreadState */
  gboolean locked;
  gboolean known; /* as it was at the last observation */
  guint64 switches;
} Gil;

/* A thread from one observation to the next. @known: the stack is what the thread had when its GIL's state
 * was taken. */
typedef struct
{
  PyObservation public;

  gboolean known;
  Way way; /* of the try at hand */
  guint unsteady;
  guint since_live;

  /* The thread was asleep when its stack was read, having run this much before. */
  gboolean asleep;
  guint64 run_ns, switches;
} Thread;

struct _PyObserver
{
  GObject parent_instance;

  HapTarget *target;
  PyRuntime *runtime;
  PyPrecision precision;
  gboolean main_only, gil_only;

  GPtrArray *threads; /* (element-type Thread) */
  GArray *gils;       /* (element-type Gil) as at the last observation */
  PyStack scratch;
  PyObserverCounts counts;
  guint64 last_serial;
  gint64 listed_us;
};

G_DEFINE_FINAL_TYPE (PyObserver, py_observer, G_TYPE_OBJECT)

static void
thread_free (Thread *thread)
{
  py_stack_clear (&thread->public.stack);
  g_free (thread);
}

static Thread *
get_thread (PyObserver *self, guint index)
{
  return g_ptr_array_index (self->threads, index);
}

static gboolean
fail_gone (PyObserver *self, GError **error)
{
  if (hap_target_is_alive (self->target) && hap_target_has_execed (self->target))
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "Process %u became another program (exec)",
                 hap_target_get_pid (self->target));
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "Process %u ended",
                 hap_target_get_pid (self->target));
  return FALSE;
}

/* FALSE: the memory is gone. */
static gboolean
read_gil (PyObserver *self, guint64 address, Gil *gil)
{
  const PyLayout *layout = py_runtime_get_layout (self->runtime);
  guint8 bytes[64];
  gsize size = layout->gil_switch_number + sizeof (guint64);
  guint32 locked;

  if (size > sizeof bytes || !hap_memory_read (py_runtime_get_memory (self->runtime), address, bytes, size))
    return FALSE;

  gil->address = address;
  memcpy (&gil->last_holder, bytes + layout->gil_last_holder, sizeof gil->last_holder);
  memcpy (&locked, bytes + layout->gil_locked, sizeof locked);
  memcpy (&gil->switches, bytes + layout->gil_switch_number, sizeof gil->switches);
  gil->locked = locked != 0;
  return TRUE;
}

/* The kernel's view of a thread; asks for the list of threads again when it is new. NULL: it has ended. */
static const HapThread *
find_kernel_thread (PyObserver *self, const Thread *thread)
{
  guint native_id = thread->public.thread.native_id;
  const HapThread *found;

  if (native_id == 0)
    return NULL;
  found = hap_target_find_thread (self->target, native_id);
  if (found == NULL && hap_target_refresh_threads (self->target, NULL))
    found = hap_target_find_thread (self->target, native_id);
  return found;
}

static gboolean
same_stack (const PyStack *a, const PyStack *b)
{
  return a->n_frames == b->n_frames && memcmp (a->frames, b->frames, a->n_frames * sizeof *a->frames) == 0;
}

static gboolean
read_stack (PyObserver *self, Thread *thread)
{
  return py_stack_read (&thread->public.stack, self->runtime, &thread->public.thread) == PY_STACK_OK;
}

/* TRUE if the thread did not run since its stack was read while it slept. */
static gboolean
slept_on (PyObserver *self, const Thread *thread)
{
  const HapThread *kernel;
  guint64 run_ns, switches;

  if (!thread->known || !thread->asleep || thread->switches == 0)
    return FALSE;
  kernel = find_kernel_thread (self, thread);
  return kernel != NULL && hap_thread_read_schedule (kernel, &run_ns, &switches) && run_ns == thread->run_ns
         && switches == thread->switches;
}

/* Reads the stack of a thread that sleeps in the kernel: exact if the thread was not put on a CPU meanwhile.
 */
static gboolean
read_asleep (PyObserver *self, Thread *thread)
{
  const HapThread *kernel = find_kernel_thread (self, thread);
  guint64 run_ns, switches;

  thread->asleep = FALSE;
  if (kernel == NULL || !hap_thread_read_schedule (kernel, &thread->run_ns, &thread->switches)
      || hap_thread_read_state (kernel) == 'R')
    return FALSE;
  if (!read_stack (self, thread) || !hap_thread_read_schedule (kernel, &run_ns, &switches)
      || hap_thread_read_state (kernel) == 'R')
    return FALSE;
  thread->asleep = run_ns == thread->run_ns && switches == thread->switches;
  return thread->asleep;
}

static void
note_steadiness (Thread *thread, gboolean steady)
{
  guint goal = steady ? 0 : UNSTEADY_MAX;

  thread->unsteady = thread->unsteady + (gint)(goal >> UNSTEADY_SHIFT) - (thread->unsteady >> UNSTEADY_SHIFT);
  /* The shift alone would never reach 0. */
  if (steady && thread->unsteady < (1u << UNSTEADY_SHIFT))
    thread->unsteady = 0;
}

/* Reads a running thread twice: TRUE if both readings agree and the thread's recent ones did, too. */
static gboolean
read_twice (PyObserver *self, Thread *thread)
{
  gboolean trusted = thread->unsteady <= UNSTEADY_LIMIT;
  gboolean steady;

  if (!trusted && ++thread->since_live % RETRY_LIVE_EVERY != 0)
    return FALSE;

  steady = read_stack (self, thread)
           && py_stack_read (&self->scratch, self->runtime, &thread->public.thread) == PY_STACK_OK
           && same_stack (&thread->public.stack, &self->scratch);
  note_steadiness (thread, steady);
  return trusted && steady;
}

/* A thread that cannot be held is dropped, and counted; without a tracer there is nothing to go on with. */
static void
keep_fatal (GError **error, GError *hold_error)
{
  if (g_error_matches (hold_error, HAP_ERROR, HAP_ERROR_FAILED))
    g_propagate_error (error, hold_error);
  else
    g_error_free (hold_error);
}

/*
 * Holds the thread and reads its stack; @gil (nullable) is the state before. Fails with no error if the
 * thread cannot be held or, meanwhile, another one took the GIL: what was read of the others is stale then.
 */
static gboolean
read_held (PyObserver *self, Thread *thread, const Gil *gil, GError **error)
{
  const HapThread *kernel = find_kernel_thread (self, thread);
  GError *local_error = NULL;
  guint64 pause_ns = 0;
  gboolean done = TRUE;
  Gil now;

  if (kernel == NULL)
    return FALSE;
  if (!hap_target_hold (self->target, kernel->tid, &local_error))
    {
      keep_fatal (error, local_error);
      return FALSE;
    }

  if (gil != NULL)
    done = read_gil (self, gil->address, &now) && now.switches == gil->switches;
  done = done && read_stack (self, thread);

  /* After a hold that lasted too long the reading may have been of a thread that ran. */
  if (!hap_target_let_go (self->target, &pause_ns, &local_error))
    {
      keep_fatal (error, local_error);
      done = FALSE;
    }
  self->counts.pause_ns_total += pause_ns;
  self->counts.pause_ns_max = MAX (self->counts.pause_ns_max, pause_ns);
  return done;
}

static Way
race (PyObserver *self, Thread *thread, const Gil *gil, GError **error)
{
  gboolean locked = gil != NULL && gil->locked;

  thread->public.unchanged = slept_on (self, thread);
  if (thread->public.unchanged)
    return WAY_STILL;
  if (self->precision == PY_PRECISION_FAST)
    return read_stack (self, thread) ? WAY_LIVE : WAY_DROPPED;

  /* Who holds the GIL all but always runs: there, whether it sleeps is asked last. */
  if (!locked && read_asleep (self, thread))
    return WAY_STILL;
  thread->asleep = FALSE;
  if (self->precision == PY_PRECISION_AUTO && read_twice (self, thread))
    return WAY_LIVE;
  if (locked && read_asleep (self, thread))
    return WAY_STILL;
  thread->asleep = FALSE;
  return read_held (self, thread, gil, error) ? WAY_STOPPED : WAY_DROPPED;
}

/* Reads a thread that nothing keeps from moving: the GIL's last holder, or any thread of a free-threaded
 * build. */
static gboolean
read_racing (PyObserver *self, Thread *thread, const Gil *gil, GError **error)
{
  thread->way = race (self, thread, gil, error);
  return thread->way != WAY_DROPPED;
}

static gboolean
is_wanted (PyObserver *self, const Thread *thread)
{
  if (self->main_only && !thread->public.thread.main)
    return FALSE;
  return !self->gil_only || thread->public.holds_gil;
}

static void
count (PyObserver *self, Way way)
{
  switch (way)
    {
    case WAY_LIVE:
      self->counts.live++;
      break;
    case WAY_STILL:
      self->counts.still++;
      break;
    case WAY_STOPPED:
      self->counts.stopped++;
      break;
    case WAY_DROPPED:
      self->counts.dropped++;
      break;
    case WAY_UNWANTED:
      break;
    }
}

/* Finds the Thread of a listed one: the same if neither its state's address nor its thread changed. */
static Thread *
take_known_thread (GPtrArray *threads, const PyThread *listed)
{
  for (guint i = 0; i < threads->len; i++)
    {
      Thread *thread = g_ptr_array_index (threads, i);

      if (thread != NULL && thread->public.thread.tstate == listed->tstate
          && thread->public.thread.native_id == listed->native_id
          && thread->public.thread.ident == listed->ident)
        {
          threads->pdata[i] = NULL;
          return thread;
        }
    }
  return NULL;
}

static void
list_threads (PyObserver *self)
{
  g_autoptr (GArray) listed = py_threads_list (self->runtime);
  GPtrArray *before = self->threads;

  self->threads = g_ptr_array_new_full (listed->len, (GDestroyNotify)thread_free);
  for (guint i = 0; i < listed->len; i++)
    {
      const PyThread *item = &g_array_index (listed, PyThread, i);
      Thread *thread = take_known_thread (before, item);

      if (thread == NULL)
        {
          thread = g_new0 (Thread, 1);
          py_stack_init (&thread->public.stack);
          thread->public.serial = ++self->last_serial;
          thread->unsteady = UNSTEADY_LIMIT + 1;
        }
      thread->public.thread = *item;
      thread->known = FALSE;
      g_ptr_array_add (self->threads, thread);
    }

  for (guint i = 0; i < before->len; i++)
    g_clear_pointer (&before->pdata[i], thread_free);
  g_ptr_array_set_free_func (before, NULL);
  g_ptr_array_unref (before);
  self->listed_us = g_get_monotonic_time ();
}

/* One try at all threads of a GIL whose state was @gil. FALSE: to be tried again, or @error. */
static gboolean
try_gil (PyObserver *self, const Gil *gil, GError **error)
{
  Thread *holder = NULL;
  Gil after;

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);
      gboolean is_holder = thread->public.thread.tstate == gil->last_holder;

      if (thread->public.thread.gil != gil->address)
        continue;
      thread->public.holds_gil = is_holder && gil->locked;
      thread->public.unchanged = thread->known;
      if (!is_wanted (self, thread))
        thread->way = WAY_UNWANTED;
      else if (is_holder)
        holder = thread;
      else
        thread->way = thread->known || read_stack (self, thread) ? WAY_STILL : WAY_DROPPED;
    }

  if (holder != NULL && !read_racing (self, holder, gil, error))
    return FALSE;
  if (!read_gil (self, gil->address, &after))
    return fail_gone (self, error);
  return after.switches == gil->switches;
}

/* What an observation of one GIL's threads leaves behind, complete or given up. */
static void
settle_gil (PyObserver *self, const Gil *gil, gboolean complete)
{
  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil != gil->address)
        continue;
      /* A fast observation keeps what was consistent in itself. */
      if (!complete && thread->way != WAY_DROPPED && thread->way != WAY_UNWANTED)
        thread->way = self->precision == PY_PRECISION_FAST ? WAY_LIVE : WAY_DROPPED;
      thread->public.valid = thread->way != WAY_DROPPED && thread->way != WAY_UNWANTED;
      thread->known = complete && thread->public.valid;
      count (self, thread->way);
    }
}

static gboolean
observe_gil (PyObserver *self, Gil *gil, GError **error)
{
  guint tries = self->precision == PY_PRECISION_FAST ? MAX_TRIES_FAST : MAX_TRIES;
  GError *local_error = NULL;
  gboolean complete = FALSE;

  for (guint try = 0; try < tries && !complete; try++)
    {
      guint64 switches = gil->switches;

      if (!read_gil (self, gil->address, gil))
        return fail_gone (self, error);
      if (try > 0 || !gil->known || gil->switches != switches)
        list_threads (self);
      gil->known = TRUE;

      complete = try_gil (self, gil, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
    }
  settle_gil (self, gil, complete);
  return TRUE;
}

/* Threads of a build without a GIL: each races on its own. */
static gboolean
observe_free_threads (PyObserver *self, GError **error)
{
  GError *local_error = NULL;

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil != 0)
        continue;
      thread->way = WAY_UNWANTED;
      for (guint try = 0; try < MAX_TRIES_FAST && is_wanted (self, thread); try++)
        {
          if (read_racing (self, thread, NULL, &local_error))
            break;
          if (local_error != NULL)
            {
              g_propagate_error (error, local_error);
              return FALSE;
            }
        }
      thread->public.valid = thread->way != WAY_DROPPED && thread->way != WAY_UNWANTED;
      thread->known = thread->public.valid;
      count (self, thread->way);
    }
  return TRUE;
}

/* Lists the threads when it is time, and the GILs that they take. */
static void
refresh_lists (PyObserver *self)
{
  gboolean free_threaded = py_runtime_get_layout (self->runtime)->free_threaded;
  gint64 age = g_get_monotonic_time () - self->listed_us;

  if (self->listed_us == 0 || age >= (free_threaded ? RELIST_FREE_THREADED_US : RELIST_US))
    list_threads (self);

  for (guint i = 0; i < self->threads->len; i++)
    {
      guint64 address = get_thread (self, i)->public.thread.gil;
      gboolean listed = address == 0;

      for (guint j = 0; j < self->gils->len && !listed; j++)
        listed = g_array_index (self->gils, Gil, j).address == address;
      if (!listed)
        {
          Gil gil = { .address = address };

          g_array_append_val (self->gils, gil);
        }
    }
}

static void
py_observer_finalize (GObject *object)
{
  PyObserver *self = PY_OBSERVER (object);

  py_stack_clear (&self->scratch);
  g_clear_pointer (&self->threads, g_ptr_array_unref);
  g_clear_pointer (&self->gils, g_array_unref);
  g_clear_object (&self->runtime);
  g_clear_object (&self->target);

  G_OBJECT_CLASS (py_observer_parent_class)->finalize (object);
}

static void
py_observer_class_init (PyObserverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = py_observer_finalize;
}

static void
py_observer_init (PyObserver *self)
{
  py_stack_init (&self->scratch);
  self->threads = g_ptr_array_new_with_free_func ((GDestroyNotify)thread_free);
  self->gils = g_array_new (FALSE, TRUE, sizeof (Gil));
}

PyObserver *
py_observer_new (HapTarget *target, PyRuntime *runtime, PyPrecision precision)
{
  PyObserver *self = g_object_new (PY_TYPE_OBSERVER, NULL);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  self->precision = precision;
  return self;
}

void
py_observer_set_main_only (PyObserver *self, gboolean main_only)
{
  self->main_only = main_only;
}

void
py_observer_set_gil_only (PyObserver *self, gboolean gil_only)
{
  self->gil_only = gil_only;
}

GPtrArray *
py_observer_observe (PyObserver *self, GError **error)
{
  refresh_lists (self);
  if (self->threads->len == 0)
    {
      fail_gone (self, error);
      return NULL;
    }

  for (guint i = 0; i < self->gils->len; i++)
    {
      if (!observe_gil (self, &g_array_index (self->gils, Gil, i), error))
        return NULL;
    }
  if (!observe_free_threads (self, error))
    return NULL;
  return self->threads;
}

const PyObserverCounts *
py_observer_get_counts (PyObserver *self)
{
  return &self->counts;
}
