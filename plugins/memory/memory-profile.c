/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action Memory: its data attributes, and the order of its work: one moment, a while, another, and what
 * lies between them.
 */

#include "memory-profile.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "hap-target.h"
#include "memory-artifacts.h"
#include "memory-known.h"
#include "memory-moment.h"
#include "memory-strings.h"
#include "memory-summary.h"
#include "memory-verdict.h"
#include "py-discover.h"

#define PROGRESS_US (G_USEC_PER_SEC / 2)

/* The waiting is most of it. */
#define WAITED 0.9

struct _MemoryProfile
{
  HapAction parent_instance;

  double seconds;
  MemoryFormats formats;
};

enum
{
  PROP_SECONDS = 1,
  PROP_FORMATS,
  N_PROPS
};

/* One run. */
typedef struct
{
  HapTarget *target;
  PyRuntime *runtime;
  HapReport *report;
  GCancellable *cancellable;
  int residency_fd;
  MemoryFormats formats;

  HapHeapProfile *profile;
  HapCensus *census;
  GVariant *summary;
  guint64 pause_ns;
  const char *no_snapshot; /* (nullable): why a copy was no fork */
  double first_time;       /* of the first moment, in seconds of CLOCK_MONOTONIC */
} Run;

G_DEFINE_FINAL_TYPE (MemoryProfile, memory_profile, HAP_TYPE_ACTION)

static GType
formats_get_type (void)
{
  static const GFlagsValue values[] = { { MEMORY_FORMAT_HPY, "MEMORY_FORMAT_HPY", "hpy" },
                                        { MEMORY_FORMAT_PAGE, "MEMORY_FORMAT_PAGE", "html" },
                                        { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("MemoryFormats", values));
  return type;
}

static void
run_clear (Run *self)
{
  g_clear_object (&self->runtime);
  g_clear_pointer (&self->profile, hap_heap_profile_free);
  g_clear_pointer (&self->census, hap_census_free);
  g_clear_pointer (&self->summary, g_variant_unref);
  if (self->residency_fd >= 0)
    close (self->residency_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
notify (Run *self, gboolean complete, GError **error)
{
  gint64 start_time = hap_report_get_start_time (self->report);
  g_autofree char *id = g_strdup_printf ("memory_profiler_%" G_GINT64_FORMAT, start_time);
  g_autofree char *name = memory_artifacts_get_name (MEMORY_FORMAT_HPY, start_time);
  g_autofree char *message = NULL;

  /* The texts are Home Assistant's own. */
  if (!complete)
    return hap_report_notify (
        self->report, id, "Profile Started",
        "The memory profile has started. This notification will be updated when it is complete.", error);
  if ((self->formats & MEMORY_FORMAT_HPY) != 0)
    message = g_strdup_printf ("Wrote heapy memory profile to %s", name);
  else
    message = g_strdup ("The memory profile is complete.");
  return hap_report_notify (self->report, id, "Profile Complete", message, error);
}

static char *
make_title (HapTarget *target, PyRuntime *runtime)
{
  g_autoptr (PyDiscovery) discovery = py_discover (target);
  const char *python = py_runtime_get_version_string (runtime);

  if (discovery->home_assistant && discovery->home_assistant_version != NULL)
    return g_strdup_printf ("Home Assistant %s, Python %s", discovery->home_assistant_version, python);
  if (discovery->home_assistant)
    return g_strdup_printf ("Home Assistant, Python %s", python);
  return g_strdup_printf ("Process %u, Python %s", hap_target_get_pid (target), python);
}

/* An address is no object's any more once the program is another. */
static gboolean
check_target (HapTarget *target, GError **error)
{
  if (!hap_target_is_alive (target))
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                 _ ("The target ended before the memory profile was complete: start it again"));
  else if (hap_target_has_execed (target))
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                 _ ("The target runs another program now: start the memory profile again"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
tell (Run *self, gint64 waited, gint64 whole, GError **error)
{
  return hap_report_progress (self->report, WAITED * (double)MIN (waited, whole) / (double)MAX (whole, 1),
                              error);
}

/* Until @seconds after the first moment; ends early when it is cancelled. That the first moment is past is
 * told in any case: what it took may have been all of them. */
static gboolean
wait (Run *self, double seconds, GError **error)
{
  gint64 start = (gint64)(self->first_time * G_USEC_PER_SEC), now = g_get_monotonic_time ();
  gint64 end = start + (gint64)(seconds * G_USEC_PER_SEC), told = now;

  if (!tell (self, now - start, end - start, error))
    return FALSE;
  for (; now < end && !g_cancellable_is_cancelled (self->cancellable); now = g_get_monotonic_time ())
    {
      if (!check_target (self->target, error))
        return FALSE;
      if (now - told >= PROGRESS_US)
        {
          told = now;
          if (!tell (self, now - start, end - start, error))
            return FALSE;
        }
      g_usleep ((gulong)MIN (end - now, PROGRESS_US / 5));
    }
  return check_target (self->target, error);
}

/* What may fail of a moment because the target is no more, is said so. */
static MemoryMoment *
take_moment (Run *self, PyHeapFlags flags, GError **error)
{
  g_autoptr (GError) failed = NULL;
  MemoryMoment *moment =
      memory_moment_new (self->target, self->runtime, flags, self->residency_fd, NULL, &failed);

  if (moment == NULL && check_target (self->target, error))
    g_propagate_error (error, g_steal_pointer (&failed));
  if (moment == NULL)
    return NULL;
  self->pause_ns = MAX (self->pause_ns, moment->pause_ns);
  if (moment->no_snapshot != NULL)
    self->no_snapshot = moment->no_snapshot;
  return moment;
}

static MemoryKnown *
take_first (Run *self, GError **error)
{
  g_autoptr (MemoryMoment) moment = take_moment (self, PY_HEAP_ALL, error);

  if (moment == NULL)
    return NULL;
  self->first_time = moment->time;
  self->profile->before = moment->areas;
  return memory_known_new (moment->heap);
}

static void
drop_garbage (const PyHeapOwners *owners, guint8 *is_new)
{
  for (guint32 i = 0; i < owners->holders->n_nodes; i++)
    is_new[i] &= owners->holders->reached[i];
}

/* Everything that goes through the whole memory comes first, as long as little is kept of it. */
static gboolean
analyse (Run *self, MemoryMoment *moment, guint8 *is_new, GError **error)
{
  g_autoptr (MemoryKinds) kinds = memory_kinds_new (moment->heap);
  g_autoptr (MemoryStrings) strings = memory_strings_new (moment->heap);
  g_autoptr (PyHeapOwners) owners = py_heap_owners_new (moment->heap, NULL, error);
  MemoryFindings findings;

  if (owners == NULL || !memory_moment_check (moment, error))
    return FALSE;
  drop_garbage (owners, is_new);
  findings = (MemoryFindings){ moment->heap, owners, kinds, is_new };

  self->profile->after = moment->areas;
  if ((self->formats & MEMORY_FORMAT_HPY) != 0)
    self->census = memory_kinds_count (kinds, is_new);
  memory_tables_fill (&findings, self->profile);
  self->profile->verdict = memory_verdict_new (&findings, self->profile);
  memory_strings_find_equal (strings, owners, self->profile);
  self->summary = g_variant_ref_sink (
      memory_summary_new (self->profile, moment->heap, (double)self->pause_ns / 1e3, self->no_snapshot));
  return TRUE;
}

/* @known: (transfer full): its room is needed */
static gboolean
take_second (Run *self, MemoryKnown *known, GError **error)
{
  g_autoptr (MemoryKnown) first = known;
  g_autoptr (MemoryMoment) moment = take_moment (self, PY_HEAP_WITH_REFERENCES, error);
  g_autofree guint8 *is_new = NULL;

  if (moment == NULL)
    return FALSE;
  self->profile->duration = moment->time - self->first_time;
  is_new = memory_known_find_new (first, moment->heap);
  g_clear_pointer (&first, memory_known_free);
  return analyse (self, moment, is_new, error);
}

static gboolean
memory_profile_run (HapAction *action,
                    HapTarget *target,
                    HapReport *report,
                    GCancellable *cancellable,
                    GError **error)
{
  MemoryProfile *self = MEMORY_PROFILE (action);
  g_auto (Run)
      run = { .target = target, .report = report, .cancellable = cancellable, .formats = self->formats };
  g_autoptr (MemoryKnown) known = NULL;

  /* Without it there is no word on what is not Python's; the rest stands. */
  run.residency_fd = hap_broker_open_residency (hap_target_get_broker (target), NULL);
  run.runtime = py_runtime_attach (target, error);
  if (run.runtime == NULL)
    return FALSE;
  run.profile = hap_heap_profile_new ();
  run.profile->start_time_us = hap_report_get_start_time (report);
  run.profile->pid = hap_target_get_pid (target);
  run.profile->title = make_title (target, run.runtime);
  if (!notify (&run, FALSE, error))
    return FALSE;

  known = take_first (&run, error);
  if (known == NULL || !wait (&run, self->seconds, error))
    return FALSE;
  if (!take_second (&run, g_steal_pointer (&known), error)
      || !hap_report_summarize (report, run.summary, error)
      || !memory_artifacts_write (report, run.census, run.profile, self->formats, error))
    return FALSE;
  return notify (&run, TRUE, error);
}

static void
memory_profile_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  MemoryProfile *self = MEMORY_PROFILE (object);

  switch (id)
    {
    case PROP_SECONDS:
      g_value_set_double (value, self->seconds);
      break;
    case PROP_FORMATS:
      g_value_set_flags (value, self->formats);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
memory_profile_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  MemoryProfile *self = MEMORY_PROFILE (object);

  switch (id)
    {
    case PROP_SECONDS:
      self->seconds = g_value_get_double (value);
      break;
    case PROP_FORMATS:
      self->formats = g_value_get_flags (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
memory_profile_class_init (MemoryProfileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);
  GParamSpec *props[N_PROPS] = { NULL };

  object_class->get_property = memory_profile_get_property;
  object_class->set_property = memory_profile_set_property;

  action_class->method = "Memory";
  action_class->summary = N_ ("Record what comes to memory and stays, and which integration holds it");
  action_class->authority = "profile";
  action_class->reply = HAP_REPLY_JOB;
  action_class->slot = "profile";
  action_class->run = memory_profile_run;

  props[PROP_SECONDS] = g_param_spec_double ("seconds", NULL, N_ ("How long to profile, in seconds"), 0.001,
                                             86400.0, 60.0, HAP_PARAM_DATA);
  props[PROP_FORMATS] = g_param_spec_flags ("formats", NULL, N_ ("Which artifacts to write"),
                                            formats_get_type (), MEMORY_FORMATS_ALL, HAP_PARAM_DATA);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
memory_profile_init (MemoryProfile *self)
{
}
