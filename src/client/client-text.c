/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text on a terminal: what may reach it, how wide it is, where to cut it. Names and messages come from
 * processes that somebody else controls; nothing of them is printed without passing through here.
 */
#include "client-text.h"

/* More combining marks than this on one character are no language's. */
#define MAX_MARKS 8
#define HANGING 4

gboolean
client_text_is_utf8 (void)
{
  return g_get_charset (NULL);
}

static gboolean
is_harmless (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return FALSE;
    default:
      return g_unichar_isprint (c);
    }
}

static void
append_escaped (GString *out, gunichar c)
{
  if (c == '\n')
    g_string_append (out, "\\n");
  else if (c == '\t')
    g_string_append (out, "\\t");
  else if (c < 0x100)
    g_string_append_printf (out, "\\x%02x", c);
  else if (c < 0x10000)
    g_string_append_printf (out, "\\u%04x", c);
  else
    g_string_append_printf (out, "\\U%08x", c);
}

static char *
escape (const char *text, gboolean lines)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);
  guint marks = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      marks = g_unichar_iszerowidth (c) ? marks + 1 : 0;
      if (lines && c == '\n')
        g_string_append_c (out, '\n');
      else if (lines && c == '\t')
        g_string_append (out, "    ");
      else if (!is_harmless (c))
        append_escaped (out, c);
      else if (marks <= MAX_MARKS)
        g_string_append_unichar (out, c);
    }
  return g_string_free (out, FALSE);
}

char *
client_text_escape (const char *text)
{
  return escape (text, FALSE);
}

char *
client_text_escape_lines (const char *text)
{
  return escape (text, TRUE);
}

static guint
get_char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
client_text_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    width += get_char_width (g_utf8_get_char (p));
  return width;
}

/* The longest beginning of @text in @width columns. */
static const char *
find_end (const char *text, guint width)
{
  guint used = 0;
  const char *p;

  for (p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      used += get_char_width (g_utf8_get_char (p));
      if (used > width)
        break;
    }
  return p;
}

/* The longest end of @text in @width columns. */
static const char *
find_start (const char *text, guint width)
{
  const char *start = text + strlen (text);
  guint used = 0;

  while (start > text)
    {
      const char *previous = g_utf8_prev_char (start);

      used += get_char_width (g_utf8_get_char (previous));
      if (used > width)
        break;
      start = previous;
    }
  return start;
}

char *
client_text_fit (const char *text, guint width, ClientCut cut)
{
  const char *ellipsis = client_text_is_utf8 () ? "…" : "...";
  guint dots = client_text_width (ellipsis);

  if (client_text_width (text) <= width)
    return g_strdup (text);
  if (width <= dots)
    return g_strndup (text, find_end (text, width) - text);
  if (cut == CLIENT_CUT_START)
    return g_strconcat (ellipsis, find_start (text, width - dots), NULL);
  return g_strdup_printf ("%.*s%s", (int)(find_end (text, width - dots) - text), text, ellipsis);
}

static void
wrap_line (GString *out, const char *line, guint width, guint indent, guint hanging)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint column = indent;

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint needed = client_text_width (words[i]);

      /* A word that fits nowhere stays where it is. */
      if (i > 0 && width > 0 && column > indent && column + 1 + needed > width
          && needed + indent + hanging <= width)
        {
          g_string_append_printf (out, "\n%*s", (int)(indent + hanging), "");
          column = indent + hanging;
        }
      else if (i > 0)
        {
          g_string_append_c (out, ' ');
          column++;
        }
      g_string_append (out, words[i]);
      column += needed;
    }
}

char *
client_text_wrap_lines (const char *text, guint width)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *out = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint indent = (guint)strspn (lines[i], " ");

      g_string_append_printf (out, "%s%.*s", i > 0 ? "\n" : "", (int)indent, lines[i]);
      wrap_line (out, lines[i] + indent, width > indent + HANGING ? width : 0, indent, HANGING);
    }
  return g_string_free (out, FALSE);
}

char *
client_text_wrap (const char *text, guint width, guint indent)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *out = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_printf (out, "\n%*s", lines[i][0] != '\0' ? (int)indent : 0, "");
      wrap_line (out, lines[i], width > indent ? width : 0, indent, 0);
    }
  return g_string_free (out, FALSE);
}
