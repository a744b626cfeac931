/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StartLogObjects: a frozen copy each interval, the collector's lists in it counted, and what has grown said.
 */

#include "objects-start.h"

#include <glib/gi18n.h>

#include "hap-wait.h"
#include "objects-growth.h"
#include "py-heap-copy.h"

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

/* What the scans of a job have come to. */
typedef struct
{
  guint n_scans;
  guint64 n_objects;
  double max_pause, max_duration;
} Scans;

static GVariant *
make_fields (const Scans *scans, GArray *grown, const PyHeapCopy *copy)
{
  GVariantBuilder fields, growth;

  g_variant_builder_init (&growth, G_VARIANT_TYPE ("a(stt)"));
  for (guint i = 0; i < grown->len; i++)
    {
      const ObjectsGrown *item = &g_array_index (grown, ObjectsGrown, i);

      g_variant_builder_add (&growth, "(stt)", item->name, item->total, item->delta);
    }
  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "scan", g_variant_new_uint32 (scans->n_scans));
  g_variant_builder_add (&fields, "{sv}", "growth", g_variant_builder_end (&growth));
  g_variant_builder_add (&fields, "{sv}", "objects", g_variant_new_uint64 (scans->n_objects));
  g_variant_builder_add (&fields, "{sv}", "pause_us", g_variant_new_double (copy->pause * 1e6));
  g_variant_builder_add (&fields, "{sv}", "duration_us", g_variant_new_double (copy->duration * 1e6));
  return g_variant_builder_end (&fields);
}

static GVariant *
make_summary (const Scans *scans)
{
  GVariantBuilder summary;

  g_variant_builder_init (&summary, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&summary, "{sv}", "scans", g_variant_new_uint32 (scans->n_scans));
  g_variant_builder_add (&summary, "{sv}", "objects", g_variant_new_uint64 (scans->n_objects));
  g_variant_builder_add (&summary, "{sv}", "pause_us", g_variant_new_double (scans->max_pause * 1e6));
  g_variant_builder_add (&summary, "{sv}", "duration_us", g_variant_new_double (scans->max_duration * 1e6));
  return g_variant_builder_end (&summary);
}

static gboolean
scan (Scans *scans,
      ObjectsGrowth *growth,
      HapTarget *target,
      PyRuntime *runtime,
      HapReport *report,
      GCancellable *cancellable,
      GError **error)
{
  g_auto (PyHeapCopy) copy = { 0 };
  g_autoptr (GArray) grown = NULL;
  g_autofree char *list = NULL;
  g_autofree char *message = NULL;

  if (!py_heap_copy_take (&copy, target, runtime, PY_HEAP_TRACKED_ONLY, cancellable, error))
    return FALSE;
  py_heap_copy_drop (&copy);

  scans->n_scans++;
  scans->n_objects = py_heap_get_stats (copy.heap)->n_tracked;
  scans->max_pause = MAX (scans->max_pause, copy.pause);
  scans->max_duration = MAX (scans->max_duration, copy.duration);
  grown = objects_growth_scan (growth, copy.heap, LIMIT);
  list = objects_growth_to_string (grown);
  message = g_strconcat ("Memory Growth: ", list, NULL);
  return hap_report_entry (report, message, make_fields (scans, grown, &copy), error)
         && hap_report_summarize (report, make_summary (scans), error);
}

static gboolean
objects_start_run (HapAction *action,
                   HapTarget *target,
                   HapReport *report,
                   GCancellable *cancellable,
                   GError **error)
{
  ObjectsStart *self = OBJECTS_START (action);
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_autoptr (ObjectsGrowth) growth = objects_growth_new ();
  g_autoptr (GError) own = NULL;
  Scans scans = { 0 };
  gint64 next = g_get_monotonic_time ();

  /* The texts are Home Assistant's own. */
  if (runtime == NULL
      || !hap_report_notify (report, NOTIFICATION, "Object growth logging started",
                             "Object growth logging has started. See [the logs](/config/logs) to track the "
                             "growth of new objects.",
                             error))
    return FALSE;

  do
    {
      if (!scan (&scans, growth, target, runtime, report, cancellable, &own))
        break;
      next = MAX (next + (gint64)(self->scan_interval * 1e6), g_get_monotonic_time ());
    }
  while (hap_wait_until (next, cancellable));

  if (own == NULL || g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&own));
  return FALSE;
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
