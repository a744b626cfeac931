/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-authority.h"
#include "service-hold.h"

G_BEGIN_DECLS

#define SERVICE_BUS_NAME "org.homeassistant.Profiler"
#define SERVICE_PATH "/org/homeassistant/Profiler"

/**
 * ServiceBus: the gate: every call and every reading of a property enters here, is authorised, and then goes
 * to the owner of the interface.
 */
#define SERVICE_TYPE_BUS (service_bus_get_type ())
G_DECLARE_FINAL_TYPE (ServiceBus, service_bus, SERVICE, BUS, GObject)

/**
 * ServiceInterface: what the owner of an exported interface does.
 * @consider: (nullable): says in the ServiceCall of @invocation (transfer full) what a call or the reading of
 * a property is about, and hands it to service_bus_considered(), now or later
 * @call: answers @invocation (transfer full), now or later, with service_bus_return_error() for an error
 * @get_property: (nullable): returns a floating value
 */
typedef struct
{
  void (*consider) (gpointer owner, GDBusMethodInvocation *invocation);
  void (*call) (gpointer owner, GDBusMethodInvocation *invocation);
  GVariant *(*get_property) (gpointer owner, const char *name);
} ServiceInterface;

/* @limits: borrowed */
ServiceBus *service_bus_new (GDBusConnection *connection,
                             ServiceAuthority *authority,
                             ServiceHold *hold,
                             const ServiceLimits *limits);
GDBusConnection *service_bus_get_connection (ServiceBus *self);

/**
 * service_bus_export:
 * @interface: static
 * @owner: a GObject; a reference is kept until it is unexported
 *
 * Returns: for service_bus_unexport(); 0 with @error
 */
guint service_bus_export (ServiceBus *self,
                          const char *path,
                          GDBusInterfaceInfo *info,
                          const ServiceInterface *interface,
                          gpointer owner,
                          GError **error);
void service_bus_unexport (ServiceBus *self, guint id);

/* @invocation: (transfer full). @error: (transfer full) (nullable): with what it would fail if it is
 * authorised; what says nothing about the machine is told in any case */
void service_bus_considered (GDBusMethodInvocation *invocation, GError *error);

/* @destination: (nullable): a unique name; NULL: everybody. @parameters: floating references are taken */
void service_bus_emit (ServiceBus *self,
                       const char *destination,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters);

/* In which language the calls of @caller are answered from now on. @language: (nullable). Errors:
 * HAP_ERROR_BUSY */
gboolean service_bus_set_language (ServiceBus *self,
                                   ServiceCaller *caller,
                                   const ServiceLanguage *language,
                                   GError **error);

/* From now on every call is refused: the service is going. */
void service_bus_close (ServiceBus *self);

/* The one way by which errors leave. @invocation, @error: (transfer full) */
void service_bus_return_error (GDBusMethodInvocation *invocation, GError *error);

G_END_DECLS
