/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-maps.h"
#include "py-inspector.h"
#include "py-threads.h"

G_BEGIN_DECLS

/**
 * PyLoop: an event loop that runs in a thread.
 * @readable: FALSE: not one of asyncio's own (uvloop): its tasks are known, its handles are not
 * @kind: its class: "asyncio.unix_events._UnixSelectorEventLoop"
 */
typedef struct
{
  guint64 address;
  PyThread thread;
  gboolean readable;
  char *kind;
} PyLoop;

/* PyAsyncio: where a process keeps its event loops and tasks. */
typedef struct _PyAsyncio PyAsyncio;

/**
 * py_asyncio_new:
 * @runtime: in whichever memory
 * @maps: of the process, for the offsets that _asyncio tells (3.14+)
 *
 * Errors: HAP_ERROR_UNSUPPORTED_TARGET: a free-threaded build, or one whose tasks are not as we know them
 */
PyAsyncio *py_asyncio_new (PyRuntime *runtime, HapMaps *maps, GError **error);
void py_asyncio_free (PyAsyncio *self);

/* Forgets what was read of classes and code: for the next moment of a memory that goes on. */
void py_asyncio_forget (PyAsyncio *self);

PyInspector *py_asyncio_get_inspector (PyAsyncio *self); /* (transfer none) */

/* Returns: (transfer full) (element-type PyLoop): the loops that run, the oldest thread's first */
GArray *py_asyncio_list_loops (PyAsyncio *self);

#define PY_ASYNCIO_MAX_TASKS (1024 * 1024)

/* Returns: (transfer full) (element-type guint64): all tasks that there are, done ones too, of whatever loop,
 * each once */
GArray *py_asyncio_list_tasks (PyAsyncio *self);

/**
 * py_asyncio_add_inside:
 * @loop: that a task is of
 * @chain: (inout): the task's, whose last runs
 *
 * Adds what runs inside of it, as the stack of the loop's thread has it (py_coroutine_add_inside()).
 * FALSE: it is not there, or could not be read.
 */
gboolean py_asyncio_add_inside (PyAsyncio *self, const PyLoop *loop, GArray *chain);

/* TRUE when the last listing lacks tasks, for one was just being added or removed at this very moment, or a
 * thread's stack could not be read since, for a function was just being entered or left. */
gboolean py_asyncio_is_torn (PyAsyncio *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyAsyncio, py_asyncio_free)

G_END_DECLS
