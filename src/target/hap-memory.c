/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapMemory: the typed reads that every reader of a target uses, over the one read() of an implementation.
 * Reading is never an error here: memory of a target comes and goes, and what its absence means only the
 * caller knows.
 */

#include "hap-memory.h"

#include <string.h>

#define MAX_STRING (64 * 1024)
#define STRING_CHUNK 256

G_DEFINE_INTERFACE (HapMemory, hap_memory, G_TYPE_OBJECT)

static void
hap_memory_default_init (HapMemoryInterface *iface)
{
}

gsize
hap_memory_read_some (HapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  return HAP_MEMORY_GET_IFACE (self)->read (self, address, buffer, size);
}

gboolean
hap_memory_read (HapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  return hap_memory_read_some (self, address, buffer, size) == size;
}

gboolean
hap_memory_read_u8 (HapMemory *self, guint64 address, guint8 *value)
{
  /* One byte is written whole or not at all. */
  return hap_memory_read (self, address, value, sizeof *value);
}

gboolean
hap_memory_read_u32 (HapMemory *self, guint64 address, guint32 *value)
{
  guint32 read;

  if (!hap_memory_read (self, address, &read, sizeof read))
    return FALSE;
  *value = read;
  return TRUE;
}

gboolean
hap_memory_read_u64 (HapMemory *self, guint64 address, guint64 *value)
{
  guint64 read;

  if (!hap_memory_read (self, address, &read, sizeof read))
    return FALSE;
  *value = read;
  return TRUE;
}

char *
hap_memory_read_string (HapMemory *self, guint64 address, gsize max)
{
  g_autoptr (GString) string = g_string_new (NULL);
  char chunk[STRING_CHUNK];

  max = MIN (max, MAX_STRING);
  while (string->len < max)
    {
      /* A chunk may reach beyond the string into nothing: what could be read decides. */
      gsize wanted = MIN (sizeof chunk, max - string->len);
      gsize got = hap_memory_read_some (self, address + string->len, chunk, wanted);
      const char *nul = memchr (chunk, '\0', got);

      if (nul != NULL)
        {
          g_string_append_len (string, chunk, nul - chunk);
          return g_utf8_make_valid (string->str, string->len);
        }
      if (got < wanted)
        return NULL;
      g_string_append_len (string, chunk, got);
    }
  return NULL;
}
