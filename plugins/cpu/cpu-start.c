/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action Start: its data attributes, and the order of its work: attach, sample, sum up, write, tell; and
 * before and after it, where calls are counted, switching that on and off.
 */

#include "cpu-start.h"

#include <glib/gi18n.h>

#include "cpu-artifacts.h"
#include "cpu-sampler.h"
#include "cpu-summary.h"
#include "cpu-tracing.h"
#include "hap-target.h"
#include "py-discover.h"

typedef enum
{
  MODE_SAMPLING,
  MODE_TRACING,
} Mode;

struct _CpuStart
{
  HapAction parent_instance;

  double seconds;
  guint rate;
  Mode mode;
  CpuClock clock;
  gboolean main_only;
  PyPrecision precision;
  CpuFormats formats;
};

enum
{
  PROP_SECONDS = 1,
  PROP_RATE,
  PROP_MODE,
  PROP_CLOCK,
  PROP_THREADS,
  PROP_PRECISION,
  PROP_FORMATS,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (CpuStart, cpu_start, HAP_TYPE_ACTION)

/* The nicks are the words of the D-Bus contract. */
#define DEFINE_ENUM(function, Name, ...)                                                                     \
  static GType function (void)                                                                               \
  {                                                                                                          \
    static const GEnumValue values[] = { __VA_ARGS__, { 0, NULL, NULL } };                                   \
    static gsize type = 0;                                                                                   \
    if (g_once_init_enter (&type))                                                                           \
      g_once_init_leave (&type, g_enum_register_static (Name, values));                                      \
    return type;                                                                                             \
  }

DEFINE_ENUM (mode_get_type,
             "CpuMode",
             { MODE_SAMPLING, "MODE_SAMPLING", "sampling" },
             { MODE_TRACING, "MODE_TRACING", "tracing" })
DEFINE_ENUM (clock_get_type,
             "CpuClock",
             { CPU_CLOCK_WALL, "CPU_CLOCK_WALL", "wall" },
             { CPU_CLOCK_CPU, "CPU_CLOCK_CPU", "cpu" },
             { CPU_CLOCK_GIL, "CPU_CLOCK_GIL", "gil" })
DEFINE_ENUM (threads_get_type,
             "CpuThreads",
             { FALSE, "CPU_THREADS_ALL", "all" },
             { TRUE, "CPU_THREADS_MAIN", "main" })
DEFINE_ENUM (precision_get_type,
             "CpuPrecision",
             { PY_PRECISION_AUTO, "PY_PRECISION_AUTO", "auto" },
             { PY_PRECISION_EXACT, "PY_PRECISION_EXACT", "exact" },
             { PY_PRECISION_FAST, "PY_PRECISION_FAST", "fast" })

static GType
formats_get_type (void)
{
  static const GFlagsValue values[] = { { CPU_FORMAT_CPROF, "CPU_FORMAT_CPROF", "cprof" },
                                        { CPU_FORMAT_CALLGRIND, "CPU_FORMAT_CALLGRIND", "callgrind" },
                                        { CPU_FORMAT_FLAMEGRAPH, "CPU_FORMAT_FLAMEGRAPH", "flamegraph" },
                                        { CPU_FORMAT_SPEEDSCOPE, "CPU_FORMAT_SPEEDSCOPE", "speedscope" },
                                        { CPU_FORMAT_COLLAPSED, "CPU_FORMAT_COLLAPSED", "collapsed" },
                                        { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("CpuFormats", values));
  return type;
}

static gboolean
notify (HapReport *report, gboolean complete, CpuFormats formats, GError **error)
{
  gint64 start_time = hap_report_get_start_time (report);
  g_autofree char *id = g_strdup_printf ("profiler_%" G_GINT64_FORMAT, start_time);
  g_autofree char *cprof = cpu_artifacts_get_name (CPU_FORMAT_CPROF, start_time);
  g_autofree char *callgrind = cpu_artifacts_get_name (CPU_FORMAT_CALLGRIND, start_time);
  g_autofree char *message = NULL;

  /* The texts are Home Assistant's own. */
  if (!complete)
    return hap_report_notify (
        report, id, "Profile Started",
        "The profile has started. This notification will be updated when it is complete.", error);

  if ((formats & CPU_FORMAT_CPROF) != 0 && (formats & CPU_FORMAT_CALLGRIND) != 0)
    message = g_strdup_printf ("Wrote cProfile data to %s and callgrind data to %s", cprof, callgrind);
  else
    message = g_strdup ("The profile is complete.");
  return hap_report_notify (report, id, "Profile Complete", message, error);
}

static gboolean
on_progress (double fraction, gpointer data, GError **error)
{
  return hap_report_progress (data, fraction, error);
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

static HapProfile *
make_profile (CpuStart *self, CpuSampler *sampler, gint64 start_time, guint pid, const char *title)
{
  static const char *const clocks[] = { "wall", "cpu", "gil" };
  HapProfile *profile = g_new0 (HapProfile, 1);
  double n_slots = (double)MAX (cpu_sampler_get_n_slots (sampler), 1);

  profile->duration = cpu_sampler_get_duration (sampler);
  profile->interval_ns = MAX ((gint64)(profile->duration * 1e9 / n_slots), 1);
  profile->kept = MIN ((double)cpu_sampler_get_n_observations (sampler) / n_slots, 1);
  profile->start_time_us = start_time;
  profile->pid = pid;
  profile->title = g_strdup (title);
  profile->clock = g_strdup (clocks[self->clock]);
  profile->tree = cpu_sampler_steal_tree (sampler);
  return profile;
}

/* Samples, and counts calls meanwhile where that is asked for; whoever cancels wants what there is. */
static gboolean
record (CpuStart *self,
        CpuSampler *sampler,
        CpuTracing *tracing,
        HapCallCounts **counts,
        gboolean *mixed,
        HapReport *report,
        GCancellable *cancellable,
        GError **error)
{
  if (!cpu_sampler_run (sampler, on_progress, report, cancellable, error))
    return FALSE;
  if (tracing == NULL)
    return TRUE;
  *counts = cpu_tracing_finish (tracing, mixed, error);
  return *counts != NULL;
}

static gboolean
cpu_start_run (HapAction *action,
               HapTarget *target,
               HapReport *report,
               GCancellable *cancellable,
               GError **error)
{
  CpuStart *self = CPU_START (action);
  /* What is counted are the main thread's calls. */
  const CpuOptions options = { .seconds = self->seconds,
                               .rate = self->rate,
                               .clock = self->clock,
                               .main_only = self->main_only || self->mode == MODE_TRACING,
                               .precision = self->precision };
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);
  g_autoptr (CpuTracing) tracing = NULL;
  g_autoptr (HapCallCounts) counts = NULL;
  g_autoptr (CpuSampler) sampler = NULL;
  g_autoptr (HapProfile) profile = NULL;
  g_autofree char *title = NULL;
  gboolean mixed = FALSE;

  if (runtime == NULL)
    return FALSE;
  /* While the target is there to say it. */
  title = make_title (target, runtime);
  if (self->mode == MODE_TRACING)
    tracing = cpu_tracing_start (target, runtime, cancellable, error);
  if ((self->mode == MODE_TRACING && tracing == NULL) || !notify (report, FALSE, self->formats, error))
    return FALSE;

  sampler = cpu_sampler_new (target, runtime, &options);
  if (!record (self, sampler, tracing, &counts, &mixed, report, cancellable, error))
    return FALSE;

  profile =
      make_profile (self, sampler, hap_report_get_start_time (report), hap_target_get_pid (target), title);
  if (!hap_report_summarize (report, cpu_summary_new (sampler, profile, counts, mixed, runtime), error)
      || !cpu_artifacts_write (report, profile, counts, self->formats, error))
    return FALSE;
  return notify (report, TRUE, self->formats, error);
}

static void
cpu_start_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  CpuStart *self = CPU_START (object);

  switch (id)
    {
    case PROP_SECONDS:
      g_value_set_double (value, self->seconds);
      break;
    case PROP_RATE:
      g_value_set_uint (value, self->rate);
      break;
    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;
    case PROP_CLOCK:
      g_value_set_enum (value, self->clock);
      break;
    case PROP_THREADS:
      g_value_set_enum (value, self->main_only);
      break;
    case PROP_PRECISION:
      g_value_set_enum (value, self->precision);
      break;
    case PROP_FORMATS:
      g_value_set_flags (value, self->formats);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
cpu_start_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  CpuStart *self = CPU_START (object);

  switch (id)
    {
    case PROP_SECONDS:
      self->seconds = g_value_get_double (value);
      break;
    case PROP_RATE:
      self->rate = g_value_get_uint (value);
      break;
    case PROP_MODE:
      self->mode = g_value_get_enum (value);
      break;
    case PROP_CLOCK:
      self->clock = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      self->main_only = g_value_get_enum (value);
      break;
    case PROP_PRECISION:
      self->precision = g_value_get_enum (value);
      break;
    case PROP_FORMATS:
      self->formats = g_value_get_flags (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
cpu_start_class_init (CpuStartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);
  GParamSpec *props[N_PROPS] = { NULL };

  object_class->get_property = cpu_start_get_property;
  object_class->set_property = cpu_start_set_property;

  action_class->method = "Start";
  action_class->summary = N_ ("Record where the program spends its time");
  action_class->authority = "profile";
  action_class->reply = HAP_REPLY_JOB;
  action_class->slot = "profile";
  action_class->run = cpu_start_run;

  props[PROP_SECONDS] = g_param_spec_double ("seconds", NULL, N_ ("How long to profile, in seconds"), 0.01,
                                             86400.0, 60.0, HAP_PARAM_DATA);
  props[PROP_RATE] =
      g_param_spec_uint ("rate", NULL, N_ ("Observations a second; fewer where the machine cannot keep up"),
                         1, 1000000, 50, HAP_PARAM_DATA);
  props[PROP_MODE] = g_param_spec_enum ("mode", NULL,
                                        N_ ("How calls are found: by watching from outside, or besides, in "
                                            "the main thread, by having Python count each "
                                            "one, which slows it down"),
                                        mode_get_type (), MODE_SAMPLING, HAP_PARAM_DATA | HAP_PARAM_MODIFY);
  props[PROP_CLOCK] = g_param_spec_enum (
      "clock", NULL, N_ ("What counts: all time, time on a processor, or time holding the interpreter lock"),
      clock_get_type (), CPU_CLOCK_WALL, HAP_PARAM_DATA);
  props[PROP_THREADS] = g_param_spec_enum ("threads", NULL, N_ ("All threads, or the main one alone"),
                                           threads_get_type (), FALSE, HAP_PARAM_DATA);
  props[PROP_PRECISION] = g_param_spec_enum (
      "precision", NULL,
      N_ ("Whether a running thread is stopped for microseconds to be read: where needed, always, or never"),
      precision_get_type (), PY_PRECISION_AUTO, HAP_PARAM_DATA);
  props[PROP_FORMATS] = g_param_spec_flags ("formats", NULL, N_ ("Which artifacts to write"),
                                            formats_get_type (), CPU_FORMATS_ALL, HAP_PARAM_DATA);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
cpu_start_init (CpuStart *self)
{
}
