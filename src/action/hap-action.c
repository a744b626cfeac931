/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One D-Bus method as a class: its description, and its data validated into properties. How one attribute is
 * read and shown is hap-attribute.c's; what an action does is its plugin's.
 */

#include "hap-action.h"

#include <glib/gi18n.h>

#include "hap-attribute.h"

G_DEFINE_ABSTRACT_TYPE (HapAction, hap_action, G_TYPE_OBJECT)

static void
hap_action_class_init (HapActionClass *klass)
{
}

static void
hap_action_init (HapAction *self)
{
}

gboolean
hap_action_run (HapAction *self,
                HapTarget *target,
                HapReport *report,
                GCancellable *cancellable,
                GError **error)
{
  HapActionClass *klass = HAP_ACTION_GET_CLASS (self);

  g_return_val_if_fail (klass->run != NULL, FALSE);
  return klass->run (self, target, report, cancellable, error);
}

static gint
compare_param_ids (gconstpointer a, gconstpointer b)
{
  const GParamSpec *pa = *(GParamSpec *const *)a;
  const GParamSpec *pb = *(GParamSpec *const *)b;

  return (pa->param_id > pb->param_id) - (pa->param_id < pb->param_id);
}

GParamSpec **
hap_action_class_list_attributes (HapActionClass *klass, guint *n_attributes)
{
  GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_CLASS (klass), n_attributes);
  guint n = 0;

  for (guint i = 0; i < *n_attributes; i++)
    {
      if ((pspecs[i]->flags & HAP_PARAM_DATA) == HAP_PARAM_DATA
          && hap_attribute_get_signature (pspecs[i]) != NULL)
        pspecs[n++] = pspecs[i];
    }
  qsort (pspecs, n, sizeof *pspecs, compare_param_ids);
  *n_attributes = n;
  return pspecs;
}

GVariant *
hap_action_describe (GType type)
{
  static const char *const replies[] = { "job", "report", "none" };
  g_autoptr (GTypeClass) type_class = g_type_class_ref (type);
  HapActionClass *klass = HAP_ACTION_CLASS (type_class);
  g_autofree GParamSpec **pspecs = NULL;
  GVariantBuilder builder, attributes;
  guint n_pspecs;

  g_variant_builder_init (&attributes, G_VARIANT_TYPE ("aa{sv}"));
  pspecs = hap_action_class_list_attributes (klass, &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    g_variant_builder_add_value (&attributes, hap_attribute_describe (pspecs[i]));

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "method", g_variant_new_string (klass->method));
  g_variant_builder_add (&builder, "{sv}", "summary", g_variant_new_string (klass->summary));
  g_variant_builder_add (&builder, "{sv}", "authority", g_variant_new_string (klass->authority));
  g_variant_builder_add (&builder, "{sv}", "reply", g_variant_new_string (replies[klass->reply]));
  if (klass->slot != NULL)
    g_variant_builder_add (&builder, "{sv}", "slot", g_variant_new_string (klass->slot));
  g_variant_builder_add (&builder, "{sv}", "attributes", g_variant_builder_end (&attributes));
  return g_variant_builder_end (&builder);
}

static GParamSpec *
find_attribute (GParamSpec **pspecs, guint n_pspecs, const char *key)
{
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_autofree char *name = hap_attribute_get_key (pspecs[i]);

      if (g_str_equal (name, key))
        return pspecs[i];
    }
  return NULL;
}

static gboolean
fail_unknown_key (const char *key, GParamSpec **pspecs, guint n_pspecs, GError **error)
{
  g_autofree char *shown = g_strescape (key, NULL);
  g_autoptr (GString) known = g_string_new ("target");

  for (guint i = 0; i < n_pspecs; i++)
    {
      g_autofree char *name = hap_attribute_get_key (pspecs[i]);

      g_string_append_printf (known, ", %s", name);
    }
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("“%.100s” is not known here; the keys are: %s"),
               shown, known->str);
  return FALSE;
}

/* Sets one attribute from the caller's data. @seen: by index in @pspecs. */
static gboolean
set_attribute (HapAction *self,
               GParamSpec **pspecs,
               guint n_pspecs,
               const char *key,
               GVariant *variant,
               GHashTable *seen,
               GError **error)
{
  GParamSpec *pspec = find_attribute (pspecs, n_pspecs, key);
  g_auto (GValue) value = G_VALUE_INIT;

  if (pspec == NULL)
    return fail_unknown_key (key, pspecs, n_pspecs, error);
  if (!g_hash_table_add (seen, pspec))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("“%s” is given twice: give it once"), key);
      return FALSE;
    }
  if (!hap_attribute_parse (pspec, variant, &value, error))
    return FALSE;

  g_object_set_property (G_OBJECT (self), g_param_spec_get_name (pspec), &value);
  return TRUE;
}

HapAction *
hap_action_new (GType type, GVariant *data, GError **error)
{
  g_autoptr (HapAction) self = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;
  GVariantIter iter;
  const char *key;
  GVariant *variant;

  g_return_val_if_fail (g_type_is_a (type, HAP_TYPE_ACTION), NULL);
  g_return_val_if_fail (g_variant_is_of_type (data, G_VARIANT_TYPE_VARDICT), NULL);

  self = g_object_new (type, NULL);
  pspecs = hap_action_class_list_attributes (HAP_ACTION_GET_CLASS (self), &n_pspecs);

  g_variant_iter_init (&iter, data);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &variant))
    {
      g_autoptr (GVariant) owned = variant;

      if (!set_attribute (self, pspecs, n_pspecs, key, owned, seen, error))
        return NULL;
    }

  for (guint i = 0; i < n_pspecs; i++)
    {
      if ((pspecs[i]->flags & HAP_PARAM_REQUIRED) != 0 && !g_hash_table_contains (seen, pspecs[i]))
        {
          g_autofree char *name = hap_attribute_get_key (pspecs[i]);

          g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("“%s” is missing: %s"), name,
                       gettext (g_param_spec_get_blurb (pspecs[i])));
          return NULL;
        }
    }
  return g_steal_pointer (&self);
}

/* An attribute with @flag has another value than its default. */
static gboolean
has_unusual_value (HapAction *self, GParamFlags flag)
{
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;
  gboolean unusual = FALSE;

  pspecs = hap_action_class_list_attributes (HAP_ACTION_GET_CLASS (self), &n_pspecs);
  for (guint i = 0; !unusual && i < n_pspecs; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if ((pspecs[i]->flags & flag) == 0)
        continue;
      g_value_init (&value, pspecs[i]->value_type);
      g_object_get_property (G_OBJECT (self), g_param_spec_get_name (pspecs[i]), &value);
      unusual = !g_param_value_defaults (pspecs[i], &value);
    }
  return unusual;
}

gboolean
hap_action_asks_for_secrets (HapAction *self)
{
  return has_unusual_value (self, HAP_PARAM_SECRET);
}

gboolean
hap_action_asks_for_contents (HapAction *self)
{
  return has_unusual_value (self, HAP_PARAM_INSPECT);
}

gboolean
hap_action_modifies (HapAction *self)
{
  return g_strcmp0 (HAP_ACTION_GET_CLASS (self)->authority, "modify") == 0
         || has_unusual_value (self, HAP_PARAM_MODIFY);
}

gboolean
hap_action_enters (HapAction *self)
{
  return HAP_ACTION_GET_CLASS (self)->enters || hap_action_modifies (self);
}

GVariant *
hap_action_get_data (HapAction *self)
{
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  pspecs = hap_action_class_list_attributes (HAP_ACTION_GET_CLASS (self), &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_autofree char *key = hap_attribute_get_key (pspecs[i]);
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, pspecs[i]->value_type);
      g_object_get_property (G_OBJECT (self), g_param_spec_get_name (pspecs[i]), &value);
      g_variant_builder_add (&builder, "{sv}", key, hap_attribute_serialize (pspecs[i], &value));
    }
  return g_variant_builder_end (&builder);
}
