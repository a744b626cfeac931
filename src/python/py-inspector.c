/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Objects as Python code sees them: classes with their names and slots, attributes, items of containers. What
 * lies in one object is py-objects.c's; how an object prints is py-repr.c's.
 */

#include "py-inspector.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_NAME 300 /* characters */
#define MAX_TEXT 1000
#define MAX_BASES 64
#define MAX_SLOTS 256
#define MAX_CLASSES 65536
#define MAX_CODES 65536
#define MAX_STRINGS 65536
#define MAX_CONTAINER (16 * 1024 * 1024) /* slots of a set that are looked at */
#define SLOTS_AT_ONCE 256
#define DEQUE_BLOCK 64 /* Modules/_collectionsmodule.c: BLOCKLEN */

#define TPFLAGS_LIST_SUBCLASS (1u << 25)
#define TPFLAGS_TUPLE_SUBCLASS (1u << 26)

/* PyMemberDef, Include/descrobject.h: name, type, offset, flags, doc */
#define MEMBER_SIZE 40
#define MEMBER_OFFSET 16

struct _PyInspector
{
  PyRuntime *runtime;
  GHashTable *codes;   /* address -> PyCode */
  GHashTable *strings; /* address -> text */
  GHashTable *classes; /* address -> PyClass */
  guint64 none;
};

static void
class_free (gpointer data)
{
  PyClass *self = data;

  g_free (self->c_name);
  g_free (self->module);
  g_free (self->qualname);
  g_clear_pointer (&self->slots, g_hash_table_unref);
  g_free (self);
}

const char *
py_class_get_name (const PyClass *self)
{
  const char *dot = strrchr (self->c_name, '.');

  return dot != NULL ? dot + 1 : self->c_name;
}

PyInspector *
py_inspector_new (PyRuntime *runtime)
{
  PyInspector *self = g_new0 (PyInspector, 1);

  self->runtime = g_object_ref (runtime);
  self->codes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)py_code_free);
  self->strings = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->classes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, class_free);
  return self;
}

void
py_inspector_free (PyInspector *self)
{
  g_hash_table_unref (self->classes);
  g_hash_table_unref (self->strings);
  g_hash_table_unref (self->codes);
  g_object_unref (self->runtime);
  g_free (self);
}

PyRuntime *
py_inspector_get_runtime (PyInspector *self)
{
  return self->runtime;
}

guint64
py_inspector_read (PyInspector *self, guint64 address)
{
  guint64 value;

  return py_read_u64 (self->runtime, address, &value) ? value : 0;
}

/* The slots that a Python class added: PyMemberDefs behind the type, which is as long as its own type says.
 */
static GHashTable *
read_slots (PyInspector *self, guint64 type)
{
  const PyLayout *layout = &self->runtime->layout;
  GHashTable *slots = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 metatype = py_inspector_read (self, type + layout->object_type);
  guint64 n = py_inspector_read (self, type + layout->object_size);
  guint64 members = type + py_inspector_read (self, metatype + layout->type_basicsize);

  for (guint64 i = 0; i < MIN (n, MAX_SLOTS); i++)
    {
      guint64 member = members + i * MEMBER_SIZE;
      char *name = hap_memory_read_string (self->runtime->memory, py_inspector_read (self, member), MAX_NAME);
      guint64 offset = py_inspector_read (self, member + MEMBER_OFFSET);

      if (name == NULL)
        break;
      if (offset != 0 && offset < G_MAXINT32)
        g_hash_table_insert (slots, name, GSIZE_TO_POINTER (offset));
      else
        g_free (name);
    }
  return slots;
}

static void
name_class (PyInspector *self, PyClass *class)
{
  const PyLayout *layout = &self->runtime->layout;
  const char *dot = strrchr (class->c_name, '.');

  if ((class->flags & PY_CLASS_HEAP) != 0)
    {
      guint64 dict = py_inspector_read (self, class->address + layout->type_dict);

      class->module =
          py_object_get_string (self->runtime, py_dict_get (self->runtime, dict, "__module__"), MAX_NAME);
      class->qualname = py_object_get_string (
          self->runtime, py_inspector_read (self, class->address + layout->type_qualname), MAX_NAME);
      class->slots = read_slots (self, class->address);
    }
  if (class->module == NULL)
    class->module = dot != NULL ? g_strndup (class->c_name, dot - class->c_name) : g_strdup ("builtins");
  if (class->qualname == NULL)
    class->qualname = g_strdup (dot != NULL ? dot + 1 : class->c_name);
}

const PyClass *
py_inspector_read_class (PyInspector *self, guint64 type)
{
  const PyLayout *layout = &self->runtime->layout;
  PyClass *class = g_hash_table_lookup (self->classes, &type);
  guint64 flags, name;
  char *c_name;

  if (class != NULL)
    return class;
  if (type == 0 || type % sizeof (guint64) != 0 || g_hash_table_size (self->classes) >= MAX_CLASSES
      || !py_read_u64 (self->runtime, type + layout->type_flags, &flags)
      || !py_read_u64 (self->runtime, type + layout->type_name, &name))
    return NULL;
  c_name = hap_memory_read_string (self->runtime->memory, name, MAX_NAME);
  if (c_name == NULL)
    return NULL;

  class = g_new0 (PyClass, 1);
  class->address = type;
  class->flags = flags;
  class->base = py_inspector_read (self, type + layout->type_base);
  class->c_name = c_name;
  name_class (self, class);
  g_hash_table_insert (self->classes, &class->address, class);
  return class;
}

const PyClass *
py_inspector_get_class (PyInspector *self, guint64 object)
{
  if (object == 0 || object % sizeof (guint64) != 0)
    return NULL;
  return py_inspector_read_class (self, py_inspector_read (self, object + self->runtime->layout.object_type));
}

gboolean
py_inspector_derives (PyInspector *self, const PyClass *class, guint64 address)
{
  for (guint i = 0; i < MAX_BASES && class != NULL && address != 0; i++)
    {
      if (class->address == address)
        return TRUE;
      class = py_inspector_read_class (self, class->base);
    }
  return FALSE;
}

gboolean
py_inspector_is_a (PyInspector *self, const PyClass *class, const char *module, const char *qualname)
{
  for (guint i = 0; i < MAX_BASES && class != NULL; i++)
    {
      if (strcmp (class->qualname, qualname) == 0 && strcmp (class->module, module) == 0)
        return TRUE;
      class = py_inspector_read_class (self, class->base);
    }
  return FALSE;
}

const PyCode *
py_inspector_get_code (PyInspector *self, guint64 address)
{
  PyCode *code = g_hash_table_lookup (self->codes, &address);

  if (code != NULL || g_hash_table_size (self->codes) >= MAX_CODES)
    return code;
  code = py_code_read (self->runtime, address);
  if (code != NULL)
    g_hash_table_insert (self->codes, &code->address, code);
  return code;
}

const char *
py_inspector_get_string (PyInspector *self, guint64 object)
{
  char *text = g_hash_table_lookup (self->strings, &object);

  if (text != NULL || g_hash_table_size (self->strings) >= MAX_STRINGS)
    return text;
  text = py_object_get_string (self->runtime, object, MAX_TEXT);
  if (text != NULL)
    g_hash_table_insert (self->strings, g_memdup2 (&object, sizeof object), text);
  return text;
}

static guint64
get_slot (PyInspector *self, const PyClass *class, guint64 object, const char *name)
{
  for (guint i = 0; i < MAX_BASES && class != NULL && class->slots != NULL; i++)
    {
      gsize offset = GPOINTER_TO_SIZE (g_hash_table_lookup (class->slots, name));

      if (offset != 0)
        return py_inspector_read (self, object + offset);
      class = py_inspector_read_class (self, class->base);
    }
  return 0;
}

guint64
py_inspector_get_attribute (PyInspector *self, guint64 object, const char *name)
{
  const PyClass *class = py_inspector_get_class (self, object);
  guint64 value;

  if (class == NULL)
    return 0;
  value = get_slot (self, class, object, name);
  return value != 0 ? value : py_object_get_attribute (self->runtime, object, name);
}

typedef struct
{
  PyInspector *inspector;
  PyAttributeFunc func;
  gpointer data;
} AttributeWalk;

static gboolean
on_attribute (guint64 key, guint64 value, gpointer data)
{
  AttributeWalk *walk = data;
  g_autofree char *name = py_object_get_string (walk->inspector->runtime, key, MAX_NAME);

  return name == NULL || walk->func (name, value, walk->data);
}

void
py_inspector_foreach_attribute (PyInspector *self,
                                guint64 object,
                                guint max,
                                PyAttributeFunc func,
                                gpointer data)
{
  const PyClass *class = py_inspector_get_class (self, object);
  AttributeWalk walk = { self, func, data };
  guint n = 0;

  for (guint i = 0; i < MAX_BASES && class != NULL && class->slots != NULL; i++)
    {
      GHashTableIter iter;
      gpointer name, offset;

      g_hash_table_iter_init (&iter, class->slots);
      while (n < max && g_hash_table_iter_next (&iter, &name, &offset))
        {
          guint64 value = py_inspector_read (self, object + GPOINTER_TO_SIZE (offset));

          if (value != 0 && (n++ == max || !func (name, value, data)))
            return;
        }
      class = py_inspector_read_class (self, class->base);
    }
  py_object_foreach_attribute (self->runtime, object, max, on_attribute, &walk);
}

guint64
py_inspector_get_class_attribute (PyInspector *self,
                                  const PyClass *class,
                                  const char *name,
                                  const PyClass **owner)
{
  const PyLayout *layout = &self->runtime->layout;
  g_autoptr (GArray) mro = NULL;

  mro = py_inspector_get_items (self, py_inspector_read (self, class->address + layout->type_mro), MAX_BASES,
                                NULL);
  for (guint i = 0; mro != NULL && i < mro->len; i++)
    {
      const PyClass *base = py_inspector_read_class (self, g_array_index (mro, guint64, i));
      guint64 value = 0;

      if (base == NULL)
        return 0;
      if ((base->flags & PY_CLASS_HEAP) != 0)
        value =
            py_dict_get (self->runtime, py_inspector_read (self, base->address + layout->type_dict), name);
      if (value == 0 && (base->flags & PY_CLASS_HEAP) != 0)
        continue;
      if (owner != NULL)
        *owner = base;
      return value;
    }
  return 0;
}

guint64
py_inspector_or_none (PyInspector *self, guint64 object)
{
  const PyClass *class;

  if (object == 0 || object == self->none)
    return 0;
  class = py_inspector_get_class (self, object);
  if (class != NULL && (class->flags & PY_CLASS_HEAP) == 0 && strcmp (class->c_name, "NoneType") == 0)
    {
      self->none = object;
      return 0;
    }
  return object;
}

gboolean
py_inspector_is_true (PyInspector *self, guint64 object)
{
  gint64 value;

  return object != 0 && py_object_get_int (self->runtime, object, &value) && value != 0;
}

char *
py_inspector_get_text (PyInspector *self, guint64 object, const char *name)
{
  return py_object_get_string (self->runtime, py_inspector_get_attribute (self, object, name), MAX_NAME);
}

static gboolean
append_array (PyInspector *self, GArray *items, guint64 address, guint64 n)
{
  if (n == 0)
    return TRUE;
  g_array_set_size (items, n);
  return hap_memory_read (self->runtime->memory, address, items->data, n * sizeof (guint64));
}

/* Free slots have no key; deleted ones a key that is no item and the hash -1. */
static gboolean
append_set (PyInspector *self, GArray *items, guint64 set, guint max)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 n_slots = py_inspector_read (self, set + layout->set_mask) + 1;
  guint64 table = py_inspector_read (self, set + layout->set_table);
  guint64 slots[SLOTS_AT_ONCE][2];

  if (n_slots > MAX_CONTAINER)
    return FALSE;
  for (guint64 first = 0; first < n_slots; first += SLOTS_AT_ONCE)
    {
      guint64 n = MIN (n_slots - first, SLOTS_AT_ONCE);

      if (!hap_memory_read (self->runtime->memory, table + first * sizeof slots[0], slots,
                            n * sizeof slots[0]))
        return FALSE;
      for (guint64 i = 0; i < n && items->len < max; i++)
        if (slots[i][0] != 0 && slots[i][1] != G_MAXUINT64)
          g_array_append_val (items, slots[i][0]);
    }
  return TRUE;
}

/* Blocks of {left, 64 items, right}. */
static gboolean
append_deque (PyInspector *self, GArray *items, guint64 deque, guint64 n)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 block = py_inspector_read (self, deque + layout->deque_left_block);
  guint64 index = py_inspector_read (self, deque + layout->deque_left_index);
  guint64 words[1 + DEQUE_BLOCK + 1];

  while (items->len < n)
    {
      guint64 count = MIN (n - items->len, DEQUE_BLOCK - index);

      if (index >= DEQUE_BLOCK || !hap_memory_read (self->runtime->memory, block, words, sizeof words))
        return FALSE;
      g_array_append_vals (items, &words[1 + index], count);
      block = words[1 + DEQUE_BLOCK];
      index = 0;
    }
  return TRUE;
}

/* @kind: (out): 'l' list, 't' tuple, 's' set, 'd' deque; where its length is, is known then */
static gboolean
find_container (PyInspector *self, guint64 object, char *kind, guint64 *n_items)
{
  const PyLayout *layout = &self->runtime->layout;
  const PyClass *class = py_inspector_get_class (self, object);
  guint64 size_at = object + layout->object_size;

  if (class == NULL)
    return FALSE;
  if ((class->flags & TPFLAGS_TUPLE_SUBCLASS) != 0)
    *kind = 't';
  else if ((class->flags & TPFLAGS_LIST_SUBCLASS) != 0)
    *kind = 'l';
  else if (py_inspector_is_a (self, class, "collections", "deque"))
    *kind = 'd';
  else if (py_inspector_is_a (self, class, "builtins", "set")
           || py_inspector_is_a (self, class, "builtins", "frozenset"))
    {
      *kind = 's';
      size_at = object + layout->set_used;
    }
  else
    return FALSE;
  return py_read_u64 (self->runtime, size_at, n_items) && *n_items < G_MAXINT32;
}

GArray *
py_inspector_get_items (PyInspector *self, guint64 object, guint max, guint64 *n_items)
{
  const PyLayout *layout = &self->runtime->layout;
  g_autoptr (GArray) items = NULL;
  guint64 n, wanted;
  gboolean sound = FALSE;
  char kind;

  if (!find_container (self, object, &kind, &n))
    return NULL;
  wanted = MIN (n, max);
  items = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (kind == 't')
    sound = append_array (self, items, object + layout->tuple_items, wanted);
  else if (kind == 'l')
    sound = append_array (self, items, py_inspector_read (self, object + layout->list_items), wanted);
  else if (kind == 'd')
    sound = append_deque (self, items, object, wanted);
  else
    sound = append_set (self, items, object, wanted);

  if (!sound)
    return NULL;
  if (n_items != NULL)
    *n_items = n;
  return g_steal_pointer (&items);
}

guint64
py_inspector_get_last (PyInspector *self, guint64 list)
{
  guint64 n;
  char kind;

  if (!find_container (self, list, &kind, &n) || kind != 'l' || n == 0)
    return 0;
  return py_inspector_read (self, py_inspector_read (self, list + self->runtime->layout.list_items)
                                      + (n - 1) * sizeof (guint64));
}
