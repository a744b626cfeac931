/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-bus.h"

G_BEGIN_DECLS

/**
 * ServiceAudience: who hears a signal, besides the subscribers of the user whose job it is about.
 * @SERVICE_AUDIENCE_OWNERS: nobody; as a subscriber: who hears of their own jobs alone
 * @SERVICE_AUDIENCE_OBSERVERS: those who may observe: it names what there is, and holds nothing of a target
 * @SERVICE_AUDIENCE_INSPECTORS: those who may inspect: it can hold secrets of a target
 */
typedef enum
{
  SERVICE_AUDIENCE_OWNERS,
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

/* Whether somebody would get what is sent to @audience of a job of @owner. */
gboolean service_subscribers_has (ServiceSubscribers *self, ServiceAudience audience, guint owner);

/**
 * service_subscribers_send:
 * @owner: the uid of who started the job
 * @besides: (nullable): a unique name that gets it too
 * @parameters: floating references are taken
 */
void service_subscribers_send (ServiceSubscribers *self,
                               ServiceAudience audience,
                               guint owner,
                               const char *besides,
                               const char *path,
                               const char *interface,
                               const char *signal,
                               GVariant *parameters);

G_END_DECLS
