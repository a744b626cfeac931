/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-runtime.h"

G_BEGIN_DECLS

/* What one process is to us. Strings are UTF-8, unescaped, at most 1,000 characters. */
typedef struct
{
  gboolean python; /* FALSE: no Python at all; nothing else is set */
  gboolean supported;
  char *reason;                 /* why not, when it is not supported */
  char *version;                /* "3.13.0"; NULL when unknown */
  gboolean home_assistant;      /* has imported homeassistant.core */
  char *home_assistant_version; /* homeassistant.const.__version__ */
} PyDiscovery;

/* Never fails: whatever goes wrong is a reason. */
PyDiscovery *py_discover (HapTarget *target);
void py_discovery_free (PyDiscovery *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyDiscovery, py_discovery_free)

G_END_DECLS
