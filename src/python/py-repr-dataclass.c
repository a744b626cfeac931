/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What @dataclass prints: Lib/dataclasses.py, the same in 3.11 to 3.15. A __repr__ that a class defines
 * itself is not of this kind.
 */

#include "py-objects.h"
#include "py-repr-private.h"

#define GENERATED "__create_fn__.<locals>.__repr__"
#define MAX_FIELDS 256

typedef struct
{
  PyPrinter *printer;
  const PyClass *class;
  guint64 object;
  gboolean any;
} Fields;

gboolean
py_print_is_dataclass_repr (PyPrinter *self, guint64 function)
{
  guint64 wrapped =
      py_dict_get (self->runtime, py_inspector_read (self->inspector, function + self->layout->function_dict),
                   "__wrapped__");
  const PyClass *class = py_inspector_get_class (self->inspector, wrapped);
  g_autofree char *name = NULL;

  if (class == NULL || strcmp (class->c_name, "function") != 0)
    return FALSE;
  name = py_object_get_string (self->runtime,
                               py_inspector_read (self->inspector, wrapped + self->layout->function_qualname),
                               sizeof GENERATED);
  return g_strcmp0 (name, GENERATED) == 0;
}

/* Those that are asked for, and are no ClassVar or InitVar. */
static gboolean
is_shown (PyPrinter *self, guint64 field)
{
  guint64 kind = py_inspector_get_attribute (self->inspector, field, "_field_type");
  g_autofree char *kind_name = py_inspector_get_text (self->inspector, kind, "name");

  return g_strcmp0 (kind_name, "_FIELD") == 0
         && py_inspector_is_true (self->inspector,
                                  py_inspector_get_attribute (self->inspector, field, "repr"));
}

static gboolean
on_field (guint64 key, guint64 field, gpointer data)
{
  Fields *fields = data;
  PyPrinter *self = fields->printer;
  g_autofree char *name = py_object_get_string (self->runtime, key, 300);
  guint64 value;

  if (name == NULL || !is_shown (self, field))
    return TRUE;
  value = py_inspector_get_attribute (self->inspector, fields->object, name);
  if (value == 0)
    value = py_inspector_get_class_attribute (self->inspector, fields->class, name, NULL);
  g_string_append_printf (self->text, "%s%s=", fields->any ? ", " : "", name);
  py_print (self, value);
  fields->any = TRUE;
  return !py_print_is_full (self);
}

void
py_print_dataclass (PyPrinter *self, const PyClass *class, guint64 object)
{
  Fields fields = { .printer = self, .class = class, .object = object };
  guint64 described = py_inspector_get_class_attribute (self->inspector, class, "__dataclass_fields__", NULL);

  g_string_append_printf (self->text, "%s(", class->qualname);
  py_dict_foreach (self->runtime, described, MAX_FIELDS, on_field, &fields);
  g_string_append_c (self->text, ')');
}
