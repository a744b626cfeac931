/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdio.h>

#include "client.h"

G_BEGIN_DECLS

typedef enum
{
  CLIENT_STYLE_PLAIN,
  CLIENT_STYLE_STRONG, /* headings */
  CLIENT_STYLE_FAINT,  /* what matters less */
  CLIENT_STYLE_BAR,
  CLIENT_STYLE_ERROR,
} ClientStyle;

/* The columns of the terminal on @fd, else of $COLUMNS, else 0. */
guint client_output_get_width (int fd);
/* Whether colours are welcome on @fd. */
gboolean client_output_has_colour (int fd);

/* Returns: (transfer full): @text as it looks in @style where @colour is on. */
char *client_output_style (gboolean colour, ClientStyle style, const char *text);

/* Prints to standard output; @format's arguments that are not ours must have been escaped. */
void client_output_print (Client *client, ClientStyle style, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* One whole JSON document on standard output. */
void client_output_json (JsonNode *node);

/* A remark on standard error, unless --quiet. */
void client_output_note (Client *client, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* An error, with what to do next: on standard error, and as JSON on standard output where --json is given. */
void client_output_error (Client *client, const GError *error);

/* Writes @text, UTF-8, in the character set of the locale. */
void client_output_write (FILE *stream, const char *text);

/* FALSE, with a message printed, when what was printed did not arrive. */
gboolean client_output_finish (Client *client);

G_END_DECLS
