/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The buffer between a format and its stream, and JSON's texts.
 *
 * Owns the sticky error and the escaping. Does not own the stream, and knows no format. */
#include "hap-writer.h"

#include <math.h>
#include <string.h>

#define BUFFER_SIZE (64 * 1024)

void
hap_writer_init (HapWriter *self, GOutputStream *stream, GCancellable *cancellable)
{
  *self = (HapWriter){ .stream = stream, .cancellable = cancellable };
  self->buffer = g_string_sized_new (BUFFER_SIZE + 4096);
}

static void
flush (HapWriter *self)
{
  if (self->error == NULL && !g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
    g_output_stream_write_all (self->stream, self->buffer->str, self->buffer->len, NULL, self->cancellable,
                               &self->error);
  g_string_truncate (self->buffer, 0);
}

void
hap_writer_bytes (HapWriter *self, gconstpointer data, gsize length)
{
  g_string_append_len (self->buffer, data, (gssize)length);
  if (self->buffer->len >= BUFFER_SIZE)
    flush (self);
}

void
hap_writer_text (HapWriter *self, const char *text)
{
  hap_writer_bytes (self, text, strlen (text));
}

void
hap_writer_printf (HapWriter *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (self->buffer, format, args);
  va_end (args);
  if (self->buffer->len >= BUFFER_SIZE)
    flush (self);
}

static gboolean
needs_escape (gunichar c)
{
  return c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x2028
         || c == 0x2029;
}

void
hap_writer_json (HapWriter *self, const char *text)
{
  const char *run = text;

  hap_writer_bytes (self, "\"", 1);
  for (const char *p = text; *p != '\0';)
    {
      gunichar c = g_utf8_get_char (p);
      const char *next = g_utf8_next_char (p);

      if (needs_escape (c))
        {
          hap_writer_bytes (self, run, (gsize)(p - run));
          hap_writer_printf (self, "\\u%04x", c);
          run = next;
        }
      p = next;
    }
  hap_writer_text (self, run);
  hap_writer_bytes (self, "\"", 1);
}

void
hap_writer_json_double (HapWriter *self, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  hap_writer_text (self, g_ascii_dtostr (text, sizeof text, isfinite (value) ? value : 0));
}

gboolean
hap_writer_finish (HapWriter *self, GError **error)
{
  flush (self);
  g_string_free (self->buffer, TRUE);
  self->buffer = NULL;
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}
