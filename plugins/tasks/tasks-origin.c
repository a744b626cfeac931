/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a task or a callback to the code that it is of. Whose a file is, and which of several tells more, is
 * the profile room's.
 */

#include "tasks-origin.h"

#include "py-callback.h"
#include "py-coroutine.h"

/* From a timer to the future that it completes, to the task that waits for it, to what that one waits for. */
#define MAX_STEPS 4

static void find_of_future (TasksOrigin *self, PyInspector *inspector, const PyFuture *future, guint steps);
static void find_behind (TasksOrigin *self, PyInspector *inspector, guint64 object, guint steps);

/* Takes the next piece of evidence; @what, @name and @line (0: none) say which it is. */
static void
consider (TasksOrigin *self, const char *what, const char *name, const char *file, gint line)
{
  const HapOrigin *origin = hap_origin_of_frames (self->origin, hap_origin_of_file (file));

  if (origin != self->origin || self->what == NULL
      || (HAP_ORIGIN_IS_INTEGRATION (origin->kind) && hap_origin_of_file (file) == origin))
    *self = (TasksOrigin){ origin, what, name, file, line };
}

static gboolean
is_found (const TasksOrigin *self)
{
  return self->origin != NULL && HAP_ORIGIN_IS_INTEGRATION (self->origin->kind);
}

static void
consider_chain (TasksOrigin *self, PyInspector *inspector, GArray *chain)
{
  for (guint i = 0; i < chain->len; i++)
    {
      const PyCoroutine *coroutine = &g_array_index (chain, PyCoroutine, i);

      if (coroutine->code != NULL)
        consider (self, py_coroutine_is_awaited (coroutine) ? "coroutine" : "function", coroutine->qualname,
                  coroutine->code->filename, MAX (coroutine->line, 0));
    }

  /* Code that all share, a coordinator's say, is told apart by whose object it works for. */
  for (guint i = 0; i < chain->len && !is_found (self); i++)
    {
      const PyCoroutine *coroutine = &g_array_index (chain, PyCoroutine, i);
      const PyClass *class =
          coroutine->self != 0 ? py_inspector_get_class (inspector, coroutine->self) : NULL;
      const char *file = class != NULL ? py_class_find_file (inspector, class) : NULL;

      if (file != NULL)
        consider (self, "object", class->qualname, file, 0);
    }
}

static void
find_of_task (TasksOrigin *self, PyInspector *inspector, const PyFuture *task, GArray *chain, guint steps)
{
  PyFuture waiter;

  consider_chain (self, inspector, chain);
  /* A plain future leads back to this task alone. */
  if (!is_found (self) && steps > 0 && task->waiter != 0 && py_future_read (inspector, task->waiter, &waiter)
      && waiter.is_task)
    find_of_future (self, inspector, &waiter, steps - 1);
}

/* A future leads to the tasks that wait for it, a task to its coroutines. */
static void
find_of_future (TasksOrigin *self, PyInspector *inspector, const PyFuture *future, guint steps)
{
  gboolean whole;
  guint64 n;

  if (future->is_task)
    {
      g_autoptr (GArray) chain = py_coroutine_read_chain (inspector, future->coroutine, &whole);

      find_of_task (self, inspector, future, chain, steps);
    }
  else
    {
      g_autoptr (GArray) callbacks = py_future_get_callbacks (inspector, future, 8, &n);

      for (guint i = 0; i < callbacks->len && !is_found (self); i++)
        find_behind (self, inspector, py_callback_get_self (inspector, g_array_index (callbacks, guint64, i)),
                     steps);
    }
}

/* What an object leads to if it is a future, a task, or holds one (asyncio.Timeout). */
static void
find_behind (TasksOrigin *self, PyInspector *inspector, guint64 object, guint steps)
{
  PyFuture future;

  if (object == 0 || steps == 0)
    return;
  if (py_future_read (inspector, object, &future))
    find_of_future (self, inspector, &future, steps - 1);
  else
    find_behind (self, inspector, py_inspector_get_attribute (inspector, object, "_task"), steps - 1);
}

void
tasks_origin_of_task (TasksOrigin *self, PyInspector *inspector, const PyFuture *task, GArray *chain)
{
  find_of_task (self, inspector, task, chain, MAX_STEPS);
}

static void
on_code (const char *what, const char *name, const char *file, gpointer data)
{
  consider (data, what, name, file, 0);
}

void
tasks_origin_of_callback (TasksOrigin *self, PyInspector *inspector, guint64 callback, guint64 arguments)
{
  g_autoptr (GArray) items = NULL;

  if (arguments != 0)
    py_callback_foreach_code (inspector, arguments, "argument", on_code, self);
  if (callback != 0)
    py_callback_foreach_code (inspector, callback, "callback", on_code, self);
  if (is_found (self))
    return;

  find_behind (self, inspector, py_callback_get_self (inspector, callback), MAX_STEPS);
  items = arguments != 0 ? py_inspector_get_items (inspector, arguments, 4, NULL) : NULL;
  for (guint i = 0; items != NULL && i < items->len && !is_found (self); i++)
    find_behind (self, inspector, g_array_index (items, guint64, i), MAX_STEPS);
}

void
tasks_origin_add_fields (const TasksOrigin *self, TasksEntries *entries)
{
  g_autofree char *rests_on = NULL;

  if (self->origin == NULL)
    return;
  if (self->line > 0)
    rests_on = g_strdup_printf ("%s %s at %s:%d", self->what, self->name, self->file, self->line);
  else
    rests_on = g_strdup_printf ("%s %s at %s", self->what, self->name, self->file);
  tasks_entries_add_text (entries, "integration", self->origin->name);
  tasks_entries_add_text (entries, "kind", hap_origin_kind_to_string (self->origin->kind));
  tasks_entries_add_text (entries, "rests_on", rests_on);
}
