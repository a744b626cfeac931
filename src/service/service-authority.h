/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-plugin-engine.h"

G_BEGIN_DECLS

/**
 * ServiceAuthority: who may do what. The only place that says so.
 */
#define SERVICE_TYPE_AUTHORITY (service_authority_get_type ())
G_DECLARE_FINAL_TYPE (ServiceAuthority, service_authority, SERVICE, AUTHORITY, GObject)

/* @bus: asked for the credentials of callers. @engine: where the methods of org.homeassistant.Profiler say
 * their authority */
ServiceAuthority *service_authority_new (GDBusConnection *bus, GBusType bus_type, HapPluginEngine *engine);

/**
 * service_authority_lookup:
 * @member: a method; a property; "*" for all properties at once
 *
 * Returns: (transfer full) (nullable): the polkit action that a caller needs; NULL: nobody may
 */
char *service_authority_lookup (ServiceAuthority *self, const char *interface, const char *member);

/**
 * service_authority_check:
 * @sender: the caller's unique bus name
 *
 * service_authority_check_finish() is TRUE when @sender may call or read @member of @interface.
 * Errors: HAP_ERROR_NOT_AUTHORIZED
 */
void service_authority_check (ServiceAuthority *self,
                              const char *sender,
                              const char *interface,
                              const char *member,
                              GAsyncReadyCallback callback,
                              gpointer data);
gboolean service_authority_check_finish (ServiceAuthority *self, GAsyncResult *result, GError **error);

G_END_DECLS
