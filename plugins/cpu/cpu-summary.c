/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Start job says of itself on D-Bus when it is done: how it was measured, and the two tables.
 */

#include "cpu-summary.h"

#define MAX_FUNCTIONS 50
#define MAX_ORIGINS 200

static void
add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

static void
add_seconds (GVariantBuilder *builder, const char *key, guint64 samples, const HapProfile *profile)
{
  add (builder, key, g_variant_new_double ((double)samples * (double)profile->interval_ns / 1e9));
}

static GVariant *
describe_origins (const HapProfile *profile)
{
  g_autoptr (GArray) rows = hap_profile_sum_origins (profile);
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < MIN (rows->len, MAX_ORIGINS); i++)
    {
      const HapOriginRow *row = &g_array_index (rows, HapOriginRow, i);

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      add (&list, "name", g_variant_new_string (row->origin->name));
      add (&list, "kind", g_variant_new_string (hap_origin_kind_to_string (row->origin->kind)));
      add_seconds (&list, "running", row->running, profile);
      add_seconds (&list, "blocking", row->blocking, profile);
      add_seconds (&list, "waiting", row->waiting, profile);
      add (&list, "share", g_variant_new_double (row->share));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

static GVariant *
describe_functions (const HapProfile *profile)
{
  g_autoptr (GArray) rows = hap_profile_sum_functions (profile, MAX_FUNCTIONS);
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < rows->len; i++)
    {
      const HapFunctionRow *row = &g_array_index (rows, HapFunctionRow, i);

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      add (&list, "function", g_variant_new_string (row->function->qualname));
      add (&list, "file", g_variant_new_string (row->function->file));
      add (&list, "line", g_variant_new_int32 (row->function->line));
      add (&list, "origin", g_variant_new_string (row->function->origin->name));
      add (&list, "kind", g_variant_new_string (hap_origin_kind_to_string (row->function->origin->kind)));
      add_seconds (&list, "self", row->self, profile);
      add_seconds (&list, "total", row->total, profile);
      add_seconds (&list, "self_busy", row->self_busy, profile);
      add (&list, "hottest_line", g_variant_new_int32 (row->hottest_line));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

static void
add_counts (GVariantBuilder *builder, const PyObserverCounts *counts)
{
  add (builder, "live", g_variant_new_uint64 (counts->live));
  add (builder, "still", g_variant_new_uint64 (counts->still));
  add (builder, "stopped", g_variant_new_uint64 (counts->stopped));
  add (builder, "dropped", g_variant_new_uint64 (counts->dropped));
  add (builder, "pause_max_us", g_variant_new_double ((double)counts->pause_ns_max / 1e3));
  add (builder, "pause_total_us", g_variant_new_double ((double)counts->pause_ns_total / 1e3));
}

static gint
compare_counted (gconstpointer a, gconstpointer b)
{
  const HapCountedFunction *x = *(const HapCountedFunction *const *)a;
  const HapCountedFunction *y = *(const HapCountedFunction *const *)b;

  if (x->count.self != y->count.self)
    return x->count.self < y->count.self ? 1 : -1;
  return x->count.calls < y->count.calls ? 1 : x->count.calls > y->count.calls ? -1 : 0;
}

/* The functions by their own time. */
static GVariant *
describe_calls (const HapCallCounts *counts)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new ();
  GVariantBuilder list;

  for (guint i = 0; i < counts->functions->len; i++)
    g_ptr_array_add (order, (gpointer)hap_call_counts_get (counts, i));
  g_ptr_array_sort (order, compare_counted);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < MIN (order->len, MAX_FUNCTIONS); i++)
    {
      const HapCountedFunction *function = order->pdata[i];

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      add (&list, "function", g_variant_new_string (function->qualname));
      add (&list, "file", g_variant_new_string (function->file));
      add (&list, "line", g_variant_new_int32 (function->line));
      add (&list, "origin", g_variant_new_string (function->origin->name));
      add (&list, "kind", g_variant_new_string (hap_origin_kind_to_string (function->origin->kind)));
      add (&list, "calls", g_variant_new_uint64 (function->count.calls));
      add (&list, "primitive_calls", g_variant_new_uint64 (function->count.primitive));
      add (&list, "self", g_variant_new_double (function->count.self));
      add (&list, "total", g_variant_new_double (function->count.total));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

static void
add_call_counts (GVariantBuilder *builder, const HapCallCounts *counts, gboolean mixed)
{
  guint64 n_calls = 0;

  for (guint i = 0; i < counts->functions->len; i++)
    n_calls += hap_call_counts_get (counts, i)->count.calls;
  add (builder, "functions_counted", g_variant_new_uint32 (counts->functions->len));
  add (builder, "calls_counted", g_variant_new_uint64 (n_calls));
  add (builder, "mixed", g_variant_new_boolean (mixed));
  add (builder, "calls", describe_calls (counts));
}

GVariant *
cpu_summary_new (CpuSampler *sampler,
                 const HapProfile *profile,
                 const HapCallCounts *counts,
                 gboolean mixed,
                 PyRuntime *runtime)
{
  guint64 n_observations = cpu_sampler_get_n_observations (sampler);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "samples", g_variant_new_uint64 (cpu_sampler_get_n_samples (sampler)));
  add (&builder, "weight", g_variant_new_uint64 (hap_call_tree_get_n_samples (profile->tree)));
  add (&builder, "observations", g_variant_new_uint64 (n_observations));
  add (&builder, "rate", g_variant_new_double ((double)n_observations / MAX (profile->duration, 1e-9)));
  add (&builder, "seconds", g_variant_new_double (profile->duration));
  add (&builder, "interval_ns", g_variant_new_int64 (profile->interval_ns));
  add_counts (&builder, cpu_sampler_get_counts (sampler));
  add (&builder, "truncated", g_variant_new_uint64 (hap_call_tree_get_n_truncated (profile->tree)));
  add (&builder, "python", g_variant_new_string (py_runtime_get_version_string (runtime)));
  add (&builder, "threads", g_variant_new_uint32 (hap_call_tree_get_n_threads (profile->tree)));
  if (cpu_sampler_get_end (sampler) != NULL)
    add (&builder, "ended", g_variant_new_string (cpu_sampler_get_end (sampler)));
  add (&builder, "integrations", describe_origins (profile));
  add (&builder, "functions", describe_functions (profile));
  if (counts != NULL)
    add_call_counts (&builder, counts, mixed);
  return g_variant_builder_end (&builder);
}
