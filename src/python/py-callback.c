/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Callbacks: what asyncio calls them (Lib/asyncio/format_helpers.py), and all the code that they lead to.
 * Whose code that is, is the profile room's.
 */

#include "py-callback.h"

#include "py-objects.h"
#include "py-repr-private.h"

#define MAX_NAME 1000
#define MAX_ARGUMENTS 256
#define MAX_WRAPPED 32
#define MAX_DEPTH 6
#define MAX_LOOKED_AT 24 /* arguments and cells of one callable */
#define MAX_VISITS 200

static gboolean
is_of (PyPrinter *self, guint64 object, const char *c_name)
{
  const PyClass *class = py_inspector_get_class (self->inspector, object);

  return class != NULL && strcmp (class->c_name, c_name) == 0;
}

static gboolean
is_partial (PyPrinter *self, guint64 object)
{
  return py_inspector_is_a (self->inspector, py_inspector_get_class (self->inspector, object), "functools",
                            "partial");
}

static char *
get_string (PyPrinter *self, guint64 address)
{
  return py_object_get_string (self->runtime, py_inspector_read (self->inspector, address), MAX_NAME);
}

/* meth_get__qualname__() */
static char *
get_builtin_name (PyPrinter *self, guint64 object)
{
  guint64 definition = py_inspector_read (self->inspector, object + self->layout->cfunction_def);
  guint64 owner = py_inspector_read (self->inspector, object + self->layout->cfunction_self);
  g_autofree char *name = hap_memory_read_string (self->runtime->memory,
                                                  py_inspector_read (self->inspector, definition), MAX_NAME);
  const PyClass *class = py_inspector_get_class (self->inspector, owner);

  if (name == NULL || class == NULL || strcmp (class->c_name, "module") == 0)
    return g_steal_pointer (&name);
  if ((class->flags & PY_CLASS_TYPE) != 0)
    class = py_inspector_read_class (self->inspector, owner);
  return class != NULL ? g_strdup_printf ("%s.%s", class->qualname, name) : NULL;
}

/* __qualname__, else __name__; NULL: it has neither. */
static char *
get_name (PyPrinter *self, guint64 object)
{
  const PyClass *class;
  char *name = NULL;

  for (guint i = 0; i < MAX_WRAPPED && is_of (self, object, "method"); i++)
    object = py_inspector_read (self->inspector, object + self->layout->method_function);

  class = py_inspector_get_class (self->inspector, object);
  if (class == NULL)
    return NULL;
  if (strcmp (class->c_name, "function") == 0)
    name = get_string (self, object + self->layout->function_qualname);
  else if (strcmp (class->c_name, "builtin_function_or_method") == 0)
    name = get_builtin_name (self, object);
  else if ((class->flags & PY_CLASS_TYPE) != 0)
    {
      class = py_inspector_read_class (self->inspector, object);
      name = class != NULL ? g_strdup (class->qualname) : NULL;
    }
  else
    {
      name = py_inspector_get_text (self->inspector, object, "__qualname__");
      if (name == NULL || *name == '\0')
        {
          g_free (name);
          name = py_inspector_get_text (self->inspector, object, "__name__");
        }
    }
  if (name != NULL && *name == '\0')
    g_clear_pointer (&name, g_free);
  return name;
}

static gboolean
on_keyword (guint64 key, guint64 value, gpointer data)
{
  PyPrinter *self = data;

  if (self->text->str[self->text->len - 1] != '(')
    g_string_append (self->text, ", ");
  py_print_str (self, key);
  g_string_append_c (self->text, '=');
  py_print_short (self, value);
  return !py_print_is_full (self);
}

/* _format_args_and_kwargs() */
static void
print_arguments (PyPrinter *self, guint64 arguments, guint64 keywords, gboolean with_arguments)
{
  g_autoptr (GArray) items = NULL;

  g_string_append_c (self->text, '(');
  if (with_arguments)
    items = py_inspector_get_items (self->inspector, arguments, MAX_ARGUMENTS, NULL);
  for (guint i = 0; items != NULL && i < items->len && !py_print_is_full (self); i++)
    {
      g_string_append (self->text, i > 0 ? ", " : "");
      py_print_short (self, g_array_index (items, guint64, i));
    }
  if (with_arguments && keywords != 0)
    py_dict_foreach (self->runtime, keywords, MAX_ARGUMENTS, on_keyword, self);
  g_string_append_c (self->text, ')');
}

/* _format_callback(): a partial's own arguments come first, those that it is called with behind them. */
static void
print_callback (PyPrinter *self, guint64 callback, guint64 arguments, gboolean with_arguments)
{
  g_autoptr (GString) suffix = g_string_new (NULL);
  g_autofree char *name = NULL;
  guint64 keywords = 0;
  GString *text = self->text;

  for (guint i = 0; i < MAX_WRAPPED && is_partial (self, callback); i++)
    {
      g_autoptr (GString) outer = g_string_new (NULL);

      self->text = outer;
      print_arguments (self, arguments, keywords, with_arguments);
      self->text = text;
      g_string_prepend (suffix, outer->str);
      arguments = py_inspector_read (self->inspector, callback + self->layout->partial_arguments);
      keywords = py_inspector_read (self->inspector, callback + self->layout->partial_keywords);
      callback = py_inspector_read (self->inspector, callback + self->layout->partial_function);
    }

  name = get_name (self, callback);
  if (name != NULL)
    g_string_append (self->text, name);
  else
    py_print (self, callback);
  print_arguments (self, arguments, keywords, with_arguments);
  g_string_append (self->text, suffix->str);
}

/* What functools.wraps() left; a method hands out its function's. */
static guint64
get_wrapped (PyPrinter *self, guint64 object)
{
  if (is_of (self, object, "method"))
    object = py_inspector_read (self->inspector, object + self->layout->method_function);
  if (is_of (self, object, "function"))
    return py_dict_get (self->runtime,
                        py_inspector_read (self->inspector, object + self->layout->function_dict),
                        "__wrapped__");
  return py_inspector_get_attribute (self->inspector, object, "__wrapped__");
}

static guint64
unwrap (PyPrinter *self, guint64 object)
{
  for (guint i = 0; i < MAX_WRAPPED; i++)
    {
      guint64 wrapped = get_wrapped (self, object);

      if (wrapped == 0)
        break;
      object = wrapped;
    }
  return object;
}

/* _get_function_source(); 0: none, as of a method. */
static guint64
find_source (PyPrinter *self, guint64 callback)
{
  callback = unwrap (self, callback);
  for (guint i = 0; i < MAX_WRAPPED && is_partial (self, callback); i++)
    callback = unwrap (self, py_inspector_read (self->inspector, callback + self->layout->partial_function));
  return is_of (self, callback, "function") ? callback : 0;
}

static const PyCode *
get_code (PyPrinter *self, guint64 function)
{
  return py_inspector_get_code (self->inspector,
                                py_inspector_read (self->inspector, function + self->layout->function_code));
}

void
py_print_callback (PyPrinter *self, guint64 callback, guint64 arguments, gboolean with_arguments)
{
  guint64 source;
  const PyCode *code;

  print_callback (self, callback, arguments, with_arguments);
  source = find_source (self, callback);
  code = source != 0 ? get_code (self, source) : NULL;
  if (code != NULL)
    g_string_append_printf (self->text, " at %s:%d", code->filename, code->first_line);
}

char *
py_callback_print (PyInspector *inspector, guint64 callback, guint64 arguments, gboolean with_arguments)
{
  g_autoptr (GString) text = g_string_new (NULL);
  PyPrinter self;

  py_printer_init (&self, inspector, text);
  py_print_callback (&self, callback, arguments, with_arguments);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
py_callback_shows_arguments (PyInspector *inspector)
{
  return py_runtime_get_version (py_inspector_get_runtime (inspector)) < 0x030d0000;
}

guint64
py_callback_get_function (PyInspector *inspector, guint64 callback)
{
  PyPrinter self;

  py_printer_init (&self, inspector, NULL);
  for (guint i = 0; i < MAX_WRAPPED; i++)
    {
      callback = unwrap (&self, callback);
      if (is_partial (&self, callback))
        callback = py_inspector_read (inspector, callback + self.layout->partial_function);
      else if (is_of (&self, callback, "method"))
        callback = py_inspector_read (inspector, callback + self.layout->method_function);
      else
        break;
    }
  return is_of (&self, callback, "function") ? callback : 0;
}

guint64
py_callback_get_self (PyInspector *inspector, guint64 callback)
{
  PyPrinter self;
  const PyClass *class = py_inspector_get_class (inspector, callback);

  py_printer_init (&self, inspector, NULL);
  if (is_of (&self, callback, "method"))
    return py_inspector_read (inspector, callback + self.layout->method_self);
  if (is_of (&self, callback, "builtin_function_or_method"))
    return py_inspector_read (inspector, callback + self.layout->cfunction_self);
  if (class != NULL && strcmp (py_class_get_name (class), "TaskStepMethWrapper") == 0)
    return py_inspector_read (inspector, callback + self.layout->wrapper_object);
  return 0;
}

typedef struct
{
  PyPrinter *printer;
  const char *file;
  guint n;
} FileSearch;

static gboolean
on_class_item (guint64 key, guint64 value, gpointer data)
{
  FileSearch *search = data;
  const PyCode *code;

  if (!is_of (search->printer, value, "function"))
    return TRUE;
  code = get_code (search->printer, value);
  /* What others generated (dataclasses: "<string>") has no file. */
  if (code == NULL || code->filename[0] == '<')
    return TRUE;
  search->file = code->filename;
  return FALSE;
}

const char *
py_class_find_file (PyInspector *inspector, const PyClass *class)
{
  PyClass *own = (PyClass *)class;
  PyPrinter printer;
  FileSearch search = { .printer = &printer };

  if (own->file_known || (class->flags & PY_CLASS_HEAP) == 0)
    return own->file;
  py_printer_init (&printer, inspector, NULL);
  py_dict_foreach (printer.runtime, py_inspector_read (inspector, class->address + printer.layout->type_dict),
                   64, on_class_item, &search);
  own->file_known = TRUE;
  own->file = search.file;
  return own->file;
}

typedef struct
{
  PyPrinter printer;
  PyCodeFunc func;
  gpointer data;
  guint depth, n;
} Walk;

static void walk (Walk *self, guint64 object, const char *what);

static void
walk_items (Walk *self, guint64 container, const char *what)
{
  g_autoptr (GArray) items = py_inspector_get_items (self->printer.inspector, container, MAX_LOOKED_AT, NULL);

  for (guint i = 0; items != NULL && i < items->len; i++)
    walk (self, g_array_index (items, guint64, i), what);
}

static void
walk_cells (Walk *self, guint64 closure)
{
  PyInspector *inspector = self->printer.inspector;
  g_autoptr (GArray) cells = py_inspector_get_items (inspector, closure, MAX_LOOKED_AT, NULL);

  for (guint i = 0; cells != NULL && i < cells->len; i++)
    walk (self,
          py_inspector_read (inspector, g_array_index (cells, guint64, i) + self->printer.layout->cell_value),
          "closure");
}

static void
walk_function (Walk *self, guint64 function, const char *what)
{
  PyPrinter *printer = &self->printer;
  guint64 wrapped = get_wrapped (printer, function);
  const PyCode *code = get_code (printer, function);

  walk_cells (self, py_inspector_read (printer->inspector, function + printer->layout->function_closure));
  if (wrapped != 0)
    walk (self, wrapped, what);
  if (code != NULL)
    self->func (what, code->qualname, code->filename, self->data);
}

/* An object that was handed over: its class tells whose it is; a job of Home Assistant tells by its target.
 */
static void
walk_object (Walk *self, const PyClass *class, guint64 object, const char *what)
{
  static const char *const held[] = { "target", "job", "action" };
  PyInspector *inspector = self->printer.inspector;
  const char *file;

  for (guint i = 0; (class->flags & PY_CLASS_HEAP) != 0 && i < G_N_ELEMENTS (held); i++)
    walk (self, py_inspector_get_attribute (inspector, object, held[i]), held[i]);
  file = py_class_find_file (inspector, class);
  if (file != NULL)
    self->func (what, class->qualname, file, self->data);
}

static void
walk (Walk *self, guint64 object, const char *what)
{
  PyInspector *inspector = self->printer.inspector;
  const PyLayout *layout = self->printer.layout;
  const PyClass *class = py_inspector_get_class (inspector, object);

  if (class == NULL || self->depth == MAX_DEPTH || self->n++ == MAX_VISITS)
    return;
  self->depth++;
  if (is_partial (&self->printer, object))
    {
      walk_items (self, py_inspector_read (inspector, object + layout->partial_arguments), "argument");
      walk (self, py_inspector_read (inspector, object + layout->partial_function), what);
    }
  else if (strcmp (class->c_name, "method") == 0)
    {
      walk (self, py_inspector_read (inspector, object + layout->method_function), what);
      walk (self, py_inspector_read (inspector, object + layout->method_self), "object");
    }
  else if (strcmp (class->c_name, "function") == 0)
    walk_function (self, object, what);
  else if (strcmp (class->c_name, "tuple") == 0)
    walk_items (self, object, what);
  else
    walk_object (self, class, object, what);
  self->depth--;
}

void
py_callback_foreach_code (PyInspector *inspector,
                          guint64 object,
                          const char *what,
                          PyCodeFunc func,
                          gpointer data)
{
  Walk self = { .func = func, .data = data };

  py_printer_init (&self.printer, inspector, NULL);
  walk (&self, object, what);
}
