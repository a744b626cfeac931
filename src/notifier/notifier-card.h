/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "notifier-desktop.h"
#include "notifier-source.h"

G_BEGIN_DECLS

/**
 * NotifierCard: one notification of the service: what is known of it and of its job, on the screen.
 */
#define NOTIFIER_TYPE_CARD (notifier_card_get_type ())
G_DECLARE_FINAL_TYPE (NotifierCard, notifier_card, NOTIFIER, CARD, GObject)

NotifierCard *notifier_card_new (GDBusConnection *session,
                                 NotifierDesktop *desktop,
                                 NotifierSource *source,
                                 const char *id);

/* Its signal of the service; it is shown, also when the person closed it before. */
void notifier_card_set (NotifierCard *self, const char *title, const char *message, GVariant *hints);

/* Its job's properties have changed. */
void notifier_card_update (NotifierCard *self, GVariant *properties);

/* The service has left: a job that ran is lost. */
void notifier_card_lose (NotifierCard *self);

/* @id: (nullable): NULL: any */
gboolean notifier_card_is (NotifierCard *self, NotifierSource *source, const char *id);
gboolean notifier_card_is_of (NotifierCard *self, NotifierSource *source, const char *job);

/* Whether anything may still come of it: it is on the screen, its job runs, or what was clicked is on its
 * way. */
gboolean notifier_card_is_alive (NotifierCard *self);

G_END_DECLS
