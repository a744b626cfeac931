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

#define MAX_PLACES 256    /* in a field */
#define MAX_SHOWN 32      /* in a message */
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

/* Where a coroutine stands: tells the same place of many. The inspector keeps what is pointed to. */
typedef struct
{
  const PyCode *code;
  const char *qualname;
  gint64 line;
} Place;

static GVariant *
make_places (const Place *places, gsize n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sus)"));
  for (gsize i = 0; i < n; i++)
    {
      GVariant *frame[] = {
        g_variant_new_string (places[i].code != NULL ? places[i].code->filename : "?"),
        g_variant_new_uint32 (places[i].line),
        g_variant_new_string (places[i].qualname),
      };

      g_variant_builder_add_value (&builder, g_variant_new_tuple (frame, G_N_ELEMENTS (frame)));
    }
  return g_variant_builder_end (&builder);
}

/* Of what is too long the middle is left out: it began at one end and is at the other. */
static gboolean
is_in_the_middle (guint i, guint n, guint max)
{
  return n > max && i >= max / 2 && i < n - (max - max / 2);
}

/* @left_out: the key of how many of them are not shown */
static void
add_places (TasksEntries *entries, const char *key, const char *left_out, const PyCoroutine *list, guint n)
{
  Place places[MAX_PLACES] = { { 0 } };
  gsize n_places = 0;

  for (guint i = 0; i < n; i++)
    if (!is_in_the_middle (i, n, MAX_PLACES))
      places[n_places++] = (Place){ list[i].code, list[i].qualname, MAX (list[i].line, 0) };
  if (!tasks_entries_add_known (entries, key, places, n_places * sizeof places[0]))
    tasks_entries_add_shared (entries, key, places, n_places * sizeof places[0],
                              make_places (places, n_places));
  if (n > n_places)
    tasks_entries_add (entries, left_out, g_variant_new_uint32 (n - n_places));
}

/* What is awaited, then what runs in the innermost of it. */
static void
add_chain (TasksEntries *entries, GArray *chain, gboolean whole)
{
  const PyCoroutine *list = (const PyCoroutine *)(gconstpointer)chain->data;
  guint n_awaits = 0;

  while (n_awaits < chain->len && py_coroutine_is_awaited (&list[n_awaits]))
    n_awaits++;
  add_places (entries, "awaits", "awaits_left_out", list, n_awaits);
  if (!whole)
    tasks_entries_add (entries, "awaits_cut", g_variant_new_boolean (TRUE));
  if (n_awaits < chain->len)
    add_places (entries, "frames", "frames_left_out", list + n_awaits, chain->len - n_awaits);
}

/* Adds what runs inside of a task, a line a frame, as in a traceback. */
static void
print_inside (GString *text, GArray *chain, guint first)
{
  guint n = chain->len - first;

  for (guint i = 0; i < n; i++)
    {
      const PyCoroutine *frame = &g_array_index (chain, PyCoroutine, first + i);

      if (i == MAX_SHOWN / 2 && n > MAX_SHOWN)
        g_string_append_printf (text, "\n  [%u entries left out here]", n - MAX_SHOWN);
      if (!is_in_the_middle (i, n, MAX_SHOWN))
        g_string_append_printf (text, "\n  File \"%s\", line %d, in %s",
                                frame->code != NULL ? frame->code->filename : "?", MAX (frame->line, 0),
                                frame->code != NULL ? frame->code->name : "?");
    }
}

static void
add_waits_for (TasksEntries *entries, char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_WAITS_FOR)
    strcpy (g_utf8_offset_to_pointer (text, MAX_WAITS_FOR - 3), "...");
  tasks_entries_add_text (entries, "waits_for", text);
}

/* Returns: FALSE: it runs, and what it is in is not known */
static gboolean
read_inside (PyAsyncio *asyncio, const PyLoop *loop, GArray *chain, GString *text)
{
  guint n = chain->len;

  if (n == 0 || !g_array_index (chain, PyCoroutine, n - 1).running)
    return TRUE;
  if (loop == NULL || !py_asyncio_add_inside (asyncio, loop, chain))
    return FALSE;
  print_inside (text, chain, n);
  return TRUE;
}

/* @inside: what runs inside of it is wanted, too */
static void
read_task (PyAsyncio *asyncio,
           const PyFuture *task,
           const PyLoop *loop,
           gboolean inside,
           TasksEntries *entries)
{
  PyInspector *inspector = py_asyncio_get_inspector (asyncio);
  gboolean whole, known;
  g_autoptr (GArray) chain = py_coroutine_read_chain (inspector, task->coroutine, &whole);
  g_autofree char *name = py_future_get_name (inspector, task);
  g_autofree char *waits_for = NULL;
  g_autofree char *text = py_repr_with_part (inspector, task->address, task->waiter, &waits_for);
  g_autoptr (GString) message = g_string_new ("Task: ");
  TasksOrigin origin = { 0 };

  g_string_append (message, text);
  known = read_inside (asyncio, inside ? loop : NULL, chain, message);
  tasks_entries_begin (entries, task->address, g_string_free (g_steal_pointer (&message), FALSE));
  tasks_entries_add (entries, "task", g_variant_new_string (name));
  tasks_entries_add_text (entries, "state",
                          task->cancels > 0 ? "cancelling" : py_future_state_to_string (task->state));
  if (chain->len > 0)
    tasks_entries_add_text (entries, "coro", g_array_index (chain, PyCoroutine, 0).qualname);
  tasks_entries_add_loop (entries, loop);
  add_chain (entries, chain, whole);
  if (chain->len > 0 && g_array_index (chain, PyCoroutine, 0).running)
    tasks_entries_add (entries, "running", g_variant_new_boolean (TRUE));
  if (!known)
    tasks_entries_add (entries, "frames_unread", g_variant_new_boolean (TRUE));
  if (waits_for != NULL)
    add_waits_for (entries, waits_for);
  tasks_origin_of_task (&origin, inspector, task, chain);
  tasks_origin_add_fields (&origin, entries);
  tasks_entries_end (entries, origin.origin);
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
read_tasks (PyAsyncio *asyncio, const TasksWish *wish, TasksEntries *entries, gpointer data)
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

      if (g_get_monotonic_time () > wish->deadline)
        return FALSE;
      if (!py_future_read (inspector, g_array_index (tasks, guint64, i), &task) || !task.is_task
          || task.state != PY_FUTURE_PENDING)
        continue;
      loop = find_loop (loops, task.loop);
      if (loop != NULL)
        read_task (asyncio, &task, loop, wish->inside, entries);
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
