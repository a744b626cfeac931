/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the target's main thread is at. What is to be done about it is py-run.c's.
 */

#include "py-main-thread.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "py-code.h"
#include "py-frames.h"
#include "py-runtime-private.h"

/* Frames that are shown of a thread that is stuck. */
#define N_SHOWN 3

struct _PyMainThread
{
  HapTarget *target;
  PyRuntime *runtime;
  PyThread thread;
  guint tid;
  PyStack stack;
};

PyMainThread *
py_main_thread_new (HapTarget *target, PyRuntime *runtime)
{
  PyMainThread *self = g_new0 (PyMainThread, 1);

  self->target = target;
  self->runtime = runtime;
  py_stack_init (&self->stack);
  return self;
}

void
py_main_thread_free (PyMainThread *self)
{
  py_stack_clear (&self->stack);
  g_free (self);
}

/* The first of a list that has it: an OS thread may have further thread states. */
static gboolean
find_main (PyMainThread *self)
{
  g_autoptr (GArray) threads = py_threads_list (self->runtime);

  for (guint i = 0; i < threads->len; i++)
    {
      self->thread = g_array_index (threads, PyThread, i);
      if (self->thread.main)
        return TRUE;
    }
  return FALSE;
}

const PyThread *
py_main_thread_find (PyMainThread *self, GError **error)
{
  const HapThread *kernel;
  guint64 finalizing;

  if (!hap_target_refresh_threads (self->target, error))
    return NULL;
  if (!find_main (self)
      || !py_read_u64 (self->runtime, self->runtime->address + self->runtime->layout.runtime_finalizing,
                       &finalizing)
      || finalizing != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("The target's Python is about to end, or to start"));
      return NULL;
    }
  kernel = hap_target_find_thread (self->target, self->thread.native_id);
  if (kernel == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET, _ ("The target's main thread has ended"));
      return NULL;
    }
  self->tid = kernel->tid;
  return &self->thread;
}

guint
py_main_thread_get_tid (PyMainThread *self)
{
  return self->tid;
}

gboolean
py_main_thread_is_asleep (PyMainThread *self)
{
  const HapThread *kernel = hap_target_find_thread (self->target, self->thread.native_id);

  return kernel != NULL && hap_thread_read_state (kernel) == 'S';
}

static gboolean
is_function (PyMainThread *self, guint index, const char *name, const char *file)
{
  g_autoptr (PyCode) code = NULL;

  if (index >= self->stack.n_frames)
    return FALSE;
  code = py_code_read (self->runtime, self->stack.frames[index].code);
  return code != NULL && g_str_equal (code->name, name) && g_str_has_suffix (code->filename, file);
}

gboolean
py_main_thread_waits_in_loop (PyMainThread *self)
{
  return py_stack_read_still (&self->stack, self->runtime, &self->thread) == PY_STACK_OK
         && is_function (self, 0, "select", "/selectors.py")
         && is_function (self, 1, "_run_once", "/asyncio/base_events.py");
}

gboolean
py_main_thread_is_at (PyMainThread *self, const char *name, const char *file)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 holder;
  guint32 locked;

  return py_read_u64 (self->runtime, self->thread.gil + layout->gil_last_holder, &holder)
         && hap_memory_read_u32 (self->runtime->memory, self->thread.gil + layout->gil_locked, &locked)
         && locked != 0 && holder == self->thread.tstate
         && py_stack_read_still (&self->stack, self->runtime, &self->thread) == PY_STACK_OK
         && (is_function (self, 0, name, file) || is_function (self, 1, name, file));
}

static void
append_frames (PyMainThread *self, GString *text)
{
  if (py_stack_read (&self->stack, self->runtime, &self->thread) != PY_STACK_OK)
    return;
  for (guint i = 0; i < MIN (self->stack.n_frames, N_SHOWN); i++)
    {
      g_autoptr (PyCode) code = py_code_read (self->runtime, self->stack.frames[i].code);

      if (code != NULL)
        g_string_append_printf (text, i == 0 ? _ (", at %s (%s:%d)") : _ (", called by %s (%s:%d)"),
                                code->qualname, code->filename,
                                py_code_get_line (code, self->stack.frames[i].instruction));
    }
}

static gint64
get_system_call (PyMainThread *self)
{
  g_autoptr (GArray) calls =
      hap_broker_read_system_calls (hap_target_get_broker (self->target), self->tid - 1, NULL);
  const HapSystemCall *call =
      calls != NULL && calls->len > 0 ? &g_array_index (calls, HapSystemCall, 0) : NULL;

  return call != NULL && call->tid == self->tid ? call->number : HAP_NO_SYSTEM_CALL;
}

char *
py_main_thread_describe (PyMainThread *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (py_main_thread_is_asleep (self))
    {
      gint64 number = get_system_call (self);

      if (number != HAP_NO_SYSTEM_CALL)
        g_string_append_printf (text, _ ("it sleeps in the system call %lld"), (long long)number);
      else
        g_string_append (text, _ ("it sleeps"));
    }
  else
    g_string_append (text, _ ("it runs code that is not Python's"));
  append_frames (self, text);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
