/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One moment of the target: of its frozen copy; where there is none to be had, how it is made to stand still,
 * and what is done when it does not. What is read of it is the actions'.
 */

#include "tasks-moment.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "hap-snapshot.h"
#include "py-page-cache.h"

/* A hold ends by itself after 20 ms: the tracer's limit. Less, for what was read must be known to be of it.
 */
#define HOLD_US (15 * 1000)

/* A machine that is busy may have taken the first one's time. */
#define MAX_HOLDS 2

#define MAX_SNAPSHOTS 6

/* Until the next one: a target that lost its processor in the middle of a change needs one to get out of it.
 */
#define BETWEEN_US 5000

/* Readings of a target that goes on: two that agree at least; the last two without what moves most. */
#define MAX_READINGS 6
#define MAX_INSIDE 4

typedef struct
{
  HapTarget *target;
  PyPageCache *cache;
  PyAsyncio *asyncio; /* reads through the cache */
  TasksReadFunc read;
  gpointer data;
  TasksWish wish;
} Reader;

/* What one snapshot told. */
static void
tasks_moment_forget (TasksMoment *self)
{
  g_clear_pointer (&self->entries, g_ptr_array_unref);
  g_clear_pointer (&self->no_snapshot, g_free);
}

void
tasks_moment_clear (TasksMoment *self)
{
  tasks_moment_forget (self);
  g_clear_pointer (&self->python, g_free);
}

/* Returns: (transfer full) (nullable): NULL: given up */
static GPtrArray *
read_once (Reader *self, gint64 deadline)
{
  g_autoptr (TasksEntries) entries = tasks_entries_new ();

  self->wish.deadline = deadline;
  py_page_cache_drop (self->cache);
  py_asyncio_forget (self->asyncio);
  if (!self->read (self->asyncio, &self->wish, entries, self->data))
    return NULL;
  return tasks_entries_steal (entries);
}

/* Returns: (transfer full) (nullable): NULL: it cannot be held, or not for long enough */
static GPtrArray *
read_held (Reader *self, guint64 *pause_ns)
{
  g_autoptr (GPtrArray) entries = NULL;
  guint64 pause = 0;

  if (!hap_target_hold (self->target, 0, NULL))
    return NULL;
  self->wish.now = (double)g_get_monotonic_time () / G_USEC_PER_SEC;
  entries = read_once (self, g_get_monotonic_time () + HOLD_US);
  if (!hap_target_let_go (self->target, &pause, NULL))
    return NULL;
  *pause_ns += pause;
  return g_steal_pointer (&entries);
}

static gboolean
entry_equal (const TasksEntry *a, const TasksEntry *b)
{
  return a != NULL && a->origin == b->origin && g_variant_equal (a->fields, b->fields);
}

/* Keeps of @entries what is as it was in the reading before; returns how many others there are. */
static guint
keep_confirmed (GPtrArray *entries, GHashTable *before, GHashTable *confirmed)
{
  guint n_others = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      TasksEntry *entry = entries->pdata[i];

      if (entry_equal (g_hash_table_lookup (before, &entry->object), entry))
        g_hash_table_add (confirmed, &entry->object);
      n_others += !g_hash_table_contains (confirmed, &entry->object);
    }
  return n_others;
}

static GHashTable *
index_entries (GPtrArray *entries)
{
  GHashTable *index = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; i < entries->len; i++)
    {
      TasksEntry *entry = entries->pdata[i];

      g_hash_table_insert (index, &entry->object, entry);
    }
  return index;
}

/* What two readings in a row say alike, of the last two. */
static GPtrArray *
read_agreeing (Reader *self, guint *n_unread)
{
  g_autoptr (GPtrArray) last = NULL;
  g_autoptr (GHashTable) confirmed = NULL;

  self->wish.now = (double)g_get_monotonic_time () / G_USEC_PER_SEC;
  last = read_once (self, G_MAXINT64);
  for (guint i = 1; last != NULL && i < MAX_READINGS; i++)
    {
      g_autoptr (GHashTable) before = index_entries (last);
      GPtrArray *next;

      self->wish.inside = i < MAX_INSIDE;
      next = read_once (self, G_MAXINT64);
      if (next == NULL)
        return NULL;
      g_clear_pointer (&confirmed, g_hash_table_unref);
      confirmed = g_hash_table_new (g_int64_hash, g_int64_equal);
      *n_unread = keep_confirmed (next, before, confirmed);
      g_ptr_array_unref (last);
      last = next;
      if (*n_unread == 0)
        break;
    }

  for (guint i = last != NULL ? last->len : 0; i-- > 0;)
    if (!g_hash_table_contains (confirmed, &((TasksEntry *)last->pdata[i])->object))
      g_ptr_array_remove_index (last, i);
  return g_steal_pointer (&last);
}

static void
reader_clear (Reader *self)
{
  g_clear_pointer (&self->asyncio, py_asyncio_free);
  g_clear_object (&self->cache);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

/* From here on @memory is what is read. */
static gboolean
prepare (Reader *self, PyRuntime *runtime, HapMemory *memory, GError **error)
{
  g_autoptr (PyRuntime) cached = NULL;
  HapMaps *maps = hap_target_get_maps (self->target, error);

  if (maps == NULL)
    return FALSE;
  reader_clear (self);
  self->cache = py_page_cache_new (memory);
  cached = py_runtime_with_memory (runtime, HAP_MEMORY (self->cache));
  self->asyncio = py_asyncio_new (cached, maps, error);
  return self->asyncio != NULL;
}

/* Leaves @self without entries where there is no snapshot, or it ended before it was read. */
static void
read_snapshot (TasksMoment *self, Reader *reader, PyRuntime *runtime, GError **error)
{
  g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (reader->target, NULL, error);
  g_autoptr (GPtrArray) entries = NULL;

  if (snapshot == NULL)
    return;
  self->n_snapshots++;
  self->pause_ns += hap_snapshot_get_pause_ns (snapshot);
  reader->wish.now = hap_snapshot_get_time (snapshot);
  if (!prepare (reader, runtime, hap_snapshot_get_memory (snapshot), error))
    return;
  entries = read_once (reader, G_MAXINT64);
  if (hap_snapshot_is_alive (snapshot))
    {
      self->entries = g_steal_pointer (&entries);
      self->way = hap_snapshot_is_fork (snapshot) ? "snapshot" : "copy";
      self->no_snapshot = g_strdup (hap_snapshot_get_refusal (snapshot));
    }
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE, _ ("The snapshot ended before it was read"));
}

static gboolean
read_live (TasksMoment *self, Reader *reader, PyRuntime *runtime, GError **error)
{
  if (!prepare (reader, runtime, py_runtime_get_memory (runtime), error))
    return FALSE;
  self->way = "held";
  for (guint try = 0; try < MAX_HOLDS && self->entries == NULL; try++)
    self->entries = read_held (reader, &self->pause_ns);
  if (self->entries != NULL)
    return TRUE;
  self->way = "live";
  self->entries = read_agreeing (reader, &self->n_unread);
  return TRUE;
}

gboolean
tasks_moment_read (TasksMoment *self, HapTarget *target, TasksReadFunc read, gpointer data, GError **error)
{
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_auto (Reader) reader = { .target = target, .read = read, .data = data, .wish.inside = TRUE };
  g_autoptr (GError) refusal = NULL, live_error = NULL;

  if (runtime == NULL)
    return FALSE;
  self->python = g_strdup (py_runtime_get_version_string (runtime));

  /* A moment in the middle of a change of the list of all tasks is a bad one. */
  for (guint try = 0; try < MAX_SNAPSHOTS && (try == 0 || py_asyncio_is_torn (reader.asyncio)); try++)
    {
      if (try > 0)
        g_usleep (BETWEEN_US);
      tasks_moment_forget (self);
      read_snapshot (self, &reader, runtime, &refusal);
      if (self->entries == NULL)
        break;
    }
  if (refusal != NULL)
    self->no_snapshot = g_strdup (refusal->message);
  if (self->entries != NULL || read_live (self, &reader, runtime, &live_error))
    {
      self->torn = py_asyncio_is_torn (reader.asyncio);
      if (!hap_target_is_gone (target))
        return TRUE;
    }
  else if (!hap_target_is_gone (target))
    {
      g_propagate_error (error, g_steal_pointer (&live_error));
      return FALSE;
    }
  g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The process has ended"));
  return FALSE;
}
