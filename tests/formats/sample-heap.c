/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory profiles, usual ones and such as a hostile target may give. */

#include "sample-heap.h"

#include <string.h>

#define LONG 5000

static const char *const usual[] = { "dict of homeassistant.core.State", "str", "list", "leaky.Holder" };
static const char *const hostile[] = {
  "</script><script>document.title='owned'</script>",
  "\"quotes\" 'and' \\ & <b>markup</b>",
  "\u202egnp.exe \u2066\u2069 \u05e9\u05dc\u05d5\u05dd",
  "line\nbreak\r\x1b[31m\x7f\u2028",
  "__proto__",
  "]]><!-- -->",
  "@DATA@ @TITLE@ @hash:heap-page.js@",
};

static HapHeapCount
make_count (guint i)
{
  return (HapHeapCount){ 1000 / (i + 1), 1000000 / (i + 1), 10 * i, 1000 * i };
}

static void
add_rows (HapHeapProfile *self, const char *text, guint i)
{
  const char *const modules[] = { "custom_components.leaky", "homeassistant.components.zha",
                                  "homeassistant.core" };
  g_autofree char *module = g_strdup_printf ("custom_components.%s", text);
  const HapHeapOrigin origin = {
    hap_origin_of_module (i < G_N_ELEMENTS (modules) ? modules[i] : module),
    make_count (i),
  };
  const HapHeapCell cell = { i, g_strdup (text), make_count (i) };
  const HapHeapType type = { g_strdup (text), g_strdup (text), make_count (i) };
  const HapHeapObject object = { i, g_strdup (text), g_strdup (text), i % 2, 100 + i, 1000 + i };
  const HapHeapDuplicate duplicate = { g_strdup (text), strlen (text), 2 + i, 1000 - i };

  g_array_append_val (self->origins, origin);
  g_array_append_val (self->cells, cell);
  g_array_append_val (self->types, type);
  g_array_append_val (self->objects, object);
  g_array_append_val (self->duplicates, duplicate);
}

static void
add_all (HapHeapProfile *self, const char *const *texts, guint n)
{
  for (guint i = 0; i < n; i++)
    add_rows (self, texts[i], i);
  for (guint area = 0; area < HAP_N_AREAS; area++)
    {
      self->before.bytes[area] = 1000000 * area;
      self->after.bytes[area] = 1100000 * (area + 1);
      self->before.resident += self->before.bytes[area];
      self->after.resident += self->after.bytes[area];
    }
  self->after.swapped = 4096;
  self->total = (HapHeapCount){ 100000, 10000000, 1000, 100000 };
}

HapHeapProfile *
sample_heap_new (const char *name)
{
  HapHeapProfile *self;
  g_autofree char *long_text = g_strnfill (LONG, 'x');

  if (strcmp (name, "home-assistant") != 0 && strcmp (name, "hostile") != 0 && strcmp (name, "empty") != 0)
    return NULL;
  self = hap_heap_profile_new ();
  self->start_time_us = 1700000000000000;
  self->duration = 60;
  self->pid = 42;
  self->title = g_strdup ("Home Assistant 2026.11.0, Python 3.14.10");
  self->verdict = g_strdup ("The growth is native: not a Python leak.\nMore is below.");
  if (strcmp (name, "home-assistant") == 0)
    add_all (self, usual, G_N_ELEMENTS (usual));
  else if (strcmp (name, "hostile") == 0)
    {
      g_free (self->title);
      g_free (self->verdict);
      self->title = g_strdup ("</title><script>document.title='owned'</script>");
      self->verdict =
          g_strjoinv ("\n", (char **)(const char *[]){ hostile[0], hostile[1], hostile[2], NULL });
      add_all (self, hostile, G_N_ELEMENTS (hostile));
      add_rows (self, long_text, G_N_ELEMENTS (hostile));
    }
  return self;
}

HapCensus *
sample_census_new (const char *name)
{
  HapCensus *census = hap_census_new ();
  gboolean is_hostile = strcmp (name, "hostile") == 0;
  const char *const *texts = is_hostile ? hostile : usual;
  guint n = is_hostile ? G_N_ELEMENTS (hostile) : G_N_ELEMENTS (usual);
  guint32 before = 0;

  for (guint i = 0; i < n && strcmp (name, "empty") != 0; i++)
    {
      guint32 kind = hap_census_add_kind (census, texts[i]);

      hap_census_count (census, (guint32[]){ kind, before }, 2, 100 * (i + 1));
      hap_census_count (census, (guint32[]){ kind }, 1, 7);
      hap_census_count (census, NULL, 0, 1000);
      before = kind;
    }
  return census;
}
