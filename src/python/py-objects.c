/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Python objects as bytes: strings, numbers, dicts, attributes of instances. Everything is checked by the
 * flags of the object's type and bounded, since object and type are the target's. Nothing is kept from call
 * to call.
 */

#include "py-objects.h"

#include "py-runtime-private.h"

/* Py_TPFLAGS_*: Include/object.h, the same in 3.11 to 3.15. */
#define TPFLAGS_INLINE_VALUES (1u << 2)
#define TPFLAGS_MANAGED_DICT (1u << 4)
#define TPFLAGS_LONG_SUBCLASS (1u << 24)
#define TPFLAGS_BYTES_SUBCLASS (1u << 27)
#define TPFLAGS_UNICODE_SUBCLASS (1u << 28)
#define TPFLAGS_DICT_SUBCLASS (1u << 29)

#define MAX_STRING (1024 * 1024) /* characters */
#define MAX_TYPE_NAME 1000
#define MAX_LOOKUP 65536 /* entries that py_dict_get() looks at */
#define MAX_BASES 8      /* from a subclass of module to module */
#define ENTRIES_AT_ONCE 256
#define MAX_SHARED_KEYS 254 /* the size of PyDictValues is a byte */

typedef enum
{
  KEYS_GENERAL,
  KEYS_UNICODE,
  KEYS_SPLIT,
  N_KEYS_KINDS
} KeysKind;

/* A dict's keys, and where their values lie. */
typedef struct
{
  KeysKind kind;
  guint64 n_entries;
  guint64 entries; /* address */
  guint64 values;  /* address of the array of a split dict, else 0 */
} DictView;

static gboolean
read_type (PyRuntime *runtime, guint64 object, guint64 *type, guint64 *flags)
{
  return object != 0 && object % sizeof (guint64) == 0
         && py_read_u64 (runtime, object + runtime->layout.object_type, type)
         && py_read_u64 (runtime, *type + runtime->layout.type_flags, flags);
}

static gboolean
is_a (PyRuntime *runtime, guint64 object, guint64 flag)
{
  guint64 type, flags;

  return read_type (runtime, object, &type, &flags) && (flags & flag) != 0;
}

/* The characters of a str: where, how many, how wide (1, 2, 4 bytes). */
static gboolean
find_characters (PyRuntime *runtime, guint64 object, guint64 *data, guint64 *length, guint *width)
{
  const PyLayout *layout = &runtime->layout;
  guint32 state;

  if (!is_a (runtime, object, TPFLAGS_UNICODE_SUBCLASS)
      || !py_read_u64 (runtime, object + layout->unicode_length, length) || *length > G_MAXINT64
      || !hap_memory_read_u32 (runtime->memory, object + layout->unicode_state, &state))
    return FALSE;

  *width = (state & layout->unicode_kind_mask) >> g_bit_nth_lsf (layout->unicode_kind_mask, -1);
  if (*width != 1 && *width != 2 && *width != 4)
    return FALSE;

  if ((state & layout->unicode_compact_mask) == 0)
    return py_read_u64 (runtime, object + layout->unicode_data, data);
  *data = object
          + ((state & layout->unicode_ascii_mask) != 0 ? layout->unicode_ascii_data
                                                       : layout->unicode_compact_data);
  return TRUE;
}

static gunichar
get_character (const guint8 *bytes, guint width, gsize index)
{
  gunichar c = 0;

  memcpy (&c, bytes + index * width, width);
  return c != 0 && g_unichar_validate (c) ? c : 0xfffd;
}

char *
py_object_get_string (PyRuntime *runtime, guint64 object, gsize max)
{
  g_autoptr (GString) text = NULL;
  g_autofree guint8 *bytes = NULL;
  guint64 data, length;
  gsize n;
  guint width;

  if (!find_characters (runtime, object, &data, &length, &width))
    return NULL;

  n = MIN (length, MIN (max, MAX_STRING));
  bytes = g_malloc (n * width + 1);
  if (n > 0 && !hap_memory_read (runtime->memory, data, bytes, n * width))
    return NULL;

  text = g_string_sized_new (n + 4);
  for (gsize i = 0; i < n; i++)
    g_string_append_unichar (text, get_character (bytes, width, i));
  if (n < length)
    g_string_append (text, "…");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

guint32 *
py_object_get_characters (PyRuntime *runtime,
                          guint64 object,
                          guint64 first,
                          gsize max,
                          gsize *n,
                          guint64 *length)
{
  g_autofree guint8 *bytes = NULL;
  guint32 *characters;
  guint64 data;
  guint width;

  if (!find_characters (runtime, object, &data, length, &width))
    return NULL;

  *n = first < *length ? MIN (*length - first, MIN (max, MAX_STRING)) : 0;
  bytes = g_malloc (*n * width + 1);
  if (*n > 0 && !hap_memory_read (runtime->memory, data + first * width, bytes, *n * width))
    return NULL;

  characters = g_new0 (guint32, *n + 1);
  for (gsize i = 0; i < *n; i++)
    memcpy (&characters[i], bytes + i * width, width);
  return characters;
}

static char *
get_name_of_type (PyRuntime *runtime, guint64 type)
{
  guint64 name;

  if (type == 0 || !py_read_u64 (runtime, type + runtime->layout.type_name, &name))
    return NULL;
  return hap_memory_read_string (runtime->memory, name, MAX_TYPE_NAME);
}

char *
py_object_get_type_name (PyRuntime *runtime, guint64 object)
{
  guint64 type;

  if (object == 0 || !py_read_u64 (runtime, object + runtime->layout.object_type, &type))
    return NULL;
  return get_name_of_type (runtime, type);
}

/* How many digits, and which sign. */
static gboolean
read_number_size (PyRuntime *runtime, guint64 object, guint64 *n_digits, gboolean *negative)
{
  guint64 size;

  if (runtime->layout.long_tag != PY_NO_FIELD)
    {
      if (!py_read_u64 (runtime, object + runtime->layout.long_tag, &size))
        return FALSE;
      *n_digits = size >> 3;
      *negative = (size & 3) == 2;
      if ((size & 3) == 1)
        *n_digits = 0; /* zero */
      return TRUE;
    }

  if (!py_read_u64 (runtime, object + runtime->layout.object_size, &size))
    return FALSE;
  *negative = (gint64)size < 0;
  *n_digits = *negative ? -size : size;
  return TRUE;
}

gboolean
py_object_get_int (PyRuntime *runtime, guint64 object, gint64 *value)
{
  guint32 digits[3] = { 0 }; /* of 30 bits */
  guint64 n_digits, magnitude;
  gboolean negative;

  if (!is_a (runtime, object, TPFLAGS_LONG_SUBCLASS)
      || !read_number_size (runtime, object, &n_digits, &negative) || n_digits > G_N_ELEMENTS (digits)
      || !hap_memory_read (runtime->memory, object + runtime->layout.long_digits, digits,
                           n_digits * sizeof digits[0])
      || digits[0] >> 30 != 0 || digits[1] >> 30 != 0 || digits[2] >> 4 != 0)
    return FALSE;

  magnitude = digits[0] | (guint64)digits[1] << 30 | (guint64)digits[2] << 60;
  if (magnitude > (guint64)G_MAXINT64 + negative)
    return FALSE;
  *value = negative ? (gint64)-magnitude : (gint64)magnitude;
  return TRUE;
}

GBytes *
py_object_get_bytes (PyRuntime *runtime, guint64 object, gsize max)
{
  g_autofree guint8 *data = NULL;
  guint64 size;

  if (!is_a (runtime, object, TPFLAGS_BYTES_SUBCLASS)
      || !py_read_u64 (runtime, object + runtime->layout.object_size, &size) || size > max)
    return NULL;
  data = g_malloc (size + 1);
  if (size > 0 && !hap_memory_read (runtime->memory, object + runtime->layout.bytes_data, data, size))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

/* @values: of a dict or an instance that shares its keys; 0: the values are in the keys' entries */
static gboolean
view_keys (PyRuntime *runtime, guint64 keys, guint64 values, DictView *view)
{
  const PyLayout *layout = &runtime->layout;
  guint8 header[64];
  guint log2_size, log2_index_size;

  g_assert (layout->keys_indices <= sizeof header);
  if (keys == 0 || !hap_memory_read (runtime->memory, keys, header, layout->keys_indices))
    return FALSE;

  log2_size = header[layout->keys_log2_size];
  log2_index_size = header[layout->keys_log2_index_size];
  view->kind = header[layout->keys_kind];
  view->n_entries = py_block_u64 (header, layout->keys_n_entries);
  if (view->kind >= N_KEYS_KINDS || log2_size > 40 || log2_index_size > 43
      || view->n_entries > G_GUINT64_CONSTANT (1) << log2_size || (view->kind == KEYS_SPLIT) != (values != 0)
      || (values != 0 && view->n_entries > MAX_SHARED_KEYS))
    return FALSE;

  view->entries = keys + layout->keys_indices + (G_GUINT64_CONSTANT (1) << log2_index_size);
  view->values = values == 0 ? 0 : values + layout->values_array;
  return TRUE;
}

static gboolean
view_dict (PyRuntime *runtime, guint64 dict, DictView *view)
{
  guint64 keys, values;

  return is_a (runtime, dict, TPFLAGS_DICT_SUBCLASS)
         && py_read_u64 (runtime, dict + runtime->layout.dict_keys, &keys)
         && py_read_u64 (runtime, dict + runtime->layout.dict_values, &values)
         && view_keys (runtime, keys, values, view);
}

static gboolean
foreach_entry (PyRuntime *runtime, const DictView *view, gsize max, PyDictFunc func, gpointer data)
{
  /* General entries are {hash, key, value}, the others {key, value}. */
  gsize words = view->kind == KEYS_GENERAL ? 3 : 2;
  /* Deleted entries stay until the dict grows: not without end. */
  guint64 n_slots = MIN (view->n_entries, 4 * (guint64)max + 1024);
  guint64 block[ENTRIES_AT_ONCE * 3], values[ENTRIES_AT_ONCE];
  gsize n_seen = 0;

  for (guint64 first = 0; first < n_slots; first += ENTRIES_AT_ONCE)
    {
      gsize n = MIN (n_slots - first, ENTRIES_AT_ONCE);

      if (!hap_memory_read (runtime->memory, view->entries + first * words * 8, block, n * words * 8)
          || (view->values != 0
              && !hap_memory_read (runtime->memory, view->values + first * 8, values, n * 8)))
        return FALSE;
      for (gsize i = 0; i < n; i++)
        {
          guint64 key = block[i * words + words - 2];
          guint64 value = view->values != 0 ? values[i] : block[i * words + words - 1];

          if (key != 0 && value != 0 && (n_seen++ == max || !func (key, value, data)))
            return TRUE;
        }
    }
  return TRUE;
}

gboolean
py_dict_foreach (PyRuntime *runtime, guint64 dict, gsize max, PyDictFunc func, gpointer data)
{
  DictView view;

  return view_dict (runtime, dict, &view) && foreach_entry (runtime, &view, max, func, data);
}

typedef struct
{
  PyRuntime *runtime;
  const char *name;
  gsize length;
  guint8 *block; /* room for a compact ASCII string of that length */
  guint64 value;
} Lookup;

/* One read for each key that is not it: length and characters first, the type only where they fit. */
static gboolean
on_lookup_entry (guint64 key, guint64 value, gpointer data)
{
  Lookup *lookup = data;
  const PyLayout *layout = &lookup->runtime->layout;
  guint32 wanted = layout->unicode_ascii_mask | layout->unicode_compact_mask;

  if (!hap_memory_read (lookup->runtime->memory, key, lookup->block,
                        layout->unicode_ascii_data + lookup->length)
      || py_block_u64 (lookup->block, layout->unicode_length) != lookup->length
      || (py_block_u32 (lookup->block, layout->unicode_state) & wanted) != wanted
      || memcmp (lookup->block + layout->unicode_ascii_data, lookup->name, lookup->length) != 0
      || !is_a (lookup->runtime, key, TPFLAGS_UNICODE_SUBCLASS))
    return TRUE;
  lookup->value = value;
  return FALSE;
}

/* @name: ASCII */
static guint64
look_up (PyRuntime *runtime, const DictView *view, const char *name)
{
  gsize length = strlen (name);
  g_autofree guint8 *block = g_malloc (runtime->layout.unicode_ascii_data + length);
  Lookup lookup = { .runtime = runtime, .name = name, .length = length, .block = block };

  foreach_entry (runtime, view, MAX_LOOKUP, on_lookup_entry, &lookup);
  return lookup.value;
}

guint64
py_dict_get (PyRuntime *runtime, guint64 dict, const char *key)
{
  DictView view;

  return view_dict (runtime, dict, &view) ? look_up (runtime, &view, key) : 0;
}

/*
 * The values of an instance that has no dict yet: 3.11 points to them; 3.12 tags the pointer to the dict;
 * later they lie in the object itself, at its end (3.13: only in objects of no other size).
 */
static guint64
find_instance_values (PyRuntime *runtime, guint64 object, guint64 type, guint64 flags, guint64 dict_word)
{
  const PyLayout *layout = &runtime->layout;
  guint64 values, basicsize;
  guint8 valid;

  if (layout->object_values != PY_NO_FIELD)
    return py_read_u64 (runtime, object - layout->object_values, &values) ? values : 0;
  if (layout->values_valid == PY_NO_FIELD)
    return dict_word % 2 == 1 ? dict_word + 1 : 0;
  if ((flags & TPFLAGS_INLINE_VALUES) == 0)
    return 0;

  if (layout->object_inline_values != PY_NO_FIELD)
    values = object + layout->object_inline_values;
  else if (py_read_u64 (runtime, type + layout->type_basicsize, &basicsize))
    values = object + basicsize;
  else
    return 0;
  return hap_memory_read_u8 (runtime->memory, values + layout->values_valid, &valid) && valid ? values : 0;
}

/*
 * _PyObject_ComputedDictPointer(): of an object of varying size (an int's subclass) the __dict__ lies at its
 * end. tp_itemsize follows tp_basicsize.
 */
static gboolean
find_dict_from_end (PyRuntime *runtime, guint64 object, guint64 type, gint64 offset, guint64 *address)
{
  const PyLayout *layout = &runtime->layout;
  guint64 basicsize, itemsize, n_items;
  gboolean negative;

  if (!py_read_u64 (runtime, type + layout->type_basicsize, &basicsize)
      || !py_read_u64 (runtime, type + layout->type_basicsize + sizeof basicsize, &itemsize))
    return FALSE;
  if (is_a (runtime, object, TPFLAGS_LONG_SUBCLASS))
    {
      if (!read_number_size (runtime, object, &n_items, &negative))
        return FALSE;
    }
  else if (!py_read_u64 (runtime, object + layout->object_size, &n_items))
    return FALSE;
  if (basicsize > G_MAXINT32 || itemsize > G_MAXUINT16 || n_items > G_MAXINT32)
    return FALSE;
  *address = object + ((basicsize + n_items * itemsize + 7) & ~(guint64)7) + offset;
  return TRUE;
}

/* Where an instance that has no managed __dict__ has the address of its own. */
static gboolean
find_dict (PyRuntime *runtime, guint64 object, guint64 type, guint64 *address)
{
  guint64 word;
  gint64 offset;

  if (!py_read_u64 (runtime, type + runtime->layout.type_dictoffset, &word))
    return FALSE;
  offset = (gint64)word;
  if (offset == 0 || offset > G_MAXINT32 || offset < G_MININT32)
    return FALSE;
  if (offset < 0)
    return find_dict_from_end (runtime, object, type, offset, address);
  *address = object + offset;
  return TRUE;
}

/* @view: (out): the keys and values of an instance that has no dict, when @dict is 0 */
static gboolean
find_attributes (PyRuntime *runtime, guint64 object, guint64 *dict, DictView *view)
{
  const PyLayout *layout = &runtime->layout;
  guint64 type, flags, address, values = 0, keys;

  if (!read_type (runtime, object, &type, &flags))
    return FALSE;

  if ((flags & TPFLAGS_MANAGED_DICT) != 0)
    {
      if (!py_read_u64 (runtime, object - layout->object_dict, dict))
        return FALSE;
      values = find_instance_values (runtime, object, type, flags, *dict);
    }
  else if (!find_dict (runtime, object, type, &address) || !py_read_u64 (runtime, address, dict))
    return FALSE;

  if (values == 0)
    return *dict != 0;
  *dict = 0;
  return py_read_u64 (runtime, type + layout->type_cached_keys, &keys)
         && view_keys (runtime, keys, values, view);
}

guint64
py_object_get_attribute (PyRuntime *runtime, guint64 object, const char *name)
{
  guint64 dict = 0;
  DictView view;

  if (!find_attributes (runtime, object, &dict, &view))
    return 0;
  return dict != 0 ? py_dict_get (runtime, dict, name) : look_up (runtime, &view, name);
}

gboolean
py_object_foreach_attribute (PyRuntime *runtime, guint64 object, gsize max, PyDictFunc func, gpointer data)
{
  guint64 dict = 0;
  DictView view;

  if (!find_attributes (runtime, object, &dict, &view))
    return FALSE;
  return dict != 0 ? py_dict_foreach (runtime, dict, max, func, data)
                   : foreach_entry (runtime, &view, max, func, data);
}

/* sys.modules may hold anything; modules that load themselves late are of a class derived from module. */
static gboolean
is_module (PyRuntime *runtime, guint64 object)
{
  guint64 type;

  if (!py_read_u64 (runtime, object + runtime->layout.object_type, &type))
    return FALSE;
  for (guint i = 0; i < MAX_BASES && type != 0; i++)
    {
      g_autofree char *name = get_name_of_type (runtime, type);

      if (g_strcmp0 (name, "module") == 0)
        return TRUE;
      if (name == NULL || !py_read_u64 (runtime, type + runtime->layout.type_base, &type))
        return FALSE;
    }
  return FALSE;
}

guint64
py_module_get_dict (PyRuntime *runtime, guint64 interpreter, const char *name)
{
  guint64 modules, module, dict;

  if (interpreter == 0 || !py_read_u64 (runtime, interpreter + runtime->layout.interp_modules, &modules))
    return 0;
  module = py_dict_get (runtime, modules, name);
  if (module == 0 || !is_module (runtime, module)
      || !py_read_u64 (runtime, module + runtime->layout.module_dict, &dict)
      || !is_a (runtime, dict, TPFLAGS_DICT_SUBCLASS))
    return 0;
  return dict;
}
