/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action LogThreadFrames: one observation of all threads, and what it reports of them. Nothing of it
 * needs the target's help: it may hang, spin, hold the GIL for ever or be stopped.
 */

#include "threads-log-frames.h"

#include <glib/gi18n.h>

#include "py-observer.h"
#include "threads-kernel.h"
#include "threads-stack.h"
#include "threads-traceback.h"

/* An observation with a thread whose stack could not be read (it began or ended meanwhile), or that moved on
 * before the rest was read, is made again. */
#define MAX_TRIES 5

/* Below what the service takes: an entry may have 256 KiB, a report 16 MiB. A thread's space is shared by its
 * message and its frames. */
#define MAX_THREADS 4096
#define MAX_ENTRY ((gsize)96 * 1024)
#define MAX_REPORT ((gsize)12 * 1024 * 1024)

struct _ThreadsLogFrames
{
  HapAction parent_instance;
};

/* One run. */
typedef struct
{
  PyRuntime *runtime;
  PyObserver *observer;
  GPtrArray *observations; /* the observer's */
  ThreadsKernel *kernel;
  ThreadsCodes *codes;
  ThreadsSources *sources;
  PyThreadNames *names;
  gsize max_size;     /* of the message, and of the frames, of one thread */
  GHashTable *counts; /* HapOrigin -> number of threads */
  guint n_unread;
} Run;

G_DEFINE_FINAL_TYPE (ThreadsLogFrames, threads_log_frames, HAP_TYPE_ACTION)

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->counts, g_hash_table_unref);
  g_clear_pointer (&run->names, py_thread_names_free);
  g_clear_pointer (&run->sources, threads_sources_free);
  g_clear_pointer (&run->codes, threads_codes_free);
  g_clear_pointer (&run->kernel, threads_kernel_free);
  g_clear_object (&run->observer);
  g_clear_object (&run->runtime);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static void
add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

/* The stacks come first and the kernel's word a moment later: who is seen to hold the GIL and then to wait
 * for it moved on. */
static gboolean
moved_on (Run *run, const PyObservation *observation)
{
  g_auto (ThreadsActivity) activity = { 0 };

  if (!observation->holds_gil)
    return FALSE;
  threads_kernel_look (run->kernel, &observation->thread, &activity);
  return activity.waits_for_gil;
}

/* What goes away first is read first: the stacks, then what the threads do, then the code objects. */
static gboolean
observe (Run *run, HapTarget *target, gboolean *complete, GError **error)
{
  run->observations = py_observer_observe (run->observer, error);
  if (run->observations == NULL)
    return FALSE;

  g_clear_pointer (&run->kernel, threads_kernel_free);
  run->kernel = threads_kernel_read (target, run->runtime);
  g_clear_pointer (&run->codes, threads_codes_free);
  run->codes = threads_codes_new (run->runtime);
  *complete = TRUE;
  for (guint i = 0; i < run->observations->len; i++)
    {
      const PyObservation *observation = run->observations->pdata[i];

      *complete &= observation->valid && threads_codes_read (run->codes, &observation->stack)
                   && !moved_on (run, observation);
    }
  return TRUE;
}

static void
on_file (const char *file, gpointer data)
{
  threads_sources_add (data, file);
}

static gboolean
gather (Run *run, HapTarget *target, GError **error)
{
  gboolean complete = FALSE;

  run->runtime = py_runtime_attach (target, error);
  if (run->runtime == NULL)
    return FALSE;
  run->observer = py_observer_new (target, run->runtime, PY_PRECISION_EXACT);
  for (guint try = 0; try < MAX_TRIES && !complete; try++)
    {
      if (!observe (run, target, &complete, error))
        return FALSE;
    }

  run->names = py_thread_names_read (run->runtime);
  run->sources = threads_sources_new ();
  threads_codes_foreach_file (run->codes, on_file, run->sources);
  threads_sources_load (run->sources, hap_target_get_broker (target));
  run->max_size = MIN (MAX_ENTRY, MAX_REPORT / 2 / MAX (run->observations->len, 1));
  run->counts = g_hash_table_new (NULL, NULL);
  return TRUE;
}

/* What `threading` does not know (threads of C code, and those that begin or end) has a name of ours. */
static char *
name_thread (Run *run, const PyThread *thread)
{
  const char *name = py_thread_names_get (run->names, thread->ident);

  if (name != NULL)
    return g_strdup (name);
  return thread->main ? g_strdup ("MainThread") : g_strdup_printf ("Thread-%u", thread->native_id);
}

static void
add_frame (GVariantBuilder *builder, const ThreadsFrame *frame)
{
  g_variant_builder_add (builder, "(sus)", frame->file, (guint32)MAX (frame->line, 0), frame->function);
}

static void
add_frames (GVariantBuilder *builder, const ThreadsStack *stack, gsize max)
{
  g_autofree gsize *sizes = g_new (gsize, MAX (stack->n_frames, 1));
  GVariantBuilder frames;
  guint head, tail;

  for (guint i = 0; i < stack->n_frames; i++)
    sizes[i] = strlen (stack->frames[i].file) + strlen (stack->frames[i].function) + sizeof (guint32) + 16;
  threads_choose_cut (sizes, stack->n_frames, max, &head, &tail);

  g_variant_builder_init (&frames, G_VARIANT_TYPE ("a(sus)"));
  for (guint i = 0; i < stack->n_frames; i++)
    {
      if (i < head || i >= stack->n_frames - tail)
        add_frame (&frames, &stack->frames[i]);
    }
  add (builder, "frames", g_variant_builder_end (&frames));
  if (head + tail < stack->n_frames)
    add (builder, "frames_left_out", g_variant_new_uint32 (stack->n_frames - head - tail));
}

static void
add_origin (GVariantBuilder *builder, const ThreadsStack *stack)
{
  const ThreadsFrame *frame = &stack->frames[stack->rests_on];
  g_autofree char *rests_on = NULL;

  if (stack->origin == NULL)
    return;
  rests_on = g_strdup_printf ("%s at %s:%d", frame->function, frame->file, MAX (frame->line, 0));
  add (builder, "integration", g_variant_new_string (stack->origin->name));
  add (builder, "kind", g_variant_new_string (hap_origin_kind_to_string (stack->origin->kind)));
  add (builder, "rests_on", g_variant_new_string (rests_on));
}

static void
add_activity (GVariantBuilder *builder, Run *run, const PyObservation *observation)
{
  g_auto (ThreadsActivity) activity = { 0 };

  threads_kernel_look (run->kernel, &observation->thread, &activity);
  if (observation->thread.gil != 0)
    {
      add (builder, "holds_gil", g_variant_new_boolean (observation->holds_gil));
      add (builder, "waits_for_gil",
           g_variant_new_boolean (activity.waits_for_gil && !observation->holds_gil));
    }
  /* What it did later is not what it did. */
  if (observation->holds_gil && activity.waits_for_gil)
    return;
  if (activity.state != NULL)
    add (builder, "state", g_variant_new_string (activity.state));
  if (activity.system_call != NULL)
    add (builder, "syscall", g_variant_new_string (activity.system_call));
}

static void
count_origin (Run *run, const HapOrigin *origin)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (run->counts, origin));

  g_hash_table_insert (run->counts, (gpointer)origin, GUINT_TO_POINTER (n + 1));
}

/* Returns: (transfer full): what the stack of a thread is in words; its fields are added. */
static char *
report_stack (Run *run, const PyObservation *observation, GVariantBuilder *builder)
{
  g_auto (ThreadsStack) stack = { 0 };

  if (!observation->valid)
    {
      run->n_unread++;
      return g_strdup ("its stack could not be read: it changed at each try");
    }

  threads_codes_resolve (run->codes, &observation->stack, &stack);
  add_frames (builder, &stack, run->max_size);
  add_origin (builder, &stack);
  count_origin (run, stack.origin != NULL ? stack.origin : hap_origin_of_file ("~"));
  if (stack.n_frames == 0)
    return g_strdup ("no Python frame");
  return threads_traceback_format (&stack, run->sources, run->max_size);
}

static gboolean
report_thread (Run *run, const PyObservation *observation, HapReport *report, GError **error)
{
  const PyThread *thread = &observation->thread;
  g_autofree char *name = name_thread (run, thread);
  g_autofree char *text = NULL;
  g_autofree char *message = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "thread", g_variant_new_string (name));
  if (thread->native_id != 0)
    add (&builder, "native_id", g_variant_new_uint32 (thread->native_id));
  add (&builder, "ident", g_variant_new_uint64 (thread->ident));
  add (&builder, "main", g_variant_new_boolean (thread->main));
  add_activity (&builder, run, observation);
  text = report_stack (run, observation, &builder);
  message = g_strdup_printf ("Thread [%s]: %s", name, text);
  return hap_report_entry (report, message, g_variant_builder_end (&builder), error);
}

typedef struct
{
  const HapOrigin *origin;
  guint n_threads;
} Count;

/* Integrations first, then by number. */
static gint
compare_counts (gconstpointer a, gconstpointer b)
{
  const Count *x = a, *y = b;
  gboolean x_is = HAP_ORIGIN_IS_INTEGRATION (x->origin->kind),
           y_is = HAP_ORIGIN_IS_INTEGRATION (y->origin->kind);

  if (x_is != y_is)
    return x_is ? -1 : 1;
  if (x->n_threads != y->n_threads)
    return x->n_threads < y->n_threads ? 1 : -1;
  if (x->origin->kind != y->origin->kind)
    return x->origin->kind < y->origin->kind ? -1 : 1;
  return strcmp (x->origin->name, y->origin->name);
}

static GArray *
list_counts (Run *run)
{
  GArray *counts = g_array_new (FALSE, FALSE, sizeof (Count));
  GHashTableIter iter;
  gpointer origin, n_threads;

  g_hash_table_iter_init (&iter, run->counts);
  while (g_hash_table_iter_next (&iter, &origin, &n_threads))
    {
      Count count = { origin, GPOINTER_TO_UINT (n_threads) };

      g_array_append_val (counts, count);
    }
  g_array_sort (counts, compare_counts);
  return counts;
}

static gboolean
report_sum (Run *run, HapReport *report, GError **error)
{
  g_autoptr (GArray) counts = list_counts (run);
  g_autoptr (GString) message = g_string_new ("Threads by integration:");
  guint n_threads = run->observations->len;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_open (&builder, G_VARIANT_TYPE ("{sv}"));
  g_variant_builder_add (&builder, "s", "integrations");
  g_variant_builder_open (&builder, G_VARIANT_TYPE_VARIANT);
  g_variant_builder_open (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < counts->len; i++)
    {
      const Count *count = &g_array_index (counts, Count, i);

      g_string_append_printf (message, "%s %s %u", i > 0 ? "," : "", count->origin->name, count->n_threads);
      g_variant_builder_open (&builder, G_VARIANT_TYPE_VARDICT);
      add (&builder, "name", g_variant_new_string (count->origin->name));
      add (&builder, "kind", g_variant_new_string (hap_origin_kind_to_string (count->origin->kind)));
      add (&builder, "threads", g_variant_new_uint32 (count->n_threads));
      g_variant_builder_close (&builder);
    }
  for (guint i = 0; i < 3; i++)
    g_variant_builder_close (&builder);

  add (&builder, "threads", g_variant_new_uint32 (n_threads));
  add (&builder, "unread", g_variant_new_uint32 (run->n_unread));
  if (n_threads > MAX_THREADS)
    add (&builder, "left_out", g_variant_new_uint32 (n_threads - MAX_THREADS));
  add (&builder, "pause_us",
       g_variant_new_double ((double)py_observer_get_counts (run->observer)->pause_ns_total / 1e3));
  add (&builder, "python", g_variant_new_string (py_runtime_get_version_string (run->runtime)));
  return hap_report_entry (report, message->str, g_variant_builder_end (&builder), error);
}

static gboolean
threads_log_frames_run (HapAction *action,
                        HapTarget *target,
                        HapReport *report,
                        GCancellable *cancellable,
                        GError **error)
{
  g_auto (Run) run = { 0 };

  if (!gather (&run, target, error))
    return FALSE;
  for (guint i = 0; i < MIN (run.observations->len, MAX_THREADS); i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !report_thread (&run, run.observations->pdata[i], report, error))
        return FALSE;
    }
  return report_sum (&run, report, error);
}

static void
threads_log_frames_class_init (ThreadsLogFramesClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "LogThreadFrames";
  action_class->summary = _ ("Show what each thread does right now, by its stack");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = threads_log_frames_run;
}

static void
threads_log_frames_init (ThreadsLogFrames *self)
{
}
