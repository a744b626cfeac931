/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-marks.h"
#include "py-heap.h"
#include "py-runtime-private.h"

G_BEGIN_DECLS
#pragma GCC visibility push(hidden) /* called a hundred million times: directly */

/* How an object's references lie in it. */
typedef enum
{
  PY_RULE_NOTHING, /* none at all */
  PY_RULE_BODY,    /* every word of the body that is the address of an object, but weak references */
  PY_RULE_UNKNOWN, /* as BODY, but nothing says that this is all */
  PY_RULE_LIST,
  PY_RULE_TUPLE,
  PY_RULE_STRUCT_SEQUENCE, /* a tuple with more items than it shows */
  PY_RULE_DICT,
  PY_RULE_ORDERED_DICT,
  PY_RULE_SET,
  PY_RULE_DEQUE,
  PY_RULE_TYPE,
  PY_RULE_MODULE,
  PY_RULE_GENERATOR,
  PY_RULE_FRAME,
  PY_RULE_WEAKREF,
  PY_RULE_DESCRIPTOR,
  PY_RULE_LRU_CACHE,
  PY_RULE_ELEMENT,
} PyRule;

/* What __sizeof__() says. */
typedef enum
{
  PY_SIZE_DEFAULT,
  PY_SIZE_INT,
  PY_SIZE_STR,
  PY_SIZE_BYTEARRAY,
  PY_SIZE_ARRAY,
  PY_SIZE_LIST,
  PY_SIZE_DICT,
  PY_SIZE_ORDERED_DICT,
  PY_SIZE_SET,
  PY_SIZE_DEQUE,
  PY_SIZE_TYPE,
  PY_SIZE_GENERATOR,
  PY_SIZE_FRAME,
  PY_SIZE_ELEMENT,
  PY_SIZE_PRODUCT,
  PY_SIZE_BUFFERED,
  PY_SIZE_BYTES_IO,
  PY_SIZE_STRUCT,
} PySizeRule;

/* One type, and what its instances look like. */
typedef struct
{
  PyHeapType public;
  guint32 number; /* among the types that have objects; PY_HEAP_NONE: has none yet */

  guint64 address, flags, traverse, base;
  guint32 basicsize, itemsize;
  gint64 dictoffset, weaklistoffset;

  PyRule rule;
  PySizeRule size_rule;
  guint32 body_size;    /* of the part that C code laid out: the rule's */
  guint32 n_items;      /* STRUCT_SEQUENCE */
  gboolean hidden;      /* the collector visits no instance */
  gboolean visits_type; /* an instance refers to its class */
  gboolean visits_dict; /* and to a __dict__ that the rule knows nothing of */
  gboolean is_atom;     /* refers to nothing */
  GArray *slots;        /* (element-type guint32) (nullable): offsets of what __slots__ named */
} PyHeapTypeInfo;

/* What an address was found to be. */
typedef struct
{
  guint64 address;
  PyHeapTypeInfo *info; /* NULL: no type */
} PyHeapTypeEntry;

/* PyHeapTypes: the types of a heap, by address; every one was checked to be a type. */
typedef struct
{
  PyInspector *inspector;
  PyHeapMemory *memory;
  const PyLayout *layout;
  guint64 type_type;        /* `type` itself */
  guint64 subtype_traverse; /* tp_traverse of all Python classes */
  PyHeapTypeEntry *entries;
  guint32 n_entries, size; /* size: a power of 2 */
  GPtrArray *infos;        /* (element-type PyHeapTypeInfo) owned */
  GPtrArray *listed;       /* those that have objects, by number */
  guint depth;
} PyHeapTypes;

/* Errors: HAP_ERROR_UNSUPPORTED_TARGET */
gboolean py_heap_types_init (PyHeapTypes *self, PyInspector *inspector, PyHeapMemory *memory, GError **error);
void py_heap_types_clear (PyHeapTypes *self);

/* Returns: (nullable): NULL: there is no type at @address */
PyHeapTypeInfo *py_heap_types_look_up (PyHeapTypes *self, guint64 address);

static inline guint32
py_heap_types_hash (guint64 address)
{
  return (address >> 3) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) >> 32;
}

/* As above, quickly where it was asked before. */
static inline PyHeapTypeInfo *
py_heap_types_get (PyHeapTypes *self, guint64 address)
{
  const PyHeapTypeEntry *entry = &self->entries[py_heap_types_hash (address) & (self->size - 1)];

  return entry->address == address && address != 0 ? entry->info : py_heap_types_look_up (self, address);
}

/* Counts one more object of the type. */
guint32 py_heap_types_number (PyHeapTypes *self, PyHeapTypeInfo *info);

/* Whether an object of some type could be at @address: for words that may be anything. */
gboolean py_heap_types_is_object (PyHeapTypes *self, guint64 address);

/* What the collector does not track although it could has no links. */
gboolean py_heap_types_is_untracked (PyHeapTypes *self, guint64 object, const PyHeapTypeInfo *type);

/* Chooses rule and size rule (py-heap-rules.c). */
void py_heap_types_choose_rules (PyHeapTypes *self, PyHeapTypeInfo *info);

/**
 * PyReference:
 * @PY_REFERENCE_VISITED: the collector visits it: gc.get_referents() shows it
 * @PY_REFERENCE_HIDDEN: it does not: constants of code, names of types
 * @PY_REFERENCE_GUESS: (flag) any word: may be no reference at all
 */
typedef enum
{
  PY_REFERENCE_VISITED = 0,
  PY_REFERENCE_HIDDEN = 1 << 0,
  PY_REFERENCE_GUESS = 1 << 1,
} PyReference;

typedef struct _PyHeapVisitor PyHeapVisitor;
struct _PyHeapVisitor
{
  void (*visit) (PyHeapVisitor *self, guint64 object, PyReference kind);
  PyHeapTypes *types;
  PyHeapMemory *memory;
  const PyLayout *layout;
  guint32 version;
  guint64 n_words; /* so many may still be looked at */
  guint n_refused; /* objects, or parts of them, that were not, for that reason */
};

/* Whether @n more words may be looked at: what a target overlaps a million times is read a few times. */
static inline gboolean
py_heap_visitor_spend (PyHeapVisitor *self, guint64 n)
{
  if (n > self->n_words)
    {
      self->n_refused++;
      return FALSE;
    }
  self->n_words -= n;
  return TRUE;
}

/* Calls visit for each reference of the object, 0 left out. Bounded: PY_HEAP_MAX_ITEMS */
void py_heap_traverse (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);
#define PY_HEAP_MAX_ITEMS (64 * 1024 * 1024) /* of one object */

/* For py_heap_traverse() alone: py-heap-visit-*.c */
void py_heap_visit_words (PyHeapVisitor *self, guint64 address, guint64 n, PyReference kind);
void py_heap_visit_body (PyHeapVisitor *self,
                         guint64 object,
                         const PyHeapTypeInfo *type,
                         guint32 first,
                         PyReference kind);
void py_heap_visit_dict (PyHeapVisitor *self, guint64 dict);
void py_heap_visit_managed_dict (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);
void py_heap_visit_ordered_dict (PyHeapVisitor *self, guint64 dict);
void py_heap_visit_set (PyHeapVisitor *self, guint64 set);
void py_heap_visit_deque (PyHeapVisitor *self, guint64 deque);
void py_heap_visit_lru_cache (PyHeapVisitor *self, guint64 cache);
void py_heap_visit_element (PyHeapVisitor *self, guint64 element);
void py_heap_visit_frame (PyHeapVisitor *self, guint64 frame);
void py_heap_visit_generator (PyHeapVisitor *self, guint64 generator, const PyHeapTypeInfo *type);
void py_heap_visit_frame_object (PyHeapVisitor *self, guint64 frame, const PyHeapTypeInfo *type);

/* Where in functools' wrapper the other fields begin, after the head of its list. */
#define PY_LRU_CACHE_FIRST 56

/* The roots: what interpreters, threads and C's variables refer to (py-heap-roots.c). */
void py_heap_visit_roots (PyHeapVisitor *self, PyRuntime *runtime);

/* sys.getsizeof() (py-heap-size.c) */
guint64 py_heap_measure (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);

/* Where an instance that has no managed one keeps the address of its __dict__; 0: it has none. */
guint64 py_heap_find_dict_pointer (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);

/* The address of an object's __dict__; 0: it has none, or none yet. */
guint64 py_heap_find_dict (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);

/* ob_size of an int: digits; of others as it is. At most PY_HEAP_MAX_ITEMS */
guint64 py_heap_read_n_items (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type);

/**
 * PyHeapListFunc: an object of a list of the collector. FALSE ends the list: it was seen before.
 */
typedef gboolean (*PyHeapListFunc) (guint64 object, guint64 type, gboolean permanent, gpointer data);

/* Walks all lists of all interpreters (py-heap-lists.c). @whole: (out) (optional): whether each came back to
 * where it began */
gboolean py_heap_walk_lists (PyRuntime *runtime,
                             PyHeapMemory *memory,
                             PyHeapListFunc func,
                             gpointer data,
                             gboolean *whole,
                             GError **error);

#pragma GCC visibility pop
G_END_DECLS
