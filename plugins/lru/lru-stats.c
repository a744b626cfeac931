/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LruStats: what each cache of the target did for it, and what it costs.
 */

#include "lru-stats.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-origin-counts.h"
#include "lru-caches.h"
#include "py-heap-copy.h"
#include "py-heap-owners.h"
#include "py-objects.h"
#include "py-repr.h"
#include "py-source-file.h"

#define MAX_KEYS 5000 /* of one SQLAlchemy cache */

/* The service takes 32 MiB of a report at once, counting some more for each entry. */
#define MAX_KEYS_SIZE (24 * 1024 * 1024) /* of all of them together */
#define ENTRY_COST 256

struct _LruStats
{
  HapAction parent_instance;

  gboolean contents;
};

enum
{
  PROP_0,
  PROP_CONTENTS
};

G_DEFINE_FINAL_TYPE (LruStats, lru_stats, HAP_TYPE_ACTION)

typedef struct
{
  PyHeap *heap;
  PyInspector *inspector;
  PyHeapOwners *owners;
  guint64 *bytes, *objects; /* of each object: what would be free without it */
  HapReport *report;
  gboolean contents;
  const LruCache *cache;
  GVariantDict fields;
  char *name;
  guint n_keys;
  gsize left; /* bytes for further keys */
  HapOriginCounts *counts;
  GError **error;
  gboolean ok;
} Writer;

/* Whose the cache is, and where its function or its keeper was written. */
static void
add_origin (Writer *self, const char *file)
{
  const HapOrigin *origin = py_heap_owners_get (self->owners, self->cache->index);

  if (file != NULL)
    g_variant_dict_insert (&self->fields, "file", "s", file);
  if (origin == NULL && file != NULL)
    origin = hap_origin_of_file (file);
  hap_origin_counts_add (self->counts, origin);
  if (origin == NULL)
    return;
  g_variant_dict_insert (&self->fields, "integration", "s", origin->name);
  g_variant_dict_insert (&self->fields, "kind", "s", hap_origin_kind_to_string (origin->kind));
}

static void
add_counts (Writer *self, const char *kind)
{
  const LruCache *cache = self->cache;

  g_variant_dict_insert (&self->fields, "cache", "s", kind);
  g_variant_dict_insert (&self->fields, "maxsize", "x", cache->max_size);
  g_variant_dict_insert (&self->fields, "currsize", "t", cache->n_entries);
  g_variant_dict_insert (&self->fields, "bytes", "t", self->bytes[cache->index]);
  g_variant_dict_insert (&self->fields, "objects", "u", (guint32)self->objects[cache->index]);
  if (cache->kind == LRU_CACHE_SQLALCHEMY)
    return;
  g_variant_dict_insert (&self->fields, "hits", "t", cache->hits);
  g_variant_dict_insert (&self->fields, "misses", "t", cache->misses);
  if (cache->hits + cache->misses > 0)
    g_variant_dict_insert (&self->fields, "hit_rate", "d",
                           (double)cache->hits / ((double)cache->hits + (double)cache->misses));
}

static gboolean
send (Writer *self, const char *message)
{
  return hap_report_entry (self->report, message, g_variant_dict_end (&self->fields), self->error);
}

static gboolean
write_function (Writer *self)
{
  const LruCache *cache = self->cache;
  g_autofree char *name = py_repr (self->inspector, cache->function);
  g_autofree char *file = py_source_file (self->inspector, cache->function);
  g_autofree char *max_size =
      cache->max_size < 0 ? g_strdup ("None") : g_strdup_printf ("%" G_GINT64_FORMAT, cache->max_size);
  g_autofree char *message = g_strdup_printf (
      "Cache stats for lru_cache %s at %s: CacheInfo(hits=%" G_GUINT64_FORMAT ", misses=%" G_GUINT64_FORMAT
      ", maxsize=%s, currsize=%" G_GUINT64_FORMAT ")",
      name, file != NULL ? file : "unknown", cache->hits, cache->misses, max_size, cache->n_entries);

  g_variant_dict_insert (&self->fields, "name", "s", name);
  add_counts (self, "lru_cache");
  add_origin (self, file);
  return send (self, message);
}

/* Who keeps it: the instance or module, not the dict between. PY_HEAP_NONE: nobody */
static guint32
find_keeper (PyHeap *heap, guint32 index)
{
  guint32 n, n_further;
  const guint32 *referrers = py_heap_get_referrers (heap, index, &n);

  if (n == 0)
    return PY_HEAP_NONE;
  for (guint32 i = 0; i < n; i++)
    {
      const guint32 *further = py_heap_get_referrers (heap, referrers[i], &n_further);

      for (guint32 j = 0; j < n_further; j++)
        if (py_heap_get_dict (heap, further[j]) == referrers[i])
          return further[j];
    }
  return referrers[0];
}

static gboolean
write_dict (Writer *self)
{
  const LruCache *cache = self->cache;
  guint32 keeper = find_keeper (self->heap, cache->index);
  guint64 class =
      keeper != PY_HEAP_NONE
          ? py_heap_get_type (self->heap, py_heap_get_object_type (self->heap, keeper))->class->address
          : 0;
  g_autofree char *name = class != 0 ? py_repr (self->inspector, class) : g_strdup ("unknown");
  g_autofree char *file = class != 0 ? py_source_file (self->inspector, class) : NULL;
  g_autofree char *message =
      g_strdup_printf ("Cache stats for LRU %s at %s: (%" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT ")", name,
                       file != NULL ? file : "unknown", cache->hits, cache->misses);

  g_variant_dict_insert (&self->fields, "name", "s", name);
  add_counts (self, "lru-dict");
  add_origin (self, file);
  return send (self, message);
}

/* As "%s" prints it: text as it is. Who may not see that, of what type it is. */
static char *
to_text (Writer *self, guint64 object)
{
  PyRuntime *runtime = py_inspector_get_runtime (self->inspector);
  g_autofree char *type = NULL;
  char *text;

  if (self->contents)
    {
      text = py_object_get_string (runtime, object, PY_REPR_MAX);
      return text != NULL ? text : py_repr (self->inspector, object);
    }
  type = py_object_get_type_name (runtime, object);
  return g_strdup_printf ("<%s>", type != NULL ? type : "?");
}

static gboolean
on_key (guint64 key, guint64 value, gpointer data)
{
  Writer *self = data;
  g_autofree char *key_text = to_text (self, key);
  g_autofree char *value_text = to_text (self, value);
  g_autofree char *message =
      g_strdup_printf ("Cache data for sqlalchemy LRUCache %s: %s: %s", self->name, key_text, value_text);
  gsize size = strlen (message) + strlen (self->name) + ENTRY_COST;

  if (size > self->left)
    return FALSE;
  self->left -= size;
  if (self->n_keys++ > 0)
    g_variant_dict_init (&self->fields, NULL);
  g_variant_dict_insert (&self->fields, "name", "s", self->name);
  if (self->n_keys == 1)
    add_counts (self, "sqlalchemy");
  else
    g_variant_dict_insert (&self->fields, "cache", "s", "sqlalchemy");
  self->ok = send (self, message);
  return self->ok;
}

/* What is not shown is said, with what the first key would have said. */
static gboolean
write_rest (Writer *self)
{
  guint64 n = self->cache->n_entries - MIN (self->n_keys, self->cache->n_entries);
  g_autofree char *message = NULL;

  if (n == 0)
    {
      if (self->n_keys == 0)
        g_variant_dict_clear (&self->fields);
      return TRUE;
    }
  if (self->n_keys > 0)
    g_variant_dict_init (&self->fields, NULL);
  g_variant_dict_insert (&self->fields, "name", "s", self->name);
  add_counts (self, "sqlalchemy");
  g_variant_dict_insert (&self->fields, "left_out", "t", n);
  message = g_strdup_printf (ngettext ("%s keeps %llu further entry, which is left out here.",
                                       "%s keeps %llu further entries, which are left out here.", n),
                             self->name, (unsigned long long)n);
  return send (self, message);
}

static gboolean
write_sqlalchemy (Writer *self)
{
  self->name = py_repr (self->inspector, py_heap_get_address (self->heap, self->cache->index));
  self->n_keys = 0;
  self->ok = TRUE;
  py_dict_foreach (py_inspector_get_runtime (self->inspector), self->cache->entries, MAX_KEYS, on_key, self);
  self->ok = self->ok && write_rest (self);
  hap_origin_counts_add (self->counts, py_heap_owners_get (self->owners, self->cache->index));
  g_clear_pointer (&self->name, g_free);
  return self->ok;
}

/* The last entry: how many are whose, and what it cost. */
static gboolean
write_sum (Writer *self, const PyHeapCopy *copy, guint n_caches)
{
  g_autofree char *list = hap_origin_counts_to_string (self->counts);
  g_autofree char *message = g_strconcat (_ ("Caches by integration:"), list, NULL);

  g_variant_dict_init (&self->fields, NULL);
  g_variant_dict_insert (&self->fields, "caches", "u", n_caches);
  g_variant_dict_insert_value (&self->fields, "integrations",
                               hap_origin_counts_to_variant (self->counts, "caches"));
  g_variant_dict_insert (&self->fields, "pause_us", "d", copy->pause * 1e6);
  g_variant_dict_insert (&self->fields, "duration_us", "d", copy->duration * 1e6);
  if (copy->no_snapshot != NULL)
    g_variant_dict_insert (&self->fields, "no_snapshot", "s", copy->no_snapshot);
  return send (self, message);
}

static void
writer_clear (Writer *self)
{
  g_clear_pointer (&self->owners, py_heap_owners_free);
  g_clear_pointer (&self->counts, hap_origin_counts_free);
  g_free (self->bytes);
  g_free (self->objects);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Writer, writer_clear)

/* Whose each object is, and what it holds. */
static gboolean
find_owners (Writer *self, GCancellable *cancellable)
{
  guint32 n = py_heap_get_n_objects (self->heap);
  g_autofree guint64 *sizes = g_new (guint64, MAX (n, 1)), *ones = g_new (guint64, MAX (n, 1));

  self->owners = py_heap_owners_new (self->heap, cancellable, self->error);
  if (self->owners == NULL)
    return FALSE;
  for (guint32 i = 0; i < n; i++)
    {
      sizes[i] = py_heap_get_size (self->heap, i);
      ones[i] = 1;
    }
  self->bytes = hap_dominators_sum (self->owners->holders, sizes);
  self->objects = hap_dominators_sum (self->owners->holders, ones);
  return TRUE;
}

static gboolean
lru_stats_run (HapAction *action,
               HapTarget *target,
               HapReport *report,
               GCancellable *cancellable,
               GError **error)
{
  gboolean (*const writers[]) (Writer *) = { write_function, write_dict, write_sqlalchemy };
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_auto (PyHeapCopy) copy = { 0 };
  g_autoptr (GArray) caches = NULL;
  g_auto (Writer) writer = {
    .report = report, .contents = LRU_STATS (action)->contents, .left = MAX_KEYS_SIZE, .error = error
  };

  if (runtime == NULL
      || !py_heap_copy_take (&copy, target, runtime, PY_HEAP_WITH_REFERENCES, cancellable, error))
    return FALSE;
  writer.counts = hap_origin_counts_new ();
  writer.heap = copy.heap;
  writer.inspector = py_heap_get_inspector (copy.heap);
  if (!find_owners (&writer, cancellable))
    return FALSE;
  caches = lru_caches_find (copy.heap);
  for (guint i = 0; i < caches->len; i++)
    {
      writer.cache = &g_array_index (caches, LruCache, i);
      g_variant_dict_init (&writer.fields, NULL);
      if (!writers[writer.cache->kind](&writer))
        return FALSE;
    }
  py_heap_copy_drop (&copy);
  /* The texts are Home Assistant's own. */
  return write_sum (&writer, &copy, caches->len)
         && hap_report_notify (
             report, "profile_lru_stats", "LRU stats completed",
             "LRU cache states have been dumped to the log. See [the logs](/config/logs) to review "
             "the stats.",
             error);
}

static void
lru_stats_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, LRU_STATS (object)->contents);
}

static void
lru_stats_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  LRU_STATS (object)->contents = g_value_get_boolean (value);
}

static void
lru_stats_class_init (LruStatsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = lru_stats_get_property;
  object_class->set_property = lru_stats_set_property;

  action_class->method = "LruStats";
  action_class->summary = N_ ("Show what each cache did for the program, and what it costs");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = lru_stats_run;

  g_object_class_install_property (
      object_class, PROP_CONTENTS,
      g_param_spec_boolean ("contents", NULL,
                            N_ ("Whether what SQLAlchemy's caches keep is shown, and not its type alone"),
                            FALSE, HAP_PARAM_DATA | HAP_PARAM_INSPECT));
}

static void
lru_stats_init (LruStats *self)
{
}
