/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The types of a heap: what is a type and what is not, and the few numbers of each that its instances need. A
 * word is an object only if it leads to one of these. How instances are laid out is py-heap-rules.c's.
 */

#include "hap-error.h"

#include <glib/gi18n.h>
#include "py-heap-private.h"
#include "py-objects.h"

#define FIRST_SIZE 4096
#define MAX_ENTRIES (4 * 1024 * 1024) /* types and what was taken for one */
#define MAX_TYPES (256 * 1024)
#define MAX_BASICSIZE (1 << 30)
#define MAX_ITEMSIZE 65536
#define MAX_METATYPES 8
#define MAX_DEPTH 64 /* of bases */
#define MAX_REFERENCES (1 << 26)
#define MAX_LINK_FLAGS 3
#define IMMORTAL 900000000u /* where the counts of immortal objects begin: 999999999 in 3.11 */

#define TPFLAGS_READY (1u << 12)
#define TPFLAGS_HAVE_GC (1u << 14)

typedef PyHeapTypeEntry Entry;

static Entry *
find_entry (PyHeapTypes *self, guint64 address)
{
  guint32 i = py_heap_types_hash (address) & (self->size - 1);

  while (self->entries[i].address != 0 && self->entries[i].address != address)
    i = (i + 1) & (self->size - 1);
  return &self->entries[i];
}

static void
grow (PyHeapTypes *self)
{
  Entry *old = self->entries;
  guint32 old_size = self->size;

  self->size *= 2;
  self->entries = g_new0 (Entry, self->size);
  for (guint32 i = 0; i < old_size; i++)
    if (old[i].address != 0)
      *find_entry (self, old[i].address) = old[i];
  g_free (old);
}

static void
info_free (gpointer data)
{
  PyHeapTypeInfo *self = data;

  g_clear_pointer (&self->slots, g_array_unref);
  g_free (self);
}

/* Types of types end at `type`. */
static gboolean
is_metatype (PyHeapTypes *self, guint64 type)
{
  for (guint i = 0; i < MAX_METATYPES; i++)
    {
      guint64 flags;

      if (type == self->type_type)
        return TRUE;
      if (type % 8 != 0 || !py_heap_memory_read (self->memory, type + self->layout->type_flags, &flags, 8)
          || (flags & PY_CLASS_TYPE) == 0)
        return FALSE;
      type = py_heap_memory_get (self->memory, type + self->layout->object_type);
    }
  return FALSE;
}

static PyHeapTypeInfo *
read_info (PyHeapTypes *self, guint64 address)
{
  const PyLayout *layout = self->layout;
  guint64 basicsize, itemsize, flags;
  const PyClass *class;
  PyHeapTypeInfo *info;

  if (address % 8 != 0 || !py_heap_memory_read (self->memory, address + layout->type_flags, &flags, 8)
      || (flags & TPFLAGS_READY) == 0
      || !is_metatype (self, py_heap_memory_get (self->memory, address + layout->object_type)))
    return NULL;
  basicsize = py_heap_memory_get (self->memory, address + layout->type_basicsize);
  itemsize = py_heap_memory_get (self->memory, address + layout->type_itemsize);
  if (basicsize < 16 || basicsize > MAX_BASICSIZE || itemsize > MAX_ITEMSIZE)
    return NULL;
  class = py_inspector_read_class (self->inspector, address);
  if (class == NULL)
    return NULL;

  info = g_new0 (PyHeapTypeInfo, 1);
  g_ptr_array_add (self->infos, info);
  info->public.class = class;
  info->public.index = PY_HEAP_NONE;
  info->number = PY_HEAP_NONE;
  info->address = address;
  info->flags = flags;
  info->traverse = py_heap_memory_get (self->memory, address + layout->type_traverse);
  info->base = class->base;
  info->basicsize = basicsize;
  info->itemsize = itemsize;
  info->dictoffset = py_heap_memory_get (self->memory, address + layout->type_dictoffset);
  info->weaklistoffset = py_heap_memory_get (self->memory, address + layout->type_weaklistoffset);
  info->hidden = (flags & TPFLAGS_HAVE_GC) == 0;
  return info;
}

PyHeapTypeInfo *
py_heap_types_look_up (PyHeapTypes *self, guint64 address)
{
  Entry *entry = find_entry (self, address);
  PyHeapTypeInfo *info;

  if (address != 0 && entry->address == address)
    return entry->info;
  if (address == 0 || self->n_entries >= MAX_ENTRIES || self->infos->len >= MAX_TYPES
      || self->depth >= MAX_DEPTH)
    return NULL;

  info = read_info (self, address);
  if (2 * ++self->n_entries > self->size)
    grow (self);
  *find_entry (self, address) = (Entry){ address, info };
  if (info != NULL)
    {
      self->depth++;
      py_heap_types_choose_rules (self, info);
      self->depth--;
    }
  return info;
}

guint32
py_heap_types_number (PyHeapTypes *self, PyHeapTypeInfo *info)
{
  if (info->number == PY_HEAP_NONE)
    {
      info->number = self->listed->len;
      g_ptr_array_add (self->listed, info);
    }
  return info->number;
}

gboolean
py_heap_types_is_untracked (PyHeapTypes *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 links[2];

  if (type->hidden)
    return TRUE;
  if ((type->flags & PY_CLASS_TYPE) != 0
      && (py_heap_memory_get (self->memory, object + self->layout->type_flags) & PY_CLASS_HEAP) == 0)
    return TRUE; /* a static type */
  return py_heap_memory_read (self->memory, object - self->layout->gc_head_size, links, sizeof links)
         && links[0] == 0 && links[1] <= MAX_LINK_FLAGS;
}

/* Freed memory keeps the type of what it was; but where the count of references was there is an address now.
 */
gboolean
py_heap_types_is_object (PyHeapTypes *self, guint64 address)
{
  const PyHeapTypeInfo *type;
  guint64 head[2];
  guint32 count;

  if (address % 8 != 0 || !py_heap_memory_read (self->memory, address, head, sizeof head))
    return FALSE;
  count = head[0];
  /* Heap memory comes in units of 16 bytes; it was just read from. */
  if ((head[0] >> 32 & G_MAXUINT16) != 0 || count == 0 || (count > MAX_REFERENCES && count < IMMORTAL)
      || (address % 16 != 0 && !py_heap_memory_find_region (self->memory, address)->is_static))
    return FALSE;
  type = py_heap_types_get (self, head[1]);
  return type != NULL && py_heap_types_is_untracked (self, address, type);
}

/* From an object that is always there (sys.modules, a dict) to its type's type. */
static gboolean
find_type_type (PyHeapTypes *self, PyRuntime *runtime)
{
  guint64 interpreter = py_runtime_get_main_interpreter (runtime);
  guint64 modules = py_heap_memory_get (self->memory, interpreter + self->layout->interp_modules);
  guint64 type = py_heap_memory_get (self->memory, modules + self->layout->object_type);

  self->type_type = py_heap_memory_get (self->memory, type + self->layout->object_type);
  return self->type_type != 0
         && py_heap_memory_get (self->memory, self->type_type + self->layout->object_type) == self->type_type;
}

/* subtype_traverse() has no symbol; every class that was written in Python has it. */
static gboolean
find_subtype_traverse (PyHeapTypes *self, PyRuntime *runtime)
{
  guint64 dict = py_module_get_dict (runtime, py_runtime_get_main_interpreter (runtime), "_frozen_importlib");
  guint64 class = py_dict_get (runtime, dict, "ModuleSpec");

  self->subtype_traverse =
      class != 0 ? py_heap_memory_get (self->memory, class + self->layout->type_traverse) : 0;
  return self->subtype_traverse != 0;
}

gboolean
py_heap_types_init (PyHeapTypes *self, PyInspector *inspector, PyHeapMemory *memory, GError **error)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);

  *self =
      (PyHeapTypes){ .inspector = inspector, .memory = memory, .layout = py_runtime_get_layout (runtime) };
  self->size = FIRST_SIZE;
  self->entries = g_new0 (Entry, self->size);
  self->infos = g_ptr_array_new_with_free_func (info_free);
  self->listed = g_ptr_array_new ();
  if (find_type_type (self, runtime) && find_subtype_traverse (self, runtime))
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("Python is only starting, or already ending: its types cannot be read"));
  return FALSE;
}

void
py_heap_types_clear (PyHeapTypes *self)
{
  g_clear_pointer (&self->entries, g_free);
  g_clear_pointer (&self->listed, g_ptr_array_unref);
  g_clear_pointer (&self->infos, g_ptr_array_unref);
}
