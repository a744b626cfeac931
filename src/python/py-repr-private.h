/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-repr.h"
#include "py-runtime-private.h"

G_BEGIN_DECLS

#define PY_REPR_MAX_DEPTH 32
#define PY_REPR_MAX_OBJECTS 10000

/* One repr() at work: its text so far, and the objects around the one that is printed. */
typedef struct
{
  PyInspector *inspector;
  PyRuntime *runtime;
  const PyLayout *layout;
  GString *text;
  guint n_objects;
  guint depth;
  guint64 around[PY_REPR_MAX_DEPTH];
  guint64 wanted;     /* an object of which the text is wanted, too */
  gsize wanted_at[2]; /* where it begins and ends; both 0: not printed */
} PyPrinter;

void py_printer_init (PyPrinter *self, PyInspector *inspector, GString *text);

void py_print (PyPrinter *self, guint64 object);
void py_print_short (PyPrinter *self, guint64 object);
void py_print_default (PyPrinter *self, const PyClass *class, guint64 object);
void py_print_str (PyPrinter *self, guint64 object);    /* str(): a str as it is */
void py_print_member (PyPrinter *self, guint64 object); /* str() of an enumeration's member */
gboolean py_print_is_full (PyPrinter *self);

/* py-callback.c: "name(arguments) at file:line" */
void py_print_callback (PyPrinter *self, guint64 callback, guint64 arguments, gboolean with_arguments);

/* py-repr-scalar.c */
void py_print_string (PyPrinter *self, guint64 object);
void py_print_string_short (PyPrinter *self, guint64 object);
void py_print_bytes (PyPrinter *self, guint64 object);
void py_print_int (PyPrinter *self, guint64 object);
void py_print_float (PyPrinter *self, guint64 object);

/* py-repr-dataclass.c: whether a function is the __repr__ that @dataclass makes */
gboolean py_print_is_dataclass_repr (PyPrinter *self, guint64 function);
void py_print_dataclass (PyPrinter *self, const PyClass *class, guint64 object);

/* py-repr-asyncio.c: what asyncio and Home Assistant print of their own */
void py_print_future (PyPrinter *self, const PyClass *class, guint64 object);
void py_print_handle (PyPrinter *self, const PyClass *class, guint64 object);
void py_print_job (PyPrinter *self, const PyClass *class, guint64 object);
void py_print_hass (PyPrinter *self, const PyClass *class, guint64 object);

G_END_DECLS
