/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Counts by origin, and their one order. Whose a thing is, is hap-origin.c's.
 */

#include "hap-origin-counts.h"

#include <string.h>

typedef struct
{
  const HapOrigin *origin;
  guint n;
} Count;

struct _HapOriginCounts
{
  GArray *counts;
};

HapOriginCounts *
hap_origin_counts_new (void)
{
  HapOriginCounts *self = g_new (HapOriginCounts, 1);

  self->counts = g_array_new (FALSE, FALSE, sizeof (Count));
  return self;
}

void
hap_origin_counts_free (HapOriginCounts *self)
{
  g_array_unref (self->counts);
  g_free (self);
}

void
hap_origin_counts_add (HapOriginCounts *self, const HapOrigin *origin)
{
  Count count = { origin != NULL ? origin : hap_origin_of_file ("~"), 1 };

  for (guint i = 0; i < self->counts->len; i++)
    {
      Count *known = &g_array_index (self->counts, Count, i);

      if (known->origin == count.origin)
        {
          known->n++;
          return;
        }
    }
  g_array_append_val (self->counts, count);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const Count *x = a, *y = b;
  gboolean x_is = HAP_ORIGIN_IS_INTEGRATION (x->origin->kind),
           y_is = HAP_ORIGIN_IS_INTEGRATION (y->origin->kind);

  if (x_is != y_is)
    return x_is ? -1 : 1;
  if (x->n != y->n)
    return x->n < y->n ? 1 : -1;
  if (x->origin->kind != y->origin->kind)
    return x->origin->kind < y->origin->kind ? -1 : 1;
  return strcmp (x->origin->name, y->origin->name);
}

char *
hap_origin_counts_to_string (HapOriginCounts *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_array_sort (self->counts, compare);
  for (guint i = 0; i < self->counts->len; i++)
    {
      const Count *count = &g_array_index (self->counts, Count, i);

      g_string_append_printf (text, "%s %s %u", i > 0 ? "," : "", count->origin->name, count->n);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

GVariant *
hap_origin_counts_to_variant (HapOriginCounts *self, const char *key)
{
  GVariantBuilder list;

  g_array_sort (self->counts, compare);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < self->counts->len; i++)
    {
      const Count *count = &g_array_index (self->counts, Count, i);
      const char *kind = hap_origin_kind_to_string (count->origin->kind);

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&list, "{sv}", "name", g_variant_new_string (count->origin->name));
      g_variant_builder_add (&list, "{sv}", "kind", g_variant_new_string (kind));
      g_variant_builder_add (&list, "{sv}", key, g_variant_new_uint32 (count->n));
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}
