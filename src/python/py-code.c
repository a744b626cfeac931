/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Code objects: their names and their line tables (Objects/locations.md in CPython: the format is the same
 * in 3.11 to 3.15), and a cache of them. Frames are py-frames.c's.
 */

#include "py-code.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_STRING 1000
#define MAX_LINE_TABLE (16 * 1024 * 1024)
#define MAX_UNITS (64 * 1024 * 1024)
#define MAX_BLOCK 512

/* What tells one code object from another at the same address. */
typedef struct
{
  guint64 type, filename, name, qualname, line_table;
  guint32 n_units, first_line;
} Identity;

typedef struct
{
  PyCode *code; /* its address is the key */
  Identity identity;
  gint64 checked_us;
  guint generation; /* a hash of the identity, so that it outlives the entry */
} Entry;

struct _PyCodeCache
{
  PyRuntime *runtime;
  GHashTable *entries;
  guint max_entries;
  gint64 recheck_us;
};

/* Locations: an entry's first byte is 1, its kind (4 bits), the number of its code units - 1 (3 bits). */
typedef enum
{
  /* 0 to 9: the same line, columns in one byte */
  LOCATION_ONE_LINE_0 = 10, /* 10 to 12: that many lines further, columns in two bytes */
  LOCATION_ONE_LINE_2 = 12,
  LOCATION_NO_COLUMNS = 13,
  LOCATION_LONG = 14,
  LOCATION_NONE = 15,
} LocationKind;

static gboolean
read_block (PyRuntime *runtime, guint64 address, guint8 *block, Identity *identity)
{
  const PyLayout *layout = &runtime->layout;

  if (address == 0 || layout->code_instructions > MAX_BLOCK
      || !hap_memory_read (runtime->memory, address, block, layout->code_instructions))
    return FALSE;
  *identity = (Identity){
    .type = py_block_u64 (block, layout->object_type),
    .filename = py_block_u64 (block, layout->code_filename),
    .name = py_block_u64 (block, layout->code_name),
    .qualname = py_block_u64 (block, layout->code_qualname),
    .line_table = py_block_u64 (block, layout->code_line_table),
    .n_units = py_block_u32 (block, layout->object_size),
    .first_line = py_block_u32 (block, layout->code_first_line),
  };
  return TRUE;
}

static PyCode *
read_code (PyRuntime *runtime, guint64 address, Identity *identity)
{
  const PyLayout *layout = &runtime->layout;
  g_autoptr (PyCode) self = NULL;
  g_autofree char *type = NULL;
  guint8 block[MAX_BLOCK];

  if (!read_block (runtime, address, block, identity) || identity->n_units > MAX_UNITS)
    return NULL;
  type = py_object_get_type_name (runtime, address);
  if (g_strcmp0 (type, "code") != 0)
    return NULL;

  self = g_new0 (PyCode, 1);
  self->address = address;
  self->filename = py_object_get_string (runtime, identity->filename, MAX_STRING);
  self->name = py_object_get_string (runtime, identity->name, MAX_STRING);
  self->qualname = py_object_get_string (runtime, identity->qualname, MAX_STRING);
  self->line_table = py_object_get_bytes (runtime, identity->line_table, MAX_LINE_TABLE);
  self->first_line = identity->first_line;
  self->instructions = address + layout->code_instructions;
  self->n_units = identity->n_units;
  self->flags = py_block_u32 (block, layout->code_flags);
  self->first_traceable = py_block_u32 (block, layout->code_first_traceable);
  if (self->filename == NULL || self->name == NULL || self->qualname == NULL || self->line_table == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

PyCode *
py_code_read (PyRuntime *runtime, guint64 address)
{
  Identity identity;

  return read_code (runtime, address, &identity);
}

void
py_code_free (PyCode *self)
{
  g_free (self->filename);
  g_free (self->name);
  g_free (self->qualname);
  g_clear_pointer (&self->line_table, g_bytes_unref);
  g_free (self);
}

/* Six bits a byte, the lowest first; bit 6: more follow. A longer number than 32 bits is unsound. */
static gboolean
read_varint (const guint8 **p, const guint8 *end, guint32 *value)
{
  guint shift = 0;
  guint64 result = 0;
  guint8 byte;

  do
    {
      if (*p == end || shift > 30)
        return FALSE;
      byte = *(*p)++;
      result |= (guint64)(byte & 0x3f) << shift;
      shift += 6;
    }
  while ((byte & 0x40) != 0);

  if (result > G_MAXUINT32)
    return FALSE;
  *value = result;
  return TRUE;
}

/* The sign is the lowest bit. */
static gboolean
read_signed_varint (const guint8 **p, const guint8 *end, gint32 *value)
{
  guint32 number;

  if (!read_varint (p, end, &number))
    return FALSE;
  *value = (number & 1) != 0 ? -(gint32)(number >> 1) : (gint32)(number >> 1);
  return TRUE;
}

/* Reads what follows an entry's first byte. */
static gboolean
read_location (LocationKind kind, const guint8 **p, const guint8 *end, gint32 *line_delta)
{
  gsize n_columns = kind < LOCATION_ONE_LINE_0 ? 1 : kind <= LOCATION_ONE_LINE_2 ? 2 : 0;
  guint32 ignored;

  *line_delta = 0;
  if ((gsize)(end - *p) < n_columns)
    return FALSE;
  *p += n_columns;

  if (kind >= LOCATION_ONE_LINE_0 && kind <= LOCATION_ONE_LINE_2)
    *line_delta = kind - LOCATION_ONE_LINE_0;
  if (kind == LOCATION_NO_COLUMNS || kind == LOCATION_LONG)
    if (!read_signed_varint (p, end, line_delta))
      return FALSE;
  if (kind == LOCATION_LONG) /* lines to the end, first column, last column */
    return read_varint (p, end, &ignored) && read_varint (p, end, &ignored) && read_varint (p, end, &ignored);
  return TRUE;
}

gint
py_code_get_line (const PyCode *self, guint64 instruction)
{
  gsize size;
  const guint8 *p = g_bytes_get_data (self->line_table, &size);
  const guint8 *end = p + size;
  guint64 index = (instruction - self->instructions) / 2;
  guint64 next = 0;
  gint64 line = self->first_line;

  if (instruction < self->instructions)
    return self->first_line;
  while (p < end)
    {
      guint8 head = *p++;
      LocationKind kind = head >> 3 & 0xf;
      gint32 line_delta;

      if ((head & 0x80) == 0 || !read_location (kind, &p, end, &line_delta))
        break;
      line += line_delta;
      next += (head & 7) + 1;
      if (index >= next)
        continue;
      if (kind == LOCATION_NONE)
        return -1;
      return line >= 0 && line <= G_MAXINT ? line : self->first_line;
    }
  return self->first_line;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  py_code_free (entry->code);
  g_free (entry);
}

PyCodeCache *
py_code_cache_new (PyRuntime *runtime, guint max_entries, gint64 recheck_us)
{
  PyCodeCache *self = g_new0 (PyCodeCache, 1);

  self->runtime = g_object_ref (runtime);
  self->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, entry_free);
  self->max_entries = MAX (max_entries, 1);
  self->recheck_us = recheck_us;
  return self;
}

void
py_code_cache_free (PyCodeCache *self)
{
  g_hash_table_unref (self->entries);
  g_object_unref (self->runtime);
  g_free (self);
}

/* FNV-1a */
static guint
identity_hash (const Identity *identity)
{
  const guint8 *bytes = (const guint8 *)identity;
  guint32 hash = 2166136261u;

  for (gsize i = 0; i < sizeof *identity; i++)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

static gboolean
entry_is_current (PyCodeCache *self, Entry *entry, gint64 now_us)
{
  guint8 block[MAX_BLOCK];
  Identity identity = { 0 };

  if (now_us - entry->checked_us < self->recheck_us)
    return TRUE;
  if (!read_block (self->runtime, entry->code->address, block, &identity)
      || memcmp (&identity, &entry->identity, sizeof identity) != 0)
    return FALSE;
  entry->checked_us = now_us;
  return TRUE;
}

const PyCode *
py_code_cache_lookup (PyCodeCache *self, guint64 address, gint64 now_us, guint *generation)
{
  Entry *entry = g_hash_table_lookup (self->entries, &address);
  Identity identity = { 0 };
  PyCode *code;

  if (entry == NULL || !entry_is_current (self, entry, now_us))
    {
      if (entry != NULL)
        g_hash_table_remove (self->entries, &address);
      code = read_code (self->runtime, address, &identity);
      if (code == NULL)
        return NULL;
      /* Full is rare; what is still in use comes back at once. */
      if (g_hash_table_size (self->entries) >= self->max_entries)
        g_hash_table_remove_all (self->entries);

      entry = g_new (Entry, 1);
      *entry = (Entry){ code, identity, now_us, identity_hash (&identity) };
      g_hash_table_insert (self->entries, &code->address, entry);
    }

  *generation = entry->generation;
  return entry->code;
}
