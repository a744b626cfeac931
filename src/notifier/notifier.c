/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The agent of a session: which notifications of which service stand. What one of them shows and does is
 * notifier-card.c's.
 */

#include "notifier.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>

#include "notifier-cache.h"
#include "notifier-card.h"

#define AGENT_NAME "org.homeassistant.Profiler.Notifier"
#define MAX_CARDS 64
#define MAX_ID 200

typedef struct
{
  GMainLoop *loop;
  GDBusConnection *session;
  NotifierDesktop *desktop;
  NotifierSource *sources[2];
  GPtrArray *cards; /* of NotifierCard, the oldest first */
} Notifier;

static NotifierCard *
find_card (Notifier *self, NotifierSource *source, const char *id)
{
  for (guint i = 0; i < self->cards->len; i++)
    {
      if (notifier_card_is (self->cards->pdata[i], source, id))
        return self->cards->pdata[i];
    }
  return NULL;
}

/* Makes room for one more. */
static void
drop_dead_cards (Notifier *self)
{
  for (guint i = self->cards->len; i > 0; i--)
    {
      if (!notifier_card_is_alive (self->cards->pdata[i - 1]))
        g_ptr_array_remove_index (self->cards, i - 1);
    }
  if (self->cards->len >= MAX_CARDS)
    g_ptr_array_remove_index (self->cards, 0);
}

static void
on_notified (gpointer owner,
             NotifierSource *source,
             const char *id,
             const char *title,
             const char *message,
             GVariant *hints)
{
  Notifier *self = owner;
  NotifierCard *card = find_card (self, source, id);

  if (strlen (id) > MAX_ID)
    return;
  if (card == NULL)
    {
      drop_dead_cards (self);
      card = notifier_card_new (self->session, self->desktop, source, id);
      g_ptr_array_add (self->cards, card);
    }
  notifier_card_set (card, title, message, hints);
}

static void
on_dismissed (gpointer owner, NotifierSource *source, const char *id)
{
  Notifier *self = owner;
  NotifierCard *card = find_card (self, source, id);

  if (card != NULL)
    g_ptr_array_remove (self->cards, card);
}

static void
on_changed (gpointer owner, NotifierSource *source, const char *job, GVariant *properties)
{
  Notifier *self = owner;

  for (guint i = 0; i < self->cards->len; i++)
    {
      if (notifier_card_is_of (self->cards->pdata[i], source, job))
        notifier_card_update (self->cards->pdata[i], properties);
    }
}

static void
on_left (gpointer owner, NotifierSource *source)
{
  Notifier *self = owner;

  for (guint i = 0; i < self->cards->len; i++)
    {
      if (notifier_card_is (self->cards->pdata[i], source, NULL))
        notifier_card_lose (self->cards->pdata[i]);
    }
}

static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

static void
on_session_closed (GDBusConnection *session, gboolean vanished, GError *error, GMainLoop *loop)
{
  g_main_loop_quit (loop);
}

/* One agent in a session: two would show everything twice. */
static gboolean
become_the_agent (GDBusConnection *session, gboolean *is_agent, GError **error)
{
  const guint32 do_not_queue = 4;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      session, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", AGENT_NAME, do_not_queue), G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1,
      NULL, error);
  guint32 answer;

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(u)", &answer);
  *is_agent = answer == 1;
  return TRUE;
}

static void
add_sources (Notifier *self)
{
  static const NotifierSourceFuncs funcs = { on_notified, on_dismissed, on_changed, on_left };
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) system = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  self->sources[0] = notifier_source_new (self->session, &funcs, self);
  if (system == NULL)
    g_message ("The system's bus cannot be reached: %s", error->message);
  else if (!g_str_equal (g_dbus_connection_get_guid (system), g_dbus_connection_get_guid (self->session)))
    {
      /* It may be restarted; a new session has a new agent. */
      g_dbus_connection_set_exit_on_close (system, FALSE);
      self->sources[1] = notifier_source_new (system, &funcs, self);
    }
}

static void
serve (Notifier *self)
{
  guint sources[] = { g_unix_signal_add (SIGTERM, on_signal, self->loop),
                      g_unix_signal_add (SIGINT, on_signal, self->loop) };

  self->desktop = notifier_desktop_new (self->session);
  self->cards = g_ptr_array_new_with_free_func (g_object_unref);
  notifier_cache_clean (NULL);
  add_sources (self);
  g_signal_connect (self->session, "closed", G_CALLBACK (on_session_closed), self->loop);

  g_main_loop_run (self->loop);

  g_signal_handlers_disconnect_by_data (self->session, self->loop);
  for (guint i = 0; i < G_N_ELEMENTS (self->sources); i++)
    {
      g_clear_object (&self->sources[i]);
      g_source_remove (sources[i]);
    }
  g_ptr_array_unref (self->cards);
  g_object_unref (self->desktop);
}

gboolean
notifier_run (GError **error)
{
  Notifier self = { 0 };
  g_autoptr (GDBusConnection) session = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  gboolean is_agent = FALSE;

  if (session == NULL)
    return FALSE;
  g_dbus_connection_set_exit_on_close (session, FALSE);
  if (!become_the_agent (session, &is_agent, error))
    return FALSE;
  if (!is_agent)
    {
      g_message ("This session has an agent already");
      return TRUE;
    }
  self.session = session;
  self.loop = loop;
  serve (&self);
  /* What was taken from the screen at the last. */
  g_dbus_connection_flush_sync (session, NULL, NULL);
  return TRUE;
}
