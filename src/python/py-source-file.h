/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

/**
 * py_source_file:
 *
 * inspect.getabsfile(): of a module, class, function, method, code, frame or traceback. A relative name stays
 * one: the target's directory is not asked for. UTF-8, at most 1,000 characters; hostile: never opened.
 *
 * Returns: (transfer full) (nullable): NULL: the object has none
 */
char *py_source_file (PyInspector *inspector, guint64 object);

G_END_DECLS
