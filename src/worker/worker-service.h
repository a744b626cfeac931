/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/**
 * worker_service_call:
 * @arguments: (transfer floating): a tuple
 * @reply_type: (nullable): the tuple that is expected, NULL for an empty one
 * @fds: (out) (optional): (nullable): the reply's descriptors
 *
 * Calls a method of org.homeassistant.Profiler.Private.Job and waits for the answer. Errors come as
 * HAP_ERROR.
 */
GVariant *worker_service_call (GDBusConnection *service,
                               const char *method,
                               GVariant *arguments,
                               const char *reply_type,
                               GUnixFDList **fds,
                               GError **error);

/* The same without waiting, for a method that answers nothing: @callback is called in the main thread. */
void worker_service_send (GDBusConnection *service,
                          const char *method,
                          GVariant *arguments,
                          GAsyncReadyCallback callback,
                          gpointer data);
gboolean worker_service_send_finish (GDBusConnection *service, GAsyncResult *result, GError **error);

/* Takes the descriptor that @handle (transfer full, of type `h`) names in @fds (nullable): the caller closes
 * it. -1 with @error. */
int worker_service_take_fd (GUnixFDList *fds, GVariant *handle, GError **error);

G_END_DECLS
