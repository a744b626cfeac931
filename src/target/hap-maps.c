/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapMaps: the text of /proc/PID/maps as a sorted list. The lines come from the kernel, the paths in them
 * from whoever named the files: everything is bounded. What the mappings mean is left to the callers.
 */

#include "hap-maps.h"

#include "hap-error.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 1000000
#define MAX_TEXT (256 * 1024 * 1024)
#define DELETED " (deleted)"

struct _HapMaps
{
  gatomicrefcount references;
  GArray *mappings;
  GStringChunk *paths; /* each path once: a library's mappings share it */
};

/* Takes a number in @base, then the character @end; the cursor moves behind it. */
static gboolean
take_number (const char **cursor, const char *limit, guint base, char end, guint64 *value)
{
  const char *at = *cursor;
  guint64 number = 0;

  for (; at < limit && g_ascii_isxdigit (*at); at++)
    {
      guint digit = g_ascii_xdigit_value (*at);

      if (digit >= base || !g_uint64_checked_mul (&number, number, base)
          || !g_uint64_checked_add (&number, number, digit))
        return FALSE;
    }
  if (at == *cursor || at == limit || *at != end)
    return FALSE;
  *cursor = at + 1;
  *value = number;
  return TRUE;
}

static gboolean
take_permissions (const char **cursor, const char *limit, HapMapping *mapping)
{
  const char *at = *cursor;

  if (limit - at < 5 || at[4] != ' ')
    return FALSE;
  mapping->readable = at[0] == 'r';
  mapping->writable = at[1] == 'w';
  mapping->executable = at[2] == 'x';
  mapping->shared = at[3] == 's';
  *cursor = at + 5;
  return TRUE;
}

static char *
intern_path (HapMaps *self, const char *path, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (path, length);

  return g_string_chunk_insert_const (self->paths, valid);
}

/* "start-end perms offset major:minor inode   path"; the kernel pads with blanks and ends anonymous lines
 * with one. */
static gboolean
parse_line (HapMaps *self, const char *line, const char *limit, HapMapping *mapping)
{
  const char *at = line;
  guint64 major, minor;

  if (!take_number (&at, limit, 16, '-', &mapping->start) || !take_number (&at, limit, 16, ' ', &mapping->end)
      || !take_permissions (&at, limit, mapping) || !take_number (&at, limit, 16, ' ', &mapping->offset)
      || !take_number (&at, limit, 16, ':', &major) || !take_number (&at, limit, 16, ' ', &minor)
      || !take_number (&at, limit, 10, ' ', &mapping->inode))
    return FALSE;
  if (mapping->start >= mapping->end || major > G_MAXUINT32 || minor > G_MAXUINT32)
    return FALSE;
  mapping->major = major;
  mapping->minor = minor;

  while (at < limit && *at == ' ')
    at++;
  if (limit - at > (gssize)strlen (DELETED)
      && memcmp (limit - strlen (DELETED), DELETED, strlen (DELETED)) == 0)
    {
      mapping->deleted = TRUE;
      limit -= strlen (DELETED);
    }
  mapping->path = intern_path (self, at, limit - at);
  return TRUE;
}

/*
 * The kernel writes the list page by page while the process runs. A mapping that grew between two pages
 * appears twice, from its own beginning; what was listed already is cut off. It never goes backwards.
 */
static gboolean
add_mapping (HapMaps *self, HapMapping *mapping)
{
  guint64 last = 0;

  if (self->mappings->len > 0)
    last = g_array_index (self->mappings, HapMapping, self->mappings->len - 1).end;
  if (mapping->end <= last)
    return FALSE;
  if (mapping->start < last)
    {
      if (mapping->inode != 0)
        mapping->offset += last - mapping->start;
      mapping->start = last;
    }
  g_array_append_vals (self->mappings, mapping, 1);
  return TRUE;
}

HapMaps *
hap_maps_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (HapMaps) self = g_new0 (HapMaps, 1);
  const char *end = text + length;

  g_atomic_ref_count_init (&self->references);
  self->mappings = g_array_new (FALSE, FALSE, sizeof (HapMapping));
  self->paths = g_string_chunk_new (4096);

  for (const char *line = text; line < end;)
    {
      const char *newline = memchr (line, '\n', end - line);
      HapMapping mapping = { 0 };

      if (newline == NULL || self->mappings->len == MAX_LINES || !parse_line (self, line, newline, &mapping)
          || !add_mapping (self, &mapping))
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                       _ ("The list of memory mappings makes no sense after %u lines"), self->mappings->len);
          return NULL;
        }
      line = newline + 1;
    }
  return g_steal_pointer (&self);
}

HapMaps *
hap_maps_read (int fd, GError **error)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  guint8 chunk[16 * 1024];
  gssize n;

  while ((n = pread (fd, chunk, sizeof chunk, text->len)) > 0 && text->len < MAX_TEXT)
    g_byte_array_append (text, chunk, n);

  if (n < 0 && errno != ESRCH)
    {
      int code = errno;

      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot read the target's memory mappings: %s"),
                   g_strerror (code));
      return NULL;
    }
  if (n > 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                   _ ("The target has too many memory mappings to read"));
      return NULL;
    }
  if (text->len == 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                   _ ("The target has ended, or runs another program now"));
      return NULL;
    }
  return hap_maps_parse ((const char *)text->data, text->len, error);
}

HapMaps *
hap_maps_ref (HapMaps *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
hap_maps_unref (HapMaps *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_array_unref (self->mappings);
  g_string_chunk_free (self->paths);
  g_free (self);
}

guint
hap_maps_get_length (HapMaps *self)
{
  return self->mappings->len;
}

const HapMapping *
hap_maps_get (HapMaps *self, guint index)
{
  g_return_val_if_fail (index < self->mappings->len, NULL);

  return &g_array_index (self->mappings, HapMapping, index);
}

const HapMapping *
hap_maps_find (HapMaps *self, guint64 address)
{
  guint low = 0;
  guint high = self->mappings->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const HapMapping *mapping = &g_array_index (self->mappings, HapMapping, middle);

      if (address < mapping->start)
        high = middle;
      else if (address >= mapping->end)
        low = middle + 1;
      else
        return mapping;
    }
  return NULL;
}
