/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * notifier_run:
 *
 * Shows what the profiler tells, on the system's bus and on the session's, until the session ends or SIGTERM
 * comes. Returns at once where the session has an agent already. FALSE with @error when there is no session
 * bus.
 */
gboolean notifier_run (GError **error);

G_END_DECLS
