/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

/* A generator, coroutine or asynchronous generator at one moment. */
typedef struct
{
  guint64 address;
  const PyCode *code;   /* (nullable): of the inspector */
  const char *qualname; /* of the inspector */
  gboolean finished;
  gboolean running; /* on a thread's stack */
  gint line;        /* that it is at; -1: none; the first line when finished */
  guint64 awaits;   /* what it awaits or yields from; 0: nothing */
  guint64 self;     /* its first local variable if that is of the class that its name begins with */
} PyCoroutine;

/* FALSE: it is none of these. */
gboolean py_coroutine_read (PyInspector *inspector, guint64 object, PyCoroutine *coroutine);

#define PY_COROUTINE_MAX_CHAIN 4096

/**
 * py_coroutine_read_chain:
 * @object: a coroutine
 * @end: (out): what the innermost awaits, if that is no coroutine; 0: nothing
 *
 * Returns: (transfer full) (element-type PyCoroutine): it, what it awaits, and so on; at most
 * PY_COROUTINE_MAX_CHAIN
 */
GArray *py_coroutine_read_chain (PyInspector *inspector, guint64 object, guint64 *end);

G_END_DECLS
