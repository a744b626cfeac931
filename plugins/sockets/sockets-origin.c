/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose a socket is: who holds it, step by step from the nearest on, until somebody is an integration's. What
 * holds everything (event loops, modules, selectors) says nothing of one socket, and is passed by.
 */

#include "sockets-objects.h"

#include "py-callback.h"
#include "py-coroutine.h"

#define MAX_STEPS 10
#define MAX_VISITED 512
#define MAX_HOLDERS 32 /* what more objects hold belongs to none of them */

typedef struct
{
  PyHeap *heap;
  PyInspector *inspector;
  GHashTable *seen; /* indices */
  GQueue queue;     /* of Step */
  const HapOrigin *origin;
  char *rests_on;
} Search;

typedef struct
{
  guint32 index;
  guint distance;
} Step;

/* Takes the next piece of evidence: the first integration ends the search; before that, the most telling one,
 * and of equals the nearest. */
static void
consider (Search *self, const HapOrigin *origin, const char *what, const char *name, const char *place)
{
  if (origin == NULL || (self->origin != NULL && origin->kind >= self->origin->kind))
    return;
  self->origin = origin;
  g_free (self->rests_on);
  self->rests_on =
      g_strdup_printf ("%s %s%s%s", what, name, place != NULL ? " at " : "", place != NULL ? place : "");
}

static gboolean
is_found (const Search *self)
{
  return self->origin != NULL && HAP_ORIGIN_IS_INTEGRATION (self->origin->kind);
}

static void
on_code (const char *what, const char *name, const char *file, gpointer data)
{
  consider (data, hap_origin_of_file (file), what, name, file);
}

/* Holds everything, or nothing that it would be asked for. */
static gboolean
is_hub (Search *self, const PyClass *class)
{
  static const struct
  {
    const char *module, *qualname;
  } hubs[] = {
    { "builtins", "module" },
    { "builtins", "type" },
    { "selectors", "BaseSelector" },
    { "asyncio.events", "AbstractEventLoop" },
    { "homeassistant.core", "HomeAssistant" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (hubs); i++)
    if (py_inspector_is_a (self->inspector, class, hubs[i].module, hubs[i].qualname))
      return TRUE;
  return (class->flags & PY_CLASS_TYPE) != 0;
}

static void
enqueue (Search *self, guint32 index, guint distance)
{
  if (index == PY_HEAP_NONE || distance > MAX_STEPS || g_hash_table_size (self->seen) >= MAX_VISITED
      || !g_hash_table_add (self->seen, GUINT_TO_POINTER (index)))
    return;
  g_queue_push_tail (&self->queue, g_memdup2 (&(Step){ index, distance }, sizeof (Step)));
}

/* What an object of asyncio is for, is said by what it calls. */
static void
follow_asyncio (Search *self, guint64 object, guint distance)
{
  static const char *const attributes[] = { "_protocol", "_protocol_factory", "_callback", "_app_protocol" };

  for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
    {
      guint64 value = py_inspector_get_attribute (self->inspector, object, attributes[i]);

      if (value == 0)
        continue;
      py_callback_foreach_code (self->inspector, value, "callback", on_code, self);
      enqueue (self, py_heap_find (self->heap, value), distance);
    }
}

/* The frame of a function that runs, or waits, in it. */
static void
look_at_coroutine (Search *self, guint64 object)
{
  PyCoroutine coroutine;

  if (!py_coroutine_read (self->inspector, object, &coroutine))
    return;
  if (coroutine.code != NULL)
    consider (self, hap_origin_of_file (coroutine.code->filename), "coroutine", coroutine.qualname,
              coroutine.code->filename);
}

static void
look_at (Search *self, const PyClass *class, guint64 object, guint distance)
{
  const char *file;

  if ((class->flags & PY_CLASS_HEAP) == 0)
    {
      look_at_coroutine (self, object);
      if (py_inspector_is_a (self->inspector, class, "builtins", "function")
          || py_inspector_is_a (self->inspector, class, "builtins", "method"))
        py_callback_foreach_code (self->inspector, object, "callback", on_code, self);
      return;
    }
  file = py_class_find_file (self->inspector, class);
  consider (self, file != NULL ? hap_origin_of_file (file) : hap_origin_of_module (class->module), "object",
            class->qualname, file);
  if (g_str_has_prefix (class->module, "asyncio."))
    follow_asyncio (self, object, distance);
}

static void
visit (Search *self, const Step *step)
{
  guint64 object = py_heap_get_address (self->heap, step->index);
  const PyClass *class =
      py_heap_get_type (self->heap, py_heap_get_object_type (self->heap, step->index))->class;
  const guint32 *holders;
  guint32 n;

  if (is_hub (self, class))
    return;
  /* The socket's own class says nothing of who uses it. */
  if (step->distance > 0)
    look_at (self, class, object, step->distance + 1);
  holders = py_heap_get_referrers (self->heap, step->index, &n);
  for (guint32 i = 0; i < n && n <= MAX_HOLDERS; i++)
    enqueue (self, holders[i], step->distance + 1);
}

void
sockets_origin_find (PyHeap *heap, guint32 index, const HapOrigin **origin, char **rests_on)
{
  Search self = { .heap = heap,
                  .inspector = py_heap_get_inspector (heap),
                  .seen = g_hash_table_new (NULL, NULL),
                  .queue = G_QUEUE_INIT };
  Step *step;

  enqueue (&self, index, 0);
  while (!is_found (&self) && (step = g_queue_pop_head (&self.queue)) != NULL)
    {
      visit (&self, step);
      g_free (step);
    }
  g_queue_clear_full (&self.queue, g_free);
  g_hash_table_unref (self.seen);
  *origin = self.origin;
  *rests_on = self.rests_on;
}
