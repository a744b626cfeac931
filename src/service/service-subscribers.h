/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-bus.h"

G_BEGIN_DECLS

/**
 * ServiceAudience: who hears a signal.
 * @SERVICE_AUDIENCE_OBSERVERS: every subscriber: it names what there is, and holds nothing of a target
 * @SERVICE_AUDIENCE_INSPECTORS: those who may inspect: it can hold secrets of a target
 */
typedef enum
{
  SERVICE_AUDIENCE_OBSERVERS,
  SERVICE_AUDIENCE_INSPECTORS,
} ServiceAudience;

/**
 * ServiceSubscribers: who gets the signals that are not for everybody. One that leaves the bus is forgotten;
 * none keeps the service from leaving when it is idle, for there is nothing to tell then.
 */
#define SERVICE_TYPE_SUBSCRIBERS (service_subscribers_get_type ())
G_DECLARE_FINAL_TYPE (ServiceSubscribers, service_subscribers, SERVICE, SUBSCRIBERS, GObject)

/* @limits: borrowed */
ServiceSubscribers *service_subscribers_new (ServiceBus *bus, const ServiceLimits *limits);

/* Adding one again changes its @audience. Errors: HAP_ERROR_BUSY: there are too many */
gboolean service_subscribers_add (ServiceSubscribers *self,
                                  ServiceCaller *caller,
                                  ServiceAudience audience,
                                  GError **error);

/* @name, a unique bus name, gets a signal alone. @parameters: floating references are taken */
void service_subscribers_tell (ServiceSubscribers *self,
                               const char *name,
                               const char *path,
                               const char *interface,
                               const char *signal,
                               GVariant *parameters);

/* @name: a unique bus name */
void service_subscribers_remove (ServiceSubscribers *self, const char *name);

/* Whether somebody would get what is sent to @audience. */
gboolean service_subscribers_has (ServiceSubscribers *self, ServiceAudience audience);

/**
 * service_subscribers_send:
 * @besides: (nullable): a unique name that gets it too
 * @parameters: floating references are taken
 */
void service_subscribers_send (ServiceSubscribers *self,
                               ServiceAudience audience,
                               const char *besides,
                               const char *path,
                               const char *interface,
                               const char *signal,
                               GVariant *parameters);

G_END_DECLS
