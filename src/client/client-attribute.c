/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One data attribute as an option: its help and its value. Only what has no D-Bus form at all is refused
 * here; ranges and choices are the service's to judge.
 */
#include <errno.h>
#include <glib/gi18n.h>
#include <math.h>

#include "client-actions.h"

const char *
client_attribute_get_placeholder (const ClientAttribute *self)
{
  switch (self->type[0])
    {
    case 'b':
      return _ ("YES|NO");
    case 'd':
      return _ ("NUMBER");
    case 's':
      return self->choices != NULL ? _ ("CHOICE") : _ ("TEXT");
    case 'a':
      return _ ("LIST");
    case 'v':
      return _ ("PID|NAME");
    default:
      return _ ("COUNT");
    }
}

static char *
print_value (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? _ ("yes") : _ ("no"));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    {
      char buffer[G_ASCII_DTOSTR_BUF_SIZE];

      /* As the option takes it, whatever the locale's decimal point. */
      return g_strdup (g_ascii_formatd (buffer, sizeof buffer, "%.12g", g_variant_get_double (value)));
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_autofree const char **items = g_variant_get_strv (value, NULL);

      return g_strjoinv (",", (char **)items);
    }
  return g_variant_print (value, FALSE);
}

/* A bound that only says what the type can hold tells a person nothing. */
static gboolean
is_meaningful (GVariant *bound)
{
  switch (g_variant_classify (bound))
    {
    case G_VARIANT_CLASS_DOUBLE:
      return fabs (g_variant_get_double (bound)) < 1e100;
    case G_VARIANT_CLASS_INT32:
      return g_variant_get_int32 (bound) != G_MAXINT32 && g_variant_get_int32 (bound) != G_MININT32;
    case G_VARIANT_CLASS_UINT32:
      return g_variant_get_uint32 (bound) != G_MAXUINT32;
    case G_VARIANT_CLASS_INT64:
      return g_variant_get_int64 (bound) != G_MAXINT64 && g_variant_get_int64 (bound) != G_MININT64;
    case G_VARIANT_CLASS_UINT64:
      return g_variant_get_uint64 (bound) != G_MAXUINT64;
    default:
      return TRUE;
    }
}

static char *
describe_range (const ClientAttribute *self)
{
  gboolean from = self->minimum != NULL && is_meaningful (self->minimum);
  gboolean to = self->maximum != NULL && is_meaningful (self->maximum);
  g_autofree char *minimum = from ? print_value (self->minimum) : NULL;
  g_autofree char *maximum = to ? print_value (self->maximum) : NULL;

  if (from && to)
    return g_strdup_printf (_ ("%s to %s"), minimum, maximum);
  if (from)
    return g_strdup_printf (_ ("from %s"), minimum);
  if (to)
    return g_strdup_printf (_ ("up to %s"), maximum);
  return NULL;
}

char *
client_attribute_describe (const ClientAttribute *self)
{
  g_autoptr (GPtrArray) facts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *value = self->fallback != NULL ? print_value (self->fallback) : NULL;
  g_autofree char *range = describe_range (self);
  g_autofree char *list = NULL;

  if (self->choices != NULL && self->choices[0] != NULL)
    g_ptr_array_add (facts, g_strjoinv (", ", self->choices));
  if (range != NULL)
    g_ptr_array_add (facts, g_steal_pointer (&range));
  if (self->required)
    g_ptr_array_add (facts, g_strdup (_ ("required")));
  else if (value != NULL && value[0] != '\0')
    g_ptr_array_add (facts, g_strdup_printf (_ ("default: %s"), value));
  if (facts->len == 0)
    return g_strdup (self->help);
  g_ptr_array_add (facts, NULL);
  list = g_strjoinv ("; ", (char **)facts->pdata);
  return g_strdup_printf (self->help[0] != '\0' ? "%s (%s)" : "%s(%s)", self->help, list);
}

static GVariant *
parse_boolean (const char *text)
{
  static const char *const words[] = { "yes", "true", "on", "1", "no", "false", "off", "0" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (g_ascii_strcasecmp (text, words[i]) == 0)
        return g_variant_new_boolean (i < G_N_ELEMENTS (words) / 2);
    }
  return NULL;
}

static GVariant *
parse_double (const char *text)
{
  char *end;
  double value = g_ascii_strtod (text, &end);

  return end != text && *end == '\0' ? g_variant_new_double (value) : NULL;
}

/* In the type that holds it, for the service to say what is wrong with -1 or 2.5. */
static GVariant *
parse_number (const char *text)
{
  guint64 unsigned_value;
  gint64 signed_value;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &unsigned_value, NULL))
    return g_variant_new_uint64 (unsigned_value);
  if (g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &signed_value, NULL))
    return g_variant_new_int64 (signed_value);
  return parse_double (text);
}

static GVariant *
parse_target (const char *text)
{
  guint64 pid;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &pid, NULL))
    return g_variant_new_uint32 ((guint32)pid);
  return g_variant_new_string (text);
}

static GVariant *
parse_list (const char *text)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; items[i] != NULL; i++)
    {
      g_strstrip (items[i]);
      if (items[i][0] != '\0')
        g_variant_builder_add (&builder, "s", items[i]);
    }
  return g_variant_builder_end (&builder);
}

GVariant *
client_attribute_parse (const ClientAttribute *self, const char *text, GError **error)
{
  GVariant *value = NULL;

  switch (g_utf8_validate (text, -1, NULL) ? self->type[0] : '\0')
    {
    case 'b':
      value = parse_boolean (text);
      break;
    case 'd':
      value = parse_double (text);
      break;
    case 's':
      value = g_variant_new_string (text);
      break;
    case 'a':
      value = parse_list (text);
      break;
    case 'v':
      value = parse_target (text);
      break;
    case '\0':
      break;
    default:
      value = parse_number (text);
      break;
    }
  if (value == NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--%s takes %s, not “%s”."),
                 self->option, client_attribute_get_placeholder (self), text);
  return value;
}
