/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What one object refers to: the rules of the common kinds, and which rule is applied when. Frames and
 * generators are py-heap-frames.c's, dicts and other containers py-heap-containers.c's.
 */

#include "py-heap-private.h"

#define WORDS_AT_ONCE 512
#define MAX_STATE (1 << 20) /* bytes of a module's state */

#define TPFLAGS_MANAGED_DICT (1u << 4)
#define TPFLAGS_LONG_SUBCLASS (1u << 24)

void
py_heap_visit_words (PyHeapVisitor *self, guint64 address, guint64 n, PyReference kind)
{
  const guint64 unaligned = (kind & PY_REFERENCE_GUESS) != 0 ? 7 : 0; /* no object, and no mistake */
  guint64 words[WORDS_AT_ONCE];

  n = MIN (n, PY_HEAP_MAX_ITEMS);
  if (!py_heap_visitor_spend (self, n))
    return;
  for (guint64 first = 0; first < n; first += WORDS_AT_ONCE)
    {
      guint64 here = MIN (n - first, WORDS_AT_ONCE);

      if (!py_heap_memory_read (self->memory, address + first * 8, words, here * 8))
        return;
      for (guint64 i = 0; i < here; i++)
        if (words[i] != 0 && (words[i] & unaligned) == 0)
          self->visit (self, words[i], kind);
    }
}

static void
visit_word (PyHeapVisitor *self, guint64 address, PyReference kind)
{
  guint64 word = py_heap_memory_get (self->memory, address);

  if (word != 0)
    self->visit (self, word, kind);
}

/* @first: where in the object to begin */
void
py_heap_visit_body (PyHeapVisitor *self,
                    guint64 object,
                    const PyHeapTypeInfo *type,
                    guint32 first,
                    PyReference kind)
{
  guint64 weak = type->weaklistoffset > 0 ? (guint64)type->weaklistoffset : 0;
  guint64 end = MIN (type->body_size, 1 << 20) / 8 * 8;

  if (weak >= first && weak < end)
    {
      py_heap_visit_words (self, object + first, (weak - first) / 8, kind | PY_REFERENCE_GUESS);
      first = weak + 8;
    }
  if (first < end)
    py_heap_visit_words (self, object + first, (end - first) / 8, kind | PY_REFERENCE_GUESS);
}

guint64
py_heap_read_n_items (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  gint64 n;

  if ((type->flags & TPFLAGS_LONG_SUBCLASS) != 0 && self->layout->long_tag != PY_NO_FIELD)
    n = py_heap_memory_get (self->memory, object + self->layout->long_tag) >> 3;
  else
    n = py_heap_memory_get (self->memory, object + self->layout->object_size);
  if (n == G_MININT64)
    return 0;
  return MIN (ABS (n), (gint64)G_MAXUINT32);
}

guint64
py_heap_find_dict_pointer (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 size;

  if (type->dictoffset == 0 || ABS (type->dictoffset) > G_MAXINT32)
    return 0;
  if (type->dictoffset > 0)
    return object + type->dictoffset;
  size = type->basicsize + py_heap_read_n_items (self, object, type) * type->itemsize;
  return object + ((size + 7) & ~(guint64)7) + type->dictoffset;
}

guint64
py_heap_find_dict (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 address, dict;

  if (type->rule == PY_RULE_TYPE)
    return py_heap_memory_get (self->memory, object + self->layout->type_dict);
  if ((type->flags & TPFLAGS_MANAGED_DICT) != 0)
    {
      dict = py_heap_memory_get (self->memory, object - self->layout->object_dict);
      return dict % 2 == 0 ? dict : 0;
    }
  address = py_heap_find_dict_pointer (self, object, type);
  return address != 0 ? py_heap_memory_get (self->memory, address) : 0;
}

static void
visit_dict_pointer (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 address;

  if ((type->flags & TPFLAGS_MANAGED_DICT) != 0)
    {
      py_heap_visit_managed_dict (self, object, type);
      return;
    }
  address = py_heap_find_dict_pointer (self, object, type);
  if (address != 0)
    visit_word (self, address, PY_REFERENCE_VISITED);
}

/* type_traverse(): static types are not the collector's. */
static void
visit_type_object (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  const guint32 visited[] = { layout->type_dict, layout->type_cache, layout->type_mro, layout->type_bases,
                              layout->type_base };
  const guint32 hidden[] = { layout->type_heap_name, layout->type_qualname, layout->type_heap_slots };
  guint64 subclasses = py_heap_memory_get (self->memory, object + layout->type_subclasses);
  guint64 flags = py_heap_memory_get (self->memory, object + layout->type_flags);
  gboolean heap = (flags & PY_CLASS_HEAP) != 0;

  for (guint i = 0; i < G_N_ELEMENTS (visited); i++)
    visit_word (self, object + visited[i], heap ? PY_REFERENCE_VISITED : PY_REFERENCE_HIDDEN);
  if (subclasses != 0) /* of static types it is an index from 3.12 on */
    self->visit (self, subclasses, PY_REFERENCE_HIDDEN | PY_REFERENCE_GUESS);
  if (!heap)
    return;
  visit_word (self, object + layout->type_module, PY_REFERENCE_VISITED);
  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    visit_word (self, object + hidden[i], PY_REFERENCE_HIDDEN);
}

/* A module's state is whatever its C code keeps there. */
static void
visit_module (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint64 state = py_heap_memory_get (self->memory, object + layout->module_state);
  guint64 size = 0;

  visit_word (self, object + layout->module_dict, PY_REFERENCE_VISITED);
  visit_word (self, object + layout->module_name, PY_REFERENCE_HIDDEN);
  if (layout->module_state_size != PY_NO_FIELD)
    size = py_heap_memory_get (self->memory, object + layout->module_state_size);
  else
    {
      guint64 definition = py_heap_memory_get (self->memory, object + layout->module_definition);

      if (definition != 0)
        size = py_heap_memory_get (self->memory, definition + layout->definition_state_size);
    }
  if (state % 8 == 0 && state != 0 && size <= MAX_STATE)
    py_heap_visit_words (self, state, size / 8, PY_REFERENCE_VISITED | PY_REFERENCE_GUESS);
}

static void
visit_by_kind (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type, PyReference kind)
{
  const PyLayout *layout = self->layout;

  switch (type->rule)
    {
    case PY_RULE_LIST:
      py_heap_visit_words (self, py_heap_memory_get (self->memory, object + layout->list_items),
                           py_heap_read_n_items (self, object, type), kind);
      break;
    case PY_RULE_TUPLE:
      py_heap_visit_words (self, object + layout->tuple_items, py_heap_read_n_items (self, object, type),
                           kind);
      break;
    case PY_RULE_STRUCT_SEQUENCE:
      py_heap_visit_words (self, object + layout->tuple_items, type->n_items, kind);
      break;
    case PY_RULE_DICT:
      py_heap_visit_dict (self, object);
      py_heap_visit_body (self, object, type, layout->dict_size, kind);
      break;
    case PY_RULE_TYPE:
      visit_type_object (self, object);
      break;
    case PY_RULE_MODULE:
      visit_module (self, object);
      break;
    case PY_RULE_WEAKREF:
      visit_word (self, object + layout->weakref_callback, kind);
      break;
    case PY_RULE_DESCRIPTOR:
      visit_word (self, object + layout->descriptor_type, kind);
      visit_word (self, object + layout->descriptor_name, PY_REFERENCE_HIDDEN);
      visit_word (self, object + layout->descriptor_qualname, PY_REFERENCE_HIDDEN);
      break;
    default:
      py_heap_visit_body (self, object, type, sizeof (guint64) * 2, kind);
      if (type->rule == PY_RULE_UNKNOWN && type->itemsize == sizeof (guint64)
          && (type->flags & TPFLAGS_LONG_SUBCLASS) == 0)
        py_heap_visit_words (self, object + type->basicsize, py_heap_read_n_items (self, object, type),
                             kind | PY_REFERENCE_GUESS);
    }
}

void
py_heap_traverse (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  PyReference kind = type->hidden ? PY_REFERENCE_HIDDEN : PY_REFERENCE_VISITED;

  if (type->is_atom)
    return;
  for (guint i = 0; type->slots != NULL && i < type->slots->len; i++)
    visit_word (self, object + g_array_index (type->slots, guint32, i), kind);
  if (type->visits_dict)
    visit_dict_pointer (self, object, type);
  if (type->visits_type)
    self->visit (self, type->address, kind);

  switch (type->rule)
    {
    case PY_RULE_NOTHING:
      break;
    case PY_RULE_ORDERED_DICT:
      py_heap_visit_ordered_dict (self, object);
      break;
    case PY_RULE_SET:
      py_heap_visit_set (self, object);
      break;
    case PY_RULE_DEQUE:
      py_heap_visit_deque (self, object);
      break;
    case PY_RULE_LRU_CACHE:
      py_heap_visit_lru_cache (self, object);
      py_heap_visit_body (self, object, type, PY_LRU_CACHE_FIRST, kind);
      break;
    case PY_RULE_ELEMENT:
      py_heap_visit_element (self, object);
      break;
    case PY_RULE_GENERATOR:
      py_heap_visit_generator (self, object, type);
      break;
    case PY_RULE_FRAME:
      py_heap_visit_frame_object (self, object, type);
      break;
    default:
      visit_by_kind (self, object, type, kind);
    }
}
