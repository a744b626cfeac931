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

#include <glib/gi18n.h>
#include <string.h>

#include "py-thread-reader.h"

/* Bounds one observation of a target whose GIL wanders faster than we read. */
#define MAX_TRIES 16

/*
 * How often the list of threads is read again though it shows no new one: those that ended drop out of it
 * then. Until that they do no harm, for a thread ends with no frame on its stack. In free-threaded builds
 * more often.
 */
#define RELIST_US (G_USEC_PER_SEC / 10)
#define RELIST_FREE_THREADED_US (G_USEC_PER_SEC / 100)

typedef struct
{
  guint64 address;
  guint64 last_holder; /* a PyThreadState */
  gboolean locked;
  guint64 switches;
} Gil;

/* An interpreter, and its newest thread when the list was read. */
typedef struct
{
  guint64 address;
  guint64 gil;
  guint64 newest;
} Interpreter;

/* A thread from one observation to the next. @known: its stack is what it had when the GIL had switched
 * @known_at times. */
typedef struct
{
  PyObservation public;

  PyReadState read_state;
  gboolean done, pending, read; /* in the observation at hand */
  gboolean known;
  guint64 known_at;
} Thread;

struct _PyObserver
{
  GObject parent_instance;

  HapTarget *target;
  PyRuntime *runtime;
  gboolean main_only, gil_only;

  GPtrArray *threads;   /* (element-type Thread) */
  GArray *interpreters; /* (element-type Interpreter) those that have threads */
  GArray *gils;         /* (element-type Gil) as at the last observation */
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
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("Process %u became another program (exec)"),
                 hap_target_get_pid (self->target));
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("Process %u ended"),
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

/* Notes the interpreter, unless it is: its threads come one after another. */
static void
note_interpreter (PyObserver *self, const PyThread *thread)
{
  guint n = self->interpreters->len;
  Interpreter interpreter = { thread->interpreter, thread->gil, 0 };

  if (n > 0 && g_array_index (self->interpreters, Interpreter, n - 1).address == thread->interpreter)
    return;
  interpreter.newest = py_threads_get_newest (self->runtime, thread->interpreter);
  g_array_append_val (self->interpreters, interpreter);
}

static void
list_threads (PyObserver *self)
{
  g_autoptr (GArray) listed = py_threads_list (self->runtime);
  GPtrArray *before = self->threads;

  self->threads = g_ptr_array_new_full (listed->len, (GDestroyNotify)thread_free);
  g_array_set_size (self->interpreters, 0);
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
      note_interpreter (self, item);
    }

  for (guint i = 0; i < before->len; i++)
    g_clear_pointer (&before->pdata[i], thread_free);
  g_ptr_array_set_free_func (before, NULL);
  g_ptr_array_unref (before);
  self->listed_us = g_get_monotonic_time ();
}

/* FALSE: a thread came that is not listed, or had no number yet. Without a change of the GIL's holder none
 * can. */
static gboolean
is_list_current (PyObserver *self)
{
  gint64 age = g_get_monotonic_time () - self->listed_us;

  if (age >= (py_runtime_get_layout (self->runtime)->free_threaded ? RELIST_FREE_THREADED_US : RELIST_US))
    return FALSE;
  for (guint i = 0; i < self->interpreters->len; i++)
    {
      const Interpreter *interpreter = &g_array_index (self->interpreters, Interpreter, i);

      if (py_threads_get_newest (self->runtime, interpreter->address) != interpreter->newest)
        return FALSE;
    }
  for (guint i = 0; i < self->threads->len; i++)
    {
      if (get_thread (self, i)->public.thread.native_id == 0)
        return FALSE;
    }
  return self->listed_us != 0;
}

/* Ends one thread's part of this observation. */
static void
settle (PyObserver *self, Thread *thread, PyReadWay way)
{
  thread->done = TRUE;
  thread->pending = FALSE;
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

/* Reads a thread that does not hold the GIL, if it held it since it was read last; whether it did meanwhile
 * is for the caller to see. */
static void
read_thread (PyObserver *self, Thread *thread, const Gil *gil)
{
  PyStackVerdict verdict;

  thread->public.unchanged = thread->known && thread->known_at == gil->switches;
  thread->read = thread->public.unchanged;
  if (thread->read)
    return;

  verdict = py_stack_read_still (&thread->public.stack, self->runtime, &thread->public.thread);
  thread->read = verdict == PY_STACK_OK;
  thread->known = FALSE;
  if (verdict == PY_STACK_GONE)
    self->listed_us = 0;
}

/* What read_thread() read was true: @still, or at least consistent with itself. */
static void
settle_read (PyObserver *self, Thread *thread, const Gil *gil, gboolean still)
{
  settle (self, thread, !thread->read ? PY_READ_DROPPED : still ? PY_READ_STILL : PY_READ_LIVE);
  thread->known = thread->known && still;
  thread->known_at = gil->switches;
}

/* Settles what was read up to the thread @end, if the GIL did not change hands since. FALSE: it did, or
 * @error. */
static gboolean
settle_reads (PyObserver *self, Gil *gil, guint end, GError **error)
{
  guint64 switches = gil->switches;

  if (!read_gil (self, gil->address, gil))
    return fail_gone (self, error);
  if (gil->switches != switches && self->reader.precision != PY_PRECISION_FAST)
    return FALSE;
  for (guint i = 0; i < end; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->pending)
        settle_read (self, thread, gil, gil->switches == switches);
    }
  return TRUE;
}

/*
 * The threads of a GIL that are not done yet, other than its holder: all of them between two looks at the
 * GIL, or, when it changes hands too fast for that, @one_by_one. FALSE: to be gone on with, or @error.
 */
static gboolean
observe_waiting (PyObserver *self, Gil *gil, guint64 holder, gboolean one_by_one, GError **error)
{
  guint n_pending = 0;

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      thread->pending = FALSE;
      if (thread->public.thread.gil != gil->address || thread->done || thread->public.thread.tstate == holder)
        continue;
      read_thread (self, thread, gil);
      thread->pending = TRUE;
      n_pending++;
      if (one_by_one && !settle_reads (self, gil, i + 1, error))
        return FALSE;
    }
  return n_pending == 0 || one_by_one || settle_reads (self, gil, self->threads->len, error);
}

/* Settles those who are not wanted, and finds the holder among the others: NULL when it is done, or none. */
static Thread *
find_holder (PyObserver *self, const Gil *gil)
{
  Thread *holder = NULL;

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil != gil->address || thread->done)
        continue;
      if (!is_wanted (self, thread))
        settle (self, thread, PY_READ_UNWANTED);
      else if (thread->public.thread.tstate == gil->last_holder)
        holder = thread;
    }
  return holder;
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
observe_gil (PyObserver *self, Gil *gil, GError **error)
{
  gboolean complete = FALSE;

  for (guint try = 0; try < MAX_TRIES && !complete; try++)
    {
      guint64 switches = gil->switches;
      GError *local_error = NULL;
      guint64 holder_tstate;
      Thread *holder;

      if (!read_gil (self, gil->address, gil))
        return fail_gone (self, error);
      if (gil->switches != switches && !is_list_current (self))
        list_threads (self);
      if (try == 0)
        note_holder (self, gil);

      holder_tstate = gil->last_holder;
      holder = find_holder (self, gil);
      if (holder != NULL)
        observe_racing (self, holder, gil->locked, &local_error);
      if (local_error == NULL)
        complete = observe_waiting (self, gil, holder_tstate, try > 0, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
    }

  for (guint i = 0; i < self->threads->len; i++)
    {
      Thread *thread = get_thread (self, i);

      if (thread->public.thread.gil == gil->address && !thread->done)
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

/* The GILs that are taken now, each as it was at the last observation. */
static void
refresh_gils (PyObserver *self)
{
  GArray *before = self->gils;

  self->gils = g_array_new (FALSE, TRUE, sizeof (Gil));
  for (guint i = 0; i < self->interpreters->len; i++)
    {
      Gil gil = { .address = g_array_index (self->interpreters, Interpreter, i).gil };
      gboolean listed = gil.address == 0;

      for (guint j = 0; j < self->gils->len; j++)
        listed = listed || g_array_index (self->gils, Gil, j).address == gil.address;
      for (guint j = 0; j < before->len; j++)
        {
          if (g_array_index (before, Gil, j).address == gil.address)
            gil = g_array_index (before, Gil, j);
        }
      if (!listed)
        g_array_append_val (self->gils, gil);
    }
  g_array_unref (before);
}

static void
py_observer_finalize (GObject *object)
{
  PyObserver *self = PY_OBSERVER (object);

  py_thread_reader_clear (&self->reader);
  g_clear_pointer (&self->threads, g_ptr_array_unref);
  g_clear_pointer (&self->gils, g_array_unref);
  g_clear_pointer (&self->interpreters, g_array_unref);
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
  self->gils = g_array_new (FALSE, TRUE, sizeof (Gil));
  self->interpreters = g_array_new (FALSE, TRUE, sizeof (Interpreter));
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
  if (self->threads->len == 0 || py_runtime_get_layout (self->runtime)->free_threaded)
    {
      if (!is_list_current (self))
        list_threads (self);
    }
  if (self->threads->len == 0)
    {
      fail_gone (self, error);
      return NULL;
    }

  refresh_gils (self);
  for (guint i = 0; i < self->threads->len; i++)
    get_thread (self, i)->done = FALSE;
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
  self->counts.pause_ns_total = self->reader.pause_ns_total;
  self->counts.pause_ns_max = self->reader.pause_ns_max;
  return &self->counts;
}
