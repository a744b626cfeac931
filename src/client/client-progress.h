/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

typedef struct _ClientProgress ClientProgress;

/* @label: what runs; escaped here */
ClientProgress *client_progress_new (Client *client, const char *label);
/* Takes the bar off the terminal. */
void client_progress_free (ClientProgress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClientProgress, client_progress_free)

/* @fraction: 0 to 1; anything else is brought there. */
void client_progress_set (ClientProgress *self, double fraction);

/* The user wants to leave: shown instead of how to. */
void client_progress_set_cancelling (ClientProgress *self);

/* Returns: (transfer full): the line of the bar in at most @width columns. */
char *
client_progress_format (const char *label, double fraction, guint seconds, const char *remark, guint width);

G_END_DECLS
