/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One data attribute of an action: between a GParamSpec and D-Bus, in both directions. Every check of a
 * caller's value is here.
 */

#include "hap-attribute.h"

#include <glib/gi18n.h>
#include <math.h>

#include "hap-action.h"

/* A number of any D-Bus type: as a double, and as an integer where it is one. */
typedef struct
{
  double real;
  gboolean integral;
  gboolean negative;
  guint64 magnitude;
} Number;

/* What a numeric attribute takes. */
typedef struct
{
  double minimum, maximum;
} Range;

char *
hap_attribute_get_key (GParamSpec *pspec)
{
  return g_strdelimit (g_strdup (g_param_spec_get_name (pspec)), "-", '_');
}

const char *
hap_attribute_get_signature (GParamSpec *pspec)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return "b";
  if (G_IS_PARAM_SPEC_INT (pspec))
    return "i";
  if (G_IS_PARAM_SPEC_UINT (pspec))
    return "u";
  if (G_IS_PARAM_SPEC_INT64 (pspec))
    return "x";
  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    return "t";
  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return "d";
  if (G_IS_PARAM_SPEC_STRING (pspec) || G_IS_PARAM_SPEC_ENUM (pspec))
    return "s";
  if (G_IS_PARAM_SPEC_FLAGS (pspec))
    return "as";
  return NULL;
}

static gboolean
get_range (GParamSpec *pspec, Range *range)
{
  if (G_IS_PARAM_SPEC_INT (pspec))
    *range = (Range){ G_PARAM_SPEC_INT (pspec)->minimum, G_PARAM_SPEC_INT (pspec)->maximum };
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    *range = (Range){ G_PARAM_SPEC_UINT (pspec)->minimum, G_PARAM_SPEC_UINT (pspec)->maximum };
  else if (G_IS_PARAM_SPEC_INT64 (pspec))
    *range = (Range){ G_PARAM_SPEC_INT64 (pspec)->minimum, G_PARAM_SPEC_INT64 (pspec)->maximum };
  else if (G_IS_PARAM_SPEC_UINT64 (pspec))
    *range = (Range){ G_PARAM_SPEC_UINT64 (pspec)->minimum, G_PARAM_SPEC_UINT64 (pspec)->maximum };
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    *range = (Range){ G_PARAM_SPEC_DOUBLE (pspec)->minimum, G_PARAM_SPEC_DOUBLE (pspec)->maximum };
  else
    return FALSE;
  return TRUE;
}

/* Returns: (transfer container): the nicks of an enumeration or of flags, in @flags only those that are set;
 * NULL for other types */
static const char **
list_choices (GParamSpec *pspec, guint flags)
{
  g_autoptr (GPtrArray) choices = g_ptr_array_new ();

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    {
      GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;

      for (guint i = 0; i < klass->n_values; i++)
        g_ptr_array_add (choices, (gpointer)klass->values[i].value_nick);
    }
  else if (G_IS_PARAM_SPEC_FLAGS (pspec))
    {
      GFlagsClass *klass = G_PARAM_SPEC_FLAGS (pspec)->flags_class;

      for (guint i = 0; i < klass->n_values; i++)
        {
          if ((klass->values[i].value & flags) != 0)
            g_ptr_array_add (choices, (gpointer)klass->values[i].value_nick);
        }
    }
  else
    return NULL;

  g_ptr_array_add (choices, NULL);
  return (const char **)g_ptr_array_steal (choices, NULL);
}

static GVariant *
number_variant (const char *signature, double value)
{
  switch (signature[0])
    {
    case 'i':
      return g_variant_new_int32 ((gint32)value);
    case 'u':
      return g_variant_new_uint32 ((guint32)value);
    case 'x':
      return g_variant_new_int64 (value >= 0x1p63 ? G_MAXINT64 : (gint64)value);
    case 't':
      return g_variant_new_uint64 (value >= 0x1p64 ? G_MAXUINT64 : (guint64)value);
    default:
      return g_variant_new_double (value);
    }
}

GVariant *
hap_attribute_describe (GParamSpec *pspec)
{
  g_autofree char *key = hap_attribute_get_key (pspec);
  const char *signature = hap_attribute_get_signature (pspec);
  gboolean required = (pspec->flags & HAP_PARAM_REQUIRED) != 0;
  g_autofree const char **choices = NULL;
  GVariantBuilder builder;
  Range range;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "name", g_variant_new_string (key));
  g_variant_builder_add (&builder, "{sv}", "type", g_variant_new_string (signature));
  g_variant_builder_add (&builder, "{sv}", "help", g_variant_new_string (g_param_spec_get_blurb (pspec)));
  g_variant_builder_add (&builder, "{sv}", "required", g_variant_new_boolean (required));
  if ((pspec->flags & HAP_PARAM_SECRET) != 0)
    g_variant_builder_add (&builder, "{sv}", "secret", g_variant_new_boolean (TRUE));
  if ((pspec->flags & HAP_PARAM_MODIFY) != 0)
    g_variant_builder_add (&builder, "{sv}", "modify", g_variant_new_boolean (TRUE));
  if ((pspec->flags & HAP_PARAM_INSPECT) != 0)
    g_variant_builder_add (&builder, "{sv}", "inspect", g_variant_new_boolean (TRUE));
  if (!required)
    g_variant_builder_add (&builder, "{sv}", "default",
                           hap_attribute_serialize (pspec, g_param_spec_get_default_value (pspec)));
  if (get_range (pspec, &range))
    {
      g_variant_builder_add (&builder, "{sv}", "minimum", number_variant (signature, range.minimum));
      g_variant_builder_add (&builder, "{sv}", "maximum", number_variant (signature, range.maximum));
    }
  choices = list_choices (pspec, G_MAXUINT);
  if (choices != NULL)
    g_variant_builder_add (&builder, "{sv}", "choices", g_variant_new_strv (choices, -1));
  return g_variant_builder_end (&builder);
}

GVariant *
hap_attribute_serialize (GParamSpec *pspec, const GValue *value)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_variant_new_boolean (g_value_get_boolean (value));
  if (G_IS_PARAM_SPEC_INT (pspec))
    return g_variant_new_int32 (g_value_get_int (value));
  if (G_IS_PARAM_SPEC_UINT (pspec))
    return g_variant_new_uint32 (g_value_get_uint (value));
  if (G_IS_PARAM_SPEC_INT64 (pspec))
    return g_variant_new_int64 (g_value_get_int64 (value));
  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    return g_variant_new_uint64 (g_value_get_uint64 (value));
  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return g_variant_new_double (g_value_get_double (value));
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    {
      GEnumValue *choice = g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value));
      return g_variant_new_string (choice->value_nick);
    }
  if (G_IS_PARAM_SPEC_FLAGS (pspec))
    {
      g_autofree const char **choices = list_choices (pspec, g_value_get_flags (value));
      return g_variant_new_strv (choices, -1);
    }
  return g_variant_new_string (g_value_get_string (value) != NULL ? g_value_get_string (value) : "");
}

static gboolean fail (GError **error, GParamSpec *pspec, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
fail (GError **error, GParamSpec *pspec, const char *format, ...)
{
  g_autofree char *key = hap_attribute_get_key (pspec);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, "“%s” %s", key, what);
  return FALSE;
}

static void
set_signed (Number *number, gint64 value)
{
  number->integral = TRUE;
  number->negative = value < 0;
  number->magnitude = value < 0 ? -(guint64)value : (guint64)value;
  number->real = (double)value;
}

static void
set_unsigned (Number *number, guint64 value)
{
  *number = (Number){ .integral = TRUE, .magnitude = value, .real = (double)value };
}

static void
set_real (Number *number, double value)
{
  *number = (Number){ .real = value };
  if (isfinite (value) && value == trunc (value) && fabs (value) < 0x1p63)
    set_signed (number, (gint64)value);
}

static gboolean
get_number (GVariant *variant, Number *number)
{
  switch (g_variant_classify (variant))
    {
    case G_VARIANT_CLASS_BYTE:
      set_unsigned (number, g_variant_get_byte (variant));
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      set_signed (number, g_variant_get_int16 (variant));
      return TRUE;
    case G_VARIANT_CLASS_UINT16:
      set_unsigned (number, g_variant_get_uint16 (variant));
      return TRUE;
    case G_VARIANT_CLASS_INT32:
      set_signed (number, g_variant_get_int32 (variant));
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      set_unsigned (number, g_variant_get_uint32 (variant));
      return TRUE;
    case G_VARIANT_CLASS_INT64:
      set_signed (number, g_variant_get_int64 (variant));
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      set_unsigned (number, g_variant_get_uint64 (variant));
      return TRUE;
    case G_VARIANT_CLASS_DOUBLE:
      set_real (number, g_variant_get_double (variant));
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
parse_number (GParamSpec *pspec, const Range *range, GVariant *variant, GValue *value, GError **error)
{
  const char *signature = hap_attribute_get_signature (pspec);
  Number number = { 0 };
  gint64 integer;

  if (!get_number (variant, &number))
    return fail (error, pspec, _ ("must be a number, not of type “%s”"), g_variant_get_type_string (variant));
  /* Written so that NaN fails it. */
  if (!(number.real >= range->minimum && number.real <= range->maximum))
    return fail (error, pspec, _ ("must be between %.12g and %.12g, not %.12g"), range->minimum,
                 range->maximum, number.real);

  g_value_init (value, pspec->value_type);
  if (signature[0] == 'd')
    {
      g_value_set_double (value, number.real);
      return TRUE;
    }
  if (!number.integral)
    {
      g_value_unset (value);
      return fail (error, pspec, _ ("must be a whole number, not %.12g"), number.real);
    }

  integer = (gint64)(number.negative ? -number.magnitude : number.magnitude);
  switch (signature[0])
    {
    case 'i':
      g_value_set_int (value, (gint)integer);
      break;
    case 'u':
      g_value_set_uint (value, (guint)integer);
      break;
    case 'x':
      g_value_set_int64 (value, integer);
      break;
    default:
      g_value_set_uint64 (value, number.magnitude);
      break;
    }
  return TRUE;
}

static gboolean
fail_choice (GParamSpec *pspec, const char *nick, GError **error)
{
  g_autofree const char **choices = list_choices (pspec, G_MAXUINT);
  g_autofree char *list = g_strjoinv (", ", (char **)choices);
  g_autofree char *shown = g_strescape (nick, NULL);

  return fail (error, pspec,
               G_IS_PARAM_SPEC_FLAGS (pspec) ? _ ("must be of %s, not “%.100s”")
                                             : _ ("must be one of %s, not “%.100s”"),
               list, shown);
}

static gboolean
parse_choice (GParamSpec *pspec, const char *nick, GValue *value, GError **error)
{
  GEnumValue *choice = g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (pspec)->enum_class, nick);

  if (choice == NULL)
    return fail_choice (pspec, nick, error);
  g_value_init (value, pspec->value_type);
  g_value_set_enum (value, choice->value);
  return TRUE;
}

static gboolean
parse_choices (GParamSpec *pspec, GVariant *variant, GValue *value, GError **error)
{
  g_autofree const char **nicks = g_variant_get_strv (variant, NULL);
  guint flags = 0;

  for (const char **nick = nicks; *nick != NULL; nick++)
    {
      GFlagsValue *choice = g_flags_get_value_by_nick (G_PARAM_SPEC_FLAGS (pspec)->flags_class, *nick);

      if (choice == NULL)
        return fail_choice (pspec, *nick, error);
      flags |= choice->value;
    }
  g_value_init (value, pspec->value_type);
  g_value_set_flags (value, flags);
  return TRUE;
}

gboolean
hap_attribute_parse (GParamSpec *pspec, GVariant *variant, GValue *value, GError **error)
{
  const char *signature = hap_attribute_get_signature (pspec);
  Range range;

  if (get_range (pspec, &range))
    return parse_number (pspec, &range, variant, value, error);
  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE (signature)))
    return fail (error, pspec, _ ("must be of type “%s”, not “%s”"), signature,
                 g_variant_get_type_string (variant));
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return parse_choice (pspec, g_variant_get_string (variant, NULL), value, error);
  if (G_IS_PARAM_SPEC_FLAGS (pspec))
    return parse_choices (pspec, variant, value, error);

  g_value_init (value, pspec->value_type);
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, g_variant_get_boolean (variant));
  else
    g_value_set_string (value, g_variant_get_string (variant, NULL));
  return TRUE;
}
