/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service, as a subscriber sees it. Subscribed to each time that it appears; where it is not allowed,
 * nothing is heard and nobody is asked for a password. What becomes of what is heard is notifier.c's.
 */

#include "notifier-source.h"

#include <gio/gunixfdlist.h>
#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <locale.h>

#define NAME "org.homeassistant.Profiler"
#define PATH "/org/homeassistant/Profiler"
#define MANAGER_INTERFACE NAME ".Manager"
#define JOB_INTERFACE NAME ".Job"

struct _NotifierSource
{
  GObject parent_instance;

  GDBusConnection *bus;
  const NotifierSourceFuncs *funcs;
  gpointer owner;
  guint watch;
  guint subscriptions[2];
};

G_DEFINE_FINAL_TYPE (NotifierSource, notifier_source, G_TYPE_OBJECT)

static void
on_signal (GDBusConnection *connection,
           const char *sender,
           const char *path,
           const char *interface,
           const char *signal,
           GVariant *parameters,
           gpointer data)
{
  NotifierSource *self = data;
  const char *id, *title, *message;
  g_autoptr (GVariant) hints = NULL;

  if (g_str_equal (signal, "Notification")
      && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sssa{sv})")))
    {
      g_variant_get (parameters, "(&s&s&s@a{sv})", &id, &title, &message, &hints);
      self->funcs->notified (self->owner, self, id, title, message, hints);
    }
  else if (g_str_equal (signal, "NotificationDismissed")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(s)")))
    {
      g_variant_get (parameters, "(&s)", &id);
      self->funcs->dismissed (self->owner, self, id);
    }
}

static void
on_properties_changed (GDBusConnection *connection,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer data)
{
  NotifierSource *self = data;
  g_autoptr (GVariant) properties = NULL;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}as)", NULL, &properties, NULL);
  self->funcs->changed (self->owner, self, path, properties);
}

static void
on_subscribed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply == NULL)
    g_info ("Not told of what the profiler does: %s", error->message);
}

static void
on_appeared (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  g_dbus_connection_call (bus, NAME, PATH, MANAGER_INTERFACE, "SetLocale",
                          g_variant_new ("(s)", setlocale (LC_MESSAGES, NULL)), NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
  g_dbus_connection_call (bus, NAME, PATH, MANAGER_INTERFACE, "Subscribe", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, on_subscribed, NULL);
}

static void
on_vanished (GDBusConnection *bus, const char *name, gpointer data)
{
  NotifierSource *self = data;

  self->funcs->left (self->owner, self);
}

void
notifier_source_cancel_job (NotifierSource *self, const char *job)
{
  g_dbus_connection_call (self->bus, NAME, job, JOB_INTERFACE, "Cancel", NULL, NULL,
                          G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION | G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          G_MAXINT, NULL, NULL, NULL);
}

static void
on_artifact_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), &fds, result, &error);
  gint32 index;
  int fd = -1;

  if (reply != NULL)
    {
      g_variant_get (reply, "(h)", &index);
      if (fds != NULL && index >= 0 && index < g_unix_fd_list_get_length (fds))
        fd = g_unix_fd_list_get (fds, index, &error);
      else
        error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, _ ("The service sent no file"));
    }
  if (fd >= 0)
    {
      g_task_return_pointer (task, g_unix_input_stream_new (fd, TRUE), g_object_unref);
      return;
    }
  g_dbus_error_strip_remote_error (error);
  g_task_return_error (task, error);
}

void
notifier_source_open_artifact (NotifierSource *self,
                               const char *name,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_dbus_connection_call_with_unix_fd_list (self->bus, NAME, PATH, MANAGER_INTERFACE, "OpenArtifact",
                                            g_variant_new ("(s)", name), G_VARIANT_TYPE ("(h)"),
                                            G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL,
                                            cancellable, on_artifact_opened, task);
}

GInputStream *
notifier_source_open_artifact_finish (NotifierSource *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
notifier_source_dispose (GObject *object)
{
  NotifierSource *self = NOTIFIER_SOURCE (object);

  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  for (guint i = 0; i < G_N_ELEMENTS (self->subscriptions); i++)
    {
      if (self->subscriptions[i] != 0)
        g_dbus_connection_signal_unsubscribe (self->bus, self->subscriptions[i]);
      self->subscriptions[i] = 0;
    }
  G_OBJECT_CLASS (notifier_source_parent_class)->dispose (object);
}

static void
notifier_source_finalize (GObject *object)
{
  NotifierSource *self = NOTIFIER_SOURCE (object);

  g_clear_object (&self->bus);
  G_OBJECT_CLASS (notifier_source_parent_class)->finalize (object);
}

static void
notifier_source_class_init (NotifierSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = notifier_source_dispose;
  G_OBJECT_CLASS (klass)->finalize = notifier_source_finalize;
}

static void
notifier_source_init (NotifierSource *self)
{
}

NotifierSource *
notifier_source_new (GDBusConnection *bus, const NotifierSourceFuncs *funcs, gpointer owner)
{
  NotifierSource *self = g_object_new (NOTIFIER_TYPE_SOURCE, NULL);

  self->bus = g_object_ref (bus);
  self->funcs = funcs;
  self->owner = owner;
  self->subscriptions[0] = g_dbus_connection_signal_subscribe (
      bus, NAME, NAME, NULL, PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, self, NULL);
  self->subscriptions[1] = g_dbus_connection_signal_subscribe (
      bus, NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged", NULL, JOB_INTERFACE,
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, self, NULL);
  self->watch = g_bus_watch_name_on_connection (bus, NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                on_vanished, self, NULL);
  return self;
}
