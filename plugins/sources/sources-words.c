/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One object in words: where it was written, or who holds it; what it is; and which integration is answerable
 * for it.
 */

#include "sources-words.h"

#include <string.h>

#include "py-heap-path.h"
#include "py-objects.h"
#include "py-repr.h"
#include "py-source-file.h"

#define MAX_LOOKED_AT 50000 /* holders of holders */
#define MAX_ATTRIBUTES 20
#define MAX_REPR 1000 /* characters */
#define MAX_NAME 300

/* The module that an object is of by itself: a module, class, function, or an instance of a class. NULL: none
 */
static char *
get_module_name (PyHeap *heap, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyLayout *layout = py_runtime_get_layout (runtime);
  const PyClass *class = py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class;
  guint64 address = py_heap_get_address (heap, index);

  if (py_inspector_is_a (inspector, class, "builtins", "module"))
    {
      guint64 dict = py_inspector_read (inspector, address + layout->module_dict);

      return dict != 0 ? py_object_get_string (runtime, py_dict_get (runtime, dict, "__name__"), MAX_NAME)
                       : NULL;
    }
  if (strcmp (class->c_name, "function") == 0)
    return py_object_get_string (runtime, py_inspector_read (inspector, address + layout->function_module),
                                 MAX_NAME);
  if ((class->flags & PY_CLASS_TYPE) != 0)
    {
      const PyClass *this = py_inspector_read_class (inspector, address);

      return this != NULL ? g_strdup (this->module) : NULL;
    }
  return (class->flags & PY_CLASS_HEAP) != 0 ? g_strdup (class->module) : NULL;
}

static const HapOrigin *
get_origin (PyHeap *heap, guint32 index)
{
  g_autofree char *module = get_module_name (heap, index);

  return module != NULL ? hap_origin_of_module (module) : NULL;
}

static gboolean
is_module (PyHeap *heap, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);

  return py_inspector_is_a (inspector, py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class,
                            "builtins", "module");
}

/* Through other modules and classes everything leads to everything. */
static PyHeapPathStep
look_for_integration (PyHeap *heap, guint32 index, gpointer data)
{
  const HapOrigin *origin = get_origin (heap, index);
  const PyClass *class = py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class;

  if (origin != NULL && HAP_ORIGIN_IS_INTEGRATION (origin->kind))
    return PY_HEAP_PATH_BEGIN;
  return (class->flags & PY_CLASS_TYPE) != 0 || is_module (heap, index) ? PY_HEAP_PATH_STOP : PY_HEAP_PATH_ON;
}

static PyHeapPathStep
look_for_module (PyHeap *heap, guint32 index, gpointer data)
{
  return is_module (heap, index) ? PY_HEAP_PATH_BEGIN : PY_HEAP_PATH_ON;
}

/* Whose the object is says the nearest of an integration; where it can be found says a name in a module. */
static void
find_holder (SourcesWords *self, PyHeap *heap, guint32 index)
{
  g_autoptr (GArray) path = py_heap_find_path (heap, index, look_for_integration, NULL, MAX_LOOKED_AT);
  guint32 holder = path != NULL ? g_array_index (path, guint32, 0) : index;
  g_autoptr (GArray) way = py_heap_find_path (heap, holder, look_for_module, NULL, MAX_LOOKED_AT);

  self->origin = get_origin (heap, holder);
  if (way == NULL || (path != NULL && is_module (heap, holder)))
    {
      g_clear_pointer (&way, g_array_unref);
      way = g_steal_pointer (&path);
    }
  else if (path != NULL)
    g_array_append_vals (way, &g_array_index (path, guint32, 1), path->len - 1);
  if (way != NULL)
    self->held_by = py_heap_describe_path (heap, way);
}

static char *
cut (char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_REPR)
    {
      char *end = g_utf8_offset_to_pointer (text, MAX_REPR - 1);
      char *shorter = g_strdup_printf ("%.*s…", (int)(end - text), text);

      g_free (text);
      return shorter;
    }
  return text;
}

typedef struct
{
  PyInspector *inspector;
  GString *text;
} Attributes;

static gboolean
on_attribute (const char *name, guint64 value, gpointer data)
{
  Attributes *self = data;

  g_string_append_printf (self->text, "%s%s=", self->text->len > 0 ? ", " : "", name);
  py_repr_append_short (self->inspector, self->text, value);
  return self->text->len < MAX_REPR;
}

/* What says no more than its type says its attributes, too. */
static char *
describe (PyHeap *heap, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  guint64 address = py_heap_get_address (heap, index);
  g_autoptr (GString) attributes = g_string_new (NULL);
  g_autofree char *own = g_strdup_printf (" object at 0x%" G_GINT64_MODIFIER "x>", address);
  char *repr = py_repr (inspector, address);

  if (g_str_has_suffix (repr, own))
    py_inspector_foreach_attribute (inspector, address, MAX_ATTRIBUTES, on_attribute,
                                    &(Attributes){ inspector, attributes });
  if (attributes->len > 0)
    {
      char *both = g_strdup_printf ("%.*s %s>", (int)strlen (repr) - 1, repr, attributes->str);

      g_free (repr);
      repr = both;
    }
  return cut (repr);
}

/* repr() of a str that is ours. */
static void
append_quoted (GString *list, const char *text)
{
  char quote = strchr (text, '\'') != NULL && strchr (text, '"') == NULL ? '"' : '\'';

  g_string_append_c (list, quote);
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == quote || *c == '\\')
        g_string_append_c (list, '\\');
      if (*c == '\n')
        g_string_append (list, "\\n");
      else
        g_string_append_c (list, *c);
    }
  g_string_append_c (list, quote);
}

/* objgraph.find_backref_chain() with Home Assistant's condition: the first who is another, and the object. */
static char *
describe_chain (PyHeap *heap, guint32 index, const char *repr)
{
  GString *list = g_string_new ("[");
  guint32 n;
  const guint32 *referrers = py_heap_get_referrers (heap, index, &n);

  for (guint32 i = 0; i < n; i++)
    if (referrers[i] != index)
      {
        g_autofree char *holder = describe (heap, referrers[i]);

        append_quoted (list, holder);
        g_string_append (list, ", ");
        break;
      }
  append_quoted (list, repr);
  g_string_append_c (list, ']');
  return g_string_free (list, FALSE);
}

void
sources_words_find (SourcesWords *self, PyHeap *heap, guint32 index)
{
  self->repr = describe (heap, index);
  self->where = py_source_file (py_heap_get_inspector (heap), py_heap_get_address (heap, index));
  if (self->where == NULL)
    self->where = describe_chain (heap, index, self->repr);
  find_holder (self, heap, index);
}

void
sources_words_clear (SourcesWords *self)
{
  g_clear_pointer (&self->where, g_free);
  g_clear_pointer (&self->repr, g_free);
  g_clear_pointer (&self->held_by, g_free);
}
