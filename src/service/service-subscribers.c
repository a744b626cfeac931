/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The audience of signals. Whoever is in it was authorised before; each gets a signal of their own, and
 * nobody else hears it.
 */

#include "service-subscribers.h"

#include <glib/gi18n.h>

#include "service-quota.h"

typedef struct
{
  guint uid;
  guint watch; /* of the bus name */
  ServiceAudience audience;
} Subscriber;

struct _ServiceSubscribers
{
  GObject parent_instance;

  ServiceBus *bus;
  ServiceQuota *quota;
  GHashTable *subscribers; /* unique name -> Subscriber */
};

G_DEFINE_FINAL_TYPE (ServiceSubscribers, service_subscribers, G_TYPE_OBJECT)

static void
on_vanished (GDBusConnection *connection, const char *name, gpointer data)
{
  service_subscribers_remove (data, name);
}

gboolean
service_subscribers_add (ServiceSubscribers *self,
                         ServiceCaller *caller,
                         ServiceAudience audience,
                         GError **error)
{
  const char *name = service_caller_get_name (caller);
  Subscriber *subscriber = g_hash_table_lookup (self->subscribers, name);

  if (subscriber != NULL)
    {
      subscriber->audience = audience;
      return TRUE;
    }
  if (!service_quota_take (self->quota, service_caller_get_uid (caller), error))
    return FALSE;

  subscriber = g_new0 (Subscriber, 1);
  subscriber->uid = service_caller_get_uid (caller);
  subscriber->audience = audience;
  subscriber->watch =
      g_bus_watch_name_on_connection (service_bus_get_connection (self->bus), name,
                                      G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_vanished, self, NULL);
  g_hash_table_insert (self->subscribers, g_strdup (name), subscriber);
  return TRUE;
}

void
service_subscribers_remove (ServiceSubscribers *self, const char *name)
{
  const Subscriber *subscriber = g_hash_table_lookup (self->subscribers, name);
  guint watch;

  if (subscriber == NULL)
    return;
  watch = subscriber->watch;
  service_quota_release (self->quota, subscriber->uid);
  /* @name may be the watch's own. */
  g_hash_table_remove (self->subscribers, name);
  g_bus_unwatch_name (watch);
}

void
service_subscribers_tell (ServiceSubscribers *self,
                          const char *name,
                          const char *path,
                          const char *interface,
                          const char *signal,
                          GVariant *parameters)
{
  service_bus_emit (self->bus, name, path, interface, signal, parameters);
}

static gboolean
hears (const Subscriber *subscriber, ServiceAudience audience, guint owner)
{
  return subscriber->audience >= audience || subscriber->uid == owner;
}

void
service_subscribers_send (ServiceSubscribers *self,
                          ServiceAudience audience,
                          guint owner,
                          const char *besides,
                          const char *path,
                          const char *interface,
                          const char *signal,
                          GVariant *parameters)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  GHashTableIter iter;
  gpointer name, subscriber;

  g_hash_table_iter_init (&iter, self->subscribers);
  while (g_hash_table_iter_next (&iter, &name, &subscriber))
    {
      if (hears (subscriber, audience, owner) && g_strcmp0 (name, besides) != 0)
        service_bus_emit (self->bus, name, path, interface, signal, owned);
    }
  if (besides != NULL)
    service_bus_emit (self->bus, besides, path, interface, signal, owned);
}

gboolean
service_subscribers_has (ServiceSubscribers *self, ServiceAudience audience, guint owner)
{
  GHashTableIter iter;
  gpointer subscriber;

  g_hash_table_iter_init (&iter, self->subscribers);
  while (g_hash_table_iter_next (&iter, NULL, &subscriber))
    {
      if (hears (subscriber, audience, owner))
        return TRUE;
    }
  return FALSE;
}

static void
service_subscribers_dispose (GObject *object)
{
  ServiceSubscribers *self = SERVICE_SUBSCRIBERS (object);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->subscribers);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autofree char *kept = g_strdup (name);

      service_subscribers_remove (self, kept);
      g_hash_table_iter_init (&iter, self->subscribers);
    }
  G_OBJECT_CLASS (service_subscribers_parent_class)->dispose (object);
}

static void
service_subscribers_finalize (GObject *object)
{
  ServiceSubscribers *self = SERVICE_SUBSCRIBERS (object);

  g_hash_table_unref (self->subscribers);
  service_quota_free (self->quota);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (service_subscribers_parent_class)->finalize (object);
}

static void
service_subscribers_class_init (ServiceSubscribersClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = service_subscribers_dispose;
  G_OBJECT_CLASS (klass)->finalize = service_subscribers_finalize;
}

static void
service_subscribers_init (ServiceSubscribers *self)
{
  self->subscribers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

ServiceSubscribers *
service_subscribers_new (ServiceBus *bus, const ServiceLimits *limits)
{
  ServiceSubscribers *self = g_object_new (SERVICE_TYPE_SUBSCRIBERS, NULL);

  self->bus = g_object_ref (bus);
  self->quota =
      service_quota_new (N_ ("subscribers are there"), limits->subscribers, limits->subscribers_per_user);
  return self;
}
