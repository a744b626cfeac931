/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where everything that lives hangs: variables of C code (the runtime, the main interpreter, static types,
 * caches of extension modules), the states of threads, and their frames. None of it has a layout that could
 * be relied upon, or that would be worth it: any word that is the address of an object counts.
 */

#include "py-heap-private.h"

#define WORDS_AT_ONCE 512
#define THREAD_STATE_SIZE 1024 /* at least what of it holds objects */
#define MAX_THREADS 4096       /* of one interpreter */
#define MAX_FRAMES 100000      /* of one thread */
#define MAX_SLOTS 4096         /* of one frame */
#define GUESS (PY_REFERENCE_HIDDEN | PY_REFERENCE_GUESS)

static void
visit_static (PyHeapVisitor *self)
{
  for (guint i = 0; i < self->memory->n_regions; i++)
    {
      const PyHeapRegion region = self->memory->regions[i];

      if (region.is_static)
        py_heap_visit_words (self, region.start, (region.end - region.start) / 8, GUESS);
    }
}

/* The slots of a frame that runs say nothing of how many are in use: the code says how many there can be. */
static void
visit_frame (PyHeapVisitor *self, guint64 frame)
{
  const PyLayout *layout = self->layout;
  guint64 code = py_heap_memory_get (self->memory, frame + layout->iframe_code) & ~(guint64)3;
  guint64 words[] = { code, py_heap_memory_get (self->memory, frame + layout->iframe_function) & ~(guint64)3,
                      py_heap_memory_get (self->memory, frame + layout->iframe_namespace),
                      py_heap_memory_get (self->memory, frame + layout->iframe_object) };
  guint64 n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i] != 0)
      self->visit (self, words[i], GUESS);
  if (code != 0)
    n = (guint32)py_heap_memory_get (self->memory, code + layout->code_n_slots)
        + (guint64)(guint32)py_heap_memory_get (self->memory, code + layout->code_stack_size);
  n = MIN (n, MAX_SLOTS);
  if (!py_heap_visitor_spend (self, n + G_N_ELEMENTS (words)))
    return;
  for (guint64 i = 0; i < n; i++)
    {
      guint64 word = py_heap_memory_get (self->memory, frame + layout->iframe_locals + i * 8);

      if (layout->iframe_stack_end != PY_NO_FIELD)
        word &= ~(guint64)3;
      if (word != 0)
        self->visit (self, word, GUESS);
    }
}

static guint64
find_frame (PyHeapVisitor *self, guint64 thread)
{
  const PyLayout *layout = self->layout;
  guint64 cframe;

  if (layout->tstate_current_frame != PY_NO_FIELD)
    return py_heap_memory_get (self->memory, thread + layout->tstate_current_frame);
  cframe = py_heap_memory_get (self->memory, thread + layout->tstate_cframe);
  return cframe != 0 ? py_heap_memory_get (self->memory, cframe + layout->cframe_current_frame) : 0;
}

static void
visit_thread (PyHeapVisitor *self, guint64 thread)
{
  guint64 frame = find_frame (self, thread);

  py_heap_visit_words (self, thread, THREAD_STATE_SIZE / 8, GUESS);
  for (guint i = 0; i < MAX_FRAMES && frame != 0; i++)
    {
      visit_frame (self, frame);
      frame = py_heap_memory_get (self->memory, frame + self->layout->iframe_previous);
    }
}

static void
visit_interpreter (PyHeapVisitor *self, guint64 interpreter)
{
  guint64 thread = py_heap_memory_get (self->memory, interpreter + self->layout->interp_threads);
  guint64 modules = py_heap_memory_get (self->memory, interpreter + self->layout->interp_modules);

  if (modules != 0)
    self->visit (self, modules, GUESS);
  for (guint i = 0; i < MAX_THREADS && thread != 0; i++)
    {
      visit_thread (self, thread);
      thread = py_heap_memory_get (self->memory, thread + self->layout->tstate_next);
    }
}

void
py_heap_visit_roots (PyHeapVisitor *self, PyRuntime *runtime)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (runtime);

  visit_static (self);
  for (guint i = 0; i < interpreters->len; i++)
    visit_interpreter (self, g_array_index (interpreters, guint64, i));
}
