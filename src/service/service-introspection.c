/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The interface of the actions, made at run time from what the plugins' classes say of themselves.
 */

#include "service-introspection.h"

#include "hap-action.h"

#define PREFIX "org.homeassistant.Profiler"

static const char signals_xml[] = "  <signal name='Notification'>"
                                  "    <arg name='id' type='s'/>"
                                  "    <arg name='title' type='s'/>"
                                  "    <arg name='message' type='s'/>"
                                  "    <arg name='hints' type='a{sv}'/>"
                                  "  </signal>"
                                  "  <signal name='NotificationDismissed'>"
                                  "    <arg name='id' type='s'/>"
                                  "  </signal>"
                                  "  <signal name='LogEntry'>"
                                  "    <arg name='action' type='s'/>"
                                  "    <arg name='message' type='s'/>"
                                  "    <arg name='fields' type='a{sv}'/>"
                                  "  </signal>";

GVariant *
service_introspection_describe_actions (HapPluginEngine *engine)
{
  GPtrArray *types = hap_plugin_engine_list_actions (engine);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < types->len; i++)
    {
      GType type = GPOINTER_TO_SIZE (types->pdata[i]);
      g_autoptr (GVariant) description = g_variant_ref_sink (hap_action_describe (type));
      GVariantDict dict;

      g_variant_dict_init (&dict, description);
      g_variant_dict_insert (&dict, "plugin", "s", hap_plugin_engine_get_plugin_name (engine, type));
      g_variant_builder_add_value (&builder, g_variant_dict_end (&dict));
    }
  return g_variant_builder_end (&builder);
}

static const char *
lookup_string (GVariant *dict, const char *key)
{
  const char *text = "";

  g_variant_lookup (dict, key, "&s", &text);
  return text;
}

static void
append_annotation (GString *xml, const char *name, const char *value)
{
  g_autofree char *element = g_markup_printf_escaped ("<annotation name='%s' value='%s'/>", name, value);

  g_string_append (xml, element);
}

static void
append_value (GString *text, GVariant *attribute, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (attribute, key, NULL);
  g_autofree char *printed = NULL;

  if (value == NULL)
    return;
  printed = g_variant_print (value, FALSE);
  g_string_append_printf (text, ", %s %s", key, printed);
}

/* "d, default 60.0, minimum 0.1, maximum 86400.0: How long to profile, in seconds" */
static void
append_attribute (GString *xml, GVariant *attribute)
{
  g_autofree char *name = g_strconcat (PREFIX ".Data.", lookup_string (attribute, "name"), NULL);
  g_autoptr (GString) text = g_string_new (lookup_string (attribute, "type"));
  gboolean required = FALSE;

  g_variant_lookup (attribute, "required", "b", &required);
  if (required)
    g_string_append (text, ", required");
  append_value (text, attribute, "default");
  append_value (text, attribute, "minimum");
  append_value (text, attribute, "maximum");
  append_value (text, attribute, "choices");
  g_string_append_printf (text, ": %s", lookup_string (attribute, "help"));
  append_annotation (xml, name, text->str);
}

static void
append_method (GString *xml, GVariant *action)
{
  g_autoptr (GVariant) attributes = g_variant_lookup_value (action, "attributes", G_VARIANT_TYPE ("aa{sv}"));
  const char *reply = lookup_string (action, "reply");
  g_autofree char *start = g_markup_printf_escaped ("<method name='%s'>", lookup_string (action, "method"));

  g_string_append (xml, start);
  append_annotation (xml, PREFIX ".Summary", lookup_string (action, "summary"));
  append_annotation (xml, PREFIX ".Authority", lookup_string (action, "authority"));
  g_string_append (xml, "<arg name='data' type='a{sv}' direction='in'>");
  for (gsize i = 0; i < g_variant_n_children (attributes); i++)
    {
      g_autoptr (GVariant) attribute = g_variant_get_child_value (attributes, i);

      append_attribute (xml, attribute);
    }
  append_annotation (
      xml, PREFIX ".Data.target",
      "u or s: A process, by its number or by a name that ListTargets shows; without it, Home Assistant");
  g_string_append (xml, "</arg>");
  if (g_str_equal (reply, "job"))
    g_string_append (xml, "<arg name='job' type='o' direction='out'/>");
  else if (g_str_equal (reply, "report"))
    g_string_append (xml, "<arg name='report' type='aa{sv}' direction='out'/>");
  g_string_append (xml, "</method>");
}

GDBusInterfaceInfo *
service_introspection_make (GVariant *actions)
{
  g_autoptr (GString) xml = g_string_new ("<node><interface name='" PREFIX "'>");
  g_autoptr (GDBusNodeInfo) node = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < g_variant_n_children (actions); i++)
    {
      g_autoptr (GVariant) action = g_variant_get_child_value (actions, i);

      append_method (xml, action);
    }
  g_string_append (xml, signals_xml);
  g_string_append (xml, "</interface></node>");

  node = g_dbus_node_info_new_for_xml (xml->str, &error);
  g_assert_no_error (error);
  return g_dbus_interface_info_ref (node->interfaces[0]);
}
