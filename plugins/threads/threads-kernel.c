/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the threads do in the kernel's eyes: on a processor, asleep, in which system call, and whether that is
 * the wait for the GIL. Their Python side is threads-stack.c's.
 */

#include "threads-kernel.h"

#include <asm/unistd.h>
#include <pthread.h>

/* The locks of `struct _gil_runtime_state`, in all of CPython 3.11 to 3.15 (Include/internal/pycore_gil.h):
 * cond and mutex, switch_cond and switch_mutex, right behind switch_number. */
#define GIL_LOCKS_SIZE (2 * (sizeof (pthread_cond_t) + sizeof (pthread_mutex_t)))

#define MAX_THREADS 65536

struct _ThreadsKernel
{
  HapTarget *target;
  guint64 gil_locks; /* from the beginning of a GIL's structure */
  GHashTable *calls; /* tid -> HapSystemCall */
};

/* By number; holes are NULL. */
static const char *const system_calls[] = {
#include "threads-system-calls.h"
};

static const struct
{
  char letter;
  const char *state;
} states[] = {
  { 'R', "running" }, { 'S', "sleeping" }, { 'D', "uninterruptible" },
  { 'T', "stopped" }, { 't', "traced" },   { 'I', "idle" },
};

void
threads_activity_clear (ThreadsActivity *activity)
{
  g_clear_pointer (&activity->system_call, g_free);
}

static void
read_calls (ThreadsKernel *self)
{
  HapBroker *broker = hap_target_get_broker (self->target);
  guint last = 0;

  while (g_hash_table_size (self->calls) < MAX_THREADS)
    {
      g_autoptr (GArray) batch = hap_broker_read_system_calls (broker, last, NULL);

      if (batch == NULL || batch->len == 0)
        return;
      for (guint i = 0; i < batch->len; i++)
        {
          const HapSystemCall *call = &g_array_index (batch, HapSystemCall, i);

          if (call->tid <= last)
            return;
          last = call->tid;
          g_hash_table_insert (self->calls, GUINT_TO_POINTER (call->tid), g_memdup2 (call, sizeof *call));
        }
    }
}

ThreadsKernel *
threads_kernel_read (HapTarget *target, PyRuntime *runtime)
{
  ThreadsKernel *self = g_new0 (ThreadsKernel, 1);
  const PyLayout *layout = py_runtime_get_layout (runtime);

  self->target = g_object_ref (target);
  self->gil_locks = layout->gil_switch_number + sizeof (unsigned long);
  self->calls = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  read_calls (self);
  return self;
}

void
threads_kernel_free (ThreadsKernel *self)
{
  g_hash_table_unref (self->calls);
  g_object_unref (self->target);
  g_free (self);
}

static const char *
describe_state (char letter)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      if (states[i].letter == letter)
        return states[i].state;
    }
  return NULL;
}

static char *
name_system_call (gint64 number)
{
  if (number >= (gint64)G_N_ELEMENTS (system_calls) || system_calls[number] == NULL)
    return g_strdup_printf ("%" G_GINT64_FORMAT, number);
  return g_strdup (system_calls[number]);
}

void
threads_kernel_look (ThreadsKernel *self, const PyThread *thread, ThreadsActivity *activity)
{
  const HapThread *found = hap_target_find_thread (self->target, thread->native_id);
  const HapSystemCall *call;

  *activity = (ThreadsActivity){ 0 };
  if (found == NULL)
    return;
  activity->state = describe_state (hap_thread_read_state (found));

  call = g_hash_table_lookup (self->calls, GUINT_TO_POINTER (found->tid));
  if (call == NULL || call->number < 0)
    return;
  activity->system_call = name_system_call (call->number);
  /* Whatever the call (a futex, or the restart of one): nothing else is called with such an address. */
  activity->waits_for_gil =
      thread->gil != 0 && call->argument - (thread->gil + self->gil_locks) < GIL_LOCKS_SIZE;
}
