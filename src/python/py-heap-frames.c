/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a frame keeps alive: of a generator, of a frame object that outlived its call. As gen_traverse(),
 * frame_traverse() and _PyFrame_Traverse() visit it, Objects/genobject.c, frameobject.c, Python/frame.c.
 */

#include "py-heap-private.h"

#define MAX_SLOTS 65536
#define OWNED_BY_FRAME_OBJECT 2
#define FIRST_FIELD 16 /* after PyObject */

/* Of references that lie on the stack since 3.14: 3 marks a number, others an address. */
#define TAG_MASK (guint64)3
#define TAG_NUMBER 3

static void
visit (PyHeapVisitor *self, guint64 object)
{
  if (object != 0)
    self->visit (self, object, PY_REFERENCE_VISITED);
}

static void
visit_tagged (PyHeapVisitor *self, guint64 word)
{
  if (self->layout->iframe_stack_end == PY_NO_FIELD)
    visit (self, word);
  else if ((word & TAG_MASK) != TAG_NUMBER)
    visit (self, word & ~TAG_MASK);
}

/* How many of a frame's slots hold something; none while it runs. */
static guint64
count_slots (PyHeapVisitor *self, guint64 frame)
{
  const PyLayout *layout = self->layout;
  guint64 slots = frame + layout->iframe_locals;
  guint64 n;

  if (layout->iframe_stack_end != PY_NO_FIELD)
    {
      guint64 end = py_heap_memory_get (self->memory, frame + layout->iframe_stack_end);

      n = end >= slots ? (end - slots) / 8 : 0;
    }
  else
    n = (guint32)py_heap_memory_get (self->memory, frame + layout->iframe_stack_top);
  return n <= MAX_SLOTS ? n : 0;
}

void
py_heap_visit_frame (PyHeapVisitor *self, guint64 frame)
{
  const PyLayout *layout = self->layout;
  guint64 n = count_slots (self, frame);

  if (!py_heap_visitor_spend (self, n))
    return;
  visit (self, py_heap_memory_get (self->memory, frame + layout->iframe_object));
  visit (self, py_heap_memory_get (self->memory, frame + layout->iframe_namespace));
  visit_tagged (self, py_heap_memory_get (self->memory, frame + layout->iframe_function));
  visit_tagged (self, py_heap_memory_get (self->memory, frame + layout->iframe_code));
  for (guint64 i = 0; i < n; i++)
    visit_tagged (self, py_heap_memory_get (self->memory, frame + layout->iframe_locals + i * 8));
}

void
py_heap_visit_generator (PyHeapVisitor *self, guint64 generator, const PyHeapTypeInfo *type)
{
  const PyLayout *layout = self->layout;
  guint64 state = py_heap_memory_get (self->memory, generator + layout->gen_frame_state);

  visit (self, py_heap_memory_get (self->memory, generator + layout->gen_name));
  visit (self, py_heap_memory_get (self->memory, generator + layout->gen_qualname));
  visit (self, py_heap_memory_get (self->memory, generator + layout->gen_exception));
  if (layout->gen_code != PY_NO_FIELD)
    visit (self, py_heap_memory_get (self->memory, generator + layout->gen_code));
  if (strcmp (type->public.class->c_name, "generator") != 0)
    visit (self, py_heap_memory_get (self->memory, generator + layout->gen_origin));

  if ((gint8)state < (gint8)layout->gen_cleared)
    py_heap_visit_frame (self, generator + layout->gen_frame);
  else if (layout->iframe_stack_end != PY_NO_FIELD) /* 3.14+: keeps its code for gi_code */
    visit_tagged (self,
                  py_heap_memory_get (self->memory, generator + layout->gen_frame + layout->iframe_code));
}

void
py_heap_visit_frame_object (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  const PyLayout *layout = self->layout;
  guint64 frame = py_heap_memory_get (self->memory, object + layout->frame_frame);
  guint8 owner;

  /* f_back, f_trace, and from 3.13 on what f_locals made: all before the frame itself. */
  py_heap_visit_words (self, object + FIRST_FIELD, (layout->frame_data - FIRST_FIELD) / 8,
                       PY_REFERENCE_VISITED | PY_REFERENCE_GUESS);
  if (py_heap_memory_read (self->memory, frame + layout->iframe_owner, &owner, 1)
      && owner == OWNED_BY_FRAME_OBJECT)
    py_heap_visit_frame (self, frame);
}
