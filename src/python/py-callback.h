/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

/**
 * py_callback_print:
 * @arguments: a tuple; 0: none
 * @with_arguments: whether their values are shown; asyncio of 3.13+ does in debug mode alone
 *
 * Returns: (transfer full): a callback as asyncio.format_helpers prints it: "name(arguments) at file:line"
 */
char *
py_callback_print (PyInspector *inspector, guint64 callback, guint64 arguments, gboolean with_arguments);

/* Whether a callback's arguments are printed outside of debug mode. */
gboolean py_callback_shows_arguments (PyInspector *inspector);

/* The Python function behind a callback (unwrapped, of a partial or a method); 0: none */
guint64 py_callback_get_function (PyInspector *inspector, guint64 callback);

/* What a method, a built-in one or a task's step is bound to; 0: nothing */
guint64 py_callback_get_self (PyInspector *inspector, guint64 callback);

/**
 * PyCodeFunc:
 * @what: what leads there: "callback", "argument", "object", "closure"
 * @name: qualified name of a function or a class
 * @file: where it was written
 */
typedef void (*PyCodeFunc) (const char *what, const char *name, const char *file, gpointer data);

/* Calls @func for all the code that an object leads to, the nearest last: a function, what a method is bound
 * to, what a partial or a job holds, what a closure encloses. Bounded. */
void py_callback_foreach_code (PyInspector *inspector,
                               guint64 object,
                               const char *what,
                               PyCodeFunc func,
                               gpointer data);

/* The file in which a Python class was written; NULL: not known. (transfer none): as long as @inspector */
const char *py_class_find_file (PyInspector *inspector, const PyClass *class);

G_END_DECLS
