/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapBroker: who opens descriptors for a target that may open nothing itself. Only the interface: the
 * worker's asks the service, a test's opens /proc.
 */

#include "hap-broker.h"

#include <unistd.h>

#include "hap-error.h"

G_DEFINE_INTERFACE (HapBroker, hap_broker, G_TYPE_OBJECT)

static void
hap_broker_default_init (HapBrokerInterface *iface)
{
}

void
hap_thread_clear (HapThread *thread)
{
  if (thread->stat_fd >= 0)
    close (thread->stat_fd);
  if (thread->schedstat_fd >= 0)
    close (thread->schedstat_fd);
  thread->stat_fd = thread->schedstat_fd = -1;
}

gboolean
hap_system_call_parse (const char *line, HapSystemCall *call)
{
  char *end;
  gint64 number;

  call->number = HAP_NO_SYSTEM_CALL;
  call->argument = 0;
  if (g_str_has_prefix (line, "running"))
    return TRUE;

  /* "NUMBER 0xARGUMENT ... 0xSP 0xPC", or, outside of any system call, "-1 0xSP 0xPC". */
  number = g_ascii_strtoll (line, &end, 10);
  if (end == line || *end != ' ')
    return FALSE;
  if (number < 0)
    return TRUE;
  call->number = number;
  call->argument = g_ascii_strtoull (end + 1, NULL, 16);
  return TRUE;
}

int
hap_broker_open_mapping (HapBroker *self, guint64 start, guint64 end, GError **error)
{
  return HAP_BROKER_GET_IFACE (self)->open_mapping (self, start, end, error);
}

GArray *
hap_broker_open_threads (HapBroker *self, guint after, GError **error)
{
  return HAP_BROKER_GET_IFACE (self)->open_threads (self, after, error);
}

int
hap_broker_open_tracer (HapBroker *self, GError **error)
{
  return HAP_BROKER_GET_IFACE (self)->open_tracer (self, error);
}

GArray *
hap_broker_read_system_calls (HapBroker *self, guint after, GError **error)
{
  return HAP_BROKER_GET_IFACE (self)->read_system_calls (self, after, error);
}

gboolean
hap_broker_open_sources (HapBroker *self, const char *const *paths, int *fds, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->open_sources != NULL)
    return iface->open_sources (self, paths, fds, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "Files of the target are not to be had here");
  return FALSE;
}

int
hap_broker_open_residency (HapBroker *self, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->open_residency != NULL)
    return iface->open_residency (self, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "What is resident of the target is not to be had here");
  return -1;
}

gboolean
hap_broker_open_copy (HapBroker *self, guint pid, int *mem_fd, int *maps_fd, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->open_copy != NULL)
    return iface->open_copy (self, pid, mem_fd, maps_fd, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "Copies of the target are not to be had here");
  return FALSE;
}

GArray *
hap_broker_read_sockets (HapBroker *self, guint from, guint *next, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->read_sockets != NULL)
    return iface->read_sockets (self, from, next, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "Descriptors of the target are not to be had here");
  return NULL;
}

int
hap_broker_open_socket_diag (HapBroker *self, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->open_socket_diag != NULL)
    return iface->open_socket_diag (self, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The target's network is not to be had here");
  return -1;
}

GArray *
hap_broker_open_socket_tables (HapBroker *self, GError **error)
{
  HapBrokerInterface *iface = HAP_BROKER_GET_IFACE (self);

  if (iface->open_socket_tables != NULL)
    return iface->open_socket_tables (self, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The target's network is not to be had here");
  return NULL;
}

void
hap_socket_table_clear (HapSocketTable *self)
{
  g_clear_pointer (&self->name, g_free);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}
