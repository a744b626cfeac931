/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * service_text_escape:
 * @text: any bytes
 * @max_chars: of the result, roughly: what is longer ends in an ellipsis
 * @keep_lines: line ends and tabulators stay
 *
 * Text that came from a target, fit for a terminal, a log or a page: valid UTF-8 without control, format
 * (bidirectional overrides and the like), private or unassigned characters; those become "\u{HEX}". Returns:
 * (transfer full)
 */
char *service_text_escape (const char *text, gsize max_chars, gboolean keep_lines);

/* TRUE for 1 to @max_length of [A-Za-z0-9._-], the first of them no '.' and no '-'. */
gboolean service_text_is_name (const char *text, gsize max_length);

/* TRUE for a MIME type: TYPE "/" SUBTYPE of the characters that they are made of, at most 127. */
gboolean service_text_is_mime (const char *text);

/* TRUE when a handle, which is good for nothing outside its message, is anywhere in @variant. */
gboolean service_text_has_handle (GVariant *variant);

G_END_DECLS
