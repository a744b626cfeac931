/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* @artifacts: `aa{sv}`; @listing: as the list of all that are kept, with titles and times */
void client_artifacts_print (Client *client, GVariant *artifacts, gboolean listing);

/* Saves each of @artifacts, `aa{sv}`, into the directory. */
gboolean
client_artifacts_save_all (Client *client, GVariant *artifacts, const char *directory, GError **error);

/* The sub-commands; @argument: the artifact's name, or for open a part of it: the newest that has it. */
gboolean client_artifacts_list (Client *client, const char *argument, GError **error);
gboolean client_artifacts_open (Client *client, const char *argument, GError **error);
gboolean client_artifacts_remove (Client *client, const char *argument, GError **error);

G_END_DECLS
