/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjectSources: a frozen copy each interval, what is new in it, and who holds it.
 */

#include "sources-start.h"

#include <glib/gi18n.h>

#include "py-heap-scans.h"
#include "py-repr.h"
#include "sources-scan.h"
#include "sources-words.h"

#define NOTIFICATION "profile_object_source_logging"

struct _SourcesStart
{
  HapAction parent_instance;

  double scan_interval;
  guint max_objects;
};

enum
{
  PROP_SCAN_INTERVAL = 1,
  PROP_MAX_OBJECTS,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (SourcesStart, sources_start, HAP_TYPE_ACTION)

/* One job. */
typedef struct
{
  HapReport *report;
  GCancellable *cancellable;
  guint max_objects;
  SourcesScans *known;
  GHashTable *origins; /* (element-type HapOrigin) -> how many new objects were logged of each */
  PyHeapScans scans;
} Job;

static gboolean
log_object (Job *job, PyHeap *heap, const PyHeapOwners *owners, const SourcesNew *item, GError **error)
{
  g_auto (SourcesWords) words = { 0 };
  g_autofree char *message = NULL;
  GVariantDict fields;

  sources_words_find (&words, heap, owners, item->index);
  message = g_strdup_printf ("New object %s (%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ") at %s: %s",
                             item->type, item->before, item->now, words.where, words.repr);
  g_variant_dict_init (&fields, NULL);
  g_variant_dict_insert (&fields, "scan", "u", job->scans.n_scans);
  g_variant_dict_insert (&fields, "type", "s", item->type);
  g_variant_dict_insert (&fields, "old", "t", item->before);
  g_variant_dict_insert (&fields, "new", "t", item->now);
  if (words.held_by != NULL)
    g_variant_dict_insert (&fields, "held_by", "s", words.held_by);
  if (words.origin != NULL)
    {
      gpointer n = g_hash_table_lookup (job->origins, words.origin);

      g_hash_table_insert (job->origins, (gpointer)words.origin, GUINT_TO_POINTER (GPOINTER_TO_UINT (n) + 1));
      g_variant_dict_insert (&fields, "integration", "s", words.origin->name);
      g_variant_dict_insert (&fields, "kind", "s", hap_origin_kind_to_string (words.origin->kind));
    }
  return hap_report_entry (job->report, message, g_variant_dict_end (&fields), error);
}

/* A dict as Python prints it. */
static char *
describe_overflow (const SourcesFound *found, GVariantBuilder *counts)
{
  g_autoptr (GString) text = g_string_new ("New objects overflowed by {");

  for (guint i = 0; i < found->overflow->len; i++)
    {
      guint64 n = g_array_index (found->n_overflowed, guint64, i);

      g_string_append (text, i > 0 ? ", " : "");
      py_repr_append_text (text, found->overflow->pdata[i]);
      g_string_append_printf (text, ": %" G_GUINT64_FORMAT, n);
      g_variant_builder_add (counts, "{st}", found->overflow->pdata[i], n);
    }
  if (found->overflow->len == 0)
    g_string_assign (text, "No new object growth found");
  else
    g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The last line of a scan, with its cost. Home Assistant has none where all new objects were shown. */
static gboolean
log_end (Job *job, const SourcesFound *found, const PyHeapCopy *copy, GError **error)
{
  GVariantBuilder fields, counts;
  g_autofree char *message = NULL;

  g_variant_builder_init (&counts, G_VARIANT_TYPE ("a{st}"));
  message = describe_overflow (found, &counts);
  if (found->overflow->len == 0 && found->objects->len > 0)
    {
      g_variant_builder_clear (&counts);
      return TRUE;
    }
  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "overflowed", g_variant_builder_end (&counts));
  g_variant_builder_add (&fields, "{sv}", "objects",
                         g_variant_new_uint64 (py_heap_get_n_objects (copy->heap)));
  py_heap_scans_describe (&job->scans, copy, &fields);
  return hap_report_entry (job->report, message, g_variant_builder_end (&fields), error);
}

static GVariant *
make_summary (Job *job, PyHeap *heap)
{
  GVariantBuilder summary, integrations;
  GHashTableIter iter;
  gpointer origin, n;

  g_variant_builder_init (&integrations, G_VARIANT_TYPE ("aa{sv}"));
  g_hash_table_iter_init (&iter, job->origins);
  while (g_hash_table_iter_next (&iter, &origin, &n))
    {
      g_variant_builder_open (&integrations, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&integrations, "{sv}", "name",
                             g_variant_new_string (((const HapOrigin *)origin)->name));
      g_variant_builder_add (
          &integrations, "{sv}", "kind",
          g_variant_new_string (hap_origin_kind_to_string (((const HapOrigin *)origin)->kind)));
      g_variant_builder_add (&integrations, "{sv}", "new_objects",
                             g_variant_new_uint64 (GPOINTER_TO_UINT (n)));
      g_variant_builder_close (&integrations);
    }
  g_variant_builder_init (&summary, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&summary, "{sv}", "objects", g_variant_new_uint64 (py_heap_get_n_objects (heap)));
  g_variant_builder_add (&summary, "{sv}", "bytes", g_variant_new_uint64 (py_heap_get_stats (heap)->bytes));
  py_heap_scans_summarize (&job->scans, &summary);
  g_variant_builder_add (&summary, "{sv}", "integrations", g_variant_builder_end (&integrations));
  return g_variant_builder_end (&summary);
}

static gboolean
scan (PyHeapCopy *copy, gpointer data, GError **error)
{
  Job *job = data;
  g_auto (SourcesFound) found = { 0 };
  g_autoptr (PyHeapOwners) owners = py_heap_owners_new (copy->heap, job->cancellable, error);

  if (owners == NULL)
    return FALSE;
  sources_scans_compare (job->known, copy->heap, job->max_objects, &found);
  for (guint i = 0; i < found.objects->len; i++)
    if (!log_object (job, copy->heap, owners, &g_array_index (found.objects, SourcesNew, i), error))
      return FALSE;
  py_heap_scans_drop (&job->scans, copy);
  return log_end (job, &found, copy, error)
         && hap_report_summarize (job->report, make_summary (job, copy->heap), error);
}

static gboolean
sources_start_run (HapAction *action,
                   HapTarget *target,
                   HapReport *report,
                   GCancellable *cancellable,
                   GError **error)
{
  SourcesStart *self = SOURCES_START (action);
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_autoptr (SourcesScans) known = sources_scans_new ();
  g_autoptr (GHashTable) origins = g_hash_table_new (NULL, NULL);
  Job job = { report, cancellable, self->max_objects, known, origins, { 0 } };

  /* The texts are Home Assistant's own. */
  return runtime != NULL
         && hap_report_notify (report, NOTIFICATION, "Object source logging started",
                               "Object source logging has started. See [the logs](/config/logs) to track "
                               "the growth of new objects.",
                               error)
         && py_heap_scans_run (&job.scans, target, runtime, PY_HEAP_WITH_REFERENCES, self->scan_interval,
                               scan, &job, cancellable, error);
}

static void
sources_start_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SourcesStart *self = SOURCES_START (object);

  switch (id)
    {
    case PROP_SCAN_INTERVAL:
      g_value_set_double (value, self->scan_interval);
      break;
    case PROP_MAX_OBJECTS:
      g_value_set_uint (value, self->max_objects);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sources_start_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SourcesStart *self = SOURCES_START (object);

  switch (id)
    {
    case PROP_SCAN_INTERVAL:
      self->scan_interval = g_value_get_double (value);
      break;
    case PROP_MAX_OBJECTS:
      self->max_objects = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sources_start_class_init (SourcesStartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = sources_start_get_property;
  object_class->set_property = sources_start_set_property;

  action_class->method = "StartLogObjectSources";
  action_class->summary = N_ ("Log new objects of the types that grow, and who holds them");
  action_class->authority = "inspect";
  action_class->reply = HAP_REPLY_JOB;
  action_class->slot = N_ ("object-logging");
  action_class->run = sources_start_run;

  g_object_class_install_property (object_class, PROP_SCAN_INTERVAL,
                                   g_param_spec_double ("scan-interval", NULL,
                                                        N_ ("From one scan to the next, in seconds"), 0.1,
                                                        86400.0, 30.0, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, PROP_MAX_OBJECTS,
                                   g_param_spec_uint ("max-objects", NULL,
                                                      N_ ("How many new objects to show at each scan"), 1,
                                                      1024, 5, HAP_PARAM_DATA));
}

static void
sources_start_init (SourcesStart *self)
{
}
