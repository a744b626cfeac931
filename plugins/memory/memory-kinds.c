/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Kinds of objects and their names, as guppy 3.1 has them (guppy/heapy/UniSet.py: Summary_str,
 * Classifiers.py: Clodo; src/heapy/hv.c: xt_traverse). How the kinds are counted is the census's.
 */

#include "memory-kinds.h"

/* Py_TPFLAGS_*: Include/object.h, Include/cpython/object.h */
#define INLINE_VALUES (1u << 2) /* 3.13+ */
#define MANAGED_DICT (1u << 4)

#define PYTHON_3_13 0x030d0000

/* Of a dict: its head and the collector's; and no class shares more keys than these (SHARED_KEYS_MAX_SIZE).
 */
#define DICT_SIZE 64
#define MAX_SHARED_KEYS 30

typedef struct
{
  char *name;
  gboolean hides;           /* refers to what it does not show */
  gboolean has_values;      /* its instances may keep their attributes in themselves */
  guint64 values_dict_size; /* of the __dict__ that one of them would get; 0: not asked yet */
} Kind;

struct _MemoryKinds
{
  PyHeap *heap;
  PyInspector *inspector;
  guint32 n_types;
  guint32 dict_type;
  guint32 version;
  Kind *types;
  GPtrArray *names;   /* of all kinds */
  GHashTable *owners; /* of each object that is the dict of another: the type of that, plus one */
};

/* The types module's names of what it did not define itself; of several the last. */
static const char *
find_alias (const PyClass *class)
{
  static const struct
  {
    const char *name, *alias;
  } aliases[] = {
    { "NoneType", "NoneType" },
    { "NotImplementedType", "NotImplementedType" },
    { "PyCapsule", "CapsuleType" },
    { "async_generator", "AsyncGeneratorType" },
    { "builtin_function_or_method", "BuiltinMethodType" },
    { "cell", "CellType" },
    { "classmethod_descriptor", "ClassMethodDescriptorType" },
    { "code", "CodeType" },
    { "coroutine", "CoroutineType" },
    { "ellipsis", "EllipsisType" },
    { "frame", "FrameType" },
    { "generator", "GeneratorType" },
    { "getset_descriptor", "GetSetDescriptorType" },
    { "mappingproxy", "MappingProxyType" },
    { "member_descriptor", "MemberDescriptorType" },
    { "method", "MethodType" },
    { "method-wrapper", "MethodWrapperType" },
    { "method_descriptor", "MethodDescriptorType" },
    { "traceback", "TracebackType" },
    { "wrapper_descriptor", "WrapperDescriptorType" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (g_str_equal (class->c_name, aliases[i].name))
      return aliases[i].alias;
  return NULL;
}

/* Whether the module builtins has it, or guppy calls it as if. */
static gboolean
is_bare (const PyClass *class)
{
  static const char *const names[] = { "bool",     "bytearray", "bytes",        "classmethod", "complex",
                                       "dict",     "enumerate", "filter",       "float",       "frozenset",
                                       "function", "int",       "list",         "map",         "memoryview",
                                       "module",   "object",    "property",     "range",       "reversed",
                                       "set",      "slice",     "staticmethod", "str",         "super",
                                       "tuple",    "type",      "zip",          NULL };

  return g_strv_contains (names, class->c_name) || (class->flags & PY_CLASS_EXCEPTION) != 0;
}

static char *
make_name (const PyClass *class)
{
  const char *name = py_class_get_name (class);

  if (class->module == NULL)
    return g_strdup_printf ("<unknown module>.%s", name);
  if (g_str_equal (class->module, "builtins") && (class->flags & PY_CLASS_HEAP) == 0)
    {
      const char *alias = find_alias (class);

      if (is_bare (class))
        return g_strdup (name);
      if (alias != NULL)
        return g_strdup_printf ("types.%s", alias);
    }
  return g_strdup_printf ("%s.%s", class->module, name);
}

/* Before 3.13 it is how the instance was made that decides: as object makes them, or as a built-in class
 * does. */
static gboolean
may_have_values (MemoryKinds *self, const PyClass *class)
{
  if ((class->flags & MANAGED_DICT) == 0)
    return FALSE;
  if (self->version >= PYTHON_3_13)
    return (class->flags & INLINE_VALUES) != 0;
  for (guint depth = 0; class != NULL && (class->flags & PY_CLASS_HEAP) != 0 && depth < 100; depth++)
    class = class->base != 0 ? py_inspector_read_class (self->inspector, class->base) : NULL;
  return class != NULL && class->base == 0;
}

static void
find_owners (MemoryKinds *self)
{
  guint32 n = py_heap_get_n_objects (self->heap);

  self->owners = g_hash_table_new (NULL, NULL);
  for (guint32 i = 0; i < n; i++)
    {
      guint32 dict = py_heap_get_dict (self->heap, i);

      if (dict != PY_HEAP_NONE)
        g_hash_table_insert (self->owners, GUINT_TO_POINTER (dict),
                             GUINT_TO_POINTER (py_heap_get_object_type (self->heap, i) + 1));
    }
}

/* The type of whose __dict__ it is, plus one; 0: nobody's */
static guint32
find_owner (MemoryKinds *self, guint32 dict)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->owners, GUINT_TO_POINTER (dict)));
}

MemoryKinds *
memory_kinds_new (PyHeap *heap)
{
  MemoryKinds *self = g_new0 (MemoryKinds, 1);

  self->heap = heap;
  self->inspector = py_heap_get_inspector (heap);
  self->version = py_runtime_get_version (py_inspector_get_runtime (self->inspector));
  self->n_types = py_heap_get_n_types (heap);
  self->dict_type = PY_HEAP_NONE;
  self->types = g_new0 (Kind, MAX (self->n_types, 1));
  self->names = g_ptr_array_new_with_free_func (g_free);
  for (guint32 i = 0; i < self->n_types; i++)
    {
      const PyClass *class = py_heap_get_type (heap, i)->class;

      self->types[i].name = make_name (class);
      self->types[i].hides =
          (class->flags & PY_CLASS_HEAP) == 0
          && (g_str_equal (class->c_name, "module") || g_str_has_suffix (class->c_name, "_descriptor"));
      self->types[i].has_values = may_have_values (self, class);
      if ((class->flags & PY_CLASS_HEAP) == 0 && g_str_equal (class->c_name, "dict"))
        self->dict_type = i;
      g_ptr_array_add (self->names, g_strdup (self->types[i].name));
    }
  for (guint32 i = 0; i < self->n_types; i++)
    g_ptr_array_add (self->names, g_strconcat ("dict of ", self->types[i].name, NULL));
  g_ptr_array_add (self->names, g_strdup ("dict (no owner)"));
  find_owners (self);
  return self;
}

void
memory_kinds_free (MemoryKinds *self)
{
  for (guint32 i = 0; i < self->n_types; i++)
    g_free (self->types[i].name);
  g_free (self->types);
  g_ptr_array_unref (self->names);
  g_hash_table_unref (self->owners);
  g_free (self);
}

guint32
memory_kinds_get_n (MemoryKinds *self)
{
  return self->names->len;
}

const char *
memory_kinds_get_name (MemoryKinds *self, guint32 kind)
{
  return self->names->pdata[kind];
}

const char *
memory_kinds_get_type_name (MemoryKinds *self, guint32 type)
{
  return self->types[type].name;
}

guint32
memory_kinds_get (MemoryKinds *self, guint32 object)
{
  guint32 type = py_heap_get_object_type (self->heap, object), owner;

  if (type != self->dict_type)
    return type;
  owner = find_owner (self, object);
  return owner == 0 ? 2 * self->n_types : self->n_types + owner - 1;
}

static void
add_kind (GArray *kinds, guint32 kind)
{
  if (kinds->len == 0 || g_array_index (kinds, guint32, kinds->len - 1) != kind)
    g_array_append_val (kinds, kind);
}

/* guppy has each instance make its __dict__ first. Then, up to 3.12, the collector finds an attribute there;
 * from 3.13 on in the instance, and guppy in the __dict__ as well. */
static void
add_referrer (MemoryKinds *self, GArray *kinds, guint32 object, guint32 referrer)
{
  guint32 type = py_heap_get_object_type (self->heap, referrer), dict;

  if (!self->types[type].has_values || object == py_heap_get_type (self->heap, type)->index)
    {
      add_kind (kinds, memory_kinds_get (self, referrer));
      return;
    }
  dict = py_heap_get_dict (self->heap, referrer);
  if (dict == object || (dict != PY_HEAP_NONE && self->version < PYTHON_3_13))
    add_kind (kinds, type);
  else
    {
      if (self->version >= PYTHON_3_13)
        add_kind (kinds, type);
      add_kind (kinds, self->n_types + type);
    }
}

/* What a module or a descriptor of C code keeps to itself, its name for one, the collector does not visit,
 * nor guppy. (Of code and classes guppy visits what the collector does not.) */
static gboolean
is_visited (MemoryKinds *self, guint32 object, guint32 referrer)
{
  guint32 type = py_heap_get_object_type (self->heap, referrer);
  g_autoptr (GArray) visited = NULL;

  if (!self->types[type].hides)
    return TRUE;
  visited = py_heap_list_referents (self->heap, referrer);
  for (guint i = 0; i < visited->len; i++)
    if (g_array_index (visited, guint64, i) == py_heap_get_address (self->heap, object))
      return TRUE;
  return FALSE;
}

static guint64
get_values_dict_size (MemoryKinds *self, guint32 type)
{
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (self->inspector));
  guint64 keys, n;

  if (self->types[type].values_dict_size == 0)
    {
      keys = py_inspector_read (self->inspector, py_heap_get_type (self->heap, type)->class->address
                                                     + layout->type_cached_keys);
      n = py_inspector_read (self->inspector, keys + layout->keys_usable)
          + py_inspector_read (self->inspector, keys + layout->keys_n_entries);
      self->types[type].values_dict_size = DICT_SIZE + 8 * MIN (n, MAX_SHARED_KEYS);
    }
  return self->types[type].values_dict_size;
}

static void
count_values_dict (MemoryKinds *self, HapCensus *census, guint32 object)
{
  guint32 type = py_heap_get_object_type (self->heap, object);

  if (self->types[type].has_values && py_heap_get_dict (self->heap, object) == PY_HEAP_NONE)
    hap_census_count (census, (guint32[]){ type }, 1, get_values_dict_size (self, type));
}

HapCensus *
memory_kinds_count (MemoryKinds *self, const guint8 *chosen)
{
  g_autoptr (GArray) kinds = g_array_new (FALSE, FALSE, sizeof (guint32));
  HapCensus *census = hap_census_new ();
  guint32 n = py_heap_get_n_objects (self->heap), n_referrers;

  for (guint i = 0; i < self->names->len; i++)
    hap_census_add_kind (census, self->names->pdata[i]);
  for (guint32 i = 0; i < n; i++)
    {
      const guint32 *referrers;

      if (!chosen[i])
        continue;
      referrers = py_heap_get_referrers (self->heap, i, &n_referrers);
      g_array_set_size (kinds, 0);
      if (find_owner (self, i) != 0)
        add_kind (kinds, find_owner (self, i) - 1);
      for (guint32 j = 0; j < n_referrers; j++)
        if ((j == 0 || referrers[j] != referrers[j - 1]) && is_visited (self, i, referrers[j]))
          add_referrer (self, kinds, i, referrers[j]);
      hap_census_count (census, (guint32 *)(gpointer)kinds->data, kinds->len,
                        py_heap_get_size (self->heap, i));
      count_values_dict (self, census, i);
    }
  return census;
}
