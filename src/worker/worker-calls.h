/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes every system call from this process, for good, but those that computing and speaking on open
 * descriptors need. What is taken fails with EPERM. */
gboolean worker_calls_restrict (GError **error);

G_END_DECLS
