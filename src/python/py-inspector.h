/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-code.h"

G_BEGIN_DECLS

/* Py_TPFLAGS_*: Include/object.h, the same in 3.11 to 3.15. */
#define PY_CLASS_HEAP (1u << 9)
#define PY_CLASS_EXCEPTION (1u << 30)
#define PY_CLASS_TYPE (1u << 31)

/* A class of the target, read once. */
typedef struct
{
  guint64 address;
  guint64 flags;
  guint64 base;   /* address */
  char *c_name;   /* tp_name: "_asyncio.Task"; bare for a Python class */
  char *module;   /* __module__ */
  char *qualname; /* __qualname__ */
  /*< private >*/
  GHashTable *slots; /* name -> offset, of this class alone */
  gint repr;
  gboolean file_known;
  const char *file;
} PyClass;

/* As __name__ has it. */
const char *py_class_get_name (const PyClass *self);

/**
 * PyInspector: objects of a runtime as Python code sees them: classes, attributes, items, code. It keeps what
 * it learned of classes and code, so it is as short-lived as the moment that it shows.
 */
typedef struct _PyInspector PyInspector;

PyInspector *py_inspector_new (PyRuntime *runtime);
void py_inspector_free (PyInspector *self);

PyRuntime *py_inspector_get_runtime (PyInspector *self); /* (transfer none) */

/* Returns: (transfer none) (nullable): of an object, of a type object's own address; valid as long as @self
 */
const PyClass *py_inspector_get_class (PyInspector *self, guint64 object);
const PyClass *py_inspector_read_class (PyInspector *self, guint64 type);

/* Whether @class or one of its bases is the one at @address, or is called so. */
gboolean py_inspector_derives (PyInspector *self, const PyClass *class, guint64 address);
gboolean
py_inspector_is_a (PyInspector *self, const PyClass *class, const char *module, const char *qualname);

/* Returns: (transfer none) (nullable): the code object at @address; valid as long as @self */
const PyCode *py_inspector_get_code (PyInspector *self, guint64 address);

/* Returns: (transfer none) (nullable): a str that many objects have in common, as a qualified name; valid as
 * long as @self */
const char *py_inspector_get_string (PyInspector *self, guint64 object);

/* An address in the target, 0 where nothing can be read. */
guint64 py_inspector_read (PyInspector *self, guint64 address);

/* An attribute from the instance's __dict__, inline values or slots; 0: none. */
guint64 py_inspector_get_attribute (PyInspector *self, guint64 object, const char *name);

/* Called for each attribute of an instance; FALSE ends the walk. */
typedef gboolean (*PyAttributeFunc) (const char *name, guint64 value, gpointer data);

/* Those in slots first, then those of the instance's __dict__ or inline values; at most @max of either. */
void py_inspector_foreach_attribute (PyInspector *self,
                                     guint64 object,
                                     guint max,
                                     PyAttributeFunc func,
                                     gpointer data);

/* An attribute that a class or the first of its bases has, as it lies in __dict__ (Python classes only);
 * @owner: (out) (optional): whose */
guint64 py_inspector_get_class_attribute (PyInspector *self,
                                          const PyClass *class,
                                          const char *name,
                                          const PyClass **owner);

/* None is no object to us: 0 instead of its address. */
guint64 py_inspector_or_none (PyInspector *self, guint64 object);

/* bool(object) of True and False */
gboolean py_inspector_is_true (PyInspector *self, guint64 object);

/* A str attribute: NULL if it is none. (transfer full) */
char *py_inspector_get_text (PyInspector *self, guint64 object, const char *name);

/**
 * py_inspector_get_items:
 * @object: a list, tuple, set, frozenset or deque, or of a class derived from one
 * @max: how many to return
 * @n_items: (out) (optional): how many there are
 *
 * Returns: (transfer full) (nullable) (element-type guint64): the items' addresses in their order; NULL: it
 * is none of these, or not sound
 */
GArray *py_inspector_get_items (PyInspector *self, guint64 object, guint max, guint64 *n_items);

/* The last item of a list; 0: none */
guint64 py_inspector_get_last (PyInspector *self, guint64 list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyInspector, py_inspector_free)

G_END_DECLS
