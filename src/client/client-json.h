/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * client_json_from_variant:
 *
 * Dictionaries become objects, variants what they hold, numbers that are not finite null.
 *
 * Returns: (transfer full)
 */
JsonNode *client_json_from_variant (GVariant *value);

/* Returns: (transfer full): {"error": {"name", "message", "exit_status"}} */
JsonNode *client_json_from_error (const GError *error);

/* Returns: (transfer full): the text of @node, which does nothing to a terminal. */
char *client_json_print (JsonNode *node);

G_END_DECLS
