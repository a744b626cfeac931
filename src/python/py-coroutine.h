/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-frames.h"
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
  gboolean inside;  /* only a frame of a thread's stack: of an address, a self and what it awaits nothing is
                       known */
} PyCoroutine;

/* FALSE: it is none of these. */
gboolean py_coroutine_read (PyInspector *inspector, guint64 object, PyCoroutine *coroutine);

#define PY_COROUTINE_MAX_CHAIN 32768

/**
 * py_coroutine_read_chain:
 * @object: a coroutine
 * @whole: (out): FALSE: there are more than PY_COROUTINE_MAX_CHAIN, or what was read comes back to itself
 *
 * Returns: (transfer full) (element-type PyCoroutine): it, what it awaits, and so on
 */
GArray *py_coroutine_read_chain (PyInspector *inspector, guint64 object, gboolean *whole);

/**
 * py_coroutine_add_inside:
 * @chain: (inout): a chain; its last runs on the thread of @stack
 *
 * Adds what runs inside of it: the frames of the stack from there on, coroutines and functions alike.
 * FALSE: the last is not on this stack.
 */
gboolean py_coroutine_add_inside (PyInspector *inspector, GArray *chain, const PyStack *stack);

/* Whether the thing awaited is what the code makes: else it is a function that was called, or a generator. */
gboolean py_coroutine_is_awaited (const PyCoroutine *coroutine);

G_END_DECLS
