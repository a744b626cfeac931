/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-runtime.h"

G_BEGIN_DECLS

/* Python objects read by address. Every function checks the object's type first and returns NULL or FALSE for
 * another. */

/* Returns: (transfer full) (nullable): UTF-8 (lone surrogates as U+FFFD), cut after @max characters with a
 * final "…" */
char *py_object_get_string (PyRuntime *runtime, guint64 object, gsize max);

/**
 * py_object_get_characters:
 * @first: the first character wanted
 * @max: how many
 * @n: (out): how many were read
 * @length: (out): of the whole string
 *
 * Returns: (transfer full) (nullable): code points as they are, NUL and lone surrogates included
 */
guint32 *py_object_get_characters (PyRuntime *runtime,
                                   guint64 object,
                                   guint64 first,
                                   gsize max,
                                   gsize *n,
                                   guint64 *length);

/* The name of the object's type, as tp_name has it ("dict", "collections.deque"; bare for a Python class). */
char *py_object_get_type_name (PyRuntime *runtime, guint64 object);

/* An int that fits; FALSE for another type or a larger value. */
gboolean py_object_get_int (PyRuntime *runtime, guint64 object, gint64 *value);

/* Bytes of a bytes object, at most @max (more is an error: NULL). */
GBytes *py_object_get_bytes (PyRuntime *runtime, guint64 object, gsize max);

/* Called for each entry of a dict; FALSE ends the walk. */
typedef gboolean (*PyDictFunc) (guint64 key, guint64 value, gpointer data);

/* All entries in order; works on combined and split dicts; at most @max entries. FALSE: no (sound) dict. */
gboolean py_dict_foreach (PyRuntime *runtime, guint64 dict, gsize max, PyDictFunc func, gpointer data);

/* Returns: the value's address, 0 if there is none */
guint64 py_dict_get (PyRuntime *runtime, guint64 dict, const char *key);

/**
 * py_object_get_attribute:
 * An attribute of an instance from its own __dict__ or inline values (not from its class).
 * Returns: the value's address, 0 if there is none
 */
guint64 py_object_get_attribute (PyRuntime *runtime, guint64 object, const char *name);

/* All of them, as py_dict_foreach(). FALSE: it has none. */
gboolean
py_object_foreach_attribute (PyRuntime *runtime, guint64 object, gsize max, PyDictFunc func, gpointer data);

/* sys.modules[@name]'s module object's __dict__; 0 if it is not imported. */
guint64 py_module_get_dict (PyRuntime *runtime, guint64 interpreter, const char *name);

G_END_DECLS
