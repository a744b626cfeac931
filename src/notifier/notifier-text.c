/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is shown to a person: cleaned, bounded, translated. Names in it come from processes that somebody else
 * controls. Markup is left to notifier-desktop.c, which knows whether the desktop takes any.
 */

#include "notifier-text.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_FILENAME 200

/* What the actions say, as Home Assistant does, with a place for each name. */
static const char *const known[] = {
  N_ ("Profile Started"),
  N_ ("The profile has started. This notification will be updated when it is complete."),
  N_ ("The memory profile has started. This notification will be updated when it is complete."),
  N_ ("Profile Complete"),
  N_ ("The profile is complete."),
  N_ ("Wrote cProfile data to %s and callgrind data to %s"),
  N_ ("Wrote heapy memory profile to %s"),
  N_ ("The memory profile is complete."),
  N_ ("Object growth logging started"),
  N_ ("Object growth logging has started. See the logs to track the growth of new objects."),
  N_ ("Object source logging started"),
  N_ ("Object source logging has started. See the logs to track the growth of new objects."),
  N_ ("Object dump completed"),
  N_ ("Objects with type %s have been dumped to the log. See the logs to review the repr of the objects."),
  N_ ("LRU stats completed"),
  N_ ("LRU cache states have been dumped to the log. See the logs to review the stats."),
  /* The service says these of any action. */
  N_ ("%s failed"),
  N_ ("The property Error of the job says why."),
};

static gboolean
is_harmless (gunichar c)
{
  if (c == '\n')
    return TRUE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return FALSE;
    default:
      return g_unichar_isprint (c);
    }
}

char *
notifier_text_clean (const char *text, guint max_chars)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);
  guint n = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!is_harmless (c))
        continue;
      if (n++ == max_chars)
        {
          g_string_append (out, "…");
          break;
        }
      g_string_append_unichar (out, c);
    }
  return g_string_free (out, FALSE);
}

/* "See [the logs](/config/logs)" -> "See the logs" */
static char *
drop_links (const char *text)
{
  g_autoptr (GRegex) link = g_regex_new ("\\[([^][]*)\\]\\([^()]*\\)", 0, 0, NULL);
  char *plain = g_regex_replace (link, text, -1, 0, "\\1", 0, NULL);

  return plain != NULL ? plain : g_strdup (text);
}

/* Returns: (transfer full) (nullable): @text in the form of the translation of @pattern; NULL where it is not
 * of that pattern */
static char *
translate_as (const char *pattern, const char *text)
{
  g_auto (GStrv) places = g_strsplit (_ (pattern), "%s", -1);
  g_autofree char *escaped = g_regex_escape_string (pattern, -1);
  g_auto (GStrv) literals = g_strsplit (escaped, "%s", -1);
  g_autofree char *joined = g_strjoinv ("(.+)", literals);
  g_autofree char *anchored = g_strconcat ("^", joined, "$", NULL);
  g_autoptr (GRegex) regex = g_regex_new (anchored, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GString) translated = g_string_new (NULL);

  if (!g_regex_match (regex, text, 0, &match) || g_strv_length (places) != g_strv_length (literals))
    return NULL;
  for (guint i = 0; places[i] != NULL; i++)
    {
      g_autofree char *name = i > 0 ? g_match_info_fetch (match, (gint)i) : NULL;

      g_string_append (translated, name != NULL ? name : "");
      g_string_append (translated, places[i]);
    }
  return g_string_free (g_steal_pointer (&translated), FALSE);
}

char *
notifier_text_translate (const char *text)
{
  g_autofree char *plain = drop_links (text);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      char *translated = translate_as (known[i], plain);

      if (translated != NULL)
        return translated;
    }
  return g_steal_pointer (&plain);
}

char *
notifier_text_make_filename (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > MAX_FILENAME || name[0] == '.' || name[0] == '-')
    return NULL;
  for (const char *p = name; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && strchr ("._-", *p) == NULL)
        return NULL;
    }
  return g_strdup (name);
}
