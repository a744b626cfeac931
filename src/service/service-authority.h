/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-plugin-engine.h"
#include "service-call.h"
#include "service-limits.h"

G_BEGIN_DECLS

/**
 * ServiceAuthority: who may do what. The only place that says so.
 */
#define SERVICE_TYPE_AUTHORITY (service_authority_get_type ())
G_DECLARE_FINAL_TYPE (ServiceAuthority, service_authority, SERVICE, AUTHORITY, GObject)

/* What service_authority_lookup() returns where no authority is needed. */
#define SERVICE_AUTHORITY_ANYBODY "anybody"

/* @engine: where the methods of org.homeassistant.Profiler say their authority. @limits: borrowed */
ServiceAuthority *service_authority_new (GDBusConnection *bus,
                                         GBusType bus_type,
                                         HapPluginEngine *engine,
                                         const ServiceLimits *limits);

/**
 * service_authority_lookup:
 * @call: its interface, member, @secrets and @ends count
 *
 * Returns: (transfer full) (nullable): the polkit action that a caller needs for what is not their own;
 * NULL: nobody may
 */
char *service_authority_lookup (ServiceAuthority *self, const ServiceCall *call);

/**
 * service_authority_check:
 * @call: kept until the callback
 *
 * service_authority_check_finish() is TRUE when the call may go on; then its @only_own is set.
 * Errors: HAP_ERROR_NOT_AUTHORIZED; HAP_ERROR_TARGET_GONE: the process is not what it was any more
 */
void service_authority_check (ServiceAuthority *self,
                              ServiceCall *call,
                              GAsyncReadyCallback callback,
                              gpointer data);
gboolean service_authority_check_finish (ServiceAuthority *self, GAsyncResult *result, GError **error);

/* Whether the service is for the caller at all; sets @trusted. Errors: HAP_ERROR_NOT_AUTHORIZED */
gboolean service_authority_admit (ServiceAuthority *self, ServiceCall *call, GError **error);

G_END_DECLS
