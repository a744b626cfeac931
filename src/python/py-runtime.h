/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"
#include "py-layout.h"

G_BEGIN_DECLS

/**
 * PyRuntime: the CPython in a process: where its _PyRuntime lies, its version and its layout, self-checked.
 * Immutable once attached. Every function that reads takes its memory from it, so that the same code reads a
 * live target, a frozen copy and a recording.
 */
#define PY_TYPE_RUNTIME (py_runtime_get_type ())
G_DECLARE_FINAL_TYPE (PyRuntime, py_runtime, PY, RUNTIME, GObject)

/**
 * py_runtime_attach:
 * Finds `_PyRuntime` and `Py_Version` (in memory by the dynamic symbols of every mapped ELF object, else by
 * the file's .PyRuntime section through the broker, else, 3.13+, by the debug offsets' cookie), chooses the
 * layout, merges the debug offsets and checks the result.
 *
 * Errors: HAP_ERROR_UNSUPPORTED_TARGET: no CPython, or one that is too old, too new or whose structures are
 * not where they should be: the message says which; HAP_ERROR_TARGET_GONE
 */
PyRuntime *py_runtime_attach (HapTarget *target, GError **error);

/* The same interpreter in another memory of the same addresses: a frozen copy. */
PyRuntime *py_runtime_with_memory (PyRuntime *self, HapMemory *memory);

HapMemory *py_runtime_get_memory (PyRuntime *self); /* (transfer none) */
const PyLayout *py_runtime_get_layout (PyRuntime *self);
guint64 py_runtime_get_address (PyRuntime *self);            /* of _PyRuntime */
guint32 py_runtime_get_version (PyRuntime *self);            /* PY_VERSION_HEX */
const char *py_runtime_get_version_string (PyRuntime *self); /* "3.14.10", "3.14.4t" */

/* Addresses of all PyInterpreterState, the main one first; at most 256. Empty while Python starts or ends. */
GArray *py_runtime_list_interpreters (PyRuntime *self);    /* (element-type guint64) (transfer full) */
guint64 py_runtime_get_main_interpreter (PyRuntime *self); /* 0: none */

/* The GIL's structure (struct _gil_runtime_state) of an interpreter; 0: none (free-threaded builds). */
guint64 py_runtime_get_gil (PyRuntime *self, guint64 interpreter);

G_END_DECLS
