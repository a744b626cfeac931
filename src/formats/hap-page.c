/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pages: a template with its marks replaced. What they show is their formats'; how they look and behave is in
 * the .css and .js files, which are embedded as resources.
 */

#include "hap-page.h"

#include <string.h>

#include "hap-flamegraph-resources.h"
#include "hap-labels.h"

#define HASH "hash:"

void
hap_page_put_text (HapWriter *writer, const char *text)
{
  g_autofree char *escaped = hap_label_escape (text);

  hap_writer_json (writer, escaped);
}

/* Returns: (nullable): NULL: there is none of that name */
static GBytes *
load_part (const char *name)
{
  g_autofree char *path = g_strconcat ("/org/homeassistant/Profiler/formats/", name, NULL);

  return g_resource_lookup_data (hap_flamegraph_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

static void
put_hash (HapWriter *writer, GBytes *part)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *text = NULL;
  guint8 digest[32];
  gsize length = sizeof digest;

  g_checksum_update (checksum, g_bytes_get_data (part, NULL), (gssize)g_bytes_get_size (part));
  g_checksum_get_digest (checksum, digest, &length);
  text = g_base64_encode (digest, length);
  hap_writer_printf (writer, "'sha256-%s'", text);
}

static void
put_title (HapWriter *writer, const char *title)
{
  g_autofree char *printable = hap_label_escape (title);
  g_autofree char *markup = g_markup_escape_text (printable, -1);

  hap_writer_text (writer, markup);
}

/* What is no mark is the template's own text. */
static void
put_piece (HapWriter *writer, const char *piece)
{
  gboolean hash = g_str_has_prefix (piece, HASH);
  g_autoptr (GBytes) part = strlen (piece) < 100 ? load_part (hash ? piece + strlen (HASH) : piece) : NULL;

  if (part == NULL)
    hap_writer_text (writer, piece);
  else if (hash)
    put_hash (writer, part);
  else
    hap_writer_bytes (writer, g_bytes_get_data (part, NULL), g_bytes_get_size (part));
}

void
hap_page_put (HapWriter *writer, const char *template, const char *title, HapPageFunc put_data, gpointer data)
{
  g_autoptr (GBytes) html = load_part (template);
  g_autofree char *text = g_strndup (g_bytes_get_data (html, NULL), g_bytes_get_size (html));
  g_auto (GStrv) pieces = g_strsplit (text, "@", -1);

  for (guint i = 0; pieces[i] != NULL; i++)
    if (strcmp (pieces[i], "TITLE") == 0)
      put_title (writer, title);
    else if (strcmp (pieces[i], "DATA") == 0)
      put_data (writer, data);
    else
      put_piece (writer, pieces[i]);
}
