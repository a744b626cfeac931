/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The lists in which the collector keeps its objects: three generations (3.14.0 to 3.14.4: young, old and
 * older) and the permanent one, of each interpreter. A list that memory was lost of is walked from both ends.
 */

#include "hap-error.h"

#include <glib/gi18n.h>
#include "py-heap-private.h"

#define N_GENERATIONS 3
#define GENERATION_SIZE 24      /* struct gc_generation: head, threshold, count */
#define LINK_MASK (~(guint64)3) /* the lowest bits of links are flags */
#define FIRST_3_14_5 0x030e0500

/* PyGC_Head */
enum
{
  NEXT = 0,
  PREVIOUS = 8,
};

typedef struct
{
  PyRuntime *runtime;
  PyHeapMemory *memory;
  PyHeapListFunc func;
  gpointer data;
  gboolean whole;
} Walk;

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("The garbage collector's lists are not where this version of CPython should have them: %s"),
               what);
  return FALSE;
}

/* One direction, up to @head or to what was seen. Returns FALSE if it ended anywhere else. */
static gboolean
walk_links (Walk *self, guint64 head, guint link, gboolean permanent)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 node = py_heap_memory_get (self->memory, head + link) & LINK_MASK;

  while (node != head)
    {
      guint64 block[4]; /* next, previous, references, type */
      guint64 object = node + layout->gc_head_size;

      if (node == 0 || !py_heap_memory_read (self->memory, node, block, sizeof block)
          || !self->func (object, block[layout->gc_head_size / 8 + 1], permanent, self->data))
        return FALSE;
      node = block[link / 8] & LINK_MASK;
    }
  return TRUE;
}

/* The head's neighbours know it: a list, whatever became of the middle. */
static gboolean
is_list (Walk *self, guint64 head)
{
  guint64 next = py_heap_memory_get (self->memory, head + NEXT) & LINK_MASK;
  guint64 previous = py_heap_memory_get (self->memory, head + PREVIOUS) & LINK_MASK;

  return next != 0 && previous != 0
         && ((py_heap_memory_get (self->memory, next + PREVIOUS) & LINK_MASK) == head
             || (py_heap_memory_get (self->memory, previous + NEXT) & LINK_MASK) == head);
}

static gboolean
walk_interpreter (Walk *self, guint64 interpreter, GError **error)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 gc = interpreter + layout->interp_gc;
  guint64 permanent = gc + layout->gc_permanent;
  guint64 first = permanent - N_GENERATIONS * GENERATION_SIZE;
  guint32 collecting;

  if (self->runtime->version >= FIRST_3_14_5 || self->runtime->version < 0x030e0000)
    first = py_heap_memory_get (self->memory, gc + layout->gc_generation0);
  if (first < gc || first >= permanent)
    return refuse (error, "no first generation");
  if (!py_heap_memory_read (self->memory, gc + layout->gc_collecting, &collecting, sizeof collecting))
    return refuse (error, "unreadable");
  if (collecting != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY,
                   _ ("Python was collecting garbage at that moment: try again"));
      return FALSE;
    }

  for (guint i = 0; i <= N_GENERATIONS; i++)
    {
      guint64 head = i < N_GENERATIONS ? first + i * GENERATION_SIZE : permanent;

      if (!is_list (self, head))
        return refuse (error, "no list");
      if (walk_links (self, head, NEXT, head == permanent))
        continue;
      walk_links (self, head, PREVIOUS, head == permanent);
      self->whole = FALSE;
    }
  return TRUE;
}

gboolean
py_heap_is_collecting (PyRuntime *runtime)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);

  for (guint i = 0; i < interpreters->len; i++)
    {
      guint64 gc = g_array_index (interpreters, guint64, i) + runtime->layout.interp_gc;
      guint32 collecting;

      if (hap_memory_read_u32 (runtime->memory, gc + runtime->layout.gc_collecting, &collecting)
          && collecting != 0)
        return TRUE;
    }
  return FALSE;
}

gboolean
py_heap_walk_lists (PyRuntime *runtime,
                    PyHeapMemory *memory,
                    PyHeapListFunc func,
                    gpointer data,
                    gboolean *whole,
                    GError **error)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);
  Walk walk = { runtime, memory, func, data, TRUE };

  if (runtime->layout.free_threaded)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("CPython %s is free-threaded: its heap cannot be read yet"), runtime->version_string);
      return FALSE;
    }
  if (interpreters->len == 0)
    return refuse (error, "no interpreter");
  for (guint i = 0; i < interpreters->len; i++)
    if (!walk_interpreter (&walk, g_array_index (interpreters, guint64, i), error))
      return FALSE;
  if (whole != NULL)
    *whole = walk.whole;
  return TRUE;
}
