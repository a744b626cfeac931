/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Secrets in texts, told by their looks. What has a structure was masked by it before, in the copy
 * (objects-dump.py).
 */

#include "objects-mask.h"

#define MASK "**REDACTED**"

#define NAMES                                                                                                \
  "(?:pass(?:word|wd|phrase)|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|auth[-_]?key|"          \
  "credential|"                                                                                              \
  "authorization|cookie|webhook_id|psk)"

#define QUOTED "b?(?:'(?:[^'\\\\]|\\\\.)*+(?:'|$)|\"(?:[^\"\\\\]|\\\\.)*+(?:\"|$))"

/* What follows a name, but not where that is plainly none. */
#define AFTER_NAME                                                                                           \
  "(" NAMES "[\\w-]*[\"']?\\s*(?:=|:|,|=>)\\s*)(?!b?['\"]?\\*\\*REDACTED|(?:None|True|False)\\b)(?:" QUOTED  \
  "|[^\\s,;&(){}\\[\\]<>'\"]{4,})"

static const struct
{
  const char *pattern, *replacement;
} rules[] = {
  { "\\b(bearer|basic|digest)\\s+[\\w.~+/=-]{8,}", "\\1 " MASK },
  { "\\beyJ[\\w-]{8,}\\.[\\w-]{8,}\\.[\\w-]*", MASK },
  { "://[^/\\s:@'\"]*:[^/\\s@'\"]+@", "://" MASK "@" },
  { AFTER_NAME, "\\1" MASK },
};

static char *
apply (const char *pattern, const char *replacement, const char *text)
{
  g_autoptr (GRegex) regex =
      g_regex_new (pattern, G_REGEX_CASELESS | G_REGEX_OPTIMIZE | G_REGEX_DOTALL, 0, NULL);

  return regex != NULL ? g_regex_replace (regex, text, -1, 0, replacement, 0, NULL) : NULL;
}

char *
objects_mask (const char *text)
{
  g_autofree char *masked = g_strdup (text);

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      char *next = apply (rules[i].pattern, rules[i].replacement, masked);

      /* What cannot be looked through is not shown. */
      if (next == NULL)
        return g_strdup (MASK);
      g_free (masked);
      masked = next;
    }
  return g_steal_pointer (&masked);
}
