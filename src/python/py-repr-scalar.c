/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * repr() of strings, bytes and numbers, as CPython's Objects/ and reprlib have it.
 */

#include <errno.h>
#include <math.h>

#include "py-objects.h"
#include "py-repr-private.h"

#define SHORT_STRING 300 /* reprlib's maxstring, as Home Assistant sets it */
#define MAX_BYTES 4096
#define MAX_DIGITS 512 /* of 30 bits: 4,624 decimal digits; Python itself refuses more than 4,300 */
#define CHUNK 1000000000u

/* str.isprintable(): not "Other" and not "Separator", but for the space. */
static gboolean
is_printable (guint32 c)
{
  if (c == ' ')
    return TRUE;
  if (c > 0x10ffff)
    return FALSE;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR:
      return FALSE;
    default:
      return TRUE;
    }
}

static void
append_character (GString *text, guint32 c, char quote)
{
  if (c == (guint32)quote || c == '\\')
    g_string_append_printf (text, "\\%c", (char)c);
  else if (c == '\t')
    g_string_append (text, "\\t");
  else if (c == '\n')
    g_string_append (text, "\\n");
  else if (c == '\r')
    g_string_append (text, "\\r");
  else if (is_printable (c))
    g_string_append_unichar (text, c);
  else if (c <= 0xff)
    g_string_append_printf (text, "\\x%02x", c);
  else if (c <= 0xffff)
    g_string_append_printf (text, "\\u%04x", c);
  else
    g_string_append_printf (text, "\\U%08x", c);
}

static void
append_quoted (GString *text, const guint32 *characters, gsize n)
{
  gboolean single = FALSE, twice = FALSE;
  char quote;

  for (gsize i = 0; i < n; i++)
    {
      single |= characters[i] == '\'';
      twice |= characters[i] == '"';
    }
  quote = single && !twice ? '"' : '\'';
  g_string_append_c (text, quote);
  for (gsize i = 0; i < n; i++)
    append_character (text, characters[i], quote);
  g_string_append_c (text, quote);
}

void
py_repr_append_text (GString *text, const char *value)
{
  glong n;
  g_autofree gunichar *characters = g_utf8_to_ucs4_fast (value, -1, &n);

  append_quoted (text, characters, n);
}

void
py_print_string (PyPrinter *self, guint64 object)
{
  guint64 length;
  gsize n;
  g_autofree guint32 *characters =
      py_object_get_characters (self->runtime, object, 0, PY_REPR_MAX, &n, &length);

  if (characters == NULL)
    {
      g_string_append (self->text, "''");
      return;
    }
  append_quoted (self->text, characters, n);
  if (n < length)
    g_string_append (self->text, "…");
}

/* reprlib.Repr.repr_str(): of what is too long, the beginning and the end. */
void
py_print_string_short (PyPrinter *self, guint64 object)
{
  const gsize left = (SHORT_STRING - 3) / 2, right = SHORT_STRING - 3 - left;
  guint64 length, same;
  gsize n, n_end;
  g_autofree guint32 *characters =
      py_object_get_characters (self->runtime, object, 0, SHORT_STRING, &n, &length);
  g_autofree guint32 *both = NULL, *end = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  glong n_text;

  if (characters == NULL)
    return;
  append_quoted (text, characters, n);
  if (g_utf8_strlen (text->str, -1) <= SHORT_STRING)
    {
      g_string_append (self->text, text->str);
      return;
    }

  end = py_object_get_characters (self->runtime, object, length > right ? length - right : 0, right, &n_end,
                                  &same);
  if (end == NULL)
    return;
  n = MIN (n, left);
  both = g_new (guint32, n + n_end);
  memcpy (both, characters, n * sizeof *both);
  memcpy (both + n, end, n_end * sizeof *both);
  g_string_truncate (text, 0);
  append_quoted (text, both, n + n_end);

  n_text = g_utf8_strlen (text->str, -1);
  g_string_append_len (self->text, text->str, g_utf8_offset_to_pointer (text->str, left) - text->str);
  g_string_append (self->text, "...");
  g_string_append (self->text, g_utf8_offset_to_pointer (text->str, MAX (n_text - (glong)right, 0)));
}

void
py_repr_append_bytes (GString *text, const guint8 *bytes, gsize n)
{
  char quote = '\'';

  if (n > 0 && memchr (bytes, '\'', n) != NULL && memchr (bytes, '"', n) == NULL)
    quote = '"';
  g_string_append_printf (text, "b%c", quote);
  for (gsize i = 0; i < n; i++)
    {
      if (bytes[i] >= 0x7f)
        g_string_append_printf (text, "\\x%02x", bytes[i]);
      else
        append_character (text, bytes[i], quote);
    }
  g_string_append_c (text, quote);
}

void
py_print_bytes (PyPrinter *self, guint64 object)
{
  g_autoptr (GBytes) bytes = py_object_get_bytes (self->runtime, object, MAX_BYTES);

  if (bytes == NULL)
    g_string_append (self->text, "b'…'");
  else
    py_repr_append_bytes (self->text, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* Digits of 30 bits to decimal ones: divides by a thousand million again and again. */
static void
append_decimal (GString *text, guint32 *digits, gsize n)
{
  g_autoptr (GArray) chunks = g_array_new (FALSE, FALSE, sizeof (guint32));

  while (n > 0)
    {
      guint64 rest = 0;
      guint32 chunk;

      for (gsize i = n; i-- > 0;)
        {
          rest = rest << 30 | digits[i];
          digits[i] = rest / CHUNK;
          rest %= CHUNK;
        }
      chunk = rest;
      g_array_append_val (chunks, chunk);
      while (n > 0 && digits[n - 1] == 0)
        n--;
    }
  for (guint i = chunks->len; i-- > 0;)
    g_string_append_printf (text, i + 1 == chunks->len ? "%u" : "%09u", g_array_index (chunks, guint32, i));
}

void
py_print_int (PyPrinter *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint32 digits[MAX_DIGITS];
  gboolean negative;
  guint64 size, n;
  gint64 value;

  if (py_object_get_int (self->runtime, object, &value))
    {
      g_string_append_printf (self->text, "%" G_GINT64_FORMAT, value);
      return;
    }
  size = py_inspector_read (
      self->inspector, object + (layout->long_tag != PY_NO_FIELD ? layout->long_tag : layout->object_size));
  negative = layout->long_tag != PY_NO_FIELD ? (size & 3) == 2 : (gint64)size < 0;
  n = layout->long_tag != PY_NO_FIELD ? size >> 3 : negative ? -size : size;
  if (n > MAX_DIGITS
      || !hap_memory_read (self->runtime->memory, object + layout->long_digits, digits, n * sizeof digits[0]))
    {
      g_string_append (self->text, "…");
      return;
    }
  for (guint64 i = 0; i < n; i++)
    digits[i] &= (1u << 30) - 1;
  if (negative)
    g_string_append_c (self->text, '-');
  append_decimal (self->text, digits, n);
}

/* float.__repr__(): the fewest digits that read back as the same number, in exponents from 1e16 and below
 * 1e-4. */
static void
append_float (GString *text, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE], digits[32];
  gint precision = 0, exponent, n;
  const char *sign = signbit (value) ? "-" : "";

  do
    {
      g_snprintf (digits, sizeof digits, "%%.%de", precision);
      g_ascii_formatd (buffer, sizeof buffer, digits, fabs (value));
    }
  while (g_ascii_strtod (buffer, NULL) != fabs (value) && ++precision < 17);

  /* "d.ddde±xx" to its digits and its exponent */
  exponent = atoi (strchr (buffer, 'e') + 1);
  n = 0;
  for (const char *p = buffer; *p != 'e'; p++)
    if (g_ascii_isdigit (*p))
      digits[n++] = *p;
  digits[n] = '\0';

  g_string_append (text, sign);
  if (exponent < -4 || exponent >= 16)
    g_string_append_printf (text, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1,
                            exponent < 0 ? '-' : '+', ABS (exponent));
  else if (exponent < 0)
    g_string_append_printf (text, "0.%.*s%s", -exponent - 1, "0000", digits);
  else if (n <= exponent + 1)
    g_string_append_printf (text, "%s%.*s.0", digits, exponent + 1 - n, "0000000000000000");
  else
    g_string_append_printf (text, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

void
py_print_float (PyPrinter *self, guint64 object)
{
  double value = 0;

  hap_memory_read (self->runtime->memory, object + self->layout->float_value, &value, sizeof value);
  if (isnan (value))
    g_string_append (self->text, "nan");
  else if (isinf (value))
    g_string_append (self->text, value < 0 ? "-inf" : "inf");
  else
    append_float (self->text, value);
}
