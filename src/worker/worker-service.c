/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a worker calls the service that started it: over the private connection.
 */

#include "worker-service.h"

#include "hap-error.h"

#define INTERFACE "org.homeassistant.Profiler.Private.Job"

GVariant *
worker_service_call (GDBusConnection *service,
                     const char *method,
                     GVariant *arguments,
                     const char *reply_type,
                     GUnixFDList **fds,
                     GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GVariant *reply;

  reply = g_dbus_connection_call_with_unix_fd_list_sync (
      service, NULL, "/", INTERFACE, method, arguments,
      G_VARIANT_TYPE (reply_type != NULL ? reply_type : "()"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, fds,
      NULL, &local_error);
  if (reply == NULL)
    {
      hap_error_convert (&local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
    }
  return reply;
}

void
worker_service_send (GDBusConnection *service,
                     const char *method,
                     GVariant *arguments,
                     GAsyncReadyCallback callback,
                     gpointer data)
{
  g_dbus_connection_call (service, NULL, "/", INTERFACE, method, arguments, G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, callback, data);
}

gboolean
worker_service_send_finish (GDBusConnection *service, GAsyncResult *result, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (service, result, &local_error);

  if (reply != NULL)
    return TRUE;
  hap_error_convert (&local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

int
worker_service_take_fd (GUnixFDList *fds, GVariant *handle, GError **error)
{
  g_autoptr (GVariant) owned = handle;
  g_autoptr (GError) local_error = NULL;
  int fd = -1;

  if (fds != NULL)
    fd = g_unix_fd_list_get (fds, g_variant_get_handle (owned), &local_error);
  if (fd < 0)
    g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The service's answer lacks a descriptor%s%s",
                 local_error != NULL ? ": " : "", local_error != NULL ? local_error->message : "");
  return fd;
}
