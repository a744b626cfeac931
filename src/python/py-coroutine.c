/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Coroutines and generators: where they stopped and what they wait for; where one runs, what is inside of it.
 * How stacks of threads are read is py-frames.c's.
 */

#include "py-coroutine.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define TAG_MASK 3 /* 3.14+: references on a stack of values carry tags */
#define RESUME_AFTER_YIELD_FROM 2
#define MAX_STACK (1024 * 1024) /* slots of one frame */

/* CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR: Include/cpython/code.h, the same in 3.11 to 3.15
 */
#define AWAITED_FLAGS (0x80 | 0x100 | 0x200)

/* enum _framestate, Include/internal/pycore_frame.h */
typedef struct
{
  gint8 suspended, yield_from, yield_from_locked, executing, finished;
} FrameStates;

static const FrameStates *
get_states (PyRuntime *runtime)
{
  /* Before 3.13 the next instruction tells one suspension from the other. */
  static const FrameStates before_3_13 = { -1, -1, -1, 0, 1 };
  static const FrameStates before_3_15 = { -2, -1, -1, 0, 1 };
  static const FrameStates since_3_15 = { 1, 2, 3, 4, 5 };

  if (runtime->version < 0x030d0000)
    return &before_3_13;
  return runtime->version < 0x030f0000 ? &before_3_15 : &since_3_15;
}

static gboolean
is_coroutine (const PyClass *class)
{
  return class != NULL && (class->flags & PY_CLASS_HEAP) == 0
         && (strcmp (class->c_name, "coroutine") == 0 || strcmp (class->c_name, "generator") == 0
             || strcmp (class->c_name, "async_generator") == 0);
}

static gboolean
is_wrapper (const PyClass *class)
{
  return class != NULL && (class->flags & PY_CLASS_HEAP) == 0
         && (strcmp (class->c_name, "coroutine_wrapper") == 0
             || strcmp (class->c_name, "async_generator_asend") == 0
             || strcmp (class->c_name, "async_generator_athrow") == 0);
}

/* The object at the top of a suspended frame's stack of values. In 3.15 an index lies above it. */
static guint64
read_top (PyInspector *inspector, PyRuntime *runtime, guint64 frame)
{
  const PyLayout *layout = &runtime->layout;
  guint64 end;
  guint32 top;

  if (layout->iframe_stack_top != PY_NO_FIELD)
    {
      if (!hap_memory_read_u32 (runtime->memory, frame + layout->iframe_stack_top, &top) || top == 0
          || top > MAX_STACK)
        return 0;
      return py_inspector_read (inspector, frame + layout->iframe_locals + (top - 1) * sizeof (guint64));
    }
  end = py_inspector_read (inspector, frame + layout->iframe_stack_end);
  if (runtime->version >= 0x030f0000)
    end -= sizeof (guint64);
  if (end <= frame + layout->iframe_locals || end > frame + layout->iframe_locals + MAX_STACK * 8)
    return 0;
  return py_inspector_read (inspector, end - sizeof (guint64)) & ~(guint64)TAG_MASK;
}

static guint64
read_awaited (PyInspector *inspector, PyRuntime *runtime, guint64 frame, gint8 state, guint64 instruction)
{
  const FrameStates *states = get_states (runtime);
  guint8 next[2];

  if (state != states->yield_from && state != states->yield_from_locked)
    return 0;
  if (runtime->version < 0x030d0000
      && (!hap_memory_read (runtime->memory, instruction + sizeof next, next, sizeof next)
          || next[1] < RESUME_AFTER_YIELD_FROM))
    return 0;
  return read_top (inspector, runtime, frame);
}

/* The method's object: the first local variable, if its class is the one that the function was defined in. */
static guint64
read_self (PyInspector *inspector, PyRuntime *runtime, guint64 frame, const char *qualname)
{
  guint64 first = py_inspector_read (inspector, frame + runtime->layout.iframe_locals) & ~(guint64)TAG_MASK;
  const char *dot = strrchr (qualname, '.');
  const PyClass *class = dot != NULL && first != 0 ? py_inspector_get_class (inspector, first) : NULL;

  for (guint i = 0; i < 64 && class != NULL && (class->flags & PY_CLASS_HEAP) != 0; i++)
    {
      if (strlen (class->qualname) == (gsize)(dot - qualname)
          && strncmp (class->qualname, qualname, dot - qualname) == 0)
        return first;
      class = py_inspector_read_class (inspector, class->base);
    }
  return 0;
}

gboolean
py_coroutine_read (PyInspector *inspector, guint64 object, PyCoroutine *coroutine)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyLayout *layout = &runtime->layout;
  guint64 frame = object + layout->gen_frame;
  guint64 code, instruction;
  guint8 byte;
  gint8 state;

  if (!is_coroutine (py_inspector_get_class (inspector, object))
      || !hap_memory_read_u8 (runtime->memory, object + layout->gen_frame_state, &byte))
    return FALSE;
  state = (gint8)byte;

  *coroutine = (PyCoroutine){ .address = object };
  coroutine->qualname =
      py_inspector_get_string (inspector, py_inspector_read (inspector, object + layout->gen_qualname));
  if (coroutine->qualname == NULL)
    coroutine->qualname = "?";
  code = layout->gen_code != PY_NO_FIELD ? py_inspector_read (inspector, object + layout->gen_code)
                                         : py_inspector_read (inspector, frame + layout->iframe_code);
  coroutine->code = py_inspector_get_code (inspector, code & ~(guint64)TAG_MASK);
  coroutine->finished = state >= get_states (runtime)->finished;
  coroutine->running = state == get_states (runtime)->executing;
  if (coroutine->code != NULL)
    coroutine->line = coroutine->code->first_line;
  if (coroutine->finished || coroutine->code == NULL)
    return TRUE;

  instruction = py_inspector_read (inspector, frame + layout->iframe_instruction);
  coroutine->line = py_code_get_line (coroutine->code, instruction);
  coroutine->awaits = read_awaited (inspector, runtime, frame, state, instruction);
  coroutine->self = read_self (inspector, runtime, frame, coroutine->qualname);
  return TRUE;
}

GArray *
py_coroutine_read_chain (PyInspector *inspector, guint64 object, gboolean *whole)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  GArray *chain = g_array_new (FALSE, FALSE, sizeof (PyCoroutine));
  guint64 mark = 0;

  *whole = TRUE;
  for (guint i = 1, next_mark = 1; object != 0; i++)
    {
      PyCoroutine coroutine;

      /* A chain that comes back to an object has no end; the mark is set at every power of two (Brent). */
      *whole = object != mark && chain->len < PY_COROUTINE_MAX_CHAIN;
      if (!*whole)
        break;
      if (i == next_mark)
        {
          mark = object;
          next_mark *= 2;
        }
      if (is_wrapper (py_inspector_get_class (inspector, object)))
        object = py_inspector_read (inspector, object + runtime->layout.wrapper_object);
      else if (py_coroutine_read (inspector, object, &coroutine))
        {
          g_array_append_val (chain, coroutine);
          object = coroutine.awaits;
        }
      else
        break;
    }
  return chain;
}

/* A coroutine's frame lies in it, and what runs there is told by the same words on the thread's stack; of
 * several that stand at the same instruction, the task's is the outermost. */
static guint
find_on_stack (PyInspector *inspector, const PyCoroutine *coroutine, const PyStack *stack)
{
  const PyLayout *layout = &py_inspector_get_runtime (inspector)->layout;
  guint64 instruction =
      py_inspector_read (inspector, coroutine->address + layout->gen_frame + layout->iframe_instruction);

  for (guint i = stack->n_frames; coroutine->code != NULL && i-- > 0;)
    if (stack->frames[i].code == coroutine->code->address && stack->frames[i].instruction == instruction)
      return i;
  return G_MAXUINT;
}

gboolean
py_coroutine_add_inside (PyInspector *inspector, GArray *chain, const PyStack *stack)
{
  const PyCoroutine *last = &g_array_index (chain, PyCoroutine, chain->len - 1);
  guint index = find_on_stack (inspector, last, stack);

  if (index == G_MAXUINT)
    return FALSE;
  while (index-- > 0)
    {
      const PyFrameRecord *frame = &stack->frames[index];
      const PyCode *code = py_inspector_get_code (inspector, frame->code);
      PyCoroutine inside = { .code = code, .qualname = "?", .running = TRUE, .inside = TRUE };

      if (code != NULL)
        {
          inside.qualname = code->qualname;
          inside.line = py_code_get_line (code, frame->instruction);
        }
      g_array_append_val (chain, inside);
    }
  return TRUE;
}

gboolean
py_coroutine_is_awaited (const PyCoroutine *coroutine)
{
  return !coroutine->inside || (coroutine->code != NULL && (coroutine->code->flags & AWAITED_FLAGS) != 0);
}
