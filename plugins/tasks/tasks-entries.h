/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"
#include "py-asyncio.h"

G_BEGIN_DECLS

/* One line of a report, before it is sent. */
typedef struct
{
  guint64 object; /* what it is about: an address */
  char *message;
  GVariant *fields; /* `a{sv}`, the message first */
  const HapOrigin *origin;
} TasksEntry;

/**
 * TasksEntries: the lines of one reading. There are tens of thousands of them, with a dozen fields each, most
 * of which many have in common: those are made once.
 */
typedef struct _TasksEntries TasksEntries;

TasksEntries *tasks_entries_new (void);
void tasks_entries_free (TasksEntries *self);

/* Returns: (transfer full) (element-type TasksEntry): the lines; @self has none any more */
GPtrArray *tasks_entries_steal (TasksEntries *self);

/* Begins a line. @message: (transfer full) */
void tasks_entries_begin (TasksEntries *self, guint64 object, char *message);

/* Ends it. @origin: (nullable) */
void tasks_entries_end (TasksEntries *self, const HapOrigin *origin);

/* Adds a field to the line that was begun. @key: of the program; @value: floating */
void tasks_entries_add (TasksEntries *self, const char *key, GVariant *value);

/* The same for a value that other lines may have, too. */
void tasks_entries_add_text (TasksEntries *self, const char *key, const char *text);

/**
 * tasks_entries_add_known:
 * @bytes: what tells this value of @key from others
 *
 * Adds a field that was added before with these bytes. FALSE: it was not: tasks_entries_add_shared() makes
 * it known.
 */
gboolean tasks_entries_add_known (TasksEntries *self, const char *key, gconstpointer bytes, gsize n_bytes);
void tasks_entries_add_shared (TasksEntries *self,
                               const char *key,
                               gconstpointer bytes,
                               gsize n_bytes,
                               GVariant *value);

/* Adds loop t and thread u. */
void tasks_entries_add_loop (TasksEntries *self, const PyLoop *loop);

/* A field of any `a{sv}`. @value: floating */
void tasks_add_field (GVariantBuilder *builder, const char *key, GVariant *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TasksEntries, tasks_entries_free)

G_END_DECLS
