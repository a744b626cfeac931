/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Forked runs: a copy of the target at the one place where it waits for that, made sure of in the copy itself
 * before any of it goes on. How a process is forked off the target and confined is the tracer's, what waits
 * is py-run.py's.
 */

#include "py-fork.h"

#include <glib/gi18n.h>
#include <pthread.h>

#include "hap-error.h"
#include "hap-snapshot.h"
#include "hap-wait.h"
#include "py-main-thread.h"
#include "py-run-private.h"
#include "py-runtime-private.h"

/* The function that waits, with the interpreter's lock: whoever lets go of it may be waiting for another to
 * take it. */
#define FUNCTION "keep_lock"
#define SOURCE "<ha-profiler>"

/* Asks it to keep the interpreter's lock. */
#define KEEP_LOCK "keep"

/* It waits for a second. */
#define COPY_SECONDS 0.9
#define BETWEEN_US 500

/* By then it is past the first milliseconds. */
#define PATIENT_LOOKS 4
#define ANSWER_SECONDS 10.0

/* How often is looked whether a silent copy still runs. */
#define LOOK_SECONDS 0.02

struct _PyFork
{
  HapTarget *target;
  PyRuntime *runtime;
  PyRun *run;
  HapSnapshot *snapshot;
  gboolean fresh; /* it has not begun to work yet */
  gboolean ended;
  gint64 pause_us;
};

/* The two conditions and mutexes at the end of struct _gil_runtime_state, each as we have it. */
#define GIL_LOCKS_SIZE (2 * (sizeof (pthread_cond_t) + sizeof (pthread_mutex_t)))

static void
add_zeros (HapWrite *writes, guint *n, guint64 address, gsize size)
{
  for (gsize at = 0; at < size; at += HAP_TRACER_MAX_WRITE)
    writes[(*n)++] = (HapWrite){ .address = address + at, .size = MIN (size - at, HAP_TRACER_MAX_WRITE) };
}

/*
 * In a copy nobody waits for the interpreter's lock, and nobody wants its thread to let go of it: whoever did
 * is not there to be waited for. (Python/ceval_gil.c, drop_gil(), recreate_gil(); 3.11, 3.12: struct
 * _ceval_state, eval_breaker and gil_drop_request; later: the low byte of the thread's eval_breaker)
 */
static gboolean
quieten (PyFork *self, const PyThread *thread, GError **error)
{
  const PyLayout *layout = &self->runtime->layout;
  HapWrite writes[HAP_TRACER_MAX_WRITES];
  guint n = 0;

  if (layout->tstate_eval_breaker == PY_NO_FIELD)
    add_zeros (writes, &n, thread->interpreter + layout->interp_eval_breaker, 2 * sizeof (guint32));
  else
    add_zeros (writes, &n, thread->tstate + layout->tstate_eval_breaker, 1);
  add_zeros (writes, &n, thread->gil + layout->gil_switch_number + sizeof (guint64), GIL_LOCKS_SIZE);
  return hap_snapshot_patch (self->snapshot, writes, n, error);
}

G_STATIC_ASSERT (GIL_LOCKS_SIZE <= (HAP_TRACER_MAX_WRITES - 1) * HAP_TRACER_MAX_WRITE);

/* FALSE without @error: it was not at its place. */
static gboolean
take (PyFork *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyRuntime) frozen = NULL;
  g_autoptr (PyMainThread) main_thread = NULL;
  const PyThread *thread;

  g_clear_pointer (&self->snapshot, hap_snapshot_free);
  self->snapshot = hap_target_snapshot (self->target, cancellable, error);
  if (self->snapshot == NULL)
    return FALSE;
  frozen = py_runtime_with_memory (self->runtime, hap_snapshot_get_memory (self->snapshot));
  main_thread = py_main_thread_new (self->target, frozen);
  thread = py_main_thread_find (main_thread, error);
  return thread != NULL && py_main_thread_is_at (main_thread, FUNCTION, SOURCE)
         && quieten (self, thread, error)
         && hap_snapshot_run (self->snapshot, py_run_get_descriptor (self->run), error);
}

/* FALSE without @error: not yet. A look at the target as it runs says when a copy is worth its cost. */
static gboolean
try_to_take (PyFork *self, PyMainThread *live, guint looks, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (py_main_thread_is_at (live, FUNCTION, SOURCE) && take (self, cancellable, &local_error))
    return TRUE;
  if (local_error == NULL && looks >= PATIENT_LOOKS)
    py_run_write_header (self->run, KEEP_LOCK, error);
  else if (local_error != NULL && !g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* The target waits meanwhile. */
static gboolean
take_in_time (PyFork *self, GCancellable *cancellable, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64)(COPY_SECONDS * G_USEC_PER_SEC);
  g_autoptr (PyMainThread) live = py_main_thread_new (self->target, self->runtime);
  g_autoptr (GError) local_error = NULL;

  if (py_main_thread_find (live, error) == NULL)
    return FALSE;
  for (guint looks = 0; local_error == NULL && g_get_monotonic_time () < deadline; looks++)
    {
      if (try_to_take (self, live, looks, cancellable, &local_error))
        return py_run_write_header (self->run, "", error);
      if (!hap_wait_until (g_get_monotonic_time () + BETWEEN_US, cancellable))
        break;
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error (
        error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
        _ ("The target could not be copied while it waited for that: it has too many threads, or the "
           "machine too much to do"));
  return FALSE;
}

/* The copy is made when the snippet waits for it; then the target goes on, and its part ends. */
static gboolean
make_copy (PyFork *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) value = NULL;
  gint64 begin = g_get_monotonic_time ();
  PyRunEvent event;
  gboolean taken;

  if (!py_run_next (self->run, &event, &value, ANSWER_SECONDS, cancellable, error))
    return FALSE;
  taken = event == PY_RUN_WAITS && take_in_time (self, cancellable, error);
  if (event != PY_RUN_WAITS)
    g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The target does not wait for its copy"));
  if (!py_run_let_copy_go (self->run, taken ? error : NULL) || !taken)
    return FALSE;
  self->pause_us = g_get_monotonic_time () - begin;
  self->fresh = TRUE;
  return py_run_next (self->run, &event, &value, ANSWER_SECONDS, cancellable, error);
}

PyFork *
py_fork_new (HapTarget *target,
             PyRuntime *runtime,
             const char *snippet,
             GVariant *arguments,
             double timeout,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (PyFork) self = g_new0 (PyFork, 1);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  self->run = py_run_new (target, runtime);
  return py_run_start (self->run, snippet, arguments, timeout, cancellable, error)
                 && make_copy (self, cancellable, error)
             ? g_steal_pointer (&self)
             : NULL;
}

void
py_fork_free (PyFork *self)
{
  g_clear_pointer (&self->snapshot, hap_snapshot_free);
  g_clear_object (&self->run);
  g_clear_object (&self->runtime);
  g_clear_object (&self->target);
  g_free (self);
}

/* A copy waits for its header, and nobody else writes when that is there. */
gboolean
py_fork_run (PyFork *self, guint first, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%u", first);

  if (!self->fresh
      && (!py_run_write_header (self->run, "", error)
          || !hap_snapshot_run (self->snapshot, py_run_get_descriptor (self->run), error)))
    return FALSE;
  self->fresh = self->ended = FALSE;
  return py_run_write_header (self->run, text, error);
}

/* FALSE without @error: nothing yet. */
static gboolean
look (PyFork *self,
      PyForkEvent *event,
      JsonNode **value,
      double seconds,
      GCancellable *cancellable,
      GError **error)
{
  g_autoptr (GError) local_error = NULL;
  PyRunEvent said;

  if (py_run_next (self->run, &said, value, seconds, cancellable, &local_error))
    {
      *event = said == PY_RUN_ITEM ? PY_FORK_ITEM : PY_FORK_RESULT;
      return TRUE;
    }
  if (!g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
py_fork_next (PyFork *self,
              PyForkEvent *event,
              JsonNode **value,
              double timeout,
              GCancellable *cancellable,
              GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64)(timeout * G_USEC_PER_SEC);
  g_autoptr (GError) local_error = NULL;

  do
    {
      if (look (self, event, value, self->ended ? 0 : LOOK_SECONDS, cancellable, &local_error))
        return TRUE;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (self->ended)
        {
          *event = PY_FORK_ENDED;
          return TRUE;
        }
      /* What it said last is read after it is known to have ended. */
      self->ended = !hap_snapshot_is_running (self->snapshot);
    }
  while (self->ended || g_get_monotonic_time () < deadline);
  *event = PY_FORK_BLOCKED;
  return TRUE;
}

guint64
py_fork_get_pause_ns (PyFork *self)
{
  return (guint64)self->pause_us * 1000;
}
