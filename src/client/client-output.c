/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard output and standard error: colours, width, character set, and the form of errors. What is printed,
 * and the layout of tables, is left to the others.
 */
#include "client-output.h"

#include <glib/gi18n.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client-json.h"
#include "client-text.h"

#define PROGRAM "ha-profiler"

guint
client_output_get_width (int fd)
{
  struct winsize size = { 0 };
  guint64 columns;

  if (ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  if (g_getenv ("COLUMNS") != NULL
      && g_ascii_string_to_unsigned (g_getenv ("COLUMNS"), 10, 1, 10000, &columns, NULL))
    return columns;
  return isatty (fd) ? 80 : 0;
}

gboolean
client_output_has_colour (int fd)
{
  const char *no_colour = g_getenv ("NO_COLOR");

  if (no_colour != NULL && no_colour[0] != '\0')
    return FALSE;
  return isatty (fd) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

char *
client_output_style (gboolean colour, ClientStyle style, const char *text)
{
  static const char *const codes[] = {
    [CLIENT_STYLE_STRONG] = "1",
    [CLIENT_STYLE_FAINT] = "2",
    [CLIENT_STYLE_BAR] = "36",
    [CLIENT_STYLE_ERROR] = "1;31",
  };

  if (!colour || style == CLIENT_STYLE_PLAIN || text[0] == '\0')
    return g_strdup (text);
  return g_strdup_printf ("\033[%sm%s\033[0m", codes[style], text);
}

void
client_output_write (FILE *stream, const char *text)
{
  const char *charset;
  g_autofree char *target = NULL;
  g_autofree char *converted = NULL;

  if (!g_get_charset (&charset))
    {
      /* Quotation marks and ellipses have counterparts in any character set. */
      target = g_strconcat (charset, "//TRANSLIT", NULL);
      converted = g_convert_with_fallback (text, -1, target, "UTF-8", "?", NULL, NULL, NULL);
    }
  fputs (converted != NULL ? converted : text, stream);
}

void
client_output_print (Client *client, ClientStyle style, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *styled = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  styled = client_output_style (client->colour, style, text);
  client_output_write (stdout, styled);
  fputc ('\n', stdout);
}

void
client_output_json (JsonNode *node)
{
  g_autofree char *text = client_json_print (node);

  fputs (text, stdout);
  fputc ('\n', stdout);
}

void
client_output_note (Client *client, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (client->quiet)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  fflush (stdout);
  client_output_write (stderr, text);
  fputc ('\n', stderr);
}

static void
print_error_text (const GError *error)
{
  guint width = client_output_get_width (STDERR_FILENO);
  guint indent = strlen (PROGRAM ": ");
  g_autofree char *label = NULL;
  g_autofree char *escaped = client_text_escape_lines (error->message);
  g_autofree char *message = client_text_wrap (escaped, width, indent);
  g_autofree char *hint = NULL;
  g_autofree char *output = NULL;

  label = client_output_style (client_output_has_colour (STDERR_FILENO), CLIENT_STYLE_ERROR, PROGRAM ":");
  output = g_strconcat (label, " ", message, "\n", NULL);
  client_output_write (stderr, output);
  if (client_error_get_hint (error) == NULL)
    return;
  hint = client_text_wrap (client_error_get_hint (error), width, indent);
  fprintf (stderr, "%*s", (int)indent, "");
  client_output_write (stderr, hint);
  fputc ('\n', stderr);
}

void
client_output_error (Client *client, const GError *error)
{
  fflush (stdout);
  print_error_text (error);
  if (client->json)
    {
      g_autoptr (JsonNode) node = client_json_from_error (error);

      client_output_json (node);
    }
}

gboolean
client_output_finish (Client *client)
{
  struct pollfd reader = { .fd = STDOUT_FILENO, .events = POLLOUT };
  gboolean flushed = fflush (stdout) == 0;

  if (flushed && ferror (stdout) == 0)
    return TRUE;
  /* Whoever read the pipe had enough; that is no news to them. */
  if (poll (&reader, 1, 0) != 1 || (reader.revents & POLLERR) == 0)
    fprintf (stderr, PROGRAM ": %s\n", _ ("The output cannot be written."));
  return FALSE;
}
