/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Futures and tasks, whichever implementation they are of. How they print is py-repr-asyncio.c's, which there
 * are py-asyncio.c's.
 */

#include "py-future.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_NAME 1000

const char *
py_future_state_to_string (PyFutureState state)
{
  static const char *const names[] = { "pending", "cancelled", "finished" };

  g_return_val_if_fail ((guint)state < G_N_ELEMENTS (names), "pending");
  return names[state];
}

static gboolean
read_c_future (PyInspector *inspector, guint64 object, PyFuture *future)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyLayout *layout = &runtime->layout;
  gsize size = future->is_task ? layout->task_size : layout->future_size;
  guint8 block[256];
  guint32 state;

  if (size > sizeof block || !hap_memory_read (runtime->memory, object, block, size))
    return FALSE;
  state = py_block_u32 (block, layout->future_state);
  if (state > PY_FUTURE_FINISHED)
    return FALSE;

  future->state = state;
  future->loop = py_block_u64 (block, layout->future_loop);
  future->exception = py_inspector_or_none (inspector, py_block_u64 (block, layout->future_exception));
  future->result = py_block_u64 (block, layout->future_result);
  future->source = py_inspector_or_none (inspector, py_block_u64 (block, layout->future_source));
  future->callback = py_block_u64 (block, layout->future_callback);
  future->callbacks = py_block_u64 (block, layout->future_callbacks);
  if (!future->is_task)
    return TRUE;
  future->coroutine = py_inspector_or_none (inspector, py_block_u64 (block, layout->task_coroutine));
  future->waiter = py_inspector_or_none (inspector, py_block_u64 (block, layout->task_waiter));
  future->name = py_inspector_or_none (inspector, py_block_u64 (block, layout->task_name));
  future->cancels = py_block_u32 (block, layout->task_cancels);
  return TRUE;
}

static guint64
get_attribute (PyInspector *inspector, guint64 object, const char *name)
{
  return py_inspector_or_none (inspector, py_inspector_get_attribute (inspector, object, name));
}

/* What __init__ does not set is the class's: "PENDING", None. */
static gboolean
read_python_future (PyInspector *inspector, guint64 object, PyFuture *future)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  g_autofree char *state = py_inspector_get_text (inspector, object, "_state");
  gint64 cancels;

  if (g_strcmp0 (state, "CANCELLED") == 0)
    future->state = PY_FUTURE_CANCELLED;
  else if (g_strcmp0 (state, "FINISHED") == 0)
    future->state = PY_FUTURE_FINISHED;
  future->loop = get_attribute (inspector, object, "_loop");
  future->exception = get_attribute (inspector, object, "_exception");
  future->result = py_inspector_get_attribute (inspector, object, "_result");
  future->source = get_attribute (inspector, object, "_source_traceback");
  future->callbacks = get_attribute (inspector, object, "_callbacks");
  if (!future->is_task)
    return TRUE;
  future->coroutine = get_attribute (inspector, object, "_coro");
  future->waiter = get_attribute (inspector, object, "_fut_waiter");
  future->name = get_attribute (inspector, object, "_name");
  if (py_object_get_int (runtime, py_inspector_get_attribute (inspector, object, "_num_cancels_requested"),
                         &cancels)
      && cancels > 0)
    future->cancels = MIN (cancels, G_MAXINT);
  return TRUE;
}

gboolean
py_future_read (PyInspector *inspector, guint64 object, PyFuture *future)
{
  const PyClass *class = py_inspector_get_class (inspector, object);

  if (class == NULL)
    return FALSE;
  *future = (PyFuture){ .address = object };
  future->is_task = py_inspector_is_a (inspector, class, "_asyncio", "Task");
  if (future->is_task || py_inspector_is_a (inspector, class, "_asyncio", "Future"))
    return read_c_future (inspector, object, future);
  future->is_task = py_inspector_is_a (inspector, class, "asyncio.tasks", "Task");
  if (future->is_task || py_inspector_is_a (inspector, class, "asyncio.futures", "Future"))
    return read_python_future (inspector, object, future);
  return FALSE;
}

char *
py_future_get_name (PyInspector *inspector, const PyFuture *task)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  char *name = py_object_get_string (runtime, task->name, MAX_NAME);
  gint64 number;

  if (name != NULL)
    return name;
  if (py_object_get_int (runtime, task->name, &number))
    return g_strdup_printf ("Task-%" G_GINT64_FORMAT, number);
  return g_strdup ("");
}

GArray *
py_future_get_callbacks (PyInspector *inspector, const PyFuture *future, guint max, guint64 *n)
{
  g_autoptr (GArray) pairs = py_inspector_get_items (inspector, future->callbacks, max, n);
  GArray *callbacks = g_array_new (FALSE, FALSE, sizeof (guint64));

  if (pairs == NULL)
    *n = 0;
  if (future->callback != 0)
    {
      g_array_append_val (callbacks, future->callback);
      (*n)++;
    }
  for (guint i = 0; pairs != NULL && i < pairs->len && callbacks->len < max; i++)
    {
      g_autoptr (GArray) pair =
          py_inspector_get_items (inspector, g_array_index (pairs, guint64, i), 1, NULL);

      if (pair != NULL && pair->len == 1)
        g_array_append_vals (callbacks, pair->data, 1);
    }
  return callbacks;
}
