/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * NotifierDesktop: the notification daemon of the session, org.freedesktop.Notifications, which may come
 * late, leave and come back.
 */
#define NOTIFIER_TYPE_DESKTOP (notifier_desktop_get_type ())
G_DECLARE_FINAL_TYPE (NotifierDesktop, notifier_desktop, NOTIFIER, DESKTOP, GObject)

/**
 * NotifierContent: what a notification shows. Texts are plain and clean.
 * @progress: in percent; -1: none
 * @actions: keys and labels by turns, NULL-terminated; "default" is a click on the notification
 */
typedef struct
{
  const char *title;
  const char *message;
  int progress;
  gboolean urgent;
  const char *const *actions;
} NotifierContent;

/* The person chose the action @key. @token: (nullable): by which the window of what is opened may come to the
 * front */
typedef void (*NotifierInvoked) (gpointer owner, const char *key, const char *token);

/* One notification on the screen; at first it is not there. */
typedef struct _NotifierBubble NotifierBubble;

NotifierDesktop *notifier_desktop_new (GDBusConnection *session);

NotifierBubble *notifier_bubble_new (NotifierDesktop *desktop, NotifierInvoked invoked, gpointer owner);

/* Takes it from the screen. */
void notifier_bubble_free (NotifierBubble *self);

/* Shows @content in place of what it showed before; without a daemon, once there is one. */
void notifier_bubble_show (NotifierBubble *self, const NotifierContent *content);

/* Whether neither the person nor the daemon closed it. */
gboolean notifier_bubble_is_open (NotifierBubble *self);

G_END_DECLS
