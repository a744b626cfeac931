/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-subscribers.h"

G_BEGIN_DECLS

/**
 * ServiceNotifications: the notifications of one job, as Home Assistant's persistent ones: an id that comes
 * again replaces.
 */
typedef struct _ServiceNotifications ServiceNotifications;

/* Returns: (transfer floating): `a{sv}`, the hints of a signal that is sent now */
typedef GVariant *(*ServiceNotificationsDescribe) (gpointer owner);

/* @long_running: whether the first of an id is news before the job has ended */
ServiceNotifications *service_notifications_new (ServiceSubscribers *subscribers,
                                                 guint owner_uid,
                                                 gboolean long_running,
                                                 ServiceNotificationsDescribe describe,
                                                 gpointer owner);
void service_notifications_free (ServiceNotifications *self);

/* Texts are escaped. Returns: FALSE: there are too many */
gboolean service_notifications_take (ServiceNotifications *self,
                                     const char *id,
                                     const char *title,
                                     const char *message);

/* The job goes on: what was held back goes out. */
void service_notifications_flush (ServiceNotifications *self);

/* @name, a subscriber, is told what was sent so far. */
void service_notifications_tell (ServiceNotifications *self, const char *name);

/* The job has ended: those that it sent are dismissed, or say @title and @message instead. */
void service_notifications_dismiss (ServiceNotifications *self);
void service_notifications_replace (ServiceNotifications *self, const char *title, const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceNotifications, service_notifications_free)

G_END_DECLS
