/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values as Python's source has them.
 */

#include "py-literal.h"

#include <math.h>

void
py_literal_append_string (GString *literal, const char *text)
{
  g_string_append_c (literal, '\'');
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);

      if (character == '\n')
        g_string_append (literal, "\\n");
      else if (character == '\'' || character == '\\')
        g_string_append_printf (literal, "\\%c", (char)character);
      else if (character >= ' ' && character < 0x7f)
        g_string_append_c (literal, (char)character);
      else
        g_string_append_printf (literal, "\\U%08x", character);
    }
  g_string_append_c (literal, '\'');
}

static void
append_double (GString *literal, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isfinite (number))
    g_string_append (literal, g_ascii_dtostr (text, sizeof text, number));
  else
    g_string_append (literal, "None");
}

static void
append_entries (GString *literal, GVariant *dictionary)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_string_append_c (literal, '{');
  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      py_literal_append_string (literal, key);
      g_string_append_c (literal, ':');
      py_literal_append (literal, value);
      g_string_append_c (literal, ',');
      g_variant_unref (value);
    }
  g_string_append_c (literal, '}');
}

static void
append_strings (GString *literal, GVariant *list)
{
  g_autofree const char **strings = g_variant_get_strv (list, NULL);

  g_string_append_c (literal, '[');
  for (gsize i = 0; strings[i] != NULL; i++)
    {
      py_literal_append_string (literal, strings[i]);
      g_string_append_c (literal, ',');
    }
  g_string_append_c (literal, ']');
}

void
py_literal_append (GString *literal, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    append_entries (literal, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    append_strings (literal, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    py_literal_append_string (literal, g_variant_get_string (value, NULL));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    g_string_append (literal, g_variant_get_boolean (value) ? "True" : "False");
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    append_double (literal, g_variant_get_double (value));
  else
    {
      /* The integers: as GVariant prints them without their type. */
      g_autofree char *text = g_variant_print (value, FALSE);

      g_string_append (literal, text);
    }
}
