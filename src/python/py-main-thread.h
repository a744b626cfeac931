/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-threads.h"

G_BEGIN_DECLS

/* PyMainThread: what the target's main thread is at, as far as it matters to who wants it to run code. */
typedef struct _PyMainThread PyMainThread;

/* @target and @runtime are not referenced: they outlive it. */
PyMainThread *py_main_thread_new (HapTarget *target, PyRuntime *runtime);
void py_main_thread_free (PyMainThread *self);

/* Returns: (transfer none) (nullable): comes before all that follows. Errors: HAP_ERROR_UNSUPPORTED_TARGET:
 * Python starts or ends, or its main thread has ended; HAP_ERROR_TARGET_GONE */
const PyThread *py_main_thread_find (PyMainThread *self, GError **error);

guint py_main_thread_get_tid (PyMainThread *self); /* in our pid namespace */
gboolean py_main_thread_is_asleep (PyMainThread *self);

/* Held: it is where asyncio waits for events, so that it takes an empty list of them as nothing special. */
gboolean py_main_thread_waits_in_loop (PyMainThread *self);

/* Held, or of a copy (else: likely): it is in the function @name of @file itself, or in one that this called,
 * and has the interpreter's lock. */
gboolean py_main_thread_is_at (PyMainThread *self, const char *name, const char *file);

/* "waits in the system call 202, at wait (/usr/lib/python3.12/threading.py:327), …" (transfer full) */
char *py_main_thread_describe (PyMainThread *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyMainThread, py_main_thread_free)

G_END_DECLS
