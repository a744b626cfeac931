/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * py_runtime_attach(): from a process to a PyRuntime that has proved itself. Finding the places is
 * py-locate.c's, the proof py-self-check.c's; here is which layout is tried where, and what is said when
 * nothing fits.
 */

#include "py-locate.h"

#include <glib/gi18n.h>
#include "py-runtime-private.h"
#include "py-self-check.h"

#define SUPPORTED "CPython 3.11 – 3.15"

static PyRuntime *
attach_version (HapMemory *memory,
                HapTarget *holdable,
                const PyLayout *layout,
                guint64 address,
                guint32 version,
                GError **error)
{
  g_autoptr (PyRuntime) runtime = py_runtime_new (memory, layout, address, version);
  guint32 own_version;

  if (!py_self_check (runtime, holdable, &own_version, error))
    return NULL;
  if (own_version != version)
    {
      g_autofree char *own = py_version_to_string (own_version, FALSE);

      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("CPython %s was found, but says that it is %s: this build is not supported"),
                   py_runtime_get_version_string (runtime), own);
      return NULL;
    }
  return g_steal_pointer (&runtime);
}

/* An executable of 3.11 or 3.12 that hides Py_Version: under the right layout alone the interpreter says what
 * it is. */
static PyRuntime *
attach_unversioned (HapMemory *memory, HapTarget *holdable, guint64 address, GError **error)
{
  static const guint32 minors[] = { 0x030b00f0, 0x030c00f0 };

  for (guint i = 0; i < G_N_ELEMENTS (minors); i++)
    {
      const PyLayout *layout = py_layout_find (minors[i], FALSE);
      g_autoptr (PyRuntime) runtime = py_runtime_new (memory, layout, address, minors[i]);
      guint32 version;

      if (py_self_check (runtime, holdable, &version, NULL) && py_layout_find (version, FALSE) == layout)
        return py_runtime_new (memory, layout, address, version);
    }
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("A CPython was found whose version cannot be told; supported are %s"), SUPPORTED);
  return NULL;
}

static PyRuntime *
attach_candidate (HapMemory *memory, HapTarget *holdable, const PyCandidate *candidate, GError **error)
{
  guint8 head[PY_DEBUG_OFFSETS_SIZE];
  guint32 version = candidate->version;
  gboolean free_threaded = FALSE;
  const PyLayout *known;
  PyLayout layout;

  if (!hap_memory_read (memory, candidate->address, head, sizeof head))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET, _ ("The CPython found cannot be read"));
      return NULL;
    }
  if (!py_debug_offsets_identify (head, &version, &free_threaded) && version == 0)
    return attach_unversioned (memory, holdable, candidate->address, error);

  known = py_layout_find (version, free_threaded);
  if (known == NULL)
    {
      g_autofree char *text = py_version_to_string (version, free_threaded);

      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("CPython %s is not known here; supported are %s"), text, SUPPORTED);
      return NULL;
    }
  layout = *known;
  if (!py_layout_apply_debug_offsets (&layout, head, error))
    return NULL;
  return attach_version (memory, holdable, &layout, candidate->address, version, error);
}

PyRuntime *
py_attach_located (HapTarget *target,
                   GArray *candidates,
                   const char *too_old,
                   gboolean may_hold,
                   GError **error)
{
  g_autoptr (GError) first_error = NULL;

  for (guint i = 0; i < candidates->len; i++)
    {
      PyRuntime *runtime = attach_candidate (hap_target_get_memory (target), may_hold ? target : NULL,
                                             &g_array_index (candidates, PyCandidate, i),
                                             first_error == NULL ? &first_error : NULL);

      if (runtime != NULL)
        return runtime;
    }

  if (hap_target_is_gone (target))
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The process has ended"));
  else if (first_error != NULL)
    g_propagate_error (error, g_steal_pointer (&first_error));
  else if (too_old != NULL)
    g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                 _ ("CPython %s is too old; supported are %s"), too_old, SUPPORTED);
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                 _ ("There is no CPython in this process; supported are %s"), SUPPORTED);
  return NULL;
}

PyRuntime *
py_runtime_attach (HapTarget *target, GError **error)
{
  g_autoptr (GArray) candidates = NULL;
  const char *too_old = NULL;

  candidates = py_locate (target, &too_old, error);
  return candidates != NULL ? py_attach_located (target, candidates, too_old, TRUE, error) : NULL;
}
