/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * hap_wait_until:
 * @when: g_get_monotonic_time()
 *
 * Sleeps. Returns: FALSE as soon as @cancellable is cancelled, TRUE when it is @when
 */
gboolean hap_wait_until (gint64 when, GCancellable *cancellable);

G_END_DECLS
