/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LogEventLoopScheduled: what the event loops are about to call, in asyncio's words, and when.
 */

#include "tasks-scheduled.h"

#include <glib/gi18n.h>

#include "py-callback.h"
#include "py-objects.h"
#include "py-repr.h"
#include "tasks-origin.h"
#include "tasks-report.h"

#define MAX_HANDLES (256 * 1024)
#define MAX_CALLBACK 4096 /* bytes */

struct _TasksLogScheduled
{
  HapAction parent_instance;
};

G_DEFINE_FINAL_TYPE (TasksLogScheduled, tasks_log_scheduled, HAP_TYPE_ACTION)

/* What was seen at one reading besides the handles. */
typedef struct
{
  guint n_loops;
  guint n_cancelled;
  GPtrArray *unreadable; /* (element-type utf8): classes of loops */
} Seen;

typedef struct
{
  PyInspector *inspector;
  const PyLoop *loop;
  double now;
  TasksEntries *entries;
  Seen *seen;
} Walk;

static gboolean
read_number (PyInspector *inspector, guint64 object, double *number)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyClass *class = py_inspector_get_class (inspector, object);
  gint64 whole;

  if (class != NULL && py_inspector_is_a (inspector, class, "builtins", "float"))
    return hap_memory_read (py_runtime_get_memory (runtime),
                            object + py_runtime_get_layout (runtime)->float_value, number, sizeof *number);
  if (!py_object_get_int (runtime, object, &whole))
    return FALSE;
  *number = (double)whole;
  return TRUE;
}

static void
add_time (Walk *self, guint64 handle)
{
  double when;

  if (!read_number (self->inspector, py_inspector_get_attribute (self->inspector, handle, "_when"), &when))
    return;
  tasks_entries_add (self->entries, "when", g_variant_new_double (when));
  tasks_entries_add (self->entries, "due_in", g_variant_new_double (when - self->now));
}

static void
add_callback (Walk *self, guint64 callback, guint64 arguments)
{
  PyInspector *inspector = self->inspector;
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  g_autofree char *text = py_callback_print (inspector, callback, arguments, TRUE);
  guint64 function = py_callback_get_function (inspector, callback);
  const PyCode *code = NULL;

  if (strlen (text) > MAX_CALLBACK)
    strcpy (g_utf8_find_prev_char (text, text + MAX_CALLBACK), "…");
  tasks_entries_add_text (self->entries, "callback", text);
  if (function != 0)
    code = py_inspector_get_code (
        inspector, py_inspector_read (inspector, function + py_runtime_get_layout (runtime)->function_code));
  if (code != NULL && !tasks_entries_add_known (self->entries, "location", &code, sizeof code))
    tasks_entries_add_shared (
        self->entries, "location", &code, sizeof code,
        g_variant_new_take_string (g_strdup_printf ("%s:%d", code->filename, code->first_line)));
}

static void
read_handle (Walk *self, guint64 handle, const char *queue)
{
  PyInspector *inspector = self->inspector;
  guint64 callback =
      py_inspector_or_none (inspector, py_inspector_get_attribute (inspector, handle, "_callback"));
  guint64 arguments = py_inspector_get_attribute (inspector, handle, "_args");
  TasksOrigin origin = { 0 };
  g_autofree char *text = NULL;

  if (py_inspector_is_true (inspector, py_inspector_get_attribute (inspector, handle, "_cancelled")))
    {
      self->seen->n_cancelled++;
      return;
    }
  text = py_repr (inspector, handle);
  tasks_entries_begin (self->entries, handle,
                       g_strconcat (queue[0] == 's' ? "Scheduled: " : "Ready: ", text, NULL));
  tasks_entries_add_text (self->entries, "queue", queue);
  add_time (self, handle);
  if (callback != 0)
    {
      add_callback (self, callback, arguments);
      tasks_origin_of_callback (&origin, inspector, callback, arguments);
    }
  tasks_entries_add_loop (self->entries, self->loop);
  tasks_origin_add_fields (&origin, self->entries);
  tasks_entries_end (self->entries, origin.origin);
}

static gboolean
read_queue (Walk *self, const char *attribute, const char *queue, gint64 deadline)
{
  g_autoptr (GArray) handles = py_inspector_get_items (
      self->inspector, py_inspector_get_attribute (self->inspector, self->loop->address, attribute),
      MAX_HANDLES, NULL);

  for (guint i = 0; handles != NULL && i < handles->len; i++)
    {
      if (g_get_monotonic_time () > deadline)
        return FALSE;
      read_handle (self, g_array_index (handles, guint64, i), queue);
    }
  return TRUE;
}

static gboolean
read_loops (PyAsyncio *asyncio, const TasksWish *wish, TasksEntries *entries, gpointer data)
{
  g_autoptr (GArray) loops = py_asyncio_list_loops (asyncio);
  Seen *seen = data;
  Walk walk = { py_asyncio_get_inspector (asyncio), NULL, wish->now, entries, seen };

  seen->n_loops = loops->len;
  seen->n_cancelled = 0;
  g_ptr_array_set_size (seen->unreadable, 0);
  for (guint i = 0; i < loops->len; i++)
    {
      walk.loop = &g_array_index (loops, PyLoop, i);
      if (!walk.loop->readable)
        g_ptr_array_add (seen->unreadable, g_strdup (walk.loop->kind));
      else if (!read_queue (&walk, "_scheduled", "scheduled", wish->deadline)
               || !read_queue (&walk, "_ready", "ready", wish->deadline))
        return FALSE;
    }
  return TRUE;
}

static GPtrArray *
make_notes (const Seen *seen)
{
  GPtrArray *notes = g_ptr_array_new_with_free_func (g_free);

  if (seen->n_loops == 0)
    g_ptr_array_add (notes, g_strdup (_ ("No event loop runs in this process")));
  for (guint i = 0; i < seen->unreadable->len; i++)
    g_ptr_array_add (
        notes, g_strdup_printf (_ ("An event loop of class %s keeps its handles where they cannot be read"),
                                (const char *)seen->unreadable->pdata[i]));
  if (seen->n_cancelled > 0)
    g_ptr_array_add (notes, g_strdup_printf (_ ("Cancelled handles, not shown: %u"), seen->n_cancelled));
  return notes;
}

static gboolean
tasks_log_scheduled_run (HapAction *action,
                         HapTarget *target,
                         HapReport *report,
                         GCancellable *cancellable,
                         GError **error)
{
  g_auto (TasksMoment) moment = { 0 };
  g_autoptr (GPtrArray) unreadable = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) notes = NULL;
  Seen seen = { .unreadable = unreadable };

  if (!tasks_moment_read (&moment, target, read_loops, &seen, error))
    return FALSE;
  notes = make_notes (&seen);
  return tasks_report_send (report, "handles", &moment, notes, cancellable, error);
}

static void
tasks_log_scheduled_class_init (TasksLogScheduledClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "LogEventLoopScheduled";
  action_class->summary = N_ ("Show what the event loops have scheduled, and when it is due");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = tasks_log_scheduled_run;
}

static void
tasks_log_scheduled_init (TasksLogScheduled *self)
{
}
