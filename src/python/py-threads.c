/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The thread states of all interpreters and the names that `threading` gave them. What a thread does is
 * py-frames.c's.
 */

#include "py-threads.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_THREADS 65536
#define MAX_NAME 200   /* characters */
#define MAX_TSTATE 512 /* bytes that we look at */
#define MAX_TRIES 4

/* What `threading` has of a thread. */
typedef struct
{
  gint64 ident;
  gint64 native_id; /* 0: not known */
  char *name;
} Named;

struct _PyThreadNames
{
  GHashTable *names; /* set of Named, by ident */
};

/* @thread: (inout): the rest of a thread of its interpreter */
static gboolean
read_thread (PyRuntime *runtime, guint64 tstate, PyThread *thread, guint64 *next)
{
  const PyLayout *layout = &runtime->layout;
  gsize size = layout->tstate_native_thread_id + sizeof (guint64); /* the last of them in every version */
  guint8 block[MAX_TSTATE];
  guint64 native_id;

  if (size > sizeof block || !hap_memory_read (runtime->memory, tstate, block, size)
      || py_block_u64 (block, layout->tstate_interp) != thread->interpreter)
    return FALSE;
  native_id = py_block_u64 (block, layout->tstate_native_thread_id);
  thread->tstate = tstate;
  thread->ident = py_block_u64 (block, layout->tstate_thread_id);
  thread->native_id = native_id <= G_MAXUINT32 ? native_id : 0;
  *next = py_block_u64 (block, layout->tstate_next);
  return TRUE;
}

/* Appends the interpreter's threads, newest first. FALSE when the list changed under us, or is none. */
static gboolean
append_threads (PyRuntime *runtime, guint64 interpreter, GArray *threads)
{
  PyThread thread = { .interpreter = interpreter, .gil = py_runtime_get_gil (runtime, interpreter) };
  guint64 tstate, mark = 0;
  guint next_mark = 1;

  if (!py_read_u64 (runtime, interpreter + runtime->layout.interp_threads, &tstate))
    return FALSE;
  for (guint i = 0; tstate != 0 && threads->len < MAX_THREADS; i++)
    {
      /* A list that comes back to a thread has no end; the mark is set at every power of two (Brent). */
      if (tstate == mark)
        return FALSE;
      if (i == next_mark)
        {
          mark = tstate;
          next_mark *= 2;
        }
      if (!read_thread (runtime, tstate, &thread, &tstate))
        return FALSE;
      g_array_append_val (threads, thread);
    }
  return TRUE;
}

/* Appends the interpreter's threads, oldest first. What could be read at the last of a few tries has to do.
 */
static void
list_interpreter (PyRuntime *runtime, guint64 interpreter, GArray *threads)
{
  guint first = threads->len;

  for (guint i = 0; i < MAX_TRIES; i++)
    {
      g_array_set_size (threads, first);
      if (append_threads (runtime, interpreter, threads))
        break;
    }

  for (guint i = first, j = threads->len; i + 1 < j; i++, j--)
    {
      PyThread newer = g_array_index (threads, PyThread, i);

      g_array_index (threads, PyThread, i) = g_array_index (threads, PyThread, j - 1);
      g_array_index (threads, PyThread, j - 1) = newer;
    }
}

/* Marks the thread that Python started in; after a fork in another thread, that one. */
static void
mark_main (PyRuntime *runtime, GArray *threads, guint64 main_interpreter)
{
  guint64 ident;

  if (!py_read_u64 (runtime, runtime->address + runtime->layout.runtime_main_thread, &ident))
    return;
  for (guint i = 0; i < threads->len; i++)
    {
      PyThread *thread = &g_array_index (threads, PyThread, i);

      if (thread->interpreter == main_interpreter && thread->ident == ident)
        {
          thread->main = TRUE;
          return;
        }
    }
}

GArray *
py_threads_list (PyRuntime *runtime)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);
  GArray *threads = g_array_new (FALSE, FALSE, sizeof (PyThread));

  for (guint i = 0; i < interpreters->len; i++)
    list_interpreter (runtime, g_array_index (interpreters, guint64, i), threads);
  if (interpreters->len > 0)
    mark_main (runtime, threads, g_array_index (interpreters, guint64, 0));
  return threads;
}

guint64
py_threads_get_newest (PyRuntime *runtime, guint64 interpreter)
{
  guint64 newest;

  return py_read_u64 (runtime, interpreter + runtime->layout.interp_threads, &newest) ? newest : 0;
}

static void
named_free (Named *named)
{
  g_free (named->name);
  g_free (named);
}

typedef struct
{
  PyRuntime *runtime;
  GHashTable *names;
} NameReader;

/* One item of threading._active: {ident: Thread}. */
static gboolean
on_active_thread (guint64 key, guint64 value, gpointer data)
{
  NameReader *reader = data;
  PyRuntime *runtime = reader->runtime;
  g_autofree char *name = NULL;
  Named named = { 0 };

  if (!py_object_get_int (runtime, key, &named.ident) || g_hash_table_contains (reader->names, &named))
    return TRUE;
  name = py_object_get_string (runtime, py_object_get_attribute (runtime, value, "_name"), MAX_NAME);
  if (name == NULL)
    return TRUE;
  if (!py_object_get_int (runtime, py_object_get_attribute (runtime, value, "_native_id"), &named.native_id))
    named.native_id = 0;
  named.name = g_steal_pointer (&name);
  g_hash_table_add (reader->names, g_memdup2 (&named, sizeof named));
  return TRUE;
}

PyThreadNames *
py_thread_names_read (PyRuntime *runtime)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);
  PyThreadNames *self = g_new0 (PyThreadNames, 1);
  NameReader reader = { .runtime = runtime };

  self->names = g_hash_table_new_full (g_int64_hash, g_int64_equal, (GDestroyNotify)named_free, NULL);
  reader.names = self->names;
  for (guint i = 0; i < interpreters->len; i++)
    {
      guint64 module = py_module_get_dict (runtime, g_array_index (interpreters, guint64, i), "threading");

      if (module != 0)
        py_dict_foreach (runtime, py_dict_get (runtime, module, "_active"), MAX_THREADS, on_active_thread,
                         &reader);
    }
  return self;
}

void
py_thread_names_free (PyThreadNames *self)
{
  g_hash_table_unref (self->names);
  g_free (self);
}

/* An ident passes to another thread when its own ends; the main thread's does not, and after a fork in 3.11
 * to 3.15 `threading` keeps the native id that it had before (Lib/threading.py, _after_fork). */
const char *
py_thread_names_get (PyThreadNames *self, const PyThread *thread)
{
  const Named *named = g_hash_table_lookup (self->names, &thread->ident);
  gboolean other = named != NULL && named->native_id != 0 && thread->native_id != 0
                   && named->native_id != thread->native_id;

  return named == NULL || (other && !thread->main) ? NULL : named->name;
}
