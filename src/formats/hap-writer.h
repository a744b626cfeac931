/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HapWriter: what all writers write through: a buffer before a stream. The first error sticks, and nothing is written
 * after it, so that a format's code is free of error paths. Private to this room.
 */
typedef struct
{
  GOutputStream *stream;
  GCancellable *cancellable;
  GString *buffer;
  GError *error;
} HapWriter;

void hap_writer_init (HapWriter *self, GOutputStream *stream, GCancellable *cancellable);

void hap_writer_bytes (HapWriter *self, gconstpointer data, gsize length);
void hap_writer_text (HapWriter *self, const char *text);
void hap_writer_printf (HapWriter *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* A JSON string with its quotes, safe inside an HTML script element: no <, >, &, U+2028, U+2029. */
void hap_writer_json (HapWriter *self, const char *text);

/* A JSON number; the decimal point is a point in every locale. */
void hap_writer_json_double (HapWriter *self, double value);

/* Writes out what is buffered and frees. Leaves the stream open. FALSE and @error if anything failed since the start. */
gboolean hap_writer_finish (HapWriter *self, GError **error);

G_END_DECLS
