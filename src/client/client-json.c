/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * D-Bus values as JSON, for --json. Not json_gvariant_serialize(): numbers that are not finite, and those
 * above the range of a signed 64-bit integer, would not come out as JSON that others can read.
 */
#include "client-json.h"

#include <math.h>

#include "client-error.h"

static JsonNode *
from_dictionary (GVariant *value)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  gsize n = g_variant_n_children (value);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
      g_autoptr (GVariant) item = g_variant_get_child_value (entry, 1);
      g_autofree char *name = NULL;

      if (g_variant_is_of_type (key, G_VARIANT_TYPE_STRING))
        name = g_variant_dup_string (key, NULL);
      else
        name = g_variant_print (key, FALSE);
      json_object_set_member (object, name, client_json_from_variant (item));
    }
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
from_sequence (GVariant *value)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();
  gsize n = g_variant_n_children (value);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (value, i);

      json_array_add_element (array, client_json_from_variant (item));
    }
  json_node_take_array (node, array);
  return node;
}

static JsonNode *
from_double (double value)
{
  if (!isfinite (value))
    return json_node_new (JSON_NODE_NULL);
  return json_node_init_double (json_node_alloc (), value);
}

static JsonNode *
from_integer (gint64 value)
{
  return json_node_init_int (json_node_alloc (), value);
}

JsonNode *
client_json_from_variant (GVariant *value)
{
  g_autoptr (GVariant) inner = NULL;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return json_node_init_boolean (json_node_alloc (), g_variant_get_boolean (value));
    case G_VARIANT_CLASS_BYTE:
      return from_integer (g_variant_get_byte (value));
    case G_VARIANT_CLASS_INT16:
      return from_integer (g_variant_get_int16 (value));
    case G_VARIANT_CLASS_UINT16:
      return from_integer (g_variant_get_uint16 (value));
    case G_VARIANT_CLASS_INT32:
      return from_integer (g_variant_get_int32 (value));
    case G_VARIANT_CLASS_UINT32:
      return from_integer (g_variant_get_uint32 (value));
    case G_VARIANT_CLASS_INT64:
      return from_integer (g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      if (g_variant_get_uint64 (value) > G_MAXINT64)
        return from_double ((double)g_variant_get_uint64 (value));
      return from_integer ((gint64)g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_DOUBLE:
      return from_double (g_variant_get_double (value));
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return json_node_init_string (json_node_alloc (), g_variant_get_string (value, NULL));
    case G_VARIANT_CLASS_VARIANT:
      inner = g_variant_get_variant (value);
      return client_json_from_variant (inner);
    case G_VARIANT_CLASS_ARRAY:
      if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a{?*}")))
        return from_dictionary (value);
      return from_sequence (value);
    case G_VARIANT_CLASS_TUPLE:
      return from_sequence (value);
    default:
      return json_node_new (JSON_NODE_NULL);
    }
}

JsonNode *
client_json_from_error (const GError *error)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *outer = json_object_new ();
  JsonObject *inner = json_object_new ();
  g_autofree char *message = g_utf8_make_valid (error->message, -1);

  json_object_set_string_member (inner, "name", client_error_get_name (error));
  json_object_set_string_member (inner, "message", message);
  json_object_set_int_member (inner, "exit_status", client_error_get_status (error));
  json_object_set_object_member (outer, "error", inner);
  json_node_take_object (node, outer);
  return node;
}

static gboolean
is_invisible (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return c >= 0x7f && !g_unichar_isprint (c);
    }
}

char *
client_json_print (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, TRUE);
  GString *out = g_string_new (NULL);

  /* json-glib escapes what JSON demands. Characters beyond ASCII are in strings only, where any may be
   * escaped. */
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!is_invisible (c))
        g_string_append_unichar (out, c);
      else if (c < 0x10000)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_printf (out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    }
  return g_string_free (out, FALSE);
}
