/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "py-runtime.h"

G_BEGIN_DECLS

/**
 * PyRun: Python code of ours that runs in the target's main thread, once, at a point where the interpreter
 * lets other code in: by its interface for debuggers (PEP 768) from 3.14 on, as a pending call before. It
 * comes and answers by two memory files, so that no file system and no namespace matters, and nothing is
 * left.
 *
 * A *snippet* defines run(arguments), whose result it is. It may call emit(value), as often as there is
 * something, and stay(undo, begin, end): what it does then lasts until py_run_let_go(), or until we are no
 * more, however we ended: undo() is called then, in a thread of its own, and the result is what that returns.
 * begin() and end(), if given, are called when that thread sleeps and right when it wakes. Values are what
 * JSON has. A snippet is fixed text of ours, never a caller's; what callers say comes in its arguments.
 */
#define PY_TYPE_RUN (py_run_get_type ())
G_DECLARE_FINAL_TYPE (PyRun, py_run, PY, RUN, GObject)

/* What a snippet says. */
typedef enum
{
  PY_RUN_ITEM,   /* emit()'s value */
  PY_RUN_STAYS,  /* it has returned, and lasts: run()'s value */
  PY_RUN_WAITS,  /* to be copied (py-fork.h) */
  PY_RUN_RESULT, /* all is over: run()'s or undo()'s value */
} PyRunEvent;

PyRun *py_run_new (HapTarget *target, PyRuntime *runtime);

/**
 * py_run_start:
 * @arguments: (nullable): `a{sv}` of b, i, u, x, t, d, s, as; floating references are taken
 * @timeout: seconds until it must have begun; a snippet that is given up does not begin later
 *
 * Returns when the snippet runs. Errors: HAP_ERROR_UNSUPPORTED_TARGET: this Python, or its owner, does not
 * allow it, and why; HAP_ERROR_TIMED_OUT: the main thread came to no such point, and what it does instead;
 * HAP_ERROR_BUSY: another debugger is there; HAP_ERROR_TARGET_GONE; HAP_ERROR_CANCELLED
 */
gboolean py_run_start (PyRun *self,
                       const char *snippet,
                       GVariant *arguments,
                       double timeout,
                       GCancellable *cancellable,
                       GError **error);

/**
 * py_run_next:
 * @value: (out) (transfer full) (nullable): hostile: of any type, with any content; NULL for JSON's null
 * @timeout: seconds
 *
 * Waits for what the snippet says next, after PY_RUN_RESULT never again. Errors: HAP_ERROR_FAILED: the
 * snippet raised, with what; HAP_ERROR_TIMED_OUT: nothing yet, ask again; HAP_ERROR_TARGET_GONE;
 * HAP_ERROR_CANCELLED
 */
gboolean py_run_next (PyRun *self,
                      PyRunEvent *event,
                      JsonNode **value,
                      double timeout,
                      GCancellable *cancellable,
                      GError **error);

/* Ends what stays. Freeing does so as well. */
void py_run_let_go (PyRun *self);

/* How long the target stood still for it, nanoseconds. */
guint64 py_run_get_pause_ns (PyRun *self);

G_END_DECLS
