/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The actions of the service as sub-commands: read from its property Actions at run time, turned into
 * options, and back into the data of a call. Values are client-attribute.c's, help pages client-help.c's.
 */
#include "client-actions.h"

#include <glib/gi18n.h>

#include "client-bus.h"
#include "client-command.h"

/* Ours on every sub-command; an attribute of the same name gets a prefix. */
static const char *const reserved_options[] = { "bus",  "host",    "json",    "quiet",
                                                "help", "version", "no-wait", "output-dir" };

/* While one command line is parsed. */
typedef struct
{
  ClientAction *action;
  GHashTable *values;
} Parsing;

static void
client_attribute_free (ClientAttribute *self)
{
  g_free (self->key);
  g_free (self->option);
  g_free (self->type);
  g_free (self->help);
  g_clear_pointer (&self->fallback, g_variant_unref);
  g_clear_pointer (&self->minimum, g_variant_unref);
  g_clear_pointer (&self->maximum, g_variant_unref);
  g_strfreev (self->choices);
  g_free (self);
}

void
client_action_free (ClientAction *self)
{
  g_free (self->method);
  g_free (self->command);
  g_free (self->plugin);
  g_free (self->summary);
  g_free (self->reply);
  g_clear_pointer (&self->attributes, g_ptr_array_unref);
  g_free (self);
}

static char *
lookup_string (GVariant *dictionary, const char *key)
{
  char *value = NULL;

  g_variant_lookup (dictionary, key, "s", &value);
  return value != NULL ? value : g_strdup ("");
}

/* Help of the service's plugins is in our catalogue, since it is the project's. */
static char *
lookup_help (GVariant *dictionary, const char *key)
{
  g_autofree char *value = lookup_string (dictionary, key);

  return g_strdup (value[0] != '\0' ? gettext (value) : "");
}

static GVariant *
lookup_bare (GVariant *dictionary, const char *key)
{
  GVariant *value = g_variant_lookup_value (dictionary, key, NULL);

  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inner = g_variant_get_variant (value);

      g_variant_unref (value);
      return inner;
    }
  return value;
}

/* What a name may consist of to be an option or a command. */
static gboolean
is_name (const char *name)
{
  return g_ascii_isalpha (name[0])
         && strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
                == strlen (name);
}

static ClientAttribute *
client_attribute_new (GVariant *description)
{
  static const char *const types[] = { "b", "i", "u", "x", "t", "d", "s", "as", NULL };
  ClientAttribute *self = g_new0 (ClientAttribute, 1);

  self->key = lookup_string (description, "name");
  self->type = lookup_string (description, "type");
  self->help = lookup_help (description, "help");
  self->fallback = lookup_bare (description, "default");
  self->minimum = lookup_bare (description, "minimum");
  self->maximum = lookup_bare (description, "maximum");
  g_variant_lookup (description, "required", "b", &self->required);
  g_variant_lookup (description, "choices", "^as", &self->choices);
  if (!is_name (self->key) || !g_strv_contains (types, self->type))
    {
      client_attribute_free (self);
      return NULL;
    }
  self->option = g_strdelimit (g_strdup (self->key), "_", '-');
  for (guint i = 0; i < G_N_ELEMENTS (reserved_options); i++)
    {
      g_autofree char *taken = NULL;

      if (!g_str_equal (self->option, reserved_options[i]))
        continue;
      taken = self->option;
      self->option = g_strconcat ("data-", taken, NULL);
      break;
    }
  return self;
}

/* Every action takes it, so that descriptions do not repeat it. */
static ClientAttribute *
new_target (void)
{
  ClientAttribute *self = g_new0 (ClientAttribute, 1);

  self->key = g_strdup ("target");
  self->option = g_strdup ("target");
  self->type = g_strdup ("v");
  self->help = g_strdup (
      _ ("the process, by its pid or by its name in “ha-profiler targets”; else the configured one, "
         "else the only Home Assistant"));
  return self;
}

static void
add_attributes (ClientAction *self, GVariant *description)
{
  g_autoptr (GVariant) attributes = NULL;
  gboolean has_target = FALSE;
  gsize n;

  attributes = g_variant_lookup_value (description, "attributes", G_VARIANT_TYPE ("aa{sv}"));
  n = attributes != NULL ? g_variant_n_children (attributes) : 0;
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (attributes, i);
      ClientAttribute *attribute = client_attribute_new (child);

      if (attribute == NULL)
        continue;
      has_target = has_target || g_str_equal (attribute->key, "target");
      g_ptr_array_add (self->attributes, attribute);
    }
  if (!has_target)
    g_ptr_array_add (self->attributes, new_target ());
}

/* LogThreadFrames: log-thread-frames; a run of capitals is one word. */
static char *
make_command (const char *method)
{
  GString *command = g_string_new (NULL);

  for (const char *p = method; *p != '\0'; p++)
    {
      gboolean starts =
          g_ascii_isupper (*p) && p > method && (!g_ascii_isupper (p[-1]) || g_ascii_islower (p[1]));

      if (starts && p[-1] != '_')
        g_string_append_c (command, '-');
      g_string_append_c (command, *p == '_' ? '-' : g_ascii_tolower (*p));
    }
  if (client_command_find (command->str) != NULL)
    g_string_prepend (command, "action-");
  return g_string_free (command, FALSE);
}

ClientAction *
client_action_new (GVariant *description)
{
  g_autoptr (ClientAction) self = g_new0 (ClientAction, 1);

  self->method = lookup_string (description, "method");
  if (!is_name (self->method) || strchr (self->method, '-') != NULL)
    return NULL;
  self->command = make_command (self->method);
  self->plugin = lookup_string (description, "plugin");
  self->summary = lookup_help (description, "summary");
  self->reply = lookup_string (description, "reply");
  self->attributes = g_ptr_array_new_with_free_func ((GDestroyNotify)client_attribute_free);
  add_attributes (self, description);
  return g_steal_pointer (&self);
}

static int
compare_actions (gconstpointer a, gconstpointer b)
{
  const ClientAction *first = *(ClientAction *const *)a;
  const ClientAction *second = *(ClientAction *const *)b;

  return strcmp (first->command, second->command);
}

GPtrArray *
client_actions_load (Client *client, GError **error)
{
  g_autoptr (GPtrArray) actions = g_ptr_array_new_with_free_func ((GDestroyNotify)client_action_free);
  g_autoptr (GVariant) descriptions = client_bus_get_property (client, "Actions", "aa{sv}", error);
  gsize n;

  if (descriptions == NULL)
    return NULL;
  n = g_variant_n_children (descriptions);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) description = g_variant_get_child_value (descriptions, i);
      ClientAction *action = client_action_new (description);

      if (action != NULL)
        g_ptr_array_add (actions, action);
    }
  g_ptr_array_sort (actions, compare_actions);
  return g_steal_pointer (&actions);
}

ClientAction *
client_actions_find (GPtrArray *actions, const char *command)
{
  for (guint i = 0; i < actions->len; i++)
    {
      ClientAction *action = g_ptr_array_index (actions, i);

      if (g_str_equal (action->command, command))
        return action;
    }
  return NULL;
}

/* @option: as typed: "--max-objects", or "--no-enabled" for a boolean. */
static ClientAttribute *
find_attribute (ClientAction *self, const char *option, gboolean *negated)
{
  const char *name = option + strspn (option, "-");

  for (guint i = 0; i < self->attributes->len; i++)
    {
      ClientAttribute *attribute = g_ptr_array_index (self->attributes, i);
      g_autofree char *negative = g_strconcat ("no-", attribute->option, NULL);

      *negated = attribute->type[0] == 'b' && g_str_equal (name, negative);
      if (*negated || g_str_equal (name, attribute->option))
        return attribute;
    }
  return NULL;
}

/* A list may be given in parts: --formats a --formats b,c. */
static GVariant *
join_lists (GVariant *before, GVariant *after)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (after);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (gsize i = 0; i < g_variant_n_children (before); i++)
    g_variant_builder_add_value (&builder, g_variant_get_child_value (before, i));
  for (gsize i = 0; i < g_variant_n_children (taken); i++)
    g_variant_builder_add_value (&builder, g_variant_get_child_value (taken, i));
  return g_variant_builder_end (&builder);
}

static gboolean
on_option (const char *option, const char *text, gpointer data, GError **error)
{
  Parsing *parsing = data;
  gboolean negated = FALSE;
  ClientAttribute *attribute = find_attribute (parsing->action, option, &negated);
  GVariant *value, *before;

  g_return_val_if_fail (attribute != NULL, FALSE);
  if (text == NULL)
    value = g_variant_new_boolean (!negated);
  else
    value = client_attribute_parse (attribute, text, error);
  if (value == NULL)
    return FALSE;
  before = g_hash_table_lookup (parsing->values, attribute->key);
  if (before != NULL && attribute->type[0] == 'a')
    value = join_lists (before, value);
  g_hash_table_insert (parsing->values, attribute->key, g_variant_ref_sink (value));
  return TRUE;
}

static void
add_entry (GOptionGroup *group, const char *name, int flags)
{
  /* As a file name: as it was typed, also where the locale knows ASCII alone. */
  const GOptionEntry entries[] = { { name, 0, flags | G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK,
                                     (gpointer)(GOptionArgFunc)on_option, NULL, NULL },
                                   { NULL } };

  g_option_group_add_entries (group, entries);
}

void
client_action_add_options (ClientAction *self, GOptionContext *context, GHashTable *values)
{
  Parsing *parsing = g_new (Parsing, 1);
  GOptionGroup *group;

  *parsing = (Parsing){ .action = self, .values = values };
  /* A group of its own; GOption keeps the names by reference, so they live as long as the action. */
  group = g_option_group_new (self->command, self->command, self->command, parsing, g_free);
  for (guint i = 0; i < self->attributes->len; i++)
    {
      ClientAttribute *attribute = g_ptr_array_index (self->attributes, i);
      gboolean boolean = attribute->type[0] == 'b';

      add_entry (group, attribute->option, boolean ? G_OPTION_FLAG_OPTIONAL_ARG : 0);
      if (boolean)
        {
          g_autofree char *negative = g_strconcat ("no-", attribute->option, NULL);

          add_entry (group, g_intern_string (negative), G_OPTION_FLAG_NO_ARG);
        }
    }
  g_option_context_add_group (context, group);
}

GVariant *
client_action_make_data (ClientAction *self, GHashTable *values, GError **error)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < self->attributes->len; i++)
    {
      ClientAttribute *attribute = g_ptr_array_index (self->attributes, i);
      GVariant *value = g_hash_table_lookup (values, attribute->key);

      if (value == NULL && attribute->required)
        {
          g_variant_builder_clear (&builder);
          g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE, _ ("--%s is missing: %s"), attribute->option,
                       attribute->help);
          return NULL;
        }
      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", attribute->key, value);
    }
  return g_variant_builder_end (&builder);
}
