/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names on one line, printable and distinct.
 *
 * Owns the escaping and the numbering of equal names. What else a format forbids in a name is the format's
 * own. */
#include "hap-labels.h"

#include <string.h>

static gboolean
is_printable (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
      return FALSE;
    default:
      return TRUE;
    }
}

char *
hap_label_escape (const char *text)
{
  GString *out = g_string_sized_new (strlen (text));

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (is_printable (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_printf (out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
  return g_string_free (out, FALSE);
}

/* What follows the last "/python3.13/" below a lib directory, else NULL */
static const char *
after_stdlib (const char *path)
{
  const char *found = NULL;

  for (const char *p = path; (p = strstr (p, "/python")) != NULL; p++)
    if (g_ascii_isdigit (p[7]) && strchr (p + 1, '/') != NULL)
      found = strchr (p + 1, '/') + 1;
  return found;
}

const char *
hap_label_shorten (const char *path)
{
  static const char *const marks[] = { "/site-packages/", "/dist-packages/" };
  static const char *const packages[] = { "/homeassistant/", "/custom_components/" };
  const char *end, *found;

  for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
    if ((found = g_strrstr (path, marks[i])) != NULL)
      return found + strlen (marks[i]);
  for (guint i = 0; i < G_N_ELEMENTS (packages); i++)
    if ((found = g_strrstr (path, packages[i])) != NULL)
      return found + 1;
  if ((found = after_stdlib (path)) != NULL && *found != '\0')
    return found;
  end = strrchr (path, '/');
  if (end == NULL || end == path)
    return path;
  found = g_strrstr_len (path, end - path, "/");
  return found != NULL ? found + 1 : path;
}

GHashTable *
hap_label_set_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

char *
hap_label_unique (GHashTable *used, char *wanted)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (used, wanted));
  g_autofree char *base = wanted;
  char *label = g_strdup (base);

  /* The number given out last is kept with the name: a thousand equal names are no quadratic search. */
  while (g_hash_table_contains (used, label))
    {
      g_free (label);
      label = g_strdup_printf ("%s #%u", base, ++n);
    }
  if (n > 0)
    g_hash_table_insert (used, g_strdup (base), GUINT_TO_POINTER (n));
  g_hash_table_insert (used, g_strdup (label), GUINT_TO_POINTER (1));
  return label;
}

GStrv
hap_label_threads (const HapProfile *profile)
{
  g_autoptr (GHashTable) used = hap_label_set_new ();
  guint n_threads = hap_call_tree_get_n_threads (profile->tree);
  GStrv labels = g_new0 (char *, n_threads + 1);

  for (guint i = 0; i < n_threads; i++)
    {
      const HapCallThread *thread = hap_call_tree_get_thread (profile->tree, i);
      char *name = *thread->name != '\0' ? hap_label_escape (thread->name)
                                         : g_strdup_printf ("thread %u", thread->tid);

      labels[i] = hap_label_unique (used, name);
    }
  return labels;
}

GStrv
hap_label_thread_rows (const HapProfile *profile)
{
  g_autoptr (GHashTable) used = hap_label_set_new ();
  GStrv labels = hap_label_threads (profile);

  for (guint32 i = 0; i < hap_call_tree_get_n_functions (profile->tree); i++)
    {
      const HapFunction *function = hap_call_tree_get_function (profile->tree, i);

      if (strcmp (function->file, HAP_LABEL_THREAD_FILE) == 0)
        g_hash_table_insert (used, g_strdup (function->name), GUINT_TO_POINTER (1));
    }
  for (guint i = 0; labels[i] != NULL; i++)
    {
      g_autofree char *name = g_steal_pointer (&labels[i]);

      labels[i] = hap_label_unique (used, g_strdup_printf ("<thread %s>", name));
    }
  return labels;
}
