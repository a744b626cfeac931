/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjects: a frozen copy each interval, the collector's lists in it counted, and what has grown said.
 */

#include "objects-start.h"

#include <glib/gi18n.h>

#include "objects-growth.h"
#include "py-heap-scans.h"

#define LIMIT 1000 /* types in one line: Home Assistant's growth(limit=1000) */
#define NOTIFICATION "profile_object_logging"

struct _ObjectsStart
{
  HapAction parent_instance;

  double scan_interval;
};

enum
{
  PROP_SCAN_INTERVAL = 1,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (ObjectsStart, objects_start, HAP_TYPE_ACTION)

/* One job. */
typedef struct
{
  HapReport *report;
  ObjectsGrowth *growth;
  PyHeapScans scans;
} Job;

static GVariant *
make_fields (const Job *job, GArray *grown, const PyHeapCopy *copy)
{
  GVariantBuilder fields, growth;

  g_variant_builder_init (&growth, G_VARIANT_TYPE ("a(stt)"));
  for (guint i = 0; i < grown->len; i++)
    {
      const ObjectsGrown *item = &g_array_index (grown, ObjectsGrown, i);

      g_variant_builder_add (&growth, "(stt)", item->name, item->total, item->delta);
    }
  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "growth", g_variant_builder_end (&growth));
  g_variant_builder_add (&fields, "{sv}", "objects",
                         g_variant_new_uint64 (py_heap_get_stats (copy->heap)->n_tracked));
  py_heap_scans_describe (&job->scans, copy, &fields);
  return g_variant_builder_end (&fields);
}

static GVariant *
make_summary (const Job *job, guint64 n_objects)
{
  GVariantBuilder summary;

  g_variant_builder_init (&summary, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&summary, "{sv}", "verdict",
                         g_variant_new_take_string (objects_growth_describe (job->growth)));
  g_variant_builder_add (&summary, "{sv}", "objects", g_variant_new_uint64 (n_objects));
  py_heap_scans_summarize (&job->scans, &summary);
  return g_variant_builder_end (&summary);
}

static gboolean
scan (PyHeapCopy *copy, gpointer data, GError **error)
{
  Job *job = data;
  g_autoptr (GArray) grown = NULL;
  g_autofree char *list = NULL;
  g_autofree char *message = NULL;

  py_heap_scans_drop (&job->scans, copy);
  grown = objects_growth_scan (job->growth, copy->heap, LIMIT);
  list = objects_growth_to_string (grown);
  message = g_strconcat ("Memory Growth: ", list, NULL);
  return hap_report_entry (job->report, message, make_fields (job, grown, copy), error)
         && hap_report_summarize (job->report, make_summary (job, py_heap_get_stats (copy->heap)->n_tracked),
                                  error);
}

static gboolean
objects_start_run (HapAction *action,
                   HapTarget *target,
                   HapReport *report,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_autoptr (ObjectsGrowth) growth = objects_growth_new ();
  Job job = { .report = report, .growth = growth };

  /* The texts are Home Assistant's own. */
  return runtime != NULL
         && hap_report_notify (report, NOTIFICATION, "Object growth logging started",
                               "Object growth logging has started. See [the logs](/config/logs) to track "
                               "the growth of new objects.",
                               error)
         && py_heap_scans_run (&job.scans, target, runtime, PY_HEAP_TRACKED_ONLY,
                               OBJECTS_START (action)->scan_interval, scan, &job, cancellable, error);
}

static void
objects_start_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SCAN_INTERVAL)
    g_value_set_double (value, OBJECTS_START (object)->scan_interval);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
objects_start_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SCAN_INTERVAL)
    OBJECTS_START (object)->scan_interval = g_value_get_double (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
objects_start_class_init (ObjectsStartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = objects_start_get_property;
  object_class->set_property = objects_start_set_property;

  action_class->method = "StartLogObjects";
  action_class->summary = N_ ("Log which types of objects grow, again and again");
  action_class->authority = "profile";
  action_class->reply = HAP_REPLY_JOB;
  action_class->slot = N_ ("object-logging");
  action_class->run = objects_start_run;

  g_object_class_install_property (object_class, PROP_SCAN_INTERVAL,
                                   g_param_spec_double ("scan-interval", NULL,
                                                        N_ ("From one scan to the next, in seconds"), 0.1,
                                                        86400.0, 30.0, HAP_PARAM_DATA));
}

static void
objects_start_init (ObjectsStart *self)
{
}
