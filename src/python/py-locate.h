/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

G_BEGIN_DECLS

/* A place where a _PyRuntime seems to lie. */
typedef struct
{
  guint64 address;
  guint32 version; /* PY_VERSION_HEX by Py_Version; 0: not told */
} PyCandidate;

/**
 * py_locate:
 * @too_old: (out): a static string: the version of a CPython older than 3.11, if that is what there is; else
 * NULL
 *
 * Looks for CPython in a process, in memory first. A process may hold several: a library that was loaded and
 * never started.
 *
 * Returns: (element-type PyCandidate) (transfer full): may be empty. Errors: HAP_ERROR_TARGET_GONE
 */
GArray *py_locate (HapTarget *target, const char **too_old, GError **error);

G_END_DECLS
