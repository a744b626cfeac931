/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What dicts and other containers refer to whose items lie outside of them: as their own tp_traverse visits
 * it, Objects/dictobject.c, setobject.c, odictobject.c, Modules/_collectionsmodule.c, _functoolsmodule.c,
 * _elementtree.c of 3.11 to 3.15.
 */

#include "py-heap-private.h"

#define MAX_LOG2_SIZE 40
#define MAX_SHARED_KEYS 254
#define WORDS_AT_ONCE 384 /* a multiple of 2 and of 3 */
#define DEQUE_BLOCK 64    /* BLOCKLEN */
#define FIRST_3_13_3 0x030d0300
#define VISITED PY_REFERENCE_VISITED

#define TPFLAGS_INLINE_VALUES (1u << 2)

/* _odictobject, after the dict; _odictnode */
#define ODICT_FIRST_NODE 0
#define ODICT_INSTANCE_DICT 48
#define ODICT_NODE_KEY 0
#define ODICT_NODE_NEXT 16

/* lru_list_elem, which is also the head of the list in the wrapper */
#define LRU_NEXT 24
#define LRU_KEY 40
#define LRU_RESULT 48

/* ElementObject, ElementObjectExtra */
#define ELEMENT_TAG 16
#define ELEMENT_TEXT 24
#define ELEMENT_TAIL 32
#define ELEMENT_EXTRA 40
#define EXTRA_ATTRIBUTES 0
#define EXTRA_LENGTH 8
#define EXTRA_CHILDREN 24

static void
visit (PyHeapVisitor *self, guint64 object)
{
  if (object != 0)
    self->visit (self, object, VISITED);
}

static void
visit_entries (PyHeapVisitor *self, guint64 entries, guint64 n, gboolean general)
{
  guint words = general ? 3 : 2; /* {hash, key, value} or {key, value} */
  guint64 block[WORDS_AT_ONCE];

  if (!py_heap_visitor_spend (self, n * words))
    return;
  for (guint64 first = 0; first < n * words; first += WORDS_AT_ONCE)
    {
      guint64 here = MIN (n * words - first, WORDS_AT_ONCE);

      if (!py_heap_memory_read (self->memory, entries + first * 8, block, here * 8))
        return;
      for (guint64 i = 0; i < here; i += words)
        if (block[i + words - 1] != 0)
          {
            visit (self, block[i + words - 1]);
            /* Keys that are all str cannot be part of a cycle: the collector does not look at them. */
            if (block[i + words - 2] != 0)
              self->visit (self, block[i + words - 2], general ? VISITED : PY_REFERENCE_HIDDEN);
          }
    }
}

/* Keys that instances share belong to the class: dead names are no keys of this one. */
static void
visit_shared_keys (PyHeapVisitor *self, guint64 entries, guint64 n)
{
  guint64 block[MAX_SHARED_KEYS * 2];

  if (!py_heap_visitor_spend (self, n) || !py_heap_memory_read (self->memory, entries, block, n * 16))
    return;
  for (guint64 i = 0; i < n; i++)
    if (block[i * 2] != 0)
      self->visit (self, block[i * 2], PY_REFERENCE_HIDDEN);
}

/* Whether the values of a split dict lie inside an object, which then visits them itself. */
static gboolean
are_embedded (PyHeapVisitor *self, guint64 values)
{
  guint64 head;

  return self->version < FIRST_3_13_3 && self->layout->values_valid != PY_NO_FIELD
         && py_heap_memory_read (self->memory, values, &head, sizeof head) && (head >> 16 & 0xff) != 0;
}

void
py_heap_visit_dict (PyHeapVisitor *self, guint64 dict)
{
  const PyLayout *layout = self->layout;
  guint64 keys = py_heap_memory_get (self->memory, dict + layout->dict_keys);
  guint64 values = py_heap_memory_get (self->memory, dict + layout->dict_values);
  guint8 header[64];
  guint64 n, entries;

  if (keys == 0 || !py_heap_memory_read (self->memory, keys, header, layout->keys_indices)
      || header[layout->keys_log2_size] > MAX_LOG2_SIZE
      || header[layout->keys_log2_index_size] > MAX_LOG2_SIZE)
    return;
  n = py_block_u64 (header, layout->keys_n_entries);
  entries = keys + layout->keys_indices + ((guint64)1 << header[layout->keys_log2_index_size]);
  if (n > MIN ((guint64)1 << header[layout->keys_log2_size], PY_HEAP_MAX_ITEMS))
    return;
  if (values == 0)
    {
      visit_entries (self, entries, n, header[layout->keys_kind] == 0);
      return;
    }
  if (n > MAX_SHARED_KEYS)
    return;
  if (!are_embedded (self, values))
    py_heap_visit_words (self, values + layout->values_array, n, VISITED);
  visit_shared_keys (self, entries, n);
}

/* Where an instance keeps the values that it has no dict for; 0: nowhere. */
static guint64
find_values (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type, guint64 dict_word)
{
  const PyLayout *layout = self->layout;
  guint64 values;
  guint64 head;

  if (layout->object_values != PY_NO_FIELD)
    return py_heap_memory_get (self->memory, object - layout->object_values);
  if (layout->values_valid == PY_NO_FIELD)
    return dict_word % 2 == 1 ? dict_word + 1 : 0;
  if ((type->flags & TPFLAGS_INLINE_VALUES) == 0)
    return 0;
  values =
      object + (layout->object_inline_values != PY_NO_FIELD ? layout->object_inline_values : type->basicsize);
  return py_heap_memory_read (self->memory, values, &head, sizeof head)
                 && (head >> layout->values_valid * 8 & 0xff) != 0
             ? values
             : 0;
}

static void
visit_values (PyHeapVisitor *self, guint64 values, const PyHeapTypeInfo *type)
{
  const PyLayout *layout = self->layout;
  guint64 keys = py_heap_memory_get (self->memory, type->address + layout->type_cached_keys);
  guint64 n = keys != 0 ? py_heap_memory_get (self->memory, keys + layout->keys_n_entries) : 0;

  if (n <= MAX_SHARED_KEYS)
    py_heap_visit_words (self, values + layout->values_array, n, VISITED);
}

/* PyObject_VisitManagedDict(), _PyObject_VisitInstanceAttributes() */
void
py_heap_visit_managed_dict (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 dict = py_heap_memory_get (self->memory, object - self->layout->object_dict);
  guint64 values = find_values (self, object, type, dict);

  /* From 3.13.3 on a dict visits the values that lie in its object. */
  if (self->version >= FIRST_3_13_3 && dict != 0)
    values = 0;
  if (values != 0)
    visit_values (self, values, type);
  if (dict % 2 == 0 && (values == 0 || self->layout->object_values != PY_NO_FIELD))
    visit (self, dict);
}

void
py_heap_visit_ordered_dict (PyHeapVisitor *self, guint64 dict)
{
  guint64 own = dict + self->layout->dict_size;
  guint64 node = py_heap_memory_get (self->memory, own + ODICT_FIRST_NODE);
  guint64 n = MIN (py_heap_memory_get (self->memory, dict + self->layout->dict_used), PY_HEAP_MAX_ITEMS);

  visit (self, py_heap_memory_get (self->memory, own + ODICT_INSTANCE_DICT));
  py_heap_visit_dict (self, dict);
  for (guint64 i = 0; i < n && node != 0 && py_heap_visitor_spend (self, 1); i++)
    {
      visit (self, py_heap_memory_get (self->memory, node + ODICT_NODE_KEY));
      node = py_heap_memory_get (self->memory, node + ODICT_NODE_NEXT);
    }
}

/* Slots are {key, hash}; a deleted one has a key that is none, and the hash -1. */
void
py_heap_visit_set (PyHeapVisitor *self, guint64 set)
{
  guint64 n = py_heap_memory_get (self->memory, set + self->layout->set_mask) + 1;
  guint64 table = py_heap_memory_get (self->memory, set + self->layout->set_table);
  guint64 block[WORDS_AT_ONCE];

  if (n > PY_HEAP_MAX_ITEMS || !py_heap_visitor_spend (self, n * 2))
    return;
  for (guint64 first = 0; first < n * 2; first += WORDS_AT_ONCE)
    {
      guint64 here = MIN (n * 2 - first, WORDS_AT_ONCE);

      if (!py_heap_memory_read (self->memory, table + first * 8, block, here * 8))
        return;
      for (guint64 i = 0; i < here; i += 2)
        if (block[i] != 0 && block[i + 1] != G_MAXUINT64)
          visit (self, block[i]);
    }
}

/* Blocks of {left, 64 items, right}. */
void
py_heap_visit_deque (PyHeapVisitor *self, guint64 deque)
{
  const PyLayout *layout = self->layout;
  guint64 n = MIN (py_heap_memory_get (self->memory, deque + layout->object_size), PY_HEAP_MAX_ITEMS);
  guint64 block = py_heap_memory_get (self->memory, deque + layout->deque_left_block);
  guint64 index = py_heap_memory_get (self->memory, deque + layout->deque_left_index);

  while (n > 0 && index < DEQUE_BLOCK)
    {
      guint64 here = MIN (n, DEQUE_BLOCK - index);

      py_heap_visit_words (self, block + 8 + index * 8, here, VISITED);
      block = py_heap_memory_get (self->memory, block + 8 + DEQUE_BLOCK * 8);
      index = 0;
      n = block != 0 ? n - here : 0;
    }
}

/* The results that a cache keeps, in their order, with their keys. */
void
py_heap_visit_lru_cache (PyHeapVisitor *self, guint64 cache)
{
  guint64 link = py_heap_memory_get (self->memory, cache + LRU_NEXT);

  for (guint i = 0; i < PY_HEAP_MAX_ITEMS && link != 0 && link != cache && py_heap_visitor_spend (self, 4);
       i++)
    {
      visit (self, py_heap_memory_get (self->memory, link + LRU_KEY));
      visit (self, py_heap_memory_get (self->memory, link + LRU_RESULT));
      visit (self, py_heap_memory_get (self->memory, link + self->layout->object_type));
      link = py_heap_memory_get (self->memory, link + LRU_NEXT);
    }
}

/* text and tail may carry a flag in their lowest bit. */
void
py_heap_visit_element (PyHeapVisitor *self, guint64 element)
{
  guint64 extra = py_heap_memory_get (self->memory, element + ELEMENT_EXTRA);

  visit (self, py_heap_memory_get (self->memory, element + ELEMENT_TAG));
  visit (self, py_heap_memory_get (self->memory, element + ELEMENT_TEXT) & ~(guint64)1);
  visit (self, py_heap_memory_get (self->memory, element + ELEMENT_TAIL) & ~(guint64)1);
  if (extra == 0)
    return;
  visit (self, py_heap_memory_get (self->memory, extra + EXTRA_ATTRIBUTES));
  py_heap_visit_words (self, py_heap_memory_get (self->memory, extra + EXTRA_CHILDREN),
                       py_heap_memory_get (self->memory, extra + EXTRA_LENGTH), VISITED);
}
