/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The directory of the copies; not necessarily there. */
char *notifier_cache_get_directory (void);

/**
 * notifier_cache_store:
 * @name: the artifact's
 * @source: its bytes
 *
 * Copies an artifact into the user's cache, whole or not at all, and drops what is there too long or too
 * much. Runs in a thread of its own.
 */
void notifier_cache_store (const char *name,
                           GInputStream *source,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data);

/* Returns: (transfer full) (nullable): the copy */
GFile *notifier_cache_store_finish (GAsyncResult *result, GError **error);

/* Drops what is there too long or too much; not what is called @kept (nullable). */
void notifier_cache_clean (const char *kept);

G_END_DECLS
