/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What futures, tasks and handles print of themselves: Lib/asyncio/base_futures.py, base_tasks.py,
 * coroutines.py and events.py, the same in 3.11 to 3.15; and Home Assistant's jobs (homeassistant/core.py).
 */

#include "py-callback.h"
#include "py-coroutine.h"
#include "py-future.h"
#include "py-objects.h"
#include "py-repr-private.h"

#define MAX_CALLBACKS 65536
#define CO_COROUTINE 0x80

static void
append_callback (PyPrinter *self, guint64 callback)
{
  py_print_callback (self, callback, 0, py_callback_shows_arguments (self->inspector));
}

/* base_futures._format_callbacks() */
static void
print_callbacks (PyPrinter *self, const PyFuture *future)
{
  guint64 n;
  g_autoptr (GArray) callbacks = py_future_get_callbacks (self->inspector, future, MAX_CALLBACKS, &n);
  guint last = callbacks->len - 1;

  if (callbacks->len == 0)
    return;
  g_string_append (self->text, " cb=[");
  append_callback (self, g_array_index (callbacks, guint64, 0));
  if (n > 2)
    g_string_append_printf (self->text, ", <%" G_GUINT64_FORMAT " more>", n - 2);
  if (last > 0)
    {
      g_string_append (self->text, ", ");
      append_callback (self, g_array_index (callbacks, guint64, last));
    }
  g_string_append_c (self->text, ']');
}

/* Where a future or handle was made: the last frame of what debug mode keeps. */
static void
print_source (PyPrinter *self, guint64 traceback)
{
  guint64 frame = py_inspector_get_last (self->inspector, py_inspector_or_none (self->inspector, traceback));

  if (frame == 0)
    return;
  g_string_append (self->text, " created at ");
  py_print_str (self, py_inspector_get_attribute (self->inspector, frame, "filename"));
  g_string_append_c (self->text, ':');
  py_print_str (self, py_inspector_get_attribute (self->inspector, frame, "lineno"));
}

/* coroutines._format_coroutine() */
static void
print_coroutine (PyPrinter *self, guint64 object)
{
  const PyClass *class = py_inspector_get_class (self->inspector, object);
  PyCoroutine coroutine;
  const char *file;

  if (!py_coroutine_read (self->inspector, object, &coroutine))
    {
      g_autofree char *name = py_inspector_get_text (self->inspector, object, "__qualname__");

      if (name != NULL)
        g_string_append_printf (self->text, "%s()", name);
      else
        g_string_append_printf (self->text, "<%s without __name__>()",
                                class != NULL ? py_class_get_name (class) : "?");
      return;
    }

  g_string_append_printf (self->text, "%s()", coroutine.qualname);
  if (coroutine.code != NULL)
    {
      file = *coroutine.code->filename != '\0' ? coroutine.code->filename : "<empty co_filename>";
      g_string_append_printf (self->text,
                              coroutine.finished ? " done, defined at %s:" : " running at %s:", file);
      if (coroutine.line >= 0)
        g_string_append_printf (self->text, "%d", coroutine.line);
      else
        g_string_append (self->text, "None");
    }
}

static void
print_task_name (PyPrinter *self, const PyFuture *task)
{
  gint64 number;

  g_string_append (self->text, " name=");
  if (py_object_get_int (self->runtime, task->name, &number))
    g_string_append_printf (self->text, "'Task-%" G_GINT64_FORMAT "'", number);
  else
    py_print (self, task->name);
}

/* base_tasks._task_repr(), base_futures._future_repr() */
void
py_print_future (PyPrinter *self, const PyClass *class, guint64 object)
{
  PyFuture future;

  if (!py_future_read (self->inspector, object, &future))
    {
      py_print_default (self, class, object);
      return;
    }

  g_string_append_printf (self->text, "<%s %s", py_class_get_name (class),
                          future.cancels > 0 && future.state == PY_FUTURE_PENDING
                              ? "cancelling"
                              : py_future_state_to_string (future.state));
  if (future.is_task)
    {
      print_task_name (self, &future);
      if (future.coroutine != 0)
        {
          g_string_append (self->text, " coro=<");
          print_coroutine (self, future.coroutine);
          g_string_append_c (self->text, '>');
        }
      if (future.waiter != 0)
        {
          g_string_append (self->text, " wait_for=");
          py_print (self, future.waiter);
        }
    }
  if (future.state == PY_FUTURE_FINISHED)
    {
      g_string_append (self->text, future.exception != 0 ? " exception=" : " result=");
      if (future.exception != 0)
        py_print (self, future.exception);
      else
        py_print_short (self, future.result);
    }
  print_callbacks (self, &future);
  print_source (self, future.source);
  g_string_append_c (self->text, '>');
}

/* Whether a handle's arguments are shown: 3.13+: if its loop is in debug mode. */
static gboolean
shows_arguments (PyPrinter *self, guint64 handle)
{
  guint64 loop = py_inspector_get_attribute (self->inspector, handle, "_loop");

  return py_callback_shows_arguments (self->inspector)
         || py_inspector_is_true (self->inspector,
                                  py_inspector_get_attribute (self->inspector, loop, "_debug"));
}

/* events.Handle.__repr__() with TimerHandle's _repr_info() */
void
py_print_handle (PyPrinter *self, const PyClass *class, guint64 object)
{
  PyInspector *inspector = self->inspector;
  guint64 repr = py_inspector_or_none (inspector, py_inspector_get_attribute (inspector, object, "_repr"));
  guint64 when = py_inspector_get_attribute (inspector, object, "_when");
  guint64 callback =
      py_inspector_or_none (inspector, py_inspector_get_attribute (inspector, object, "_callback"));

  if (repr != 0)
    {
      py_print_str (self, repr);
      return;
    }
  g_string_append_printf (self->text, "<%s", py_class_get_name (class));
  if (py_inspector_is_true (inspector, py_inspector_get_attribute (inspector, object, "_cancelled")))
    g_string_append (self->text, " cancelled");
  if (when != 0)
    {
      g_string_append (self->text, " when=");
      py_print (self, when);
    }
  if (callback != 0)
    {
      g_string_append_c (self->text, ' ');
      py_print_callback (self, callback, py_inspector_get_attribute (inspector, object, "_args"),
                         shows_arguments (self, object));
    }
  print_source (self, py_inspector_get_attribute (inspector, object, "_source_traceback"));
  g_string_append_c (self->text, '>');
}

/* homeassistant.core.get_hassjob_callable_job_type() */
static const char *
guess_job_type (PyPrinter *self, guint64 target)
{
  guint64 function = py_callback_get_function (self->inspector, target);
  const PyCode *code = NULL;

  if (function != 0)
    code = py_inspector_get_code (
        self->inspector, py_inspector_read (self->inspector, function + self->layout->function_code));
  if (code != NULL && (code->flags & CO_COROUTINE) != 0)
    return "Coroutinefunction";
  if (function != 0
      && py_dict_get (self->runtime,
                      py_inspector_read (self->inspector, function + self->layout->function_dict),
                      "_hass_callback")
             != 0)
    return "Callback";
  return "Executor";
}

/* HassJob.__repr__(): f"<Job {name} {job_type} {target}>"; the oldest have no name. */
void
py_print_job (PyPrinter *self, const PyClass *class, guint64 object)
{
  PyInspector *inspector = self->inspector;
  guint64 name = py_inspector_get_attribute (inspector, object, "name");
  guint64 target = py_inspector_get_attribute (inspector, object, "target");
  guint64 type = py_inspector_get_attribute (inspector, object, "job_type");

  g_string_append (self->text, "<Job ");
  if (name != 0)
    {
      py_print_str (self, name);
      g_string_append_c (self->text, ' ');
    }
  if (type == 0)
    type = py_dict_get (self->runtime, py_inspector_get_attribute (inspector, object, "_cache"), "job_type");
  if (type != 0)
    py_print_member (self, type);
  else
    g_string_append_printf (self->text, "HassJobType.%s", guess_job_type (self, target));
  g_string_append_c (self->text, ' ');
  py_print_str (self, target);
  g_string_append_c (self->text, '>');
}

/* HomeAssistant.__repr__(): CoreState prints its value. */
void
py_print_hass (PyPrinter *self, const PyClass *class, guint64 object)
{
  guint64 state = py_inspector_get_attribute (self->inspector, object, "state");

  g_string_append (self->text, "<HomeAssistant ");
  py_print_str (self, py_inspector_get_attribute (self->inspector, state, "_value_"));
  g_string_append_c (self->text, '>');
}
