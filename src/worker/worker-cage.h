/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * worker_cage_enter:
 *
 * Locks this process in before it sees the first byte of a target: it dies with its parent, can gain no
 * privilege, and cannot be traced by others of its uid. FALSE when the kernel refuses: the worker must not
 * run then.
 */
gboolean worker_cage_enter (GError **error);

G_END_DECLS
