/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full): @text, which may be anything, as valid UTF-8 of at most @max_chars characters,
 * without controls (but newlines), bidirectional and other invisible format characters */
char *notifier_text_clean (const char *text, guint max_chars);

/* Returns: (transfer full): @text, a title or message of the service, in the user's language where it is one
 * that is known, and without links, which lead into Home Assistant's pages */
char *notifier_text_translate (const char *text);

/* Returns: (transfer full) (nullable): the name of a file for the artifact @name; NULL where it is no such
 * name */
char *notifier_text_make_filename (const char *name);

G_END_DECLS
