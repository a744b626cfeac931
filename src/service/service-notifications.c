/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a job has people told. The last word of a job comes just before its end: it is held back until the job
 * goes on or ends, so that the hints of each signal are true. Who is told is service-subscribers.c's.
 */

#include "service-notifications.h"

#define ACTIONS_INTERFACE "org.homeassistant.Profiler"
#define MAX_NOTIFICATIONS 16

typedef struct
{
  char *id;
  char *title;
  char *message;
  gboolean held; /* not yet sent in this form */
  gboolean sent; /* at some time */
} Notification;

struct _ServiceNotifications
{
  ServiceSubscribers *subscribers;
  guint owner_uid;
  gboolean long_running;
  ServiceNotificationsDescribe describe;
  gpointer owner;
  GPtrArray *list; /* of Notification */
};

static void
notification_free (Notification *notification)
{
  g_free (notification->id);
  g_free (notification->title);
  g_free (notification->message);
  g_free (notification);
}

/* Returns: (transfer floating): the parameters of the signal */
static GVariant *
make_parameters (ServiceNotifications *self, const Notification *notification)
{
  return g_variant_new ("(sss@a{sv})", notification->id, notification->title, notification->message,
                        self->describe (self->owner));
}

static void
send (ServiceNotifications *self, Notification *notification)
{
  notification->held = FALSE;
  notification->sent = TRUE;
  service_subscribers_send (self->subscribers, SERVICE_AUDIENCE_OBSERVERS, self->owner_uid, NULL,
                            SERVICE_PATH, ACTIONS_INTERFACE, "Notification",
                            make_parameters (self, notification));
}

static Notification *
find (ServiceNotifications *self, const char *id)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      Notification *notification = self->list->pdata[i];

      if (g_str_equal (notification->id, id))
        return notification;
    }
  return NULL;
}

gboolean
service_notifications_take (ServiceNotifications *self,
                            const char *id,
                            const char *title,
                            const char *message)
{
  Notification *notification = find (self, id);

  if (notification == NULL)
    {
      if (self->list->len == MAX_NOTIFICATIONS)
        return FALSE;
      notification = g_new0 (Notification, 1);
      notification->id = g_strdup (id);
      g_ptr_array_add (self->list, notification);
    }
  g_free (notification->title);
  g_free (notification->message);
  notification->title = g_strdup (title);
  notification->message = g_strdup (message);
  notification->held = TRUE;
  if (self->long_running && !notification->sent)
    send (self, notification);
  return TRUE;
}

void
service_notifications_flush (ServiceNotifications *self)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      Notification *notification = self->list->pdata[i];

      if (notification->held)
        send (self, notification);
    }
}

void
service_notifications_tell (ServiceNotifications *self, const char *name)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      const Notification *notification = self->list->pdata[i];

      if (notification->sent && !notification->held)
        service_subscribers_tell (self->subscribers, name, SERVICE_PATH, ACTIONS_INTERFACE, "Notification",
                                  make_parameters (self, notification));
    }
}

void
service_notifications_dismiss (ServiceNotifications *self)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      const Notification *notification = self->list->pdata[i];

      if (notification->sent)
        service_subscribers_send (self->subscribers, SERVICE_AUDIENCE_OBSERVERS, self->owner_uid, NULL,
                                  SERVICE_PATH, ACTIONS_INTERFACE, "NotificationDismissed",
                                  g_variant_new ("(s)", notification->id));
    }
  g_ptr_array_set_size (self->list, 0);
}

void
service_notifications_replace (ServiceNotifications *self, const char *title, const char *message)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      const Notification *notification = self->list->pdata[i];

      service_notifications_take (self, notification->id, title, message);
    }
  service_notifications_flush (self);
}

ServiceNotifications *
service_notifications_new (ServiceSubscribers *subscribers,
                           guint owner_uid,
                           gboolean long_running,
                           ServiceNotificationsDescribe describe,
                           gpointer owner)
{
  ServiceNotifications *self = g_new0 (ServiceNotifications, 1);

  self->subscribers = g_object_ref (subscribers);
  self->owner_uid = owner_uid;
  self->long_running = long_running;
  self->describe = describe;
  self->owner = owner;
  self->list = g_ptr_array_new_with_free_func ((GDestroyNotify)notification_free);
  return self;
}

void
service_notifications_free (ServiceNotifications *self)
{
  g_ptr_array_unref (self->list);
  g_object_unref (self->subscribers);
  g_free (self);
}
