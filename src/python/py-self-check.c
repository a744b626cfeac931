/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves a layout on a running interpreter before anything is reported from it: each structure that we read
 * is reached on the way that we use, and must hold what only that structure holds. A table of another version
 * does not get through.
 */

#include "py-self-check.h"

#include <glib/gi18n.h>

#include "py-code.h"
#include "py-frames.h"
#include "py-objects.h"
#include "py-runtime-private.h"
#include "py-threads.h"

#define MAX_TID 4194304 /* PID_MAX_LIMIT */
#define MAX_THREADS 16  /* whose frames are looked at */
#define MAX_TRIES 1000  /* for each, live: threads that run are often caught on the move */
#define MAX_HOLDS 20    /* in all; a held thread may be caught where its stack is just being changed */
#define BURST 100       /* tries in a row: the faster they follow, the faster each is */
#define RETRY_US 1000   /* between bursts, for a thread may have lost its processor in the middle of a move */

static gboolean
fail (PyRuntime *runtime, const char *what, GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("CPython %s was found, but its %s is not where it should be: this build is not supported"),
               py_runtime_get_version_string (runtime), what);
  return FALSE;
}

static gboolean
fail_for_now (const char *what, GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET, "%s", what);
  return FALSE;
}

static gboolean
check_life (PyRuntime *runtime, GError **error)
{
  guint64 finalizing, head;

  if (!py_read_u64 (runtime, runtime->address + runtime->layout.runtime_finalizing, &finalizing)
      || !py_read_u64 (runtime, runtime->address + runtime->layout.runtime_interpreters, &head))
    return fail (runtime, _ ("runtime"), error);
  if (finalizing != 0)
    return fail_for_now (_ ("Python is ending in this process"), error);
  if (head == 0)
    return fail_for_now (_ ("Python is still starting in this process; try again later"), error);
  return TRUE;
}

static gboolean
check_threads (PyRuntime *runtime, guint64 interpreter, GArray *threads, GError **error)
{
  guint64 head;
  guint n_known = 0;

  if (!py_read_u64 (runtime, interpreter + runtime->layout.interp_threads, &head))
    return fail (runtime, _ ("list of threads"), error);
  if (head == 0)
    return fail_for_now (_ ("Python is still starting in this process; try again later"), error);
  for (guint i = 0; i < threads->len; i++)
    {
      const PyThread *thread = &g_array_index (threads, PyThread, i);

      /* A thread that is just being made has neither yet. */
      if (thread->native_id > MAX_TID)
        return fail (runtime, _ ("list of threads"), error);
      n_known += thread->ident != 0 && thread->native_id != 0;
    }
  return n_known > 0 ? TRUE : fail (runtime, _ ("list of threads"), error);
}

static gboolean
check_modules (PyRuntime *runtime, guint64 interpreter, guint32 *version, GError **error)
{
  g_autofree char *type = NULL;
  guint64 modules, sys;
  gint64 hexversion;

  if (!py_read_u64 (runtime, interpreter + runtime->layout.interp_modules, &modules))
    return fail (runtime, "sys.modules", error);
  if (modules == 0)
    return fail_for_now (_ ("Python is still starting in this process; try again later"), error);
  type = py_object_get_type_name (runtime, modules);
  if (g_strcmp0 (type, "dict") != 0)
    return fail (runtime, "sys.modules", error);

  sys = py_module_get_dict (runtime, interpreter, "sys");
  if (sys == 0)
    return fail (runtime, _ ("module sys"), error);
  if (!py_object_get_int (runtime, py_dict_get (runtime, sys, "hexversion"), &hexversion) || hexversion < 0
      || hexversion > G_MAXUINT32)
    return fail (runtime, "sys.hexversion", error);
  *version = hexversion;
  return TRUE;
}

static gboolean
check_gil (PyRuntime *runtime, guint64 interpreter, GError **error)
{
  guint64 gil = py_runtime_get_gil (runtime, interpreter), holder;
  guint32 locked;

  if (runtime->layout.free_threaded)
    return TRUE;
  if (gil == 0 || !hap_memory_read_u32 (runtime->memory, gil + runtime->layout.gil_locked, &locked)
      || locked > 1 || !py_read_u64 (runtime, gil + runtime->layout.gil_last_holder, &holder)
      || holder % sizeof (guint64) != 0)
    return fail (runtime, _ ("global interpreter lock"), error);
  return TRUE;
}

static gboolean
has_sound_codes (PyRuntime *runtime, const PyStack *stack)
{
  for (guint i = 0; i < MIN (stack->n_frames, 4); i++)
    {
      g_autoptr (PyCode) code = py_code_read (runtime, stack->frames[i].code);

      if (code == NULL)
        return FALSE;
    }
  return TRUE;
}

/* SETTLED_EMPTY: the thread is in C code only. UNSETTLED: it moved all the time, or the layout is wrong. */
typedef enum
{
  SETTLED_SOUND,
  SETTLED_EMPTY,
  UNSETTLED,
} Settlement;

static Settlement
check_live (PyRuntime *runtime, const PyThread *thread, PyStack *stack)
{
  for (guint i = 0; i < MAX_TRIES; i++)
    {
      PyStackVerdict verdict;

      if (i > 0 && i % BURST == 0)
        g_usleep (RETRY_US);
      verdict = py_stack_read (stack, runtime, thread);

      if (verdict == PY_STACK_GONE)
        return UNSETTLED;
      if (verdict != PY_STACK_OK)
        continue;
      if (stack->n_frames == 0)
        return SETTLED_EMPTY;
      if (has_sound_codes (runtime, stack))
        return SETTLED_SOUND;
    }
  return UNSETTLED;
}

/* @sound: (out): as far as it could be held. */
static gboolean
check_held (PyRuntime *runtime,
            HapTarget *target,
            const PyThread *thread,
            PyStack *stack,
            gboolean *sound,
            GError **error)
{
  const HapThread *kernel = hap_target_find_thread (target, thread->native_id);
  guint64 pause_ns;

  if (kernel == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("Thread %u of process %u has ended"),
                   thread->native_id, hap_target_get_pid (target));
      return FALSE;
    }
  if (!hap_target_hold (target, kernel->tid, error))
    return FALSE;
  *sound = py_stack_read_still (stack, runtime, thread) == PY_STACK_OK
           && (stack->n_frames == 0 || has_sound_codes (runtime, stack));
  return hap_target_let_go (target, &pause_ns, error);
}

/* For threads that never stand still long enough: held, now one and now another, each for one look. */
static gboolean
check_frames_held (PyRuntime *runtime, HapTarget *target, GArray *threads, PyStack *stack, GError **error)
{
  g_autoptr (GError) hold_error = NULL;
  gboolean held = FALSE;

  for (guint i = 0; i < MAX_HOLDS; i++)
    {
      const PyThread *thread = &g_array_index (threads, PyThread, i % threads->len);
      gboolean sound = FALSE;

      g_clear_error (&hold_error);
      if (!check_held (runtime, target, thread, stack, &sound, &hold_error))
        continue;
      if (sound)
        return TRUE;
      held = TRUE;
    }
  if (held)
    return fail (runtime, _ ("stack of frames"), error);
  g_propagate_error (error, g_steal_pointer (&hold_error));
  return FALSE;
}

static gboolean
check_frames (PyRuntime *runtime, HapTarget *target, GArray *threads, GError **error)
{
  PyStack stack;
  guint n_empty = 0;
  gboolean sound = FALSE;
  guint n = MIN (threads->len, MAX_THREADS);

  py_stack_init (&stack);
  for (guint i = 0; i < n && !sound; i++)
    {
      Settlement settlement = check_live (runtime, &g_array_index (threads, PyThread, i), &stack);

      sound = settlement == SETTLED_SOUND;
      n_empty += settlement == SETTLED_EMPTY;
    }
  sound =
      sound || n_empty == n || target == NULL || check_frames_held (runtime, target, threads, &stack, error);
  py_stack_clear (&stack);
  return sound;
}

gboolean
py_self_check (PyRuntime *runtime, HapTarget *target, guint32 *version, GError **error)
{
  g_autoptr (GArray) threads = NULL;
  guint64 interpreter;

  if (!check_life (runtime, error))
    return FALSE;
  interpreter = py_runtime_get_main_interpreter (runtime);
  if (interpreter == 0)
    return fail (runtime, _ ("main interpreter"), error);
  threads = py_threads_list (runtime);
  return check_threads (runtime, interpreter, threads, error)
         && check_modules (runtime, interpreter, version, error) && check_gil (runtime, interpreter, error)
         && check_frames (runtime, target, threads, error);
}
