/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Which end of a text that is too wide is cut off. */
typedef enum
{
  CLIENT_CUT_END,
  CLIENT_CUT_START,
} ClientCut;

/* Whether the locale can show more than ASCII. */
gboolean client_text_is_utf8 (void);

/**
 * client_text_escape:
 * @text: anything, also not UTF-8
 *
 * Returns: (transfer full): one line that a terminal shows as it is: controls, bidirectional and other
 * invisible format characters and line separators are written as \x1b or \u202e, floods of combining marks
 * are cut
 */
char *client_text_escape (const char *text);

/* The same for a text of several lines: keeps its newlines, makes its tabs spaces. */
char *client_text_escape_lines (const char *text);

/* In columns of a terminal; @text is escaped. */
guint client_text_width (const char *text);

/* Returns: (transfer full): @text, escaped, in at most @width columns, with an ellipsis where it was cut. */
char *client_text_fit (const char *text, guint width, ClientCut cut);

/**
 * client_text_wrap:
 * @width: columns of a line; 0: without limit
 * @indent: columns that the caller filled before the first line, and that are left free before the others
 *
 * Returns: (transfer full): @text, escaped, of one line or several, broken at spaces
 */
char *client_text_wrap (const char *text, guint width, guint indent);

/* The same for lines of a log: each keeps its own indentation, and what it is continued on has more. */
char *client_text_wrap_lines (const char *text, guint width);

G_END_DECLS
