/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-runtime.h"

G_BEGIN_DECLS

/* One PyThreadState. An OS thread may own several (subinterpreters). */
typedef struct
{
  guint64 tstate;      /* address */
  guint64 interpreter; /* address */
  guint64 gil;         /* address of the GIL it takes; 0 in a free-threaded build */
  guint64 ident;       /* threading.get_ident() */
  guint32 native_id;   /* the tid in the target's own pid namespace; 0 not yet known */
  gboolean main;       /* the main thread of the main interpreter */
} PyThread;

/* Returns: (element-type PyThread) (transfer full): all threads of all interpreters, oldest first; at most
 * 65,536; cycle-safe */
GArray *py_threads_list (PyRuntime *runtime);

/* The address of the interpreter's newest thread: a new one comes before it. 0: none */
guint64 py_threads_get_newest (PyRuntime *runtime, guint64 interpreter);

/**
 * PyThreadNames: names of threads as `threading` has them (sys.modules['threading']._active[ident]._name).
 */
typedef struct _PyThreadNames PyThreadNames;
PyThreadNames *py_thread_names_read (PyRuntime *runtime);
void py_thread_names_free (PyThreadNames *self);

/* Returns: (transfer none) (nullable): NULL when `threading` does not know this thread, or had another one by
 * its ident when the names were read */
const char *py_thread_names_get (PyThreadNames *self, const PyThread *thread);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyThreadNames, py_thread_names_free)

G_END_DECLS
