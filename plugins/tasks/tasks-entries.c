/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The lines of a report while they are read, each as the bytes that will be sent: as a tree of values it
 * takes several times as much memory, and most of the time of a report. What a line says is the actions'.
 */

#include "tasks-entries.h"

#include <string.h>

#define MAX_MESSAGE (32 * 1024)
#define MAX_SHARED 4096

struct _TasksEntries
{
  GPtrArray *lines;    /* of TasksEntry */
  GHashTable *shared;  /* GBytes -> dictionary entry */
  GByteArray *scratch; /* a key of it */
  TasksEntry *line;    /* the one that was begun */
  GVariantBuilder builder;
};

static void
entry_free (gpointer data)
{
  TasksEntry *entry = data;

  g_free (entry->message);
  g_clear_pointer (&entry->fields, g_variant_unref);
  g_free (entry);
}

TasksEntries *
tasks_entries_new (void)
{
  TasksEntries *self = g_new0 (TasksEntries, 1);

  self->lines = g_ptr_array_new_with_free_func (entry_free);
  self->shared = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                        (GDestroyNotify)g_variant_unref);
  self->scratch = g_byte_array_new ();
  return self;
}

void
tasks_entries_free (TasksEntries *self)
{
  if (self->line != NULL)
    tasks_entries_end (self, NULL);
  g_clear_pointer (&self->lines, g_ptr_array_unref);
  g_hash_table_unref (self->shared);
  g_byte_array_unref (self->scratch);
  g_free (self);
}

GPtrArray *
tasks_entries_steal (TasksEntries *self)
{
  GPtrArray *lines = self->lines;

  self->lines = g_ptr_array_new_with_free_func (entry_free);
  return lines;
}

/* The most of one line: the journal and the bus have their limits, too. */
static void
shorten (char *message)
{
  if (strlen (message) > MAX_MESSAGE)
    strcpy (g_utf8_find_prev_char (message, message + MAX_MESSAGE), "…");
}

static GVariant *
make_field (const char *key, GVariant *value)
{
  return g_variant_new_dict_entry (g_variant_new_string (key), g_variant_new_variant (value));
}

void
tasks_add_field (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add_value (builder, make_field (key, value));
}

void
tasks_entries_begin (TasksEntries *self, guint64 object, char *message)
{
  g_return_if_fail (self->line == NULL);

  shorten (message);
  self->line = g_new0 (TasksEntry, 1);
  self->line->object = object;
  self->line->message = message;
  g_variant_builder_init (&self->builder, G_VARIANT_TYPE_VARDICT);
  tasks_entries_add (self, "message", g_variant_new_string (message));
}

void
tasks_entries_end (TasksEntries *self, const HapOrigin *origin)
{
  self->line->fields = g_variant_ref_sink (g_variant_builder_end (&self->builder));
  g_variant_get_data (self->line->fields);
  self->line->origin = origin;
  g_ptr_array_add (self->lines, g_steal_pointer (&self->line));
}

void
tasks_entries_add (TasksEntries *self, const char *key, GVariant *value)
{
  tasks_add_field (&self->builder, key, value);
}

/* In @self->scratch, until the next call. */
static GBytes *
make_key (TasksEntries *self, const char *key, gconstpointer bytes, gsize n_bytes)
{
  g_byte_array_set_size (self->scratch, 0);
  g_byte_array_append (self->scratch, (const guint8 *)&key, sizeof key);
  g_byte_array_append (self->scratch, bytes, n_bytes);
  return g_bytes_new_static (self->scratch->data, self->scratch->len);
}

gboolean
tasks_entries_add_known (TasksEntries *self, const char *key, gconstpointer bytes, gsize n_bytes)
{
  g_autoptr (GBytes) wanted = make_key (self, key, bytes, n_bytes);
  GVariant *field = g_hash_table_lookup (self->shared, wanted);

  if (field == NULL)
    return FALSE;
  g_variant_builder_add_value (&self->builder, field);
  return TRUE;
}

void
tasks_entries_add_shared (TasksEntries *self,
                          const char *key,
                          gconstpointer bytes,
                          gsize n_bytes,
                          GVariant *value)
{
  g_autoptr (GBytes) known = make_key (self, key, bytes, n_bytes);
  gsize size;
  gconstpointer data = g_bytes_get_data (known, &size);
  GVariant *field = g_variant_ref_sink (make_field (key, value));

  g_variant_get_data (field);
  g_variant_builder_add_value (&self->builder, field);
  /* Rare is what so many have, and different, values of. */
  if (g_hash_table_size (self->shared) >= MAX_SHARED)
    g_hash_table_remove_all (self->shared);
  g_hash_table_replace (self->shared, g_bytes_new (data, size), field);
}

void
tasks_entries_add_text (TasksEntries *self, const char *key, const char *text)
{
  gsize n = strlen (text);

  if (!tasks_entries_add_known (self, key, text, n))
    tasks_entries_add_shared (self, key, text, n, g_variant_new_string (text));
}

void
tasks_entries_add_loop (TasksEntries *self, const PyLoop *loop)
{
  const guint64 *address = &loop->address;
  guint32 thread = loop->thread.native_id;

  if (!tasks_entries_add_known (self, "loop", address, sizeof *address))
    tasks_entries_add_shared (self, "loop", address, sizeof *address, g_variant_new_uint64 (*address));
  if (thread != 0 && !tasks_entries_add_known (self, "thread", &thread, sizeof thread))
    tasks_entries_add_shared (self, "thread", &thread, sizeof thread, g_variant_new_uint32 (thread));
}
