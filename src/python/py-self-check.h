/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-runtime.h"

G_BEGIN_DECLS

/**
 * py_self_check:
 * @target: (nullable): a thread of which is held for a moment where none stands still long enough to be read
 * live; NULL: frames that could not be read live are not held against the layout
 * @version: (out): sys.hexversion, what the interpreter itself says it is
 *
 * Whether the structures of a running interpreter are where @runtime's layout says. Errors:
 * HAP_ERROR_UNSUPPORTED_TARGET, saying what is not, or that Python just starts or ends; where no thread
 * could be held, why not
 */
gboolean py_self_check (PyRuntime *runtime, HapTarget *target, guint32 *version, GError **error);

G_END_DECLS
