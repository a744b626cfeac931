/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values for people: counts, sizes, times, shares, and what opens which artifact. Escaping is left to whoever
 * prints.
 */
#include "client-format.h"

#include <glib/gi18n.h>
#include <math.h>

/* By what it is called, then by what it is. */
static const struct
{
  const char *pattern;
  const char *mime;
  const char *opener;
} openers[] = {
  { "*.html", "text/html", N_ ("web browser") },
  { "*.cprof", NULL, N_ ("snakeviz, gprof2dot") },
  { "callgrind.out.*", NULL, N_ ("KCachegrind, QCachegrind") },
  { "*.speedscope.json", NULL, N_ ("speedscope.app") },
  { "*.collapsed", NULL, N_ ("flamegraph.pl, speedscope.app") },
  { "*.hpy", NULL, N_ ("guppy3 (hpy().load)") },
  { "*.pb.gz", NULL, N_ ("pprof") },
  { "*.svg", "image/svg+xml", N_ ("web browser") },
  { "*.json", "application/json", N_ ("any JSON viewer") },
  { "*.txt", "text/plain", N_ ("any text viewer") },
};

char *
client_format_count (guint64 count)
{
  return g_strdup_printf ("%'" G_GUINT64_FORMAT, count);
}

char *
client_format_size (guint64 bytes)
{
  g_autofree char *size = g_format_size (bytes);
  g_auto (GStrv) parts = g_strsplit (size, "\302\240", -1); /* a no-break space has no place in ASCII */

  return g_strjoinv (" ", parts);
}

char *
client_format_seconds (double seconds)
{
  if (!isfinite (seconds))
    return g_strdup ("-");
  return g_strdup_printf (_ ("%.2f s"), seconds);
}

char *
client_format_duration (double seconds)
{
  if (!isfinite (seconds))
    return g_strdup ("-");
  if (fabs (seconds) >= 10)
    return g_strdup_printf (_ ("%.1f s"), seconds);
  if (fabs (seconds) >= 1)
    return g_strdup_printf (_ ("%.2f s"), seconds);
  if (fabs (seconds) >= 0.001)
    return g_strdup_printf (_ ("%.1f ms"), seconds * 1e3);
  return g_strdup_printf (_ ("%.0f µs"), seconds * 1e6);
}

char *
client_format_percent (double share)
{
  if (!isfinite (share))
    return g_strdup ("-");
  return g_strdup_printf (_ ("%.1f %%"), share * 100);
}

char *
client_format_number (double number)
{
  if (!isfinite (number))
    return g_strdup ("-");
  return g_strdup_printf (number == trunc (number) ? "%'.0f" : "%'.2f", number);
}

char *
client_format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) start = g_date_time_new_from_unix_local (microseconds / G_USEC_PER_SEC);
  char *text = start != NULL ? g_date_time_format (start, "%F %T") : NULL;

  return text != NULL ? text : g_strdup ("-");
}

gboolean
client_variant_get_number (GVariant *value, double *number)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      *number = g_variant_get_byte (value);
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      *number = g_variant_get_int16 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT16:
      *number = g_variant_get_uint16 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT32:
      *number = g_variant_get_int32 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      *number = g_variant_get_uint32 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT64:
      *number = (double)g_variant_get_int64 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      *number = (double)g_variant_get_uint64 (value);
      return TRUE;
    case G_VARIANT_CLASS_DOUBLE:
      *number = g_variant_get_double (value);
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
client_lookup_number (GVariant *row, const char *key, double *number)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (row, key, NULL);

  return value != NULL && client_variant_get_number (value, number);
}

char *
client_lookup_text (GVariant *row, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (row, key, G_VARIANT_TYPE_STRING);

  if (value == NULL || g_variant_get_string (value, NULL)[0] == '\0')
    return NULL;
  return g_variant_dup_string (value, NULL);
}

/* The whole key, or its last word. */
static gboolean
is_in (const char *key, const char *unit)
{
  g_autofree char *ending = g_strconcat ("_", unit, NULL);

  return g_str_equal (key, unit) || g_str_has_suffix (key, ending);
}

static char *
format_number_fact (const char *key, double number)
{
  if (is_in (key, "seconds"))
    return client_format_duration (number);
  if (is_in (key, "ms"))
    return client_format_duration (number / 1e3);
  if (is_in (key, "us"))
    return client_format_duration (number / 1e6);
  if (is_in (key, "ns"))
    return client_format_duration (number / 1e9);
  if (is_in (key, "share"))
    return client_format_percent (number);
  if (is_in (key, "bytes") && number >= 0 && number < 0x1p63)
    return client_format_size ((guint64)number);
  return client_format_number (number);
}

char *
client_format_fact (const char *key, GVariant *value)
{
  double number;

  if (client_variant_get_number (value, &number))
    return format_number_fact (key, number);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? _ ("yes") : _ ("no"));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_autofree const char **items = g_variant_get_strv (value, NULL);

      return g_strjoinv (", ", (char **)items);
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      g_autoptr (GVariant) inner = g_variant_get_variant (value);

      return client_format_fact (key, inner);
    }
  return g_variant_print (value, FALSE);
}

const char *
client_format_opener (const char *name, const char *mime)
{
  for (guint i = 0; i < G_N_ELEMENTS (openers); i++)
    {
      if (g_pattern_match_simple (openers[i].pattern, name))
        return _ (openers[i].opener);
    }
  for (guint i = 0; i < G_N_ELEMENTS (openers); i++)
    {
      if (openers[i].mime != NULL && g_strcmp0 (openers[i].mime, mime) == 0)
        return _ (openers[i].opener);
    }
  return NULL;
}
