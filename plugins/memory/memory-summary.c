/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Memory job says of itself on D-Bus.
 */

#include "memory-summary.h"

#define MAX_ORIGINS 200

static void
add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

static GVariant *
describe_areas (const HapHeapProfile *profile)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint area = 0; area < HAP_N_AREAS && profile->after.resident > 0; area++)
    {
      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      add (&list, "area", g_variant_new_string (hap_area_to_string (area)));
      add (&list, "bytes", g_variant_new_uint64 (profile->after.bytes[area]));
      add (&list, "before", g_variant_new_uint64 (profile->before.bytes[area]));
      if (area == HAP_AREA_NATIVE && profile->after.unsure > 0)
        add (&list, "unsure", g_variant_new_uint64 (profile->after.unsure));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

static GVariant *
describe_origins (const HapHeapProfile *profile)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < MIN (profile->origins->len, MAX_ORIGINS); i++)
    {
      const HapHeapOrigin *row = &g_array_index (profile->origins, HapHeapOrigin, i);
      const HapOrigin *origin = row->origin;

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      add (&list, "name", g_variant_new_string (origin != NULL ? origin->name : ""));
      add (&list, "kind",
           g_variant_new_string (origin != NULL ? hap_origin_kind_to_string (origin->kind) : "shared"));
      add (&list, "objects", g_variant_new_uint64 (row->count.objects));
      add (&list, "bytes", g_variant_new_uint64 (row->count.bytes));
      add (&list, "new_objects", g_variant_new_uint64 (row->count.new_objects));
      add (&list, "new_bytes", g_variant_new_uint64 (row->count.new_bytes));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

GVariant *
memory_summary_new (const HapHeapProfile *profile, PyHeap *heap, double pause_us, const char *no_snapshot)
{
  const PyHeapStats *stats = py_heap_get_stats (heap);
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "verdict", g_variant_new_string (profile->verdict));
  add (&builder, "objects", g_variant_new_uint64 (profile->total.new_objects));
  add (&builder, "bytes", g_variant_new_uint64 (profile->total.new_bytes));
  add (&builder, "all_objects", g_variant_new_uint64 (profile->total.objects));
  add (&builder, "all_bytes", g_variant_new_uint64 (profile->total.bytes));
  add (&builder, "pause_us", g_variant_new_double (pause_us));
  if (no_snapshot != NULL)
    add (&builder, "no_snapshot", g_variant_new_string (no_snapshot));
  add (&builder, "seconds", g_variant_new_double (profile->duration));
  add (&builder, "python", g_variant_new_string (py_runtime_get_version_string (runtime)));
  add (&builder, "n_conservative", g_variant_new_uint32 (stats->n_conservative));
  add (&builder, "n_skipped", g_variant_new_uint32 (stats->n_skipped));
  add (&builder, "memory", describe_areas (profile));
  add (&builder, "integrations", describe_origins (profile));
  return g_variant_builder_end (&builder);
}
