/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pages: a template with its marks replaced, in the language of the moment: its own texts are translated
 * here, those of its scripts go with it as JSON. What they show is their formats'; how they look and behave
 * is in the .css and .js files, which are embedded as resources.
 */

#include "hap-page.h"

#include <libintl.h>
#include <string.h>

#include "hap-flamegraph-resources.h"
#include "hap-labels.h"

#define HASH "hash:"

/* Of which a plural's form is written, COUNTS in page.js: languages look at small numbers and at the last two
 * digits. */
#define N_COUNTS 200

/* Texts of elements, and of the attributes that are read. po/its/page.its names the same for xgettext. */
#define TEMPLATE_TEXT "(>|\\b(?:title|placeholder|aria-label|aria-roledescription)=\")([^<>\"]*[a-z][^<>\"]*)"
#define SCRIPT_TEXT "\\b(?:_|ngettext)\\(\\s*\"([^\"\\\\]*)\"(?:,\\s*\"([^\"\\\\]*)\")?"
#define LANGUAGE "^Language: ([A-Za-z]+)(?:_([A-Za-z]+))?"

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

static char *
load_text (const char *name)
{
  g_autoptr (GBytes) part = load_part (name);

  return g_strndup (g_bytes_get_data (part, NULL), g_bytes_get_size (part));
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

/* The catalogue in use says in its head which language it is. */
static void
put_language (HapWriter *writer)
{
  g_autoptr (GRegex) regex = g_regex_new (LANGUAGE, G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *language = NULL;
  g_autofree char *region = NULL;

  if (!g_regex_match (regex, gettext (""), 0, &match))
    {
      hap_writer_text (writer, "en");
      return;
    }
  language = g_match_info_fetch (match, 1);
  region = g_match_info_fetch (match, 2);
  hap_writer_text (writer, language);
  if (region != NULL && *region != '\0')
    hap_writer_printf (writer, "-%s", region);
}

/* The forms that the language has, and of each number which it takes */
static void
put_plural (HapWriter *writer, const char *one, const char *many)
{
  g_autoptr (GPtrArray) forms = g_ptr_array_new ();
  char which[N_COUNTS + 1] = "";

  for (guint n = 0; n < N_COUNTS; n++)
    {
      const char *form = ngettext (one, many, n);
      guint index = forms->len;

      if (!g_ptr_array_find_with_equal_func (forms, form, g_str_equal, &index))
        g_ptr_array_add (forms, (gpointer)form);
      which[n] = (char)('0' + index);
    }
  for (guint i = 0; i < forms->len; i++)
    {
      hap_writer_text (writer, i == 0 ? "[[" : ",");
      hap_writer_json (writer, g_ptr_array_index (forms, i));
    }
  hap_writer_printf (writer, "],\"%s\"]", which);
}

static void
put_words_of (HapWriter *writer, const char *script, GHashTable *seen)
{
  g_autoptr (GRegex) regex = g_regex_new (SCRIPT_TEXT, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *text = load_text (script);

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      char *one = g_match_info_fetch (match, 1);
      g_autofree char *many = g_match_info_fetch (match, 2);

      if (!g_hash_table_add (seen, one))
        continue;
      hap_writer_text (writer, g_hash_table_size (seen) > 1 ? ",\n" : "");
      hap_writer_json (writer, one);
      hap_writer_text (writer, ":");
      if (many != NULL && *many != '\0')
        put_plural (writer, one, many);
      else
        hap_writer_json (writer, gettext (one));
    }
}

/* What the scripts of the page say */
static void
put_words (HapWriter *writer, char *const *pieces)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  hap_writer_text (writer, "{");
  for (guint i = 0; pieces[i] != NULL; i++)
    if (g_str_has_suffix (pieces[i], ".js") && !g_str_has_prefix (pieces[i], HASH))
      put_words_of (writer, pieces[i], seen);
  hap_writer_text (writer, "}");
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

static gboolean
translate_match (const GMatchInfo *match, GString *result, gpointer data)
{
  g_autofree char *before = g_match_info_fetch (match, 1);
  g_autofree char *text = g_match_info_fetch (match, 2);
  g_autofree char *escaped = g_markup_escape_text (gettext (text), -1);

  g_string_append (result, before);
  g_string_append (result, escaped);
  return FALSE;
}

static char *
translate_template (const char *template)
{
  g_autoptr (GRegex) regex = g_regex_new (TEMPLATE_TEXT, 0, 0, NULL);
  g_autofree char *text = load_text (template);

  return g_regex_replace_eval (regex, text, -1, 0, 0, translate_match, NULL, NULL);
}

void
hap_page_put (HapWriter *writer, const char *template, const char *title, HapPageFunc put_data, gpointer data)
{
  g_autofree char *text = translate_template (template);
  g_auto (GStrv) pieces = g_strsplit (text, "@", -1);

  for (guint i = 0; pieces[i] != NULL; i++)
    if (strcmp (pieces[i], "TITLE") == 0)
      put_title (writer, title);
    else if (strcmp (pieces[i], "LANGUAGE") == 0)
      put_language (writer);
    else if (strcmp (pieces[i], "WORDS") == 0)
      put_words (writer, pieces);
    else if (strcmp (pieces[i], "DATA") == 0)
      put_data (writer, data);
    else
      put_piece (writer, pieces[i]);
}
