/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* All strings are (transfer full), in the locale's form; numbers that are not finite are "-". */
char *client_format_count (guint64 count);
char *client_format_size (guint64 bytes);
char *client_format_duration (double seconds); /* with a unit that suits: "41 µs", "2.5 ms", "30.0 s" */
char *client_format_seconds (double seconds);  /* for columns: "12.30 s" */
char *client_format_percent (double share);    /* 0.461: "46.1 %" */
char *client_format_number (double number);
char *client_format_time (gint64 microseconds); /* since 1970: local date and time */

/**
 * client_format_fact:
 * @key: "pause_us", "bytes", "share", ...: its ending tells the unit
 *
 * Any value of an a{sv} for a person.
 */
char *client_format_fact (const char *key, GVariant *value);

/* Returns: (transfer none) (nullable): what opens an artifact of this name and type, translated. */
const char *client_format_opener (const char *name, const char *mime);

/* Reads a number of any D-Bus type. */
gboolean client_variant_get_number (GVariant *value, double *number);
/* The same from the dictionary @row; FALSE without such a number. */
gboolean client_lookup_number (GVariant *row, const char *key, double *number);
/* Returns: (transfer full) (nullable): a string of the dictionary @row that is not empty. */
char *client_lookup_text (GVariant *row, const char *key);

G_END_DECLS
