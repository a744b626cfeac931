/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All threads at one moment, again and again: which of them can have moved since they were read last, and
 * which have to be read now. How a thread that may move is read truly is py-thread-reader.c's.
 *
 * CPython 3.11 to 3.15: `struct _gil_runtime_state` counts in switch_number each change of last_holder
 * (take_gil() in Python/ceval_gil.c, under the GIL's mutex and before the new holder runs). A thread needs
 * the GIL to change its own Python stack, so while switch_number stands, every thread but last_holder is
 * still. last_holder itself may let go of the GIL and take it again uncounted: it is the one race.
 */

#include "py-observer.h"

#include <string.h>

#include "py-thread-reader.h"

/* Bounds one observation of a target whose GIL wanders faster than we read. */
#define MAX_TRIES 16

/* How often the list of threads is read again though the GIL shows no change (a new thread may have an old
 * one's address), and in free-threaded builds, where threads come and go without a sign. */
#define RELIST_US G_USEC_PER_SEC
#define RELIST_FREE_THREADED_US (G_USEC_PER_SEC / 100)

typedef struct
{
  guint64 address;
  guint64 last_holder; /* a PyThreadState */
  gboolean locked;
  guint64 switches;
} Gil;

/* A GIL from one observation to the next. @listed: the switches at which the list of threads was read; none
 * has come or gone as long as they stand, for that takes the GIL, too. */
typedef struct
{
  Gil now;
  gboolean is_listed;
  guint64 listed;
} KnownGil;

/* A thread from one observation to the next. @known: its stack is what it had when the GIL had switched
 * @known_at times. */
typedef struct
{
  PyObservation public;

  PyReadState read_state;
  gboolean done; /* in the observation at hand */
  gboolean known;
  guint64 known_at;
} Thread;

struct _PyObserver
{
  GObject parent_instance;

  HapTarget *target;
  PyRuntime *runtime;
  gboolean main_only, gil_only;

  GPtrArray *threads; /* (element-type Thread) */
  GArray *gils;       /* (element-type KnownGil) */
  PyThreadReader reader;
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

static gboolean
is_wanted (PyObserver *self, const Thread *thread)
{
  if (self->main_only && !thread->public.thread.main)
    return FALSE;
  return !self->gil_only || thread->public.holds_gil;
}

static void
count (PyObserver *self, PyReadWay way)
{
  switch (way)
    {
    case PY_READ_LIVE:
      self->counts.live++;
      break;
    case PY_READ_STILL:
      self->counts.still++;
      break;
    case PY_READ_STOPPED:
      self->counts.stopped++;
      break;
    case PY_READ_DROPPED:
      self->counts.dropped++;
      break;
    case PY_READ_UNWANTED:
      break;
    }
}

static gboolean
is_same_thread (const Thread *thread, const PyThread *listed)
{
  return thread != NULL && thread->public.thread.tstate == listed->tstate
         && thread->public.thread.native_id == listed->native_id
         && thread->public.thread.ident == listed->ident;
}

/* Takes the Thread of a listed one out of @threads: NULL if it is new. Most keep their places. */
static Thread *
take_known_thread (GPtrArray *threads, const PyThread *listed, guint place)
{
  for (guint i = 0; i < threads->len; i++)
    {
      guint index = (place + i) % threads->len;

      if (is_same_thread (threads->pdata[index], listed))
        return g_steal_pointer (&threads->pdata[index]);
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
      Thread *thread = take_known_thread (before, item, i);

      if (thread == NULL)
        {
          thread = g_new0 (Thread, 1);
          py_stack_init (&thread->public.stack);
          thread->public.serial = ++self->last_serial;
          py_read_state_init (&thread->read_state);
        }
      thread->public.thread = *item;
      g_ptr_array_add (self->threads, thread);
    }

  for (guint i = 0; i < before->len; i++)
    g_clear_pointer (&before->pdata[i], thread_free);
  g_ptr_array_set_free_func (before, NULL);
  g_ptr_array_unref (before);
  self->listed_us = g_get_monotonic_time ();
}

/* Ends one thread's part of this observation. */
static void
settle (PyObserver *self, Thread *thread, PyReadWay way)
{
  thread->done = TRUE;
  thread->public.valid = way != PY_READ_DROPPED && way != PY_READ_UNWANTED;
  thread->known = thread->public.valid;
  count (self, way);
}

static void
observe_racing (PyObserver *self, Thread *thread, gboolean locked, GError **error)
{
  PyReadWay way = py_thread_reader_read_racing (&self->reader, &thread->read_state, &thread->public.thread,
                                                &thread->public.stack, thread->known, locked, error);

  thread->public.unchanged = way == PY_READ_STILL && thread->read_state.slept_on;
  settle (self, thread, way);
}

/* Observes one thread that takes @gil, whose state was read just before. FALSE: the GIL went from hand to
 * hand meanwhile, or @error. */
static gboolean
observe_thread (PyObserver *self, Thread *thread, Gil *gil, GError **error)
{
  guint64 switches = gil->switches;
  gboolean read;

  if (!is_wanted (self, thread))
    {
      settle (self, thread, PY_READ_UNWANTED);
      return TRUE;
    }
  if (thread->public.thread.tstate == gil->last_holder)
    {
      observe_racing (self, thread, gil->locked, error);
      thread->known_at = switches;
      return *error == NULL;
    }

  thread->public.unchanged = thread->known && thread->known_at == switches;
  if (thread->public.unchanged)
    {
      settle (self, thread, PY_READ_STILL);
      return TRUE;
    }
  read = py_stack_read (&thread->public.stack, self->runtime, &thread->public.thread) == PY_STACK_OK;
  if (!read_gil (self, gil->address, gil))
    return fail_gone (self, error);
  if (gil->switches != switches && self->reader.precision != PY_PRECISION_FAST)
    return FALSE;
  settle (self, thread, !read ? PY_READ_DROPPED : gil->switches == switches ? PY_READ_STILL : PY_READ_LIVE);
  thread->known = thread->known && gil->switches == switches;
  thread->known_at = switches;
  return TRUE;
}

/* One pass over the threads of a GIL that are not done yet. FALSE: to be gone on with, or @error. */
static gboolean
observe_threads (PyObserver *self, Gil *gil, GError **error)
{
  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil == gil->address && !thread->done
          && !observe_thread (self, thread, gil, error))
        return FALSE;
    }
  return TRUE;
}

static void
note_holder (PyObserver *self, const Gil *gil)
{
  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil == gil->address)
        thread->public.holds_gil = gil->locked && thread->public.thread.tstate == gil->last_holder;
    }
}

static gboolean
observe_gil (PyObserver *self, KnownGil *known, GError **error)
{
  GError *local_error = NULL;
  gboolean complete = FALSE;

  for (guint try = 0; try < MAX_TRIES && !complete; try++)
    {
      if (!read_gil (self, known->now.address, &known->now))
        return fail_gone (self, error);
      if (!known->is_listed || known->listed != known->now.switches)
        list_threads (self);
      known->listed = known->now.switches;
      known->is_listed = TRUE;
      if (try == 0)
        note_holder (self, &known->now);

      complete = observe_threads (self, &known->now, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
    }

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil == known->now.address && !thread->done)
        settle (self, thread, PY_READ_DROPPED);
    }
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
      if (!is_wanted (self, thread))
        settle (self, thread, PY_READ_UNWANTED);
      else
        observe_racing (self, thread, FALSE, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
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
        listed = g_array_index (self->gils, KnownGil, j).now.address == address;
      if (!listed)
        {
          KnownGil gil = { .now.address = address };

          g_array_append_val (self->gils, gil);
        }
    }
}

static void
py_observer_finalize (GObject *object)
{
  PyObserver *self = PY_OBSERVER (object);

  py_thread_reader_clear (&self->reader);
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
  self->threads = g_ptr_array_new_with_free_func ((GDestroyNotify)thread_free);
  self->gils = g_array_new (FALSE, TRUE, sizeof (KnownGil));
}

PyObserver *
py_observer_new (HapTarget *target, PyRuntime *runtime, PyPrecision precision)
{
  PyObserver *self = g_object_new (PY_TYPE_OBSERVER, NULL);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  py_thread_reader_init (&self->reader, target, runtime, precision);
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

  for (guint i = 0; i < self->threads->len; i++)
    get_thread (self, i)->done = FALSE;
  for (guint i = 0; i < self->gils->len; i++)
    {
      if (!observe_gil (self, &g_array_index (self->gils, KnownGil, i), error))
        return NULL;
    }
  if (!observe_free_threads (self, error))
    return NULL;
  return self->threads;
}

const PyObserverCounts *
py_observer_get_counts (PyObserver *self)
{
  self->counts.pause_ns_total = self->reader.pause_ns_total;
  self->counts.pause_ns_max = self->reader.pause_ns_max;
  return &self->counts;
}
