/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What hostile texts and values must be before they go on. Only tells and escapes; what follows from it is
 * the caller's.
 */

#include "service-text.h"

#include <string.h>

static gboolean
is_harmless (gunichar c, gboolean keep_lines)
{
  if (c == '\n' || c == '\t')
    return keep_lines;

  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
      return FALSE;
    default:
      return TRUE;
    }
}

char *
service_text_escape (const char *text, gsize max_chars, gboolean keep_lines)
{
  /* No character takes more than four bytes, so that what is cut here would be cut below. */
  gsize length = strnlen (text, max_chars * 4 + 1);
  g_autofree char *valid = g_utf8_make_valid (text, (gssize)length);
  GString *escaped = g_string_sized_new (length);
  gsize n_chars = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (n_chars++ == max_chars)
        {
          g_string_append (escaped, "…");
          break;
        }
      if (is_harmless (c, keep_lines))
        g_string_append_unichar (escaped, c);
      else
        g_string_append_printf (escaped, "\\u{%x}", c);
    }
  return g_string_free (escaped, FALSE);
}

static gboolean
consists_of (const char *text, gsize length, const char *others)
{
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isalnum (text[i]) && strchr (others, text[i]) == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
service_text_is_name (const char *text, gsize max_length)
{
  gsize length = strnlen (text, max_length + 1);

  return length > 0 && length <= max_length && text[0] != '.' && text[0] != '-'
         && consists_of (text, length, "._-");
}

gboolean
service_text_is_mime (const char *text)
{
  gsize length = strnlen (text, 128);
  const char *slash = memchr (text, '/', length);

  if (length > 127 || slash == NULL || slash == text || slash[1] == '\0')
    return FALSE;
  return consists_of (text, slash - text, "._+-")
         && consists_of (slash + 1, text + length - slash - 1, "._+-");
}

/*
 * What of the type of a variant comes first in one that can hold a handle. In GVariant's format a type stands
 * behind its value and a NUL: where nothing like it is in the bytes, nothing has to be taken apart.
 */
static gboolean
may_have_handle (GVariant *variant)
{
  const char *at = g_variant_get_data (variant);
  const char *end = at != NULL ? at + g_variant_get_size (variant) : NULL;

  while (at != NULL && (at = memchr (at, '\0', end - at)) != NULL && ++at < end)
    {
      const char *type_end;

      if (strchr ("ha({m", *at) != NULL && *at != '\0' && g_variant_type_string_scan (at, end, &type_end)
          && memchr (at, 'h', type_end - at) != NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
has_handle (GVariant *variant)
{
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_HANDLE))
    return TRUE;
  /* A container without variants says by its type alone whether it holds one. */
  if (!g_variant_is_container (variant) || strpbrk (g_variant_get_type_string (variant), "hv") == NULL)
    return FALSE;

  for (gsize i = 0; i < g_variant_n_children (variant); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (variant, i);

      if (has_handle (child))
        return TRUE;
    }
  return FALSE;
}

gboolean
service_text_has_handle (GVariant *variant)
{
  return (strchr (g_variant_get_type_string (variant), 'h') != NULL || may_have_handle (variant))
         && has_handle (variant);
}
