/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The source lines of the target's files, as Python's linecache has them. Nothing is opened here: the broker
 * gives copies of what the target's user may read.
 */

#include "threads-source.h"

#include <string.h>
#include <unistd.h>

/* More distinct files than any sound process has on its stacks; later ones have no lines. */
#define MAX_FILES 512

#define MAX_PATH 4096

typedef struct
{
  char *text;    /* NULL: not read */
  GArray *lines; /* (element-type guint32) where each begins */
  gboolean latin_1;
} Source;

struct _ThreadsSources
{
  GHashTable *sources; /* co_filename -> Source */
  GPtrArray *wanted;   /* their keys, as long as they are not read */
};

static void
source_free (gpointer data)
{
  Source *source = data;

  g_free (source->text);
  g_clear_pointer (&source->lines, g_array_unref);
  g_free (source);
}

ThreadsSources *
threads_sources_new (void)
{
  ThreadsSources *self = g_new0 (ThreadsSources, 1);

  self->sources = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, source_free);
  self->wanted = g_ptr_array_new ();
  return self;
}

void
threads_sources_free (ThreadsSources *self)
{
  g_ptr_array_unref (self->wanted);
  g_hash_table_unref (self->sources);
  g_free (self);
}

/* linecache looks for a relative path in sys.path and the working directory, which may be others by now: left
 * out, as is all that is no path ("<string>", "<frozen runpy>"). */
void
threads_sources_add (ThreadsSources *self, const char *file)
{
  char *key;

  if (file[0] != '/' || strlen (file) >= MAX_PATH || g_hash_table_size (self->sources) >= MAX_FILES
      || g_hash_table_contains (self->sources, file))
    return;
  key = g_strdup (file);
  g_hash_table_insert (self->sources, key, g_new0 (Source, 1));
  g_ptr_array_add (self->wanted, key);
}

/* PEP 263: a comment in the first or second line, `coding[:=]\s*NAME`. Only the one that is easily told
 * matters. */
static gboolean
is_latin_1 (const char *text)
{
  static const char *const names[] = { "latin-1", "latin1", "iso-8859-1", "iso-latin-1", "iso8859-1" };

  for (guint line = 0; line < 2; line++)
    {
      gsize length = strcspn (text, "\r\n");
      g_autofree char *comment = g_ascii_strdown (text, (gssize)length);
      const char *coding = strstr (comment, "coding");

      if (g_strstrip (comment)[0] == '#' && coding != NULL
          && strchr (":=", coding[strlen ("coding")]) != NULL)
        for (guint i = 0; i < G_N_ELEMENTS (names); i++)
          if (strstr (coding, names[i]) != NULL)
            return TRUE;
      text += length;
      text += strspn (text, "\r\n") > 0 ? 1 : 0;
    }
  return FALSE;
}

/* As text files are read in Python: a line ends with "\n", "\r" or both. */
static void
find_lines (Source *source)
{
  const char *text = source->text;
  guint32 at = 0;

  source->lines = g_array_new (FALSE, FALSE, sizeof (guint32));
  while (text[at] != '\0')
    {
      g_array_append_val (source->lines, at);
      at += strcspn (text + at, "\r\n");
      if (text[at] == '\r' && text[at + 1] == '\n')
        at++;
      if (text[at] != '\0')
        at++;
    }
}

static void
read_source (Source *source, int fd)
{
  g_autofree char *text = g_malloc (HAP_MAX_SOURCE_SIZE + 1);
  gsize size = 0;
  gssize n;

  while (size < HAP_MAX_SOURCE_SIZE
         && (n = pread (fd, text + size, HAP_MAX_SOURCE_SIZE - size, (off_t)size)) > 0)
    size += (gsize)n;
  text[size] = '\0';
  source->text = g_strdup (g_str_has_prefix (text, "\xef\xbb\xbf") ? text + 3 : text);
  source->latin_1 = is_latin_1 (source->text);
  find_lines (source);
}

static void
load_batch (ThreadsSources *self, HapBroker *broker, guint first, guint n)
{
  g_autofree const char **paths = g_new0 (const char *, n + 1);
  int fds[HAP_MAX_SOURCES];

  memcpy (paths, self->wanted->pdata + first, n * sizeof *paths);
  if (!hap_broker_open_sources (broker, paths, fds, NULL))
    return;
  for (guint i = 0; i < n; i++)
    {
      if (fds[i] < 0)
        continue;
      read_source (g_hash_table_lookup (self->sources, paths[i]), fds[i]);
      close (fds[i]);
    }
}

void
threads_sources_load (ThreadsSources *self, HapBroker *broker)
{
  for (guint i = 0; i < self->wanted->len; i += HAP_MAX_SOURCES)
    load_batch (self, broker, i, MIN (self->wanted->len - i, HAP_MAX_SOURCES));
  g_ptr_array_set_size (self->wanted, 0);
}

/* str.isspace() */
static gboolean
is_blank (gunichar c)
{
  return g_unichar_isspace (c) || c == '\v' || (c >= 0x1c && c <= 0x1f) || c == 0x85;
}

/* str.strip(); @line is consumed. */
static char *
strip (char *line)
{
  char *start = line;
  char *end = line + strlen (line);

  while (*start != '\0' && is_blank (g_utf8_get_char (start)))
    start = g_utf8_next_char (start);
  while (end > start && is_blank (g_utf8_get_char (g_utf8_prev_char (end))))
    end = g_utf8_prev_char (end);
  memmove (line, start, (gsize)(end - start));
  line[end - start] = '\0';
  return line;
}

/* In Latin-1 a byte is the number of its character. Not by iconv(), which loads its tables from files. */
static char *
decode_latin_1 (const char *bytes, gsize length)
{
  GString *text = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++)
    g_string_append_unichar (text, (guchar)bytes[i]);
  return g_string_free (text, FALSE);
}

/* A line in an encoding that we do not know is known as far as it is ASCII. */
static char *
decode (const Source *source, const char *bytes, gsize length)
{
  if (source->latin_1)
    return decode_latin_1 (bytes, length);
  return g_utf8_validate (bytes, (gssize)length, NULL) ? g_strndup (bytes, length) : NULL;
}

char *
threads_sources_get_line (ThreadsSources *self, const char *file, gint line)
{
  const Source *source = g_hash_table_lookup (self->sources, file);
  g_autofree char *text = NULL;
  const char *start;

  if (source == NULL || source->lines == NULL || line < 1 || (guint)line > source->lines->len)
    return NULL;
  start = source->text + g_array_index (source->lines, guint32, line - 1);
  text = decode (source, start, strcspn (start, "\r\n"));
  if (text == NULL || strip (text)[0] == '\0')
    return NULL;
  return g_steal_pointer (&text);
}
