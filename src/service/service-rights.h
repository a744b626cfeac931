/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ServiceRights: what a child that we start becomes: read between fork and exec, where nothing can be looked
 * up.
 */
typedef struct
{
  gboolean change; /* else it stays who we are */
  guint32 uid;     /* of its group, too */
} ServiceRights;

/* TRUE when we may become others. */
gboolean service_rights_can_change (void);

/**
 * service_rights_choose:
 *
 * Chooses for @rights a uid that no other process has, so that nobody shares one with what we start: no other
 * child of ours, no daemon, no owner of a target. FALSE with @error: this system leaves us none.
 */
gboolean service_rights_choose (ServiceRights *rights, GError **error);

/* In the child, before exec: it becomes that, keeps the one @capability (-1: none) at most, and can never get
 * more. Ends it where this fails. */
void service_rights_take_on (const ServiceRights *rights, int capability);

G_END_DECLS
