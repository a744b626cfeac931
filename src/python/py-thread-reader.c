/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the stack of one thread that may run is read, so that what is kept is true and the thread is stopped as
 * rarely as possible: while it sleeps, live twice, or held. Reading a stack once is py-frames.c's; stopping a
 * thread is the tracer's, asked through HapTarget.
 */

#include "py-thread-reader.h"

#include <string.h>

/* A thread may be caught where its stack is just being changed, or in a system call that cannot be stopped.
 */
#define MAX_HOLDS 4

/* How unsteady a stack is, 0 to 256: which part of the recent pairs of readings differed. Above the limit it
 * is not read live. */
#define UNSTEADY_MAX 256
#define UNSTEADY_LIMIT 16
#define UNSTEADY_SHIFT 4

/* An unsteady thread's stack is held at each observation but this many'th, at which it is tried again whether
 * it became steady. */
#define RETRY_LIVE_EVERY 16

/* One reading at hand. */
typedef struct
{
  PyThreadReader *reader;
  PyReadState *state;
  const PyThread *thread;
  PyStack *stack;
} Reading;

/* The kernel's view of a thread. NULL: it has ended. */
static const HapThread *
find_kernel_thread (const Reading *reading)
{
  return hap_target_find_thread (reading->reader->target, reading->thread->native_id);
}

static gboolean
same_stack (const PyStack *a, const PyStack *b)
{
  return a->n_frames == b->n_frames && memcmp (a->frames, b->frames, a->n_frames * sizeof *a->frames) == 0;
}

/* Once, checked for movement. */
static gboolean
read_stack (const Reading *reading, PyStack *stack)
{
  return py_stack_read (stack, reading->reader->runtime, reading->thread) == PY_STACK_OK;
}

/* TRUE if the thread did not run since its stack was read while it slept. */
static gboolean
slept_on (const Reading *reading)
{
  const PyReadState *state = reading->state;
  const HapThread *kernel;
  guint64 run_ns, switches;

  if (!state->asleep || state->switches == 0)
    return FALSE;
  kernel = find_kernel_thread (reading);
  return kernel != NULL && hap_thread_read_schedule (kernel, &run_ns, &switches) && run_ns == state->run_ns
         && switches == state->switches;
}

/* Reads the stack of a thread that sleeps in the kernel: exact if the thread was not put on a CPU meanwhile.
 */
static gboolean
read_asleep (const Reading *reading)
{
  const HapThread *kernel = find_kernel_thread (reading);
  PyReadState *state = reading->state;
  guint64 run_ns, switches;

  state->asleep = FALSE;
  if (kernel == NULL || !hap_thread_read_schedule (kernel, &state->run_ns, &state->switches)
      || hap_thread_read_state (kernel) == 'R')
    return FALSE;
  if (py_stack_read_still (reading->stack, reading->reader->runtime, reading->thread) != PY_STACK_OK
      || !hap_thread_read_schedule (kernel, &run_ns, &switches) || hap_thread_read_state (kernel) == 'R')
    return FALSE;
  state->asleep = run_ns == state->run_ns && switches == state->switches;
  return state->asleep;
}

static void
note_steadiness (PyReadState *state, gboolean steady)
{
  guint goal = steady ? 0 : UNSTEADY_MAX;

  state->unsteady = state->unsteady + (goal >> UNSTEADY_SHIFT) - (state->unsteady >> UNSTEADY_SHIFT);
  /* The shift alone would never reach 0. */
  if (steady && state->unsteady < (1u << UNSTEADY_SHIFT))
    state->unsteady = 0;
}

/* Reads a running thread twice: TRUE if both readings agree and the thread's recent ones did, too. */
static gboolean
read_twice (const Reading *reading)
{
  PyStack *scratch = &reading->reader->scratch;
  PyReadState *state = reading->state;
  gboolean trusted = state->unsteady <= UNSTEADY_LIMIT;
  gboolean steady;

  if (!trusted && ++state->since_live % RETRY_LIVE_EVERY != 0)
    return FALSE;

  steady = read_stack (reading, reading->stack) && read_stack (reading, scratch)
           && same_stack (reading->stack, scratch);
  note_steadiness (state, steady);
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

/* Holds the thread and reads its stack. FALSE with no error: it cannot be held now. */
static gboolean
read_held (const Reading *reading, GError **error)
{
  PyThreadReader *self = reading->reader;
  const HapThread *kernel = find_kernel_thread (reading);
  GError *hold_error = NULL;
  guint64 pause_ns = 0;
  gboolean done;

  if (kernel == NULL)
    return FALSE;
  if (!hap_target_hold (self->target, kernel->tid, &hold_error))
    {
      keep_fatal (error, hold_error);
      return FALSE;
    }
  done = py_stack_read_still (reading->stack, self->runtime, reading->thread) == PY_STACK_OK;

  /* After a hold that lasted too long the reading may have been of a thread that ran. */
  if (!hap_target_let_go (self->target, &pause_ns, &hold_error))
    {
      keep_fatal (error, hold_error);
      done = FALSE;
    }
  self->pause_ns_total += pause_ns;
  self->pause_ns_max = MAX (self->pause_ns_max, pause_ns);
  return done;
}

static PyReadWay
read_stopped (const Reading *reading, GError **error)
{
  for (guint try = 0; try < MAX_HOLDS; try++)
    {
      GError *hold_error = NULL;

      if (read_held (reading, &hold_error))
        return PY_READ_STOPPED;
      if (hold_error != NULL)
        {
          g_propagate_error (error, hold_error);
          break;
        }
    }
  return PY_READ_DROPPED;
}

void
py_read_state_init (PyReadState *self)
{
  *self = (PyReadState){ .unsteady = UNSTEADY_LIMIT + 1 };
}

void
py_thread_reader_init (PyThreadReader *self, HapTarget *target, PyRuntime *runtime, PyPrecision precision)
{
  *self = (PyThreadReader){ .target = target, .runtime = runtime, .precision = precision };
  py_stack_init (&self->scratch);
}

void
py_thread_reader_clear (PyThreadReader *self)
{
  py_stack_clear (&self->scratch);
}

PyReadWay
py_thread_reader_read_racing (PyThreadReader *self,
                              PyReadState *state,
                              const PyThread *thread,
                              PyStack *stack,
                              gboolean known,
                              gboolean locked,
                              GError **error)
{
  const Reading reading = { self, state, thread, stack };

  state->slept_on = known && slept_on (&reading);
  if (state->slept_on)
    return PY_READ_STILL;
  if (self->precision == PY_PRECISION_FAST)
    return read_stack (&reading, stack) || read_stack (&reading, stack) ? PY_READ_LIVE : PY_READ_DROPPED;

  /* Who holds the GIL all but always runs: there, whether it sleeps is asked last. */
  if (!locked && read_asleep (&reading))
    return PY_READ_STILL;
  state->asleep = FALSE;
  if (self->precision == PY_PRECISION_AUTO && read_twice (&reading))
    return PY_READ_LIVE;
  if (locked && read_asleep (&reading))
    return PY_READ_STILL;
  state->asleep = FALSE;
  return read_stopped (&reading, error);
}
