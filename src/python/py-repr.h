/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

/*
 * How Python prints objects, without running any of it: the built-in types, functions, exceptions,
 * enumerations, dataclasses, asyncio's futures, tasks and handles, Home Assistant's jobs word for word; of
 * other classes with a __repr__ of their own `<module.Class object at 0x…>`, as if they had none. Bounded:
 * PY_REPR_MAX bytes, then "…"; depth 32, then "...".
 */
#define PY_REPR_MAX (64 * 1024)

/* Appends repr(object). */
void py_repr_append (PyInspector *inspector, GString *text, guint64 object);

/* Appends reprlib.repr(object) with Home Assistant's limits: maxstring and maxother 300. */
void py_repr_append_short (PyInspector *inspector, GString *text, guint64 object);

char *py_repr (PyInspector *inspector, guint64 object); /* (transfer full) */

/* The same, and repr(part), which is most often within it. @part: 0: none; @part_text: (out) (transfer full)
 * (nullable) */
char *py_repr_with_part (PyInspector *inspector, guint64 object, guint64 part, char **part_text);

/* Appends the repr() of a str with this text: UTF-8 */
void py_repr_append_text (GString *text, const char *value);

/* Appends the repr() of a bytes object. */
void py_repr_append_bytes (GString *text, const guint8 *bytes, gsize n);

G_END_DECLS
