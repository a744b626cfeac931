/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /proc/PID/smaps: how much of each mapping is in memory. What the memory is used for is told elsewhere; here
 * only what the kernel knows: files, the program break, stacks.
 */

#include "hap-residency.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "hap-error.h"

#define MAX_TEXT ((gsize)256 * 1024 * 1024)

/* A thread's stack lies above memory that none may touch: the guard that glibc and musl put there. */
#define MAX_GUARD (64 * 1024)

void
hap_residency_free (HapResidency *self)
{
  g_array_unref (self->mappings);
  g_free (self);
}

/* Lines that begin a mapping begin with its address; all others with the name of a figure. */
static gboolean
is_mapping (const char *line)
{
  return g_ascii_isdigit (*line) || (*line >= 'a' && *line <= 'f');
}

static gboolean
is_guard (const HapMapping *mapping)
{
  return !mapping->readable && !mapping->writable && !mapping->executable
         && mapping->end - mapping->start <= MAX_GUARD;
}

/* One that grew while the kernel wrote the list appears twice, from its own beginning. FALSE: it goes
 * backwards, which the kernel never does. */
static gboolean
add_mapping (HapResidency *self, const HapMapping *mapping)
{
  const HapResident *before = NULL;
  HapResident added = { .mapping = *mapping };

  if (self->mappings->len > 0)
    before = &g_array_index (self->mappings, HapResident, self->mappings->len - 1);
  if (before != NULL && mapping->end <= before->mapping.end)
    return FALSE;
  if (before != NULL && mapping->start < before->mapping.end)
    added.mapping.start = before->mapping.end;
  added.file = mapping->path[0] == '/' || mapping->inode != 0;
  added.heap = g_str_equal (mapping->path, "[heap]");
  added.stack = g_str_equal (mapping->path, "[stack]")
                || (!added.file && !added.heap && mapping->writable && before != NULL
                    && before->mapping.end == mapping->start && is_guard (&before->mapping));
  added.mapping.path = NULL;
  g_array_append_val (self->mappings, added);
  return TRUE;
}

/* "Rss:      123 kB"; other figures are passed over. */
static void
take_figure (HapResidency *self, const char *line, gsize length)
{
  HapResident *last = &g_array_index (self->mappings, HapResident, self->mappings->len - 1);
  g_autofree char *text = g_strndup (line, MIN (length, 80));
  guint64 limit = last->mapping.end - last->mapping.start;

  if (g_str_has_prefix (text, "Rss:"))
    last->resident = MIN (g_ascii_strtoull (text + strlen ("Rss:"), NULL, 10) * 1024, limit);
  else if (g_str_has_prefix (text, "Swap:"))
    last->swapped = MIN (g_ascii_strtoull (text + strlen ("Swap:"), NULL, 10) * 1024, limit);
}

HapResidency *
hap_residency_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (HapResidency) self = g_new0 (HapResidency, 1);
  const char *end = text + length;

  self->mappings = g_array_new (FALSE, FALSE, sizeof (HapResident));
  for (const char *line = text; line < end;)
    {
      const char *newline = memchr (line, '\n', end - line);

      if (newline == NULL)
        newline = end - 1;
      if (is_mapping (line))
        {
          g_autoptr (HapMaps) parsed = hap_maps_parse (line, newline + 1 - line, error);

          if (parsed == NULL)
            return NULL;
          if (!add_mapping (self, hap_maps_get (parsed, 0)))
            {
              g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                           _ ("The list of mappings goes backwards"));
              return NULL;
            }
        }
      else if (self->mappings->len > 0)
        take_figure (self, line, newline - line);
      line = newline + 1;
    }
  for (guint i = 0; i < self->mappings->len; i++)
    {
      self->resident += g_array_index (self->mappings, HapResident, i).resident;
      self->swapped += g_array_index (self->mappings, HapResident, i).swapped;
    }
  return g_steal_pointer (&self);
}

HapResidency *
hap_residency_read (int fd, GError **error)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  g_autofree guint8 *chunk = g_malloc (256 * 1024);
  gssize n;

  while ((n = pread (fd, chunk, 256 * 1024, text->len)) > 0 && text->len < MAX_TEXT)
    g_byte_array_append (text, chunk, n);
  if (n != 0 && !(n < 0 && errno == ESRCH))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot read what of the target is in memory: %s"),
                   n < 0 ? g_strerror (errno) : _ ("it has too many mappings"));
      return NULL;
    }
  if (text->len == 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                   _ ("The target has ended, or runs another program now"));
      return NULL;
    }
  return hap_residency_parse ((const char *)text->data, text->len, error);
}

const HapResident *
hap_residency_find (const HapResidency *self, guint64 address)
{
  guint low = 0, high = self->mappings->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const HapResident *resident = &g_array_index (self->mappings, HapResident, middle);

      if (address < resident->mapping.start)
        high = middle;
      else if (address >= resident->mapping.end)
        low = middle + 1;
      else
        return resident;
    }
  return NULL;
}
