/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * repr() without the target's help: which of the known ways an object prints is told by who defines its
 * class's
 * __repr__. Strings and numbers are py-repr-scalar.c's, asyncio's objects py-repr-asyncio.c's, reprlib's
 * limits py-repr-short.c's, dataclasses py-repr-dataclass.c's.
 */

#include "py-repr.h"

#include "py-objects.h"
#include "py-repr-private.h"

#define MAX_NAME 1000
#define MAX_ITEMS 4096

typedef void (*Printer) (PyPrinter *self, const PyClass *class, guint64 object);

void
py_printer_init (PyPrinter *self, PyInspector *inspector, GString *text)
{
  self->inspector = inspector;
  self->runtime = py_inspector_get_runtime (inspector);
  self->layout = py_runtime_get_layout (self->runtime);
  self->text = text;
  self->n_objects = 0;
  self->depth = 0;
  self->wanted = 0;
  self->wanted_at[0] = self->wanted_at[1] = 0;
}

gboolean
py_print_is_full (PyPrinter *self)
{
  return self->text->len >= PY_REPR_MAX;
}

static gboolean
is_builtin (const PyClass *class)
{
  return strcmp (class->module, "builtins") == 0;
}

void
py_print_default (PyPrinter *self, const PyClass *class, guint64 object)
{
  if (is_builtin (class))
    g_string_append_printf (self->text, "<%s object at 0x%" G_GINT64_MODIFIER "x>", class->qualname, object);
  else
    g_string_append_printf (self->text, "<%s.%s object at 0x%" G_GINT64_MODIFIER "x>", class->module,
                            class->qualname, object);
}

/* The text of a str field of an object. */
static char *
get_text (PyPrinter *self, guint64 address)
{
  return py_object_get_string (self->runtime, py_inspector_read (self->inspector, address), MAX_NAME);
}

static void
print_none (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append (self->text, "None");
}

static void
print_ellipsis (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append (self->text, "Ellipsis");
}

static void
print_not_implemented (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append (self->text, "NotImplemented");
}

static void
print_bool (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append (self->text, py_inspector_is_true (self->inspector, object) ? "True" : "False");
}

static void
print_int (PyPrinter *self, const PyClass *class, guint64 object)
{
  py_print_int (self, object);
}

static void
print_float (PyPrinter *self, const PyClass *class, guint64 object)
{
  py_print_float (self, object);
}

static void
print_str (PyPrinter *self, const PyClass *class, guint64 object)
{
  py_print_string (self, object);
}

static void
print_bytes (PyPrinter *self, const PyClass *class, guint64 object)
{
  py_print_bytes (self, object);
}

/* Prints the items with commas between; TRUE if there was exactly one. */
static gboolean
print_items (PyPrinter *self, guint64 object)
{
  guint64 n = 0;
  g_autoptr (GArray) items = py_inspector_get_items (self->inspector, object, MAX_ITEMS, &n);

  for (guint i = 0; items != NULL && i < items->len && !py_print_is_full (self); i++)
    {
      if (i > 0)
        g_string_append (self->text, ", ");
      py_print (self, g_array_index (items, guint64, i));
    }
  if (n > MAX_ITEMS)
    g_string_append (self->text, ", …");
  return n == 1;
}

static void
print_tuple (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append_c (self->text, '(');
  g_string_append (self->text, print_items (self, object) ? ",)" : ")");
}

static void
print_list (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_string_append_c (self->text, '[');
  print_items (self, object);
  g_string_append_c (self->text, ']');
}

static void
print_set (PyPrinter *self, const PyClass *class, guint64 object)
{
  const char *name = py_class_get_name (class);
  gboolean plain = strcmp (name, "set") == 0;

  if (py_inspector_read (self->inspector, object + self->layout->set_used) == 0)
    {
      g_string_append_printf (self->text, "%s()", name);
      return;
    }
  g_string_append_printf (self->text, "%s%s{", plain ? "" : name, plain ? "" : "(");
  print_items (self, object);
  g_string_append (self->text, plain ? "}" : "})");
}

/* Its maxlen lies three words behind the index of its left end; -1: none. */
static void
print_deque (PyPrinter *self, const PyClass *class, guint64 object)
{
  gint64 max_length =
      (gint64)py_inspector_read (self->inspector, object + self->layout->deque_left_index + 3 * 8);

  g_string_append_printf (self->text, "%s([", py_class_get_name (class));
  print_items (self, object);
  if (max_length >= 0)
    g_string_append_printf (self->text, "], maxlen=%" G_GINT64_FORMAT ")", max_length);
  else
    g_string_append (self->text, "])");
}

typedef struct
{
  PyPrinter *printer;
  gboolean any;
} DictPrinter;

static gboolean
on_dict_entry (guint64 key, guint64 value, gpointer data)
{
  DictPrinter *dict = data;

  if (dict->any)
    g_string_append (dict->printer->text, ", ");
  dict->any = TRUE;
  py_print (dict->printer, key);
  g_string_append (dict->printer->text, ": ");
  py_print (dict->printer, value);
  return !py_print_is_full (dict->printer);
}

static void
print_dict (PyPrinter *self, const PyClass *class, guint64 object)
{
  DictPrinter dict = { .printer = self };

  g_string_append_c (self->text, '{');
  py_dict_foreach (self->runtime, object, MAX_ITEMS, on_dict_entry, &dict);
  g_string_append_c (self->text, '}');
}

static void
print_type (PyPrinter *self, const PyClass *class, guint64 object)
{
  const PyClass *this = py_inspector_read_class (self->inspector, object);

  if (this == NULL)
    py_print_default (self, class, object);
  else if (is_builtin (this))
    g_string_append_printf (self->text, "<class '%s'>", this->qualname);
  else
    g_string_append_printf (self->text, "<class '%s.%s'>", this->module, this->qualname);
}

static void
print_function (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_autofree char *name = get_text (self, object + self->layout->function_qualname);

  g_string_append_printf (self->text, "<function %s at 0x%" G_GINT64_MODIFIER "x>", name != NULL ? name : "?",
                          object);
}

static void
print_method (PyPrinter *self, const PyClass *class, guint64 object)
{
  guint64 function = py_inspector_read (self->inspector, object + self->layout->method_function);
  const PyClass *function_class = py_inspector_get_class (self->inspector, function);
  g_autofree char *name = NULL;

  if (function_class != NULL && strcmp (function_class->c_name, "function") == 0)
    name = get_text (self, function + self->layout->function_qualname);
  else
    name = py_inspector_get_text (self->inspector, function, "__qualname__");
  g_string_append_printf (self->text, "<bound method %s of ", name != NULL ? name : "?");
  py_print (self, py_inspector_read (self->inspector, object + self->layout->method_self));
  g_string_append_c (self->text, '>');
}

static void
print_builtin_function (PyPrinter *self, const PyClass *class, guint64 object)
{
  guint64 definition = py_inspector_read (self->inspector, object + self->layout->cfunction_def);
  guint64 this = py_inspector_read (self->inspector, object + self->layout->cfunction_self);
  const PyClass *this_class = py_inspector_get_class (self->inspector, this);
  g_autofree char *name = hap_memory_read_string (self->runtime->memory,
                                                  py_inspector_read (self->inspector, definition), MAX_NAME);

  if (this_class == NULL || strcmp (this_class->c_name, "module") == 0)
    g_string_append_printf (self->text, "<built-in function %s>", name != NULL ? name : "?");
  else
    g_string_append_printf (self->text, "<built-in method %s of %s object at 0x%" G_GINT64_MODIFIER "x>",
                            name != NULL ? name : "?", this_class->c_name, this);
}

static void
print_generator (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_autofree char *name = get_text (self, object + self->layout->gen_qualname);

  g_string_append_printf (self->text, "<%s object %s at 0x%" G_GINT64_MODIFIER "x>", class->c_name,
                          name != NULL ? name : "?", object);
}

static gboolean
on_keyword (guint64 key, guint64 value, gpointer data)
{
  PyPrinter *self = data;

  g_string_append (self->text, ", ");
  py_print_str (self, key);
  g_string_append_c (self->text, '=');
  py_print (self, value);
  return !py_print_is_full (self);
}

static void
print_partial (PyPrinter *self, const PyClass *class, guint64 object)
{
  const PyLayout *layout = self->layout;
  g_autoptr (GArray) arguments = NULL;

  g_string_append_printf (self->text, "%s.%s(", class->module, class->qualname);
  py_print (self, py_inspector_read (self->inspector, object + layout->partial_function));
  arguments = py_inspector_get_items (self->inspector,
                                      py_inspector_read (self->inspector, object + layout->partial_arguments),
                                      MAX_ITEMS, NULL);
  for (guint i = 0; arguments != NULL && i < arguments->len && !py_print_is_full (self); i++)
    {
      g_string_append (self->text, ", ");
      py_print (self, g_array_index (arguments, guint64, i));
    }
  py_dict_foreach (self->runtime, py_inspector_read (self->inspector, object + layout->partial_keywords),
                   MAX_ITEMS, on_keyword, self);
  g_string_append_c (self->text, ')');
}

/* BaseException.__repr__() */
static void
print_exception (PyPrinter *self, const PyClass *class, guint64 object)
{
  guint64 arguments = py_inspector_read (self->inspector, object + self->layout->exception_arguments);
  guint64 n = 0;
  g_autoptr (GArray) items = py_inspector_get_items (self->inspector, arguments, 1, &n);

  g_string_append_printf (self->text, "%s(", py_class_get_name (class));
  if (n == 1 && items != NULL)
    py_print (self, g_array_index (items, guint64, 0));
  else if (n > 1)
    print_items (self, arguments);
  g_string_append_c (self->text, ')');
}

/* enum.Enum.__repr__() */
static void
print_enum (PyPrinter *self, const PyClass *class, guint64 object)
{
  g_autofree char *name = py_inspector_get_text (self->inspector, object, "_name_");

  g_string_append_printf (self->text, "<%s.%s: ", py_class_get_name (class), name != NULL ? name : "?");
  py_print (self, py_inspector_get_attribute (self->inspector, object, "_value_"));
  g_string_append_c (self->text, '>');
}

/* Who defines __repr__, and how that prints. A Python function is known by its module and qualified name,
 * what C defines by its class. */
static const struct
{
  const char *module, *name;
  Printer print;
} printers[] = {
  { "builtins", "NoneType", print_none },
  { "builtins", "ellipsis", print_ellipsis },
  { "builtins", "NotImplementedType", print_not_implemented },
  { "builtins", "bool", print_bool },
  { "builtins", "int", print_int },
  { "builtins", "float", print_float },
  { "builtins", "str", print_str },
  { "builtins", "bytes", print_bytes },
  { "builtins", "tuple", print_tuple },
  { "builtins", "list", print_list },
  { "builtins", "set", print_set },
  { "builtins", "frozenset", print_set },
  { "builtins", "dict", print_dict },
  { "builtins", "type", print_type },
  { "builtins", "function", print_function },
  { "builtins", "method", print_method },
  { "builtins", "builtin_function_or_method", print_builtin_function },
  { "builtins", "generator", print_generator },
  { "builtins", "coroutine", print_generator },
  { "builtins", "async_generator", print_generator },
  { "collections", "deque", print_deque },
  { "functools", "partial", print_partial },
  { "enum", "Enum.__repr__", print_enum },
  { "_asyncio", "Future", py_print_future },
  { "_asyncio", "Task", py_print_future },
  { "asyncio.base_futures", "_future_repr", py_print_future },
  { "asyncio.futures", "Future.__repr__", py_print_future },
  { "asyncio.tasks", "Task.__repr__", py_print_future },
  { "asyncio.events", "Handle.__repr__", py_print_handle },
  { "homeassistant.core", "HassJob.__repr__", py_print_job },
  { "homeassistant.core", "HomeAssistant.__repr__", py_print_hass },
};

/* In PyClass.repr: not asked yet, or one of printers[] or these. */
enum
{
  REPR_UNKNOWN = 0,
  REPR_DEFAULT = -1,
  REPR_EXCEPTION = -2,
  REPR_DATACLASS = -3,
};

static gint
find_printer (const char *module, const char *name)
{
  for (guint i = 0; module != NULL && name != NULL && i < G_N_ELEMENTS (printers); i++)
    if (strcmp (printers[i].name, name) == 0 && strcmp (printers[i].module, module) == 0)
      return i + 1;
  return REPR_DEFAULT;
}

static gint
classify (PyPrinter *self, const PyClass *class)
{
  const PyClass *owner = class;
  guint64 function = 0;
  const PyClass *function_class;

  /* A static type's own tp_repr is its own, or its base's. */
  if ((class->flags & PY_CLASS_HEAP) != 0)
    function = py_inspector_get_class_attribute (self->inspector, class, "__repr__", &owner);
  if ((owner->flags & PY_CLASS_EXCEPTION) != 0 && function == 0)
    return REPR_EXCEPTION;

  function_class = py_inspector_get_class (self->inspector, function);
  if (function_class != NULL && strcmp (function_class->c_name, "function") == 0)
    {
      g_autofree char *module = get_text (self, function + self->layout->function_module);
      g_autofree char *name = get_text (self, function + self->layout->function_qualname);

      if (py_print_is_dataclass_repr (self, function))
        return REPR_DATACLASS;
      return find_printer (module, name);
    }
  return find_printer (owner->module, owner->qualname);
}

/* As functools.partial and others do: an object within itself is "...". */
static const char *
get_recursive_text (const PyClass *class)
{
  if (strcmp (class->c_name, "list") == 0)
    return "[...]";
  if (strcmp (class->c_name, "dict") == 0)
    return "{...}";
  if (strcmp (class->c_name, "tuple") == 0)
    return "(...)";
  return "...";
}

/* Whether an object looks if it is being printed already. Others are printed again, until they come to one
 * that does. */
static gboolean
prints_once (const PyClass *class)
{
  static const Printer once[] = { print_tuple, print_list,    print_set,      print_dict,
                                  print_deque, print_partial, py_print_future };

  for (guint i = 0; class->repr > 0 && i < G_N_ELEMENTS (once); i++)
    if (printers[class->repr - 1].print == once[i])
      return TRUE;
  return class->repr == REPR_DATACLASS;
}

void
py_print (PyPrinter *self, guint64 object)
{
  PyClass *class = (PyClass *)py_inspector_get_class (self->inspector, object);
  gsize start;

  if (class == NULL)
    {
      g_string_append_printf (self->text, "<unreadable object at 0x%" G_GINT64_MODIFIER "x>", object);
      return;
    }
  if (py_print_is_full (self) || self->depth == PY_REPR_MAX_DEPTH || self->n_objects++ >= PY_REPR_MAX_OBJECTS)
    {
      g_string_append (self->text, "...");
      return;
    }
  for (guint i = 0; i < self->depth; i++)
    if (self->around[i] == object && prints_once (class))
      {
        g_string_append (self->text, get_recursive_text (class));
        return;
      }

  start = self->text->len;
  self->around[self->depth++] = object;
  if (class->repr == REPR_UNKNOWN)
    class->repr = classify (self, class);
  if (class->repr == REPR_EXCEPTION)
    print_exception (self, class, object);
  else if (class->repr == REPR_DATACLASS)
    py_print_dataclass (self, class, object);
  else if (class->repr == REPR_DEFAULT)
    py_print_default (self, class, object);
  else
    printers[class->repr - 1].print (self, class, object);
  self->depth--;
  if (object == self->wanted && self->wanted_at[1] == 0)
    {
      self->wanted_at[0] = start;
      self->wanted_at[1] = self->text->len;
    }
}

void
py_print_str (PyPrinter *self, guint64 object)
{
  g_autofree char *text = py_object_get_string (self->runtime, object, PY_REPR_MAX);

  if (text != NULL)
    g_string_append (self->text, text);
  else
    py_print (self, object);
}

void
py_print_member (PyPrinter *self, guint64 object)
{
  const PyClass *class = py_inspector_get_class (self->inspector, object);
  g_autofree char *name = py_inspector_get_text (self->inspector, object, "_name_");

  if (class != NULL && name != NULL)
    g_string_append_printf (self->text, "%s.%s", py_class_get_name (class), name);
  else
    py_print (self, object);
}

void
py_repr_append (PyInspector *inspector, GString *text, guint64 object)
{
  g_autofree char *repr = py_repr (inspector, object);

  g_string_append (text, repr);
}

void
py_repr_append_short (PyInspector *inspector, GString *text, guint64 object)
{
  g_autoptr (GString) own = g_string_new (NULL);
  PyPrinter printer;

  py_printer_init (&printer, inspector, own);
  py_print_short (&printer, object);
  g_string_append_len (text, own->str, own->len);
}

/* @part: an object of which the text is wanted, too; @part_text: (out) (nullable): NULL: it was not printed
 */
static char *
print_whole (PyInspector *inspector, guint64 object, guint64 part, char **part_text)
{
  g_autoptr (GString) text = g_string_new (NULL);
  PyPrinter printer;

  py_printer_init (&printer, inspector, text);
  printer.wanted = part;
  py_print (&printer, object);
  if (printer.wanted_at[1] > 0)
    *part_text = g_strndup (text->str + printer.wanted_at[0], printer.wanted_at[1] - printer.wanted_at[0]);
  if (py_print_is_full (&printer))
    {
      g_string_truncate (text, g_utf8_find_prev_char (text->str, text->str + PY_REPR_MAX) - text->str);
      g_string_append (text, "…");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
py_repr (PyInspector *inspector, guint64 object)
{
  return print_whole (inspector, object, 0, NULL);
}

char *
py_repr_with_part (PyInspector *inspector, guint64 object, guint64 part, char **part_text)
{
  char *text;

  *part_text = NULL;
  text = print_whole (inspector, object, part, part_text);
  if (part != 0 && *part_text == NULL)
    *part_text = py_repr (inspector, part);
  return text;
}
