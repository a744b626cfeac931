/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which rule says what an object of a type refers to, and which how large it is. A rule belongs to the C code
 * that traverses (tp_traverse): a Python class has the one of the C type that it is derived from, besides its
 * slots and its __dict__, and so has a C type that inherited the function.
 */

#include "py-heap-private.h"
#include "py-objects.h"

#define MAX_SLOTS 4096
#define MAX_BASES 64

#define TPFLAGS_MANAGED_DICT (1u << 4)
#define TPFLAGS_HAVE_GC (1u << 14)
#define TPFLAGS_LONG_SUBCLASS (1u << 24)
#define TPFLAGS_LIST_SUBCLASS (1u << 25)
#define TPFLAGS_TUPLE_SUBCLASS (1u << 26)
#define TPFLAGS_UNICODE_SUBCLASS (1u << 28)
#define TPFLAGS_DICT_SUBCLASS (1u << 29)

/* PyMemberDef, Include/descrobject.h: name, type, offset, flags, doc */
#define MEMBER_SIZE 40
#define MEMBER_TYPE 8
#define MEMBER_OFFSET 16
#define MEMBER_IS_OBJECT 16 /* T_OBJECT_EX, Py_T_OBJECT_EX */

/* By tp_name, as the versions have it. */
static const struct
{
  const char *name;
  PyRule rule;
  guint32 end; /* BODY: what lies behind is not visited; 0: all is */
} rules[] = {
  { "list", PY_RULE_LIST },
  { "tuple", PY_RULE_TUPLE },
  { "dict", PY_RULE_DICT },
  { "frozendict", PY_RULE_DICT },
  { "collections.defaultdict", PY_RULE_DICT },
  { "collections.OrderedDict", PY_RULE_ORDERED_DICT },
  { "set", PY_RULE_SET },
  { "frozenset", PY_RULE_SET },
  { "collections.deque", PY_RULE_DEQUE },
  { "type", PY_RULE_TYPE },
  { "module", PY_RULE_MODULE },
  { "generator", PY_RULE_GENERATOR },
  { "coroutine", PY_RULE_GENERATOR },
  { "async_generator", PY_RULE_GENERATOR },
  { "frame", PY_RULE_FRAME },
  { "weakref", PY_RULE_WEAKREF },
  { "weakref.ReferenceType", PY_RULE_WEAKREF },
  { "weakproxy", PY_RULE_WEAKREF },
  { "weakref.ProxyType", PY_RULE_WEAKREF },
  { "weakcallableproxy", PY_RULE_WEAKREF },
  { "weakref.CallableProxyType", PY_RULE_WEAKREF },
  { "getset_descriptor", PY_RULE_DESCRIPTOR },
  { "method_descriptor", PY_RULE_DESCRIPTOR },
  { "wrapper_descriptor", PY_RULE_DESCRIPTOR },
  { "member_descriptor", PY_RULE_DESCRIPTOR },
  { "classmethod_descriptor", PY_RULE_DESCRIPTOR },
  { "functools._lru_cache_wrapper", PY_RULE_LRU_CACHE },
  { "functools._lru_list_elem", PY_RULE_NOTHING }, /* the cache refers to what it holds */
  { "xml.etree.ElementTree.Element", PY_RULE_ELEMENT },
  { "_lru.Node", PY_RULE_BODY, 32 }, /* lru-dict's */
  { "lru.Node", PY_RULE_BODY, 32 },
  { "function", PY_RULE_BODY },
  { "builtin_function_or_method", PY_RULE_BODY },
  { "builtin_method", PY_RULE_BODY },
  { "method", PY_RULE_BODY },
  { "method-wrapper", PY_RULE_BODY },
  { "instancemethod", PY_RULE_BODY },
  { "cell", PY_RULE_BODY },
  { "code", PY_RULE_BODY },
  { "property", PY_RULE_BODY },
  { "functools.partial", PY_RULE_BODY, 48 },
  { "staticmethod", PY_RULE_BODY },
  { "classmethod", PY_RULE_BODY },
  { "super", PY_RULE_BODY },
  { "slice", PY_RULE_BODY },
  { "range", PY_RULE_BODY },
  { "mappingproxy", PY_RULE_BODY },
  { "types.SimpleNamespace", PY_RULE_BODY },
  { "types.GenericAlias", PY_RULE_BODY },
  { "traceback", PY_RULE_BODY },
  { "BaseException", PY_RULE_BODY },
  { "enumerate", PY_RULE_BODY, 48 },
  { "zip", PY_RULE_BODY },
  { "map", PY_RULE_BODY },
  { "filter", PY_RULE_BODY },
  { "reversed", PY_RULE_BODY },
  { "list_iterator", PY_RULE_BODY },
  { "tuple_iterator", PY_RULE_BODY },
  { "set_iterator", PY_RULE_BODY },
  { "dict_keyiterator", PY_RULE_BODY },
  { "dict_valueiterator", PY_RULE_BODY },
  { "dict_itemiterator", PY_RULE_BODY },
  { "dict_keys", PY_RULE_BODY },
  { "dict_values", PY_RULE_BODY },
  { "dict_items", PY_RULE_BODY },
  { "object", PY_RULE_NOTHING },
  { "int", PY_RULE_NOTHING },
  { "bool", PY_RULE_NOTHING },
  { "float", PY_RULE_NOTHING },
  { "complex", PY_RULE_NOTHING },
  { "str", PY_RULE_NOTHING },
  { "bytes", PY_RULE_NOTHING },
  { "NoneType", PY_RULE_NOTHING },
};

static const struct
{
  const char *name;
  PySizeRule rule;
} size_rules[] = {
  { "bytearray", PY_SIZE_BYTEARRAY },
  { "array.array", PY_SIZE_ARRAY },
  { "list", PY_SIZE_LIST },
  { "dict", PY_SIZE_DICT },
  { "set", PY_SIZE_SET },
  { "collections.OrderedDict", PY_SIZE_ORDERED_DICT },
  { "frozenset", PY_SIZE_SET },
  { "collections.deque", PY_SIZE_DEQUE },
  { "frame", PY_SIZE_FRAME },
  { "generator", PY_SIZE_GENERATOR },
  { "coroutine", PY_SIZE_GENERATOR },
  { "async_generator", PY_SIZE_GENERATOR },
  { "frozendict", PY_SIZE_DICT },
  { "int", PY_SIZE_INT },
  { "str", PY_SIZE_STR },
  { "type", PY_SIZE_TYPE },
  { "xml.etree.ElementTree.Element", PY_SIZE_ELEMENT },
  { "itertools.product", PY_SIZE_PRODUCT },
  { "_io.BufferedReader", PY_SIZE_BUFFERED },
  { "_io.BufferedWriter", PY_SIZE_BUFFERED },
  { "_io.BufferedRandom", PY_SIZE_BUFFERED },
  { "_io.BytesIO", PY_SIZE_BYTES_IO },
  { "_struct.Struct", PY_SIZE_STRUCT },
};

static gboolean
is_python_class (PyHeapTypes *self, const PyHeapTypeInfo *info)
{
  return info->traverse == self->subtype_traverse;
}

/* Python classes have names such as "list", too: they are not meant. */
static void
find_rule (PyHeapTypeInfo *info, const PyHeapTypeInfo *named)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    if (strcmp (rules[i].name, named->public.class->c_name) == 0)
      {
        info->rule = rules[i].rule;
        if (rules[i].end != 0)
          info->body_size = MIN (info->body_size, rules[i].end);
        return;
      }
}

static PySizeRule
find_size_rule (const PyHeapTypeInfo *info)
{
  for (guint i = 0; i < G_N_ELEMENTS (size_rules); i++)
    if (strcmp (size_rules[i].name, info->public.class->c_name) == 0)
      return size_rules[i].rule;
  return PY_SIZE_DEFAULT;
}

/* What __slots__ of one class added, behind the type itself, which is as long as its metatype says. */
static void
add_slots (PyHeapTypes *self, PyHeapTypeInfo *info, const PyHeapTypeInfo *owner)
{
  const PyLayout *layout = self->layout;
  guint64 n = py_heap_memory_get (self->memory, owner->address + layout->object_size);
  guint64 metatype = py_heap_memory_get (self->memory, owner->address + layout->object_type);
  guint64 members = owner->address + py_heap_memory_get (self->memory, metatype + layout->type_basicsize);

  for (guint64 i = 0; i < MIN (n, MAX_SLOTS); i++)
    {
      guint64 member[MEMBER_SIZE / 8];
      guint32 offset;

      if (!py_heap_memory_read (self->memory, members + i * MEMBER_SIZE, member, sizeof member))
        return;
      offset = member[MEMBER_OFFSET / 8];
      if ((guint32)member[MEMBER_TYPE / 8] != MEMBER_IS_OBJECT || offset % 8 != 0
          || member[MEMBER_OFFSET / 8] + 8 > info->basicsize)
        continue;
      if (info->slots == NULL)
        info->slots = g_array_new (FALSE, FALSE, sizeof offset);
      if (info->slots->len < MAX_SLOTS)
        g_array_append_val (info->slots, offset);
    }
}

/* subtype_traverse(), Objects/typeobject.c: from class to base up to the one that C code wrote. */
static const PyHeapTypeInfo *
find_c_type (PyHeapTypes *self, PyHeapTypeInfo *info)
{
  const PyHeapTypeInfo *type = info;

  for (guint i = 0; i < MAX_BASES && type != NULL && is_python_class (self, type); i++)
    {
      add_slots (self, info, type);
      type = py_heap_types_look_up (self, type->base);
    }
  return type;
}

/* os.stat_result and the like keep more than a tuple of their length. */
static void
choose_struct_sequence (PyHeapTypes *self, PyHeapTypeInfo *info, const PyHeapTypeInfo *type)
{
  PyRuntime *runtime = py_inspector_get_runtime (self->inspector);
  guint64 dict = py_heap_memory_get (self->memory, type->address + self->layout->type_dict);
  guint64 members = py_heap_memory_get (self->memory, type->address + self->layout->type_members);
  gint64 n_fields;

  /* From 3.12 on dicts of static types lie elsewhere; a member for each item, but nameless ones, says it,
   * too. */
  if (!py_object_get_int (runtime, py_dict_get (runtime, dict, "n_fields"), &n_fields))
    for (n_fields = 0; members != 0 && n_fields < MAX_SLOTS; n_fields++)
      if (py_heap_memory_get (self->memory, members + n_fields * MEMBER_SIZE) == 0)
        break;
  if (n_fields <= 0 || n_fields > MAX_SLOTS)
    return;
  info->rule = PY_RULE_STRUCT_SEQUENCE;
  info->n_items = n_fields;
}

/* A C type that we do not know by name, but whose kind we do. */
static PyRule
find_rule_by_flags (const PyHeapTypeInfo *type)
{
  if ((type->flags & TPFLAGS_LIST_SUBCLASS) != 0)
    return PY_RULE_LIST;
  if ((type->flags & TPFLAGS_TUPLE_SUBCLASS) != 0)
    return PY_RULE_TUPLE;
  if ((type->flags & TPFLAGS_DICT_SUBCLASS) != 0)
    return PY_RULE_DICT;
  if ((type->flags & PY_CLASS_TYPE) != 0)
    return PY_RULE_TYPE;
  return PY_RULE_UNKNOWN;
}

static void
choose_rule (PyHeapTypes *self, PyHeapTypeInfo *info, const PyHeapTypeInfo *type)
{
  guint64 traverse = type->traverse;
  const PyHeapTypeInfo *base = type;

  info->body_size = type->basicsize;
  info->rule = PY_RULE_UNKNOWN;
  find_rule (info, type);
  for (guint i = 0; i < MAX_BASES && info->rule == PY_RULE_UNKNOWN && base != NULL; i++)
    {
      if (base->traverse == traverse)
        find_rule (info, base);
      base = py_heap_types_look_up (self, base->base);
    }
  if (info->rule == PY_RULE_NOTHING && type->basicsize > 16 && (type->flags & TPFLAGS_HAVE_GC) != 0)
    info->rule = PY_RULE_UNKNOWN; /* what a type of its own adds to object */
  if (info->rule == PY_RULE_UNKNOWN && (type->flags & PY_CLASS_EXCEPTION) != 0)
    info->rule = PY_RULE_BODY;
  if (info->rule == PY_RULE_UNKNOWN)
    info->rule = find_rule_by_flags (type);
  if (info->rule == PY_RULE_TUPLE && strcmp (type->public.class->c_name, "tuple") != 0)
    choose_struct_sequence (self, info, type);
}

void
py_heap_types_choose_rules (PyHeapTypes *self, PyHeapTypeInfo *info)
{
  const PyHeapTypeInfo *type = find_c_type (self, info);
  const PyHeapTypeInfo *base = info;

  if (type == NULL)
    {
      info->rule = PY_RULE_UNKNOWN;
      info->body_size = info->basicsize;
      return;
    }

  choose_rule (self, info, type);
  if (is_python_class (self, info))
    {
      info->visits_dict = info->dictoffset != type->dictoffset;
      info->visits_type = type->traverse == 0 || (type->flags & PY_CLASS_HEAP) == 0;
    }
  else if ((info->flags & TPFLAGS_MANAGED_DICT) != 0)
    info->visits_dict = TRUE; /* a C type's own function does */
  if ((type->flags & PY_CLASS_HEAP) != 0 && type->traverse != 0)
    info->visits_type = TRUE; /* each since 3.9 */
  info->is_atom =
      info->rule == PY_RULE_NOTHING && !info->visits_type && !info->visits_dict && info->slots == NULL;

  for (guint i = 0; i < MAX_BASES && base != NULL && info->size_rule == PY_SIZE_DEFAULT; i++)
    {
      if (!is_python_class (self, base))
        info->size_rule = find_size_rule (base);
      base = py_heap_types_look_up (self, base->base);
    }
}
