/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* Whether ssh takes it for a machine, and not for an option. */
gboolean client_remote_is_host (const char *host);

/* The bus of client->host, through ssh. */
GDBusConnection *client_remote_connect (Client *client, GError **error);

/* The artifact @name of client->host, whole: descriptors do not pass through ssh. */
GInputStream *client_remote_open_artifact (Client *client, const char *name, GError **error);

G_END_DECLS
