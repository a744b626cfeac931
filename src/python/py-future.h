/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

typedef enum
{
  PY_FUTURE_PENDING,
  PY_FUTURE_CANCELLED,
  PY_FUTURE_FINISHED,
} PyFutureState;

/* "pending", "cancelled", "finished" */
const char *py_future_state_to_string (PyFutureState state);

/* An asyncio.Future or Task, of C or of Python. Addresses; 0: None. */
typedef struct
{
  guint64 address;
  gboolean is_task;
  PyFutureState state;
  guint64 loop;
  guint64 exception;
  guint64 result;
  guint64 source;    /* list of FrameSummary, in debug mode */
  guint64 callback;  /* C: the first */
  guint64 callbacks; /* list of (callback, context): the others, or all */
  /*< tasks only >*/
  guint64 coroutine;
  guint64 waiter; /* the future that it waits for */
  guint64 name;   /* str, or int N for "Task-N" */
  guint cancels;  /* cancellations asked for */
} PyFuture;

/* FALSE: it is none, or its memory is not sound. */
gboolean py_future_read (PyInspector *inspector, guint64 object, PyFuture *future);

/* Returns: (transfer full): a task's name as get_name() has it */
char *py_future_get_name (PyInspector *inspector, const PyFuture *task);

/* Returns: (transfer full) (element-type guint64): the callbacks, at most @max */
GArray *py_future_get_callbacks (PyInspector *inspector, const PyFuture *future, guint max, guint64 *n);

G_END_DECLS
