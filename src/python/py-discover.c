/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a process is to us, for the list of targets: Python or not, supported or why not, Home Assistant or
 * not. Names and command lines are not looked at: they say what their owner likes.
 */

#include "py-discover.h"

#include "py-locate.h"
#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_VERSION 100 /* characters */

static void
discover_home_assistant (PyDiscovery *self, PyRuntime *runtime)
{
  guint64 interpreter = py_runtime_get_main_interpreter (runtime);
  guint64 constants;

  self->home_assistant = py_module_get_dict (runtime, interpreter, "homeassistant.core") != 0;
  if (!self->home_assistant)
    return;
  constants = py_module_get_dict (runtime, interpreter, "homeassistant.const");
  if (constants != 0)
    self->home_assistant_version =
        py_object_get_string (runtime, py_dict_get (runtime, constants, "__version__"), MAX_VERSION);
}

/* The version of one that cannot be attached, as far as it can be told. */
static char *
get_unsupported_version (HapMemory *memory, GArray *candidates, const char *too_old)
{
  const PyCandidate *first = (const PyCandidate *)candidates->data;
  guint8 head[PY_DEBUG_OFFSETS_SIZE];
  guint32 version;
  gboolean free_threaded = FALSE;

  if (candidates->len == 0)
    return g_strdup (too_old);
  version = first->version;
  if (hap_memory_read (memory, first->address, head, sizeof head))
    py_debug_offsets_identify (head, &version, &free_threaded);
  return version != 0 ? py_version_to_string (version, free_threaded) : NULL;
}

PyDiscovery *
py_discover (HapTarget *target)
{
  PyDiscovery *self = g_new0 (PyDiscovery, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) candidates = NULL;
  g_autoptr (PyRuntime) runtime = NULL;
  const char *too_old = NULL;

  candidates = py_locate (target, &too_old, NULL);
  if (candidates == NULL || (candidates->len == 0 && too_old == NULL))
    return self;

  self->python = TRUE;
  runtime = py_attach_located (target, candidates, too_old, FALSE, &error);
  if (runtime == NULL)
    {
      self->reason = g_strdup (error->message);
      self->version = get_unsupported_version (hap_target_get_memory (target), candidates, too_old);
      return self;
    }
  self->supported = TRUE;
  self->version = g_strdup (py_runtime_get_version_string (runtime));
  discover_home_assistant (self, runtime);
  return self;
}

void
py_discovery_free (PyDiscovery *self)
{
  g_free (self->reason);
  g_free (self->version);
  g_free (self->home_assistant_version);
  g_free (self);
}
