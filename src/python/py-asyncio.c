/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a process keeps its event loops and its tasks, which differs with every version. What a task is, is
 * py-future.c's.
 */

#include "py-asyncio.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "py-coroutine.h"
#include "py-objects.h"
#include "py-runtime-private.h"

#define FIRST_DEBUG_OFFSETS 0x030e0000
#define SCAN_BLOCK 65536
#define MAX_SCAN (64 * 1024 * 1024)
#define RUNNING_LOOP "__asyncio_running_event_loop__"
#define MAX_STACKS                                                                                           \
  1024 /* read after one listing: of one thread each, but for tasks that begin others eagerly */

/* 3.13: how far behind the last field of PyThreadState that we know the loop may lie, in bytes. */
#define LOOP_WITHIN 128

/* Py_AsyncioModuleDebugOffsets, Modules/_asynciomodule.c of 3.14 and 3.15: words from its beginning. */
enum
{
  TASK_SIZE,
  TASK_NAME,
  TASK_AWAITED_BY,
  TASK_IS_TASK,
  TASK_AWAITED_BY_IS_SET,
  TASK_COROUTINE,
  TASK_NODE,
  INTERP_SIZE,
  INTERP_HEAD,
  TSTATE_SIZE,
  TSTATE_LOOP,
  TSTATE_TASK,
  TSTATE_HEAD,
  N_OFFSETS
};

struct _PyAsyncio
{
  PyRuntime *runtime;
  PyInspector *inspector;
  const PyLayout *layout;
  guint64 offsets[N_OFFSETS]; /* 3.14+ */
  GArray *modules;            /* (element-type guint64): __dict__ of those that keep sets of tasks */
  PyStack stack;              /* of a loop's thread */
  guint n_stacks;             /* read since the last listing */
  gboolean torn;
};

/* One listing of tasks. */
typedef struct
{
  PyAsyncio *self;
  GArray *tasks;
  GHashTable *seen;
} Listing;

/* What only a Py_AsyncioModuleDebugOffsets that fits the structures known can be. */
static gboolean
are_offsets (PyAsyncio *self, const guint64 *words)
{
  if (words[TASK_SIZE] != self->layout->task_size || words[TASK_NAME] != self->layout->task_name
      || words[TASK_COROUTINE] != self->layout->task_coroutine)
    return FALSE;
  for (guint i = TASK_NAME; i <= TASK_NODE; i++)
    if (words[i] >= words[TASK_SIZE])
      return FALSE;
  for (guint i = TSTATE_LOOP; i <= TSTATE_HEAD; i++)
    if (words[i] >= words[TSTATE_SIZE])
      return FALSE;
  return words[INTERP_HEAD] < words[INTERP_SIZE] && words[INTERP_SIZE] < G_MAXINT32
         && words[TSTATE_SIZE] < G_MAXINT32;
}

static gboolean
scan_mapping (PyAsyncio *self, const HapMapping *mapping)
{
  const gsize size = sizeof self->offsets;
  g_autofree guint8 *block = g_malloc (SCAN_BLOCK + size);
  guint64 end = MIN (mapping->end, mapping->start + MAX_SCAN);
  guint64 words[N_OFFSETS];

  for (guint64 address = mapping->start; address < end; address += SCAN_BLOCK)
    {
      gsize n = hap_memory_read_some (self->runtime->memory, address, block,
                                      MIN (SCAN_BLOCK + size, end - address));

      for (gsize i = 0; i + size <= n; i += sizeof (guint64))
        {
          if (py_block_u64 (block, i) != self->layout->task_size)
            continue;
          memcpy (words, block + i, size);
          if (are_offsets (self, words))
            {
              memcpy (self->offsets, words, size);
              return TRUE;
            }
        }
    }
  return FALSE;
}

/*
 * The offsets lie in the writable data of the file that _asyncio is in, as the definitions of its functions
 * do.
 * @module: its __dict__
 */
static gboolean
find_offsets (PyAsyncio *self, guint64 module, HapMaps *maps)
{
  guint64 function = py_dict_get (self->runtime, module, "_enter_task");
  guint64 definition = py_inspector_read (self->inspector, function + self->layout->cfunction_def);
  const HapMapping *home = hap_maps_find (maps, definition);

  if (function == 0 || home == NULL || home->inode == 0)
    return FALSE;
  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);

      if (mapping->inode == home->inode && mapping->major == home->major && mapping->minor == home->minor
          && mapping->readable && mapping->writable && !mapping->shared && scan_mapping (self, mapping))
        return TRUE;
    }
  return FALSE;
}

static guint64
get_size (PyAsyncio *self, guint64 module, const char *name)
{
  guint64 type = py_dict_get (self->runtime, module, name);

  return type != 0 ? py_inspector_read (self->inspector, type + self->layout->type_basicsize) : 0;
}

/* Whether tasks are as long as we know them, and are listed where we know it. */
static gboolean
check (PyAsyncio *self, HapMaps *maps, GError **error)
{
  guint64 module =
      py_module_get_dict (self->runtime, py_runtime_get_main_interpreter (self->runtime), "_asyncio");
  const char *what = NULL;

  if (self->layout->free_threaded)
    what = "it is a free-threaded build";
  else if (module == 0)
    return TRUE; /* nothing has imported asyncio, or its C part is missing */
  else if (get_size (self, module, "Task") != self->layout->task_size
           || get_size (self, module, "Future") != self->layout->future_size)
    what = "its tasks have another size than those that are known";
  else if (self->runtime->version >= FIRST_DEBUG_OFFSETS && !find_offsets (self, module, maps))
    what = "its _asyncio module does not tell where it keeps them";

  if (what == NULL)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("The tasks of this CPython %s cannot be read: %s"),
               py_runtime_get_version_string (self->runtime), what);
  return FALSE;
}

/* Looked up once: there are thousands of modules, and they stay. */
static void
find_modules (PyAsyncio *self)
{
  static const char *const names[] = { "_asyncio", "asyncio.tasks" };
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (self->runtime);

  for (guint i = 0; i < interpreters->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (names); j++)
      {
        guint64 module =
            py_module_get_dict (self->runtime, g_array_index (interpreters, guint64, i), names[j]);

        if (module != 0)
          g_array_append_val (self->modules, module);
      }
}

PyAsyncio *
py_asyncio_new (PyRuntime *runtime, HapMaps *maps, GError **error)
{
  g_autoptr (PyAsyncio) self = g_new0 (PyAsyncio, 1);

  self->runtime = g_object_ref (runtime);
  self->inspector = py_inspector_new (runtime);
  self->layout = py_runtime_get_layout (runtime);
  self->modules = g_array_new (FALSE, FALSE, sizeof (guint64));
  find_modules (self);
  return check (self, maps, error) ? g_steal_pointer (&self) : NULL;
}

void
py_asyncio_free (PyAsyncio *self)
{
  py_inspector_free (self->inspector);
  py_stack_clear (&self->stack);
  g_array_unref (self->modules);
  g_object_unref (self->runtime);
  g_free (self);
}

void
py_asyncio_forget (PyAsyncio *self)
{
  py_inspector_free (self->inspector);
  self->inspector = py_inspector_new (self->runtime);
}

gboolean
py_asyncio_is_torn (PyAsyncio *self)
{
  return self->torn;
}

PyInspector *
py_asyncio_get_inspector (PyAsyncio *self)
{
  return self->inspector;
}

/* uvloop.Loop derives from uvloop.loop.Loop, which is C. */
static gboolean
is_uvloop (PyAsyncio *self, const PyClass *class)
{
  return py_inspector_is_a (self->inspector, class, "uvloop", "Loop")
         || py_inspector_is_a (self->inspector, class, "uvloop.loop", "Loop");
}

/* Whether an object found in a thread's state is the loop that this thread runs: it knows its thread. */
static gboolean
is_loop_of (PyAsyncio *self, guint64 object, const PyThread *thread)
{
  const PyClass *class = py_inspector_get_class (self->inspector, object);
  gint64 ident;

  if (class == NULL)
    return FALSE;
  if (is_uvloop (self, class))
    return TRUE;
  return py_object_get_int (self->runtime, py_inspector_get_attribute (self->inspector, object, "_thread_id"),
                            &ident)
         && (guint64)ident == thread->ident;
}

/* 3.13: asyncio_running_loop of _PyThreadStateImpl lies behind PyThreadState, whose length patch releases
 * change. */
static guint64
search_loop (PyAsyncio *self, const PyThread *thread)
{
  guint64 first = thread->tstate + self->layout->tstate_datastack_top + sizeof (guint64);
  guint64 words[LOOP_WITHIN / sizeof (guint64)];

  if (!hap_memory_read (self->runtime->memory, first, words, sizeof words))
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i] % sizeof (guint64) == 0 && words[i] > G_MAXUINT16 && is_loop_of (self, words[i], thread))
      return words[i];
  return 0;
}

static guint64
find_loop (PyAsyncio *self, const PyThread *thread)
{
  const PyLayout *layout = self->layout;
  guint64 loop;
  const PyClass *class;

  if (self->runtime->version >= FIRST_DEBUG_OFFSETS)
    loop = self->offsets[TSTATE_LOOP] == 0
               ? 0
               : py_inspector_read (self->inspector, thread->tstate + self->offsets[TSTATE_LOOP]);
  else if (layout->tstate_dict == PY_NO_FIELD)
    return search_loop (self, thread);
  else
    loop =
        py_dict_get (self->runtime, py_inspector_read (self->inspector, thread->tstate + layout->tstate_dict),
                     RUNNING_LOOP);

  class = py_inspector_get_class (self->inspector, loop);
  if (class != NULL && strcmp (py_class_get_name (class), "_RunningLoopHolder") == 0)
    loop = py_inspector_read (self->inspector, loop + layout->wrapper_object);
  return py_inspector_or_none (self->inspector, loop);
}

static void
loop_clear (gpointer data)
{
  g_free (((PyLoop *)data)->kind);
}

GArray *
py_asyncio_list_loops (PyAsyncio *self)
{
  g_autoptr (GArray) threads = py_threads_list (self->runtime);
  GArray *loops = g_array_new (FALSE, FALSE, sizeof (PyLoop));

  g_array_set_clear_func (loops, loop_clear);
  for (guint i = 0; i < threads->len; i++)
    {
      PyLoop loop = { .thread = g_array_index (threads, PyThread, i) };
      const PyClass *class;

      loop.address = find_loop (self, &loop.thread);
      class = py_inspector_get_class (self->inspector, loop.address);
      if (class == NULL)
        continue;
      loop.kind = g_strdup_printf ("%s.%s", class->module, class->qualname);
      loop.readable = py_inspector_get_attribute (self->inspector, loop.address, "_scheduled") != 0;
      g_array_append_val (loops, loop);
    }
  return loops;
}

static void
add_task (Listing *listing, guint64 task)
{
  PyAsyncio *self = listing->self;
  const PyClass *class = py_inspector_get_class (self->inspector, task);

  /* What a weak reference's None or a freed task leaves is none. */
  if (class == NULL || listing->tasks->len >= PY_ASYNCIO_MAX_TASKS
      || !(py_inspector_is_a (self->inspector, class, "_asyncio", "Task")
           || py_inspector_is_a (self->inspector, class, "asyncio.tasks", "Task"))
      || !g_hash_table_add (listing->seen, g_memdup2 (&task, sizeof task)))
    return;
  g_array_append_val (listing->tasks, task);
}

/* A circular list through the tasks; @head lies in a thread's or an interpreter's state. */
static void
add_list (Listing *listing, guint64 head)
{
  PyAsyncio *self = listing->self;
  guint64 node = py_inspector_read (self->inspector, head);
  guint before;

  while (node != 0 && node != head)
    {
      before = listing->tasks->len;
      add_task (listing, node - self->offsets[TASK_NODE]);
      /* A node that is no new task: the list changed under us, or never comes back to its head. */
      if (listing->tasks->len == before)
        break;
      node = py_inspector_read (self->inspector, node);
    }
  if (node != head && node != 0)
    self->torn = TRUE;
}

/* @set: 0: there is none */
static void
add_set (Listing *listing, guint64 set, gboolean weak)
{
  PyAsyncio *self = listing->self;
  guint64 n = 0;
  g_autoptr (GArray) items = py_inspector_get_items (self->inspector, set, PY_ASYNCIO_MAX_TASKS, &n);

  /* One that just gets another table says how many it has before it has them. */
  if (set != 0 && (items == NULL || items->len < MIN (n, PY_ASYNCIO_MAX_TASKS)))
    self->torn = TRUE;
  for (guint i = 0; items != NULL && i < items->len; i++)
    {
      guint64 item = g_array_index (items, guint64, i);

      add_task (listing,
                weak ? py_inspector_read (self->inspector, item + self->layout->weakref_object) : item);
    }
}

/* The weak sets and the set of eager tasks: all of 3.11 to 3.13, later only tasks of other implementations.
 */
static void
add_sets (Listing *listing, guint64 module)
{
  static const char *const names[] = { "_all_tasks", "_scheduled_tasks" };
  PyAsyncio *self = listing->self;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    add_set (
        listing,
        py_inspector_get_attribute (self->inspector, py_dict_get (self->runtime, module, names[i]), "data"),
        TRUE);
  add_set (listing, py_dict_get (self->runtime, module, "_eager_tasks"), FALSE);
}

GArray *
py_asyncio_list_tasks (PyAsyncio *self)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (self->runtime);
  g_autoptr (GArray) threads = py_threads_list (self->runtime);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  Listing listing = { .self = self, .seen = seen };

  self->torn = FALSE;
  self->n_stacks = 0;
  listing.tasks = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; self->offsets[TASK_NODE] != 0 && i < threads->len; i++)
    add_list (&listing, g_array_index (threads, PyThread, i).tstate + self->offsets[TSTATE_HEAD]);
  for (guint i = 0; i < interpreters->len; i++)
    {
      guint64 interpreter = g_array_index (interpreters, guint64, i);

      if (self->offsets[TASK_NODE] != 0)
        add_list (&listing, interpreter + self->offsets[INTERP_HEAD]);
    }
  for (guint i = 0; i < self->modules->len; i++)
    add_sets (&listing, g_array_index (self->modules, guint64, i));
  return listing.tasks;
}

gboolean
py_asyncio_add_inside (PyAsyncio *self, const PyLoop *loop, GArray *chain)
{
  if (self->n_stacks++ < MAX_STACKS
      && py_stack_read_still (&self->stack, self->runtime, &loop->thread) == PY_STACK_OK)
    return py_coroutine_add_inside (self->inspector, chain, &self->stack);
  self->torn = TRUE;
  return FALSE;
}
