/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Notifications on the screen. A daemon may be started by the call that shows one, be missing, or be
 * replaced: what is open is shown again then. Actions and not links carry what a click does, since daemons
 * differ in what markup they take.
 */

#include "notifier-desktop.h"

#include <glib/gi18n.h>

#define NAME "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"
#define ICON "utilities-system-monitor"
#define DESKTOP_ENTRY "ha-profiler-notifier"

struct _NotifierDesktop
{
  GObject parent_instance;

  GDBusConnection *session;
  guint watch;
  guint subscription;
  GPtrArray *bubbles; /* of NotifierBubble, which are their owners' */
  guint n_appeared;
  gboolean has_markup; /* also while that is not known: better to show markup than to take any */
  char *token;         /* of the action that comes next */
  guint32 token_id;
};

struct _NotifierBubble
{
  NotifierDesktop *desktop;
  NotifierInvoked invoked;
  gpointer owner;

  guint32 id; /* the daemon's; 0: it does not know it */
  gboolean open;
  gboolean calling; /* Notify is under way */
  gboolean stale;   /* and what it shows is not the last */
  guint asked;      /* the daemon's n_appeared at that time */
  gboolean freed;   /* only the call keeps it */

  char *title;
  char *message;
  int progress;
  gboolean urgent;
  GStrv actions;
};

G_DEFINE_FINAL_TYPE (NotifierDesktop, notifier_desktop, G_TYPE_OBJECT)

static void show (NotifierBubble *self);

static void
close_on_screen (NotifierDesktop *self, guint32 id)
{
  if (id != 0)
    g_dbus_connection_call (self->session, NAME, PATH, NAME, "CloseNotification", g_variant_new ("(u)", id),
                            NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void
destroy (NotifierBubble *self)
{
  g_object_unref (self->desktop);
  g_free (self->title);
  g_free (self->message);
  g_strfreev (self->actions);
  g_free (self);
}

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  NotifierBubble *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  self->calling = FALSE;
  if (reply != NULL)
    g_variant_get (reply, "(u)", &self->id);
  else
    g_debug ("No notification daemon shows “%s” now: %s", self->title, error->message);
  if (self->freed)
    {
      close_on_screen (self->desktop, self->id);
      destroy (self);
    }
  else if (reply != NULL ? self->stale : self->asked != self->desktop->n_appeared)
    show (self);
}

static GVariant *
make_hints (NotifierBubble *self)
{
  GVariantBuilder hints;

  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&hints, "{sv}", "desktop-entry", g_variant_new_string (DESKTOP_ENTRY));
  g_variant_builder_add (&hints, "{sv}", "urgency", g_variant_new_byte (self->urgent ? 2 : 1));
  if (self->progress >= 0)
    g_variant_builder_add (&hints, "{sv}", "value", g_variant_new_int32 (self->progress));
  return g_variant_builder_end (&hints);
}

static void
show (NotifierBubble *self)
{
  NotifierDesktop *desktop = self->desktop;
  g_autofree char *body =
      desktop->has_markup ? g_markup_escape_text (self->message, -1) : g_strdup (self->message);

  self->stale = self->calling;
  if (self->calling)
    return;
  self->calling = TRUE;
  self->asked = desktop->n_appeared;
  /* It stays until the person has seen to it, as Home Assistant's do. */
  g_dbus_connection_call (desktop->session, NAME, PATH, NAME, "Notify",
                          g_variant_new ("(susss^as@a{sv}i)", _ ("Profiler for Home Assistant"), self->id,
                                         ICON, self->title, body, self->actions, make_hints (self), 0),
                          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_shown, self);
}

void
notifier_bubble_show (NotifierBubble *self, const NotifierContent *content)
{
  g_free (self->title);
  g_free (self->message);
  g_strfreev (self->actions);
  self->title = g_strdup (content->title);
  self->message = g_strdup (content->message);
  self->progress = content->progress;
  self->urgent = content->urgent;
  self->actions = g_strdupv ((GStrv)content->actions);
  self->open = TRUE;
  show (self);
}

gboolean
notifier_bubble_is_open (NotifierBubble *self)
{
  return self->open;
}

NotifierBubble *
notifier_bubble_new (NotifierDesktop *desktop, NotifierInvoked invoked, gpointer owner)
{
  NotifierBubble *self = g_new0 (NotifierBubble, 1);

  self->desktop = g_object_ref (desktop);
  self->invoked = invoked;
  self->owner = owner;
  g_ptr_array_add (desktop->bubbles, self);
  return self;
}

void
notifier_bubble_free (NotifierBubble *self)
{
  g_ptr_array_remove (self->desktop->bubbles, self);
  self->freed = TRUE;
  if (self->calling)
    return;
  close_on_screen (self->desktop, self->id);
  destroy (self);
}

static NotifierBubble *
find_bubble (NotifierDesktop *self, guint32 id)
{
  for (guint i = 0; i < self->bubbles->len; i++)
    {
      NotifierBubble *bubble = self->bubbles->pdata[i];

      if (id != 0 && bubble->id == id)
        return bubble;
    }
  return NULL;
}

static void
handle_closed (NotifierBubble *bubble)
{
  bubble->id = 0;
  /* What is about to be shown is not closed. */
  bubble->open = bubble->calling;
}

static void
on_signal (GDBusConnection *connection,
           const char *sender,
           const char *path,
           const char *interface,
           const char *signal,
           GVariant *parameters,
           gpointer data)
{
  NotifierDesktop *self = data;
  NotifierBubble *bubble;
  const char *text = NULL;
  guint32 id;

  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(us)")))
    g_variant_get (parameters, "(u&s)", &id, &text);
  else if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uu)")))
    g_variant_get (parameters, "(uu)", &id, NULL);
  else
    return;
  bubble = find_bubble (self, id);
  if (bubble == NULL)
    return;

  if (g_str_equal (signal, "ActivationToken") && text != NULL)
    {
      g_free (self->token);
      self->token = g_strdup (text);
      self->token_id = id;
    }
  else if (g_str_equal (signal, "ActionInvoked") && text != NULL)
    bubble->invoked (bubble->owner, text, id == self->token_id ? self->token : NULL);
  else if (g_str_equal (signal, "NotificationClosed") && text == NULL)
    handle_closed (bubble);
}

static void
on_capabilities (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (NotifierDesktop) self = data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autofree const char **capabilities = NULL;
  gboolean had_markup;

  if (reply != NULL)
    g_variant_get (reply, "(^a&s)", &capabilities);
  had_markup = self->has_markup;
  self->has_markup = capabilities == NULL || g_strv_contains (capabilities, "body-markup");
  for (guint i = 0; i < self->bubbles->len; i++)
    {
      NotifierBubble *bubble = self->bubbles->pdata[i];

      /* What is under way to this daemon comes by itself. */
      if (bubble->open && ((bubble->id == 0 && !bubble->calling) || self->has_markup != had_markup))
        show (bubble);
    }
}

static void
on_appeared (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  NotifierDesktop *self = data;

  self->n_appeared++;
  g_dbus_connection_call (connection, NAME, PATH, NAME, "GetCapabilities", NULL, G_VARIANT_TYPE ("(as)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, on_capabilities, g_object_ref (self));
}

static void
on_vanished (GDBusConnection *connection, const char *name, gpointer data)
{
  NotifierDesktop *self = data;

  self->has_markup = TRUE;
  for (guint i = 0; i < self->bubbles->len; i++)
    ((NotifierBubble *)self->bubbles->pdata[i])->id = 0;
}

static void
notifier_desktop_dispose (GObject *object)
{
  NotifierDesktop *self = NOTIFIER_DESKTOP (object);

  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->session, self->subscription);
  self->subscription = 0;
  G_OBJECT_CLASS (notifier_desktop_parent_class)->dispose (object);
}

static void
notifier_desktop_finalize (GObject *object)
{
  NotifierDesktop *self = NOTIFIER_DESKTOP (object);

  g_ptr_array_unref (self->bubbles);
  g_clear_object (&self->session);
  g_free (self->token);
  G_OBJECT_CLASS (notifier_desktop_parent_class)->finalize (object);
}

static void
notifier_desktop_class_init (NotifierDesktopClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = notifier_desktop_dispose;
  G_OBJECT_CLASS (klass)->finalize = notifier_desktop_finalize;
}

static void
notifier_desktop_init (NotifierDesktop *self)
{
  self->has_markup = TRUE;
  self->bubbles = g_ptr_array_new ();
}

NotifierDesktop *
notifier_desktop_new (GDBusConnection *session)
{
  NotifierDesktop *self = g_object_new (NOTIFIER_TYPE_DESKTOP, NULL);

  self->session = g_object_ref (session);
  /* Started here if it can be, so that its capabilities are known before the first notification. */
  self->watch = g_bus_watch_name_on_connection (session, NAME, G_BUS_NAME_WATCHER_FLAGS_AUTO_START,
                                                on_appeared, on_vanished, self, NULL);
  self->subscription = g_dbus_connection_signal_subscribe (session, NAME, NAME, NULL, PATH, NULL,
                                                           G_DBUS_SIGNAL_FLAGS_NONE, on_signal, self, NULL);
  return self;
}
