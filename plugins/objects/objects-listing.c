/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The words of a dump, Home Assistant's, and its counts, in the caller's. Where objects come from is
 * objects-dump.c's.
 */

#include "objects-listing.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-origin.h"
#include "objects-mask.h"

/* One line for an object, whatever is in it. */
static gboolean
write_line (GOutputStream *stream, const char *message, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (const char *at = message; *at != '\0'; at++)
    {
      if (*at == '\n')
        g_string_append (line, "\\n");
      else if (g_ascii_iscntrl (*at))
        g_string_append_printf (line, "\\x%02x", (guchar)*at);
      else
        g_string_append_c (line, *at);
    }
  g_string_append_c (line, '\n');
  return g_output_stream_write_all (stream, line->str, line->len, NULL, NULL, error);
}

static GVariant *
make_fields (const ObjectsItem *item)
{
  const HapOrigin *origin = item->module != NULL ? hap_origin_of_module (item->module) : NULL;
  GVariantBuilder fields;

  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "class", g_variant_new_string (item->class_text));
  if (item->module != NULL)
    g_variant_builder_add (&fields, "{sv}", "module", g_variant_new_string (item->module));
  if (origin != NULL)
    {
      g_variant_builder_add (&fields, "{sv}", "integration", g_variant_new_string (origin->name));
      g_variant_builder_add (&fields, "{sv}", "kind",
                             g_variant_new_string (hap_origin_kind_to_string (origin->kind)));
    }
  if (item->cut > 0)
    g_variant_builder_add (&fields, "{sv}", "cut", g_variant_new_uint64 (item->cut));
  if (item->text == NULL)
    g_variant_builder_add (&fields, "{sv}", "failed",
                           g_variant_new_string (item->failed != NULL ? item->failed : "its repr() raised"));
  return g_variant_builder_end (&fields);
}

gboolean
objects_listing_add (ObjectsListing *self, const ObjectsItem *item, GOutputStream *stream, GError **error)
{
  g_autofree char *masked = item->text != NULL && !self->unredacted ? objects_mask (item->text) : NULL;
  const char *text = masked != NULL ? masked : item->text;
  g_autofree char *message = text != NULL ? g_strdup_printf ("%s object in memory: %s", self->type, text)
                                          : g_strdup_printf ("%s object in memory: Failed to serialize %s",
                                                             self->type, item->class_text);

  self->n_listed++;
  self->n_failed += text == NULL;
  self->n_cut += item->cut > 0;
  if (!write_line (stream, message, error))
    return FALSE;
  return self->n_listed > self->limit || hap_report_entry (self->report, message, make_fields (item), error);
}

gboolean
objects_listing_close (ObjectsListing *self, const char *name, GError **error)
{
  guint64 n_shown = MIN (self->n_listed, self->limit);
  guint64 missing = self->n_objects - MIN (self->n_listed, self->n_objects);
  guint64 overflowed = self->n_objects - MIN (n_shown, self->n_objects);
  g_autoptr (GString) message = g_string_new (NULL);
  GVariantBuilder fields;

  if (overflowed == 0 && self->n_cut == 0 && self->n_failed == 0)
    return TRUE;
  g_string_append_printf (message, _ ("%s objects: %llu in memory"), self->type,
                          (unsigned long long)self->n_objects);
  if (overflowed > 0)
    g_string_append_printf (message, _ (", overflowed by %llu (%s has %llu)"), (unsigned long long)overflowed,
                            name, (unsigned long long)self->n_listed);
  if (self->n_cut > 0)
    g_string_append_printf (message, _ (", %llu cut"), (unsigned long long)self->n_cut);
  if (self->n_failed > 0)
    g_string_append_printf (message, _ (", %llu failed to serialize"), (unsigned long long)self->n_failed);
  if (missing > 0)
    g_string_append_printf (message, _ (", %llu not reached: too many blocked, or time was over"),
                            (unsigned long long)missing);

  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "objects", g_variant_new_uint64 (self->n_objects));
  g_variant_builder_add (&fields, "{sv}", "overflowed", g_variant_new_uint64 (overflowed));
  g_variant_builder_add (&fields, "{sv}", "cut", g_variant_new_uint64 (self->n_cut));
  g_variant_builder_add (&fields, "{sv}", "failed", g_variant_new_uint64 (self->n_failed));
  g_variant_builder_add (&fields, "{sv}", "missing", g_variant_new_uint64 (missing));
  return hap_report_entry (self->report, message->str, g_variant_builder_end (&fields), error);
}
