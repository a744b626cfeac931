/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-frames.h"
#include "py-observer.h"

G_BEGIN_DECLS

/* How a thread was read; PY_READ_UNWANTED: nobody asked. */
typedef enum
{
  PY_READ_UNWANTED,
  PY_READ_LIVE,
  PY_READ_STILL,
  PY_READ_STOPPED,
  PY_READ_DROPPED,
} PyReadWay;

/* What is remembered of one thread from reading to reading. */
typedef struct
{
  guint unsteady; /* 0 to 256: which part of the recent pairs of readings differed */
  guint since_live;

  gboolean asleep;          /* it slept when its stack was read, ... */
  guint64 run_ns, switches; /* ... having run this much before */
  gboolean slept_on;        /* and did so until the last call: its stack was not read again */
} PyReadState;

void py_read_state_init (PyReadState *self);

/* Reads the stacks of threads that nothing keeps from moving. */
typedef struct
{
  HapTarget *target;
  PyRuntime *runtime;
  PyPrecision precision;
  PyStack scratch;
  guint64 pause_ns_total, pause_ns_max; /* time held */
} PyThreadReader;

/* @target and @runtime are not referenced: they outlive the reader. */
void
py_thread_reader_init (PyThreadReader *self, HapTarget *target, PyRuntime *runtime, PyPrecision precision);
void py_thread_reader_clear (PyThreadReader *self);

/**
 * py_thread_reader_read_racing:
 * @stack: (inout): what the thread had when it was read last
 * @known: @stack was true then
 * @locked: the thread holds the GIL, as far as we know
 *
 * Errors: HAP_ERROR_FAILED: no tracer is to be had. What cannot be read for any other reason is
 * PY_READ_DROPPED.
 */
PyReadWay py_thread_reader_read_racing (PyThreadReader *self,
                                        PyReadState *state,
                                        const PyThread *thread,
                                        PyStack *stack,
                                        gboolean known,
                                        gboolean locked,
                                        GError **error);

G_END_DECLS
