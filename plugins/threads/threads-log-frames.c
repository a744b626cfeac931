/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action LogThreadFrames: one observation of all threads, and what it reports of them. Nothing of it
 * needs the target's help: it may hang, spin, hold the GIL for ever or be stopped.
 */

#include "threads-log-frames.h"

#include <glib/gi18n.h>

#include "hap-origin-counts.h"
#include "py-observer.h"
#include "py-page-cache.h"
#include "threads-kernel.h"
#include "threads-native.h"
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

  gboolean native;
};

enum
{
  PROP_NATIVE = 1,
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
  ThreadsNative *native; /* NULL: not wanted */
  gsize max_size;        /* of the message, and of the frames, of one thread */
  HapOriginCounts *counts;
  guint n_unread;
} Run;

G_DEFINE_FINAL_TYPE (ThreadsLogFrames, threads_log_frames, HAP_TYPE_ACTION)

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->counts, hap_origin_counts_free);
  g_clear_pointer (&run->native, threads_native_free);
  g_clear_pointer (&run->names, py_thread_names_free);
  g_clear_pointer (&run->sources, threads_sources_free);
  g_clear_pointer (&run->codes, threads_codes_free);
  g_clear_pointer (&run->kernel, threads_kernel_free);
  g_clear_object (&run->observer);
  g_clear_object (&run->runtime);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* Without a format, which would be parsed thousands of times. */
static void
add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add_value (
      builder, g_variant_new_dict_entry (g_variant_new_string (key), g_variant_new_variant (value)));
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
  if (run->native != NULL)
    threads_native_reset (run->native);
  for (guint i = 0; i < run->observations->len; i++)
    {
      PyObservation *observation = run->observations->pdata[i];

      if (run->native != NULL && i < MAX_THREADS)
        threads_native_take (run->native, observation);
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

/* They lie close together: read page by page. A name that changes meanwhile is as good as none. */
static PyThreadNames *
read_names (PyRuntime *runtime)
{
  g_autoptr (PyPageCache) cache = py_page_cache_new (py_runtime_get_memory (runtime));
  g_autoptr (PyRuntime) cached = py_runtime_with_memory (runtime, HAP_MEMORY (cache));

  return py_thread_names_read (cached);
}

static gboolean
gather (Run *run, HapTarget *target, gboolean native, GError **error)
{
  gboolean complete = FALSE;

  run->runtime = py_runtime_attach (target, error);
  if (run->runtime == NULL)
    return FALSE;
  if (native)
    run->native = threads_native_new (target, run->runtime);
  run->observer = py_observer_new (target, run->runtime, PY_PRECISION_EXACT);
  for (guint try = 0; try < MAX_TRIES && !complete; try++)
    {
      if (!observe (run, target, &complete, error))
        return FALSE;
    }

  run->names = read_names (run->runtime);
  run->sources = threads_sources_new ();
  threads_codes_foreach_file (run->codes, on_file, run->sources);
  threads_sources_load (run->sources, hap_target_get_broker (target));
  run->max_size = MIN (MAX_ENTRY, MAX_REPORT / 2 / MAX (run->observations->len, 1));
  run->counts = hap_origin_counts_new ();
  return TRUE;
}

/* What `threading` does not know (threads of C code, and those that begin or end) has a name of ours. */
static char *
name_thread (Run *run, const PyThread *thread)
{
  const char *name = py_thread_names_get (run->names, thread);

  if (name != NULL)
    return g_strdup (name);
  return thread->main ? g_strdup ("MainThread") : g_strdup_printf ("Thread-%u", thread->native_id);
}

static void
add_frame (GVariantBuilder *builder, const ThreadsFrame *frame)
{
  GVariant *fields[] = { g_variant_new_string (frame->file),
                         g_variant_new_uint32 ((guint32)MAX (frame->line, 0)),
                         g_variant_new_string (frame->function) };

  g_variant_builder_add_value (builder, g_variant_new_tuple (fields, G_N_ELEMENTS (fields)));
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

/* Adds the C functions below the innermost Python frame, as fields and as lines of the message. */
static void
add_native (Run *run, const PyThread *thread, GVariantBuilder *builder, GString *text)
{
  gboolean complete = FALSE;
  g_autoptr (GArray) frames = threads_native_unwind (run->native, thread, &complete);
  GVariantBuilder list;

  if (frames == NULL)
    return;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(sts)"));
  for (guint i = 0; i < frames->len; i++)
    {
      const ThreadsNativeFrame *frame = &g_array_index (frames, ThreadsNativeFrame, i);
      const char *symbol = frame->symbol != NULL ? frame->symbol : "?";
      g_autofree char *offset = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", frame->offset);

      g_variant_builder_add (&list, "(sts)", symbol, frame->offset, frame->library);
      g_string_append (text, "\n  ");
      g_string_append_printf (text, _ ("C function %s+%s, in %s"), symbol, offset, frame->library);
    }
  add (builder, "native", g_variant_builder_end (&list));
  add (builder, "native_complete", g_variant_new_boolean (complete));
}

/* Returns: (transfer full): what the stack of a thread is in words; its fields are added. */
static char *
report_stack (Run *run, const PyObservation *observation, GVariantBuilder *builder)
{
  g_auto (ThreadsStack) stack = { 0 };
  g_autofree char *text = NULL;
  g_autoptr (GString) with_native = NULL;

  if (!observation->valid)
    {
      run->n_unread++;
      return g_strdup (_ ("its stack could not be read: it changed at each try"));
    }

  threads_codes_resolve (run->codes, &observation->stack, &stack);
  add_frames (builder, &stack, run->max_size);
  add_origin (builder, &stack);
  hap_origin_counts_add (run->counts, stack.origin);
  if (stack.n_frames == 0)
    text = g_strdup (_ ("no Python frame"));
  else
    text = threads_traceback_format (&stack, run->sources, run->max_size);
  if (run->native == NULL)
    return g_steal_pointer (&text);
  with_native = g_string_new (text);
  add_native (run, &observation->thread, builder, with_native);
  return g_string_free (g_steal_pointer (&with_native), FALSE);
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

static gboolean
report_sum (Run *run, HapReport *report, GError **error)
{
  g_autofree char *list = hap_origin_counts_to_string (run->counts);
  g_autofree char *message = g_strconcat (_ ("Threads by integration:"), list, NULL);
  guint64 pause_ns = py_observer_get_counts (run->observer)->pause_ns_total;
  guint n_threads = run->observations->len;
  GVariantBuilder builder;

  if (run->native != NULL)
    pause_ns += threads_native_get_pause_ns (run->native);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "integrations", hap_origin_counts_to_variant (run->counts, "threads"));
  add (&builder, "threads", g_variant_new_uint32 (n_threads));
  add (&builder, "unread", g_variant_new_uint32 (run->n_unread));
  if (n_threads > MAX_THREADS)
    add (&builder, "left_out", g_variant_new_uint32 (n_threads - MAX_THREADS));
  add (&builder, "pause_us", g_variant_new_double ((double)pause_ns / 1e3));
  add (&builder, "python", g_variant_new_string (py_runtime_get_version_string (run->runtime)));
  return hap_report_entry (report, message, g_variant_builder_end (&builder), error);
}

static gboolean
threads_log_frames_run (HapAction *action,
                        HapTarget *target,
                        HapReport *report,
                        GCancellable *cancellable,
                        GError **error)
{
  ThreadsLogFrames *self = THREADS_LOG_FRAMES (action);
  g_auto (Run) run = { 0 };

  if (self->native && !threads_native_is_built_in (error))
    return FALSE;
  if (!gather (&run, target, self->native, error))
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
threads_log_frames_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, THREADS_LOG_FRAMES (object)->native);
}

static void
threads_log_frames_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  THREADS_LOG_FRAMES (object)->native = g_value_get_boolean (value);
}

static void
threads_log_frames_class_init (ThreadsLogFramesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = threads_log_frames_get_property;
  object_class->set_property = threads_log_frames_set_property;
  g_object_class_install_property (
      object_class, PROP_NATIVE,
      g_param_spec_boolean ("native", "Native",
                            _ ("Also show the C functions that the innermost Python frames called"), FALSE,
                            HAP_PARAM_DATA));

  action_class->method = "LogThreadFrames";
  action_class->summary = N_ ("Show what each thread does right now, by its stack");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = threads_log_frames_run;
}

static void
threads_log_frames_init (ThreadsLogFrames *self)
{
}
