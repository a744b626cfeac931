/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is known of one CPython: its memory, its layout, and the way from _PyRuntime to interpreters and GILs.
 * How it is found and checked is py-attach.c's.
 */

#include "py-runtime-private.h"

#define MAX_INTERPRETERS 256

G_DEFINE_TYPE (PyRuntime, py_runtime, G_TYPE_OBJECT)

char *
py_version_to_string (guint32 version, gboolean free_threaded)
{
  static const char *const levels[] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
  guint level = version >> 4 & 0xf;
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_printf (text, "%u.%u.%u", version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
  if (level < G_N_ELEMENTS (levels) && levels[level] != NULL)
    g_string_append_printf (text, "%s%u", levels[level], version & 0xf);
  if (free_threaded)
    g_string_append_c (text, 't');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
py_runtime_finalize (GObject *object)
{
  PyRuntime *self = PY_RUNTIME (object);

  g_clear_object (&self->memory);
  g_free (self->version_string);

  G_OBJECT_CLASS (py_runtime_parent_class)->finalize (object);
}

static void
py_runtime_class_init (PyRuntimeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = py_runtime_finalize;
}

static void
py_runtime_init (PyRuntime *self)
{
}

PyRuntime *
py_runtime_new (HapMemory *memory, const PyLayout *layout, guint64 address, guint32 version)
{
  PyRuntime *self = g_object_new (PY_TYPE_RUNTIME, NULL);

  self->memory = g_object_ref (memory);
  self->layout = *layout;
  self->address = address;
  self->version = version;
  self->version_string = py_version_to_string (version, layout->free_threaded);
  return self;
}

PyRuntime *
py_runtime_with_memory (PyRuntime *self, HapMemory *memory)
{
  return py_runtime_new (memory, &self->layout, self->address, self->version);
}

HapMemory *
py_runtime_get_memory (PyRuntime *self)
{
  return self->memory;
}

const PyLayout *
py_runtime_get_layout (PyRuntime *self)
{
  return &self->layout;
}

guint64
py_runtime_get_address (PyRuntime *self)
{
  return self->address;
}

guint32
py_runtime_get_version (PyRuntime *self)
{
  return self->version;
}

const char *
py_runtime_get_version_string (PyRuntime *self)
{
  return self->version_string;
}

GArray *
py_runtime_list_interpreters (PyRuntime *self)
{
  GArray *interpreters = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 interpreter, id;

  if (!py_read_u64 (self, self->address + self->layout.runtime_interpreters, &interpreter))
    return interpreters;

  /* The list is newest first; the main one, the oldest, has the id 0. */
  while (interpreter != 0 && interpreters->len < MAX_INTERPRETERS)
    {
      if (!py_read_u64 (self, interpreter + self->layout.interp_id, &id))
        break;
      g_array_prepend_val (interpreters, interpreter);
      if (id == 0 || !py_read_u64 (self, interpreter + self->layout.interp_next, &interpreter))
        break;
    }
  return interpreters;
}

guint64
py_runtime_get_main_interpreter (PyRuntime *self)
{
  g_autoptr (GArray) interpreters = py_runtime_list_interpreters (self);
  guint64 first, id;

  if (interpreters->len == 0)
    return 0;
  first = g_array_index (interpreters, guint64, 0);
  return py_read_u64 (self, first + self->layout.interp_id, &id) && id == 0 ? first : 0;
}

guint64
py_runtime_get_gil (PyRuntime *self, guint64 interpreter)
{
  guint64 gil;

  if (self->layout.free_threaded)
    return 0;
  if (self->layout.runtime_gil != PY_NO_FIELD)
    return self->address + self->layout.runtime_gil;
  return py_read_u64 (self, interpreter + self->layout.interp_gil, &gil) ? gil : 0;
}
