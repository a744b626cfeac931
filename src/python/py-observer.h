/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-frames.h"

G_BEGIN_DECLS

/**
 * PyPrecision: how sure the stack of a thread that runs must be.
 * @PY_PRECISION_AUTO: read live while the thread's stack is calm, held for the read where it is not
 * @PY_PRECISION_EXACT: every thread that could have moved is held: no impossible stack
 * @PY_PRECISION_FAST: read live once, checked for movement; never held; what moved is dropped and counted
 */
typedef enum
{
  PY_PRECISION_AUTO,
  PY_PRECISION_EXACT,
  PY_PRECISION_FAST,
} PyPrecision;

/* How often each way was taken; all counts are of threads in observations. */
typedef struct
{
  guint64 live;     /* read live and accepted: the thread ran */
  guint64 still;    /* read live (or not at all, being unchanged) while it could not move: no GIL, or asleep */
  guint64 stopped;  /* held for the read */
  guint64 dropped;  /* given up: moved at each try, or gone */
  guint64 pause_ns_total, pause_ns_max; /* time held */
} PyObserverCounts;

/* One thread in one observation. */
typedef struct
{
  PyThread thread;
  PyStack stack;
  gboolean valid;     /* FALSE: dropped in this observation */
  gboolean unchanged; /* the stack is the same object as at the last observation: it could not have moved since */
  gboolean holds_gil; /* at the moment of the observation */
  guint64 serial;     /* never used for another thread state */
} PyObservation;

/**
 * PyObserver: observes the stacks of all threads at one moment, again and again, with the least harm and no lies.
 *
 * In a build with a GIL only its holder can change its Python stack. The GIL's switch counter, read before and after, proves that no other
 * thread held it meanwhile, so the stacks of all others are exact as they were read last; only the holder is a race.
 */
#define PY_TYPE_OBSERVER (py_observer_get_type ())
G_DECLARE_FINAL_TYPE (PyObserver, py_observer, PY, OBSERVER, GObject)

PyObserver *py_observer_new (HapTarget *target, PyRuntime *runtime, PyPrecision precision);

/* Only the main thread. */
void py_observer_set_main_only (PyObserver *self, gboolean main_only);

/* Only threads that hold a GIL are read; the others come with valid = FALSE and are not counted. */
void py_observer_set_gil_only (PyObserver *self, gboolean gil_only);

/**
 * py_observer_observe:
 * Returns: (element-type PyObservation) (transfer none): all threads; valid until the next call.
 * NULL with HAP_ERROR_TARGET_GONE when the target ended or called exec, HAP_ERROR_FAILED when the tracer died
 */
GPtrArray *py_observer_observe (PyObserver *self, GError **error);

const PyObserverCounts *py_observer_get_counts (PyObserver *self);

G_END_DECLS
