/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The C stacks of threads, each copied while its thread is held: registers through the tracer, the stack's
 * bytes through the memory. What the copies say is threads-unwind.c's.
 */

#include "threads-native.h"

#include <string.h>

/* Below the stack pointer, code may have what it did not reserve: the System V ABI's red zone. */
#define RED_ZONE 128

/* Python frames in one run of the evaluator that are looked at while the thread is held: a millisecond. */
#define MAX_FRAMES 512

#define OWNED_BY_C 3 /* py-layout-fields.h, iframe_owner */

#ifdef __x86_64__
#define STACK_POINTER 7 /* by its number in DWARF */
#else
#define STACK_POINTER 31
#endif

struct _ThreadsNative
{
  HapTarget *target;
  PyRuntime *runtime;
  GPtrArray *stacks;   /* (element-type ThreadsNativeStack) */
  GHashTable *indices; /* thread state (guint64) -> index + 1 */
  ThreadsUnwinder *unwinder;
  gboolean prepared;
  guint64 pause_ns;
};

static void
stack_free (gpointer data)
{
  ThreadsNativeStack *stack = data;

  g_byte_array_unref (stack->bytes);
  g_free (stack);
}

ThreadsNative *
threads_native_new (HapTarget *target, PyRuntime *runtime)
{
  ThreadsNative *self = g_new0 (ThreadsNative, 1);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  self->stacks = g_ptr_array_new_with_free_func (stack_free);
  self->indices = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return self;
}

void
threads_native_free (ThreadsNative *self)
{
  g_clear_pointer (&self->unwinder, threads_unwinder_free);
  g_hash_table_unref (self->indices);
  g_ptr_array_unref (self->stacks);
  g_object_unref (self->runtime);
  g_object_unref (self->target);
  g_free (self);
}

void
threads_native_reset (ThreadsNative *self)
{
  g_clear_pointer (&self->unwinder, threads_unwinder_free);
  self->prepared = FALSE;
  g_hash_table_remove_all (self->indices);
  g_ptr_array_set_size (self->stacks, 0);
}

static void
copy_stack (ThreadsNative *self, ThreadsNativeStack *stack)
{
  gsize n;

  stack->start = stack->registers.values[STACK_POINTER] - RED_ZONE;
  n = hap_memory_read_some (hap_target_get_memory (self->target), stack->start, stack->bytes->data,
                            stack->bytes->len);
  g_byte_array_set_size (stack->bytes, (guint)n);
}

/*
 * CPython keeps a structure of each run of its evaluator in that function's own C frame: up to 3.12 the
 * _PyCFrame, from 3.13 on the frame at which the Python frames of this run end.
 */
static guint64
find_evaluator (ThreadsNative *self, const PyThread *thread)
{
  const PyLayout *layout = py_runtime_get_layout (self->runtime);
  HapMemory *memory = hap_target_get_memory (self->target);
  guint64 at = 0;
  guint8 owner;

  if (layout->tstate_cframe != PY_NO_FIELD)
    return hap_memory_read_u64 (memory, thread->tstate + layout->tstate_cframe, &at) ? at : 0;
  if (!hap_memory_read_u64 (memory, thread->tstate + layout->tstate_current_frame, &at))
    return 0;
  for (guint i = 0; i < MAX_FRAMES && at != 0; i++)
    {
      if (!hap_memory_read_u8 (memory, at + layout->iframe_owner, &owner))
        return 0;
      if (owner >= OWNED_BY_C)
        return at;
      if (!hap_memory_read_u64 (memory, at + layout->iframe_previous, &at))
        return 0;
    }
  return 0;
}

void
threads_native_take (ThreadsNative *self, PyObservation *observation)
{
  const PyThread *thread = &observation->thread;
  const HapThread *kernel = hap_target_find_thread (self->target, thread->native_id);
  ThreadsNativeStack *stack;
  guint64 pause_ns = 0;
  gboolean read;

  if (kernel == NULL)
    return;
  stack = g_new0 (ThreadsNativeStack, 1);
  stack->bytes = g_byte_array_new ();
  g_ptr_array_add (self->stacks, stack);
  /* Made before the thread is held, and touched, so that it waits for nothing of ours. */
  g_byte_array_set_size (stack->bytes, THREADS_NATIVE_MAX_STACK);
  memset (stack->bytes->data, 0, stack->bytes->len);

  if (!hap_target_hold (self->target, kernel->tid, NULL))
    return;
  read = hap_target_read_registers (self->target, kernel->tid, &stack->registers, NULL)
         && stack->registers.n > STACK_POINTER;
  if (read)
    {
      copy_stack (self, stack);
      stack->evaluator = find_evaluator (self, thread);
      read = py_stack_read_still (&observation->stack, self->runtime, thread) == PY_STACK_OK;
      observation->valid = read;
    }
  if (!hap_target_let_go (self->target, &pause_ns, NULL))
    observation->valid = read = FALSE;
  self->pause_ns += pause_ns;
  if (read)
    g_hash_table_insert (self->indices, g_memdup2 (&thread->tstate, sizeof thread->tstate),
                         GUINT_TO_POINTER (self->stacks->len));
}

GArray *
threads_native_unwind (ThreadsNative *self, const PyThread *thread, gboolean *complete)
{
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->indices, &thread->tstate));

  if (index == 0)
    return NULL;
  if (!self->prepared)
    self->unwinder = threads_unwinder_new (self->target, self->stacks);
  self->prepared = TRUE;
  return self->unwinder != NULL ? threads_unwinder_unwind (self->unwinder, index - 1, complete) : NULL;
}

guint64
threads_native_get_pause_ns (ThreadsNative *self)
{
  return self->pause_ns;
}
