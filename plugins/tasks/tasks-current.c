/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LogCurrentTasks: which tasks there are, in asyncio's words, and what each awaits.
 */

#include "tasks-current.h"

#include <glib/gi18n.h>

#include "py-coroutine.h"
#include "py-future.h"
#include "py-repr.h"
#include "tasks-origin.h"
#include "tasks-report.h"

#define MAX_AWAITS 256
#define MAX_WAITS_FOR 300 /* characters */

struct _TasksLogCurrent
{
  HapAction parent_instance;
};

G_DEFINE_FINAL_TYPE (TasksLogCurrent, tasks_log_current, HAP_TYPE_ACTION)

/* What was seen at one reading besides the tasks. */
typedef struct
{
  guint n_loops;
  guint n_elsewhere; /* tasks of loops that do not run */
  guint n_closed;    /* of them of closed ones */
} Seen;

static void
add_awaits (GVariantBuilder *builder, GArray *chain)
{
  GVariantBuilder awaits;

  g_variant_builder_init (&awaits, G_VARIANT_TYPE ("a(sus)"));
  for (guint i = 0; i < MIN (chain->len, MAX_AWAITS); i++)
    {
      const PyCoroutine *coroutine = &g_array_index (chain, PyCoroutine, i);

      GVariant *frame[] = {
        g_variant_new_string (coroutine->code != NULL ? coroutine->code->filename : "?"),
        g_variant_new_uint32 (MAX (coroutine->line, 0)),
        g_variant_new_string (coroutine->qualname),
      };

      g_variant_builder_add_value (&awaits, g_variant_new_tuple (frame, G_N_ELEMENTS (frame)));
    }
  tasks_add_field (builder, "awaits", g_variant_builder_end (&awaits));
  if (chain->len > MAX_AWAITS)
    tasks_add_field (builder, "awaits_left_out", g_variant_new_uint32 (chain->len - MAX_AWAITS));
}

static void
add_waits_for (GVariantBuilder *builder, PyInspector *inspector, const PyFuture *task)
{
  g_autofree char *text = NULL;

  if (task->waiter == 0)
    return;
  text = py_repr (inspector, task->waiter);
  if (g_utf8_strlen (text, -1) > MAX_WAITS_FOR)
    strcpy (g_utf8_offset_to_pointer (text, MAX_WAITS_FOR - 3), "...");
  tasks_add_field (builder, "waits_for", g_variant_new_string (text));
}

static void
read_task (PyInspector *inspector, const PyFuture *task, const PyLoop *loop, GPtrArray *entries)
{
  guint64 end;
  g_autoptr (GArray) chain = py_coroutine_read_chain (inspector, task->coroutine, &end);
  g_autofree char *name = py_future_get_name (inspector, task);
  g_autofree char *text = py_repr (inspector, task->address);
  g_auto (TasksOrigin) origin = { 0 };
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  tasks_add_field (&builder, "task", g_variant_new_string (name));
  tasks_add_field (
      &builder, "state",
      g_variant_new_string (task->cancels > 0 ? "cancelling" : py_future_state_to_string (task->state)));
  if (chain->len > 0)
    tasks_add_field (&builder, "coro", g_variant_new_string (g_array_index (chain, PyCoroutine, 0).qualname));
  tasks_add_field (&builder, "loop", g_variant_new_uint64 (loop->address));
  if (loop->thread.native_id != 0)
    tasks_add_field (&builder, "thread", g_variant_new_uint32 (loop->thread.native_id));
  add_awaits (&builder, chain);
  if (chain->len > 0 && g_array_index (chain, PyCoroutine, 0).running)
    tasks_add_field (&builder, "running", g_variant_new_boolean (TRUE));
  add_waits_for (&builder, inspector, task);
  tasks_origin_of_task (&origin, inspector, task, chain);
  tasks_origin_add_fields (&origin, &builder);
  tasks_entry_add (entries, task->address, g_strconcat ("Task: ", text, NULL),
                   g_variant_builder_end (&builder), origin.origin);
}

static const PyLoop *
find_loop (GArray *loops, guint64 address)
{
  for (guint i = 0; i < loops->len; i++)
    if (g_array_index (loops, PyLoop, i).address == address)
      return &g_array_index (loops, PyLoop, i);
  return NULL;
}

/* What is no loop at all is a task that was just being made or freed. */
static void
count_elsewhere (PyInspector *inspector, guint64 loop, Seen *seen)
{
  guint64 closed = py_inspector_get_attribute (inspector, loop, "_closed");

  if (closed == 0)
    return;
  seen->n_elsewhere++;
  seen->n_closed += py_inspector_is_true (inspector, closed);
}

static gboolean
read_tasks (PyAsyncio *asyncio, double now, gint64 deadline, GPtrArray *entries, gpointer data)
{
  PyInspector *inspector = py_asyncio_get_inspector (asyncio);
  g_autoptr (GArray) loops = py_asyncio_list_loops (asyncio);
  g_autoptr (GArray) tasks = py_asyncio_list_tasks (asyncio);
  Seen *seen = data;

  *seen = (Seen){ .n_loops = loops->len };
  for (guint i = 0; i < tasks->len; i++)
    {
      PyFuture task;
      const PyLoop *loop;

      if (g_get_monotonic_time () > deadline)
        return FALSE;
      if (!py_future_read (inspector, g_array_index (tasks, guint64, i), &task) || !task.is_task
          || task.state != PY_FUTURE_PENDING)
        continue;
      loop = find_loop (loops, task.loop);
      if (loop != NULL)
        read_task (inspector, &task, loop, entries);
      else
        count_elsewhere (inspector, task.loop, seen);
    }
  return TRUE;
}

static GPtrArray *
make_notes (const Seen *seen)
{
  GPtrArray *notes = g_ptr_array_new_with_free_func (g_free);

  if (seen->n_loops == 0)
    g_ptr_array_add (notes, g_strdup (_ ("No event loop runs in this process")));
  if (seen->n_elsewhere > 0)
    g_ptr_array_add (
        notes,
        g_strdup_printf (_ ("Pending tasks of event loops that do not run: %u, %u of them of closed ones"),
                         seen->n_elsewhere, seen->n_closed));
  return notes;
}

static gboolean
tasks_log_current_run (HapAction *action,
                       HapTarget *target,
                       HapReport *report,
                       GCancellable *cancellable,
                       GError **error)
{
  g_auto (TasksMoment) moment = { 0 };
  g_autoptr (GPtrArray) notes = NULL;
  Seen seen;

  if (!tasks_moment_read (&moment, target, read_tasks, &seen, error))
    return FALSE;
  notes = make_notes (&seen);
  return tasks_report_send (report, "tasks", &moment, notes, cancellable, error);
}

static void
tasks_log_current_class_init (TasksLogCurrentClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "LogCurrentTasks";
  action_class->summary = N_ ("Show each asyncio task, where it stands and what it waits for");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = tasks_log_current_run;
}

static void
tasks_log_current_init (TasksLogCurrent *self)
{
}
