/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * worker_cage_enter:
 *
 * Locks this process in before it sees the first byte of a target, and tries whether the locks hold. After it
 * nothing can be opened, run, connected to, signalled or traced; what is there already (descriptors, loaded
 * code) goes on working. Call it while the process has one thread, with its plugin loaded. FALSE when a lock
 * does not hold: the worker must not run then.
 */
gboolean worker_cage_enter (GError **error);

G_END_DECLS
