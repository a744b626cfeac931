/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds and loads plugins, and the only file that knows libpeas 1 from libpeas 2. It hands out action types;
 * running them is the worker's part.
 */

#include "hap-plugin-engine.h"

#include <glib/gi18n.h>
#include <link.h>
#include <string.h>

#include "config.h"
#include "hap-action.h"
#include "hap-plugin.h"
#include "hap-plugin-path.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
typedef GObject Extension;
#else
#include <libpeas/peas.h>
typedef PeasExtension Extension;
#endif

struct _HapPluginEngine
{
  GObject parent_instance;

  PeasEngine *engine;
  GHashTable *plugin_names; /* type -> module name, of what is loaded */
  GPtrArray *actions;       /* types, sorted by method; NULL until all are loaded */
};

G_DEFINE_FINAL_TYPE (HapPluginEngine, hap_plugin_engine, G_TYPE_OBJECT)

void
hap_plugin_register (gpointer module, GType type)
{
  peas_object_module_register_extension_type (PEAS_OBJECT_MODULE (module), HAP_TYPE_PLUGIN, type);
}

static PeasPluginInfo **
list_plugins (PeasEngine *engine, guint *n_plugins)
{
  GPtrArray *infos = g_ptr_array_new ();

#if HAP_HAVE_PEAS_2
  /* The engine keeps its own references for as long as it lives. */
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (engine)); i++)
    {
      g_autoptr (PeasPluginInfo) info = g_list_model_get_item (G_LIST_MODEL (engine), i);
      g_ptr_array_add (infos, info);
    }
#else
  for (const GList *l = peas_engine_get_plugin_list (engine); l != NULL; l = l->next)
    g_ptr_array_add (infos, l->data);
#endif
  *n_plugins = infos->len;
  return (PeasPluginInfo **)g_ptr_array_free (infos, FALSE);
}

static gboolean
is_sound_action (GType type, const char *plugin)
{
  g_autoptr (GTypeClass) klass = NULL;
  HapActionClass *action;

  if (!g_type_is_a (type, HAP_TYPE_ACTION) || G_TYPE_IS_ABSTRACT (type))
    {
      g_message ("Plugin %s: %s is no action: left out", plugin, g_type_name (type));
      return FALSE;
    }

  klass = g_type_class_ref (type);
  action = HAP_ACTION_CLASS (klass);
  if (action->method == NULL || !g_dbus_is_member_name (action->method) || action->summary == NULL
      || action->authority == NULL || (action->run == NULL && action->stops == NULL))
    {
      g_message (
          "Plugin %s: the action %s does not say its method, summary, authority and what it runs: left out",
          plugin, g_type_name (type));
      return FALSE;
    }
  return TRUE;
}

/* The dynamic linker dies of a file that is shorter than it says, as a full disk leaves one. What is wrong
 * otherwise it says itself. */
static gboolean
is_cut_short (PeasPluginInfo *info)
{
  g_autofree char *file = g_strdup_printf ("lib%s.so", peas_plugin_info_get_module_name (info));
  g_autofree char *path = g_build_filename (peas_plugin_info_get_module_dir (info), file, NULL);
  g_autoptr (GMappedFile) map = g_mapped_file_new (path, FALSE, NULL);
  gsize size = map != NULL ? g_mapped_file_get_length (map) : 0;
  ElfW (Ehdr) header;
  ElfW (Phdr) segment;

  if (size < sizeof header)
    return map != NULL;
  memcpy (&header, g_mapped_file_get_contents (map), sizeof header);
  for (gsize i = 0; i < header.e_phnum; i++)
    {
      if (header.e_phoff > size || size - header.e_phoff < (i + 1) * sizeof segment)
        return TRUE;
      memcpy (&segment, g_mapped_file_get_contents (map) + header.e_phoff + i * sizeof segment,
              sizeof segment);
      if (segment.p_type == PT_LOAD
          && (segment.p_offset > size || segment.p_filesz > size - segment.p_offset))
        return TRUE;
    }
  return FALSE;
}

/* Loads one plugin and returns its action types: NULL when it cannot be loaded. */
static const GType *
load_plugin (HapPluginEngine *self, PeasPluginInfo *info)
{
  const char *name = peas_plugin_info_get_module_name (info);
  Extension *extension;
  const GType *types;

  if (is_cut_short (info) || !peas_engine_load_plugin (self->engine, info))
    {
      g_message ("Plugin %s cannot be loaded: left out", name);
      return NULL;
    }
  if (!peas_engine_provides_extension (self->engine, info, HAP_TYPE_PLUGIN))
    {
      g_message ("Plugin %s has no HapPlugin extension: left out", name);
      return NULL;
    }

  extension = peas_engine_create_extension (self->engine, info, HAP_TYPE_PLUGIN, NULL);
  if (extension == NULL)
    return NULL;
  types = hap_plugin_list_actions (HAP_PLUGIN (extension));
  for (const GType *type = types; type != NULL && *type != G_TYPE_INVALID; type++)
    {
      if (is_sound_action (*type, name))
        g_hash_table_insert (self->plugin_names, GSIZE_TO_POINTER (*type), g_strdup (name));
    }
  g_object_unref (extension);
  return types;
}

static const char *
get_method (gconstpointer type)
{
  /* Safe to read after the reference is dropped: types of plugins are never unloaded. */
  g_autoptr (GTypeClass) klass = g_type_class_ref (GPOINTER_TO_SIZE (type));

  return HAP_ACTION_CLASS (klass)->method;
}

static gint
compare_methods (gconstpointer a, gconstpointer b)
{
  return strcmp (get_method (*(gconstpointer *)a), get_method (*(gconstpointer *)b));
}

static gboolean
method_is_taken (GPtrArray *actions, GType type)
{
  for (guint i = 0; i < actions->len; i++)
    {
      if (g_str_equal (get_method (actions->pdata[i]), get_method (GSIZE_TO_POINTER (type))))
        {
          g_message ("The method %s of %s is offered twice: the first stands", get_method (actions->pdata[i]),
                     g_type_name (type));
          return TRUE;
        }
    }
  return FALSE;
}

static void
hap_plugin_engine_finalize (GObject *object)
{
  HapPluginEngine *self = HAP_PLUGIN_ENGINE (object);

  g_clear_pointer (&self->actions, g_ptr_array_unref);
  g_clear_pointer (&self->plugin_names, g_hash_table_unref);
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (hap_plugin_engine_parent_class)->finalize (object);
}

static void
hap_plugin_engine_class_init (HapPluginEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_plugin_engine_finalize;
}

static void
hap_plugin_engine_init (HapPluginEngine *self)
{
  self->plugin_names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

/* One that is not there is empty; one that others can write to must not be read. */
static void
add_directory (HapPluginEngine *self, const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = hap_plugin_path_check (directory, &error);

  if (path != NULL)
    peas_engine_add_search_path (self->engine, path, NULL);
  else
    g_message ("Plugins are left out: %s", error->message);
}

HapPluginEngine *
hap_plugin_engine_new (const char *const *directories)
{
  static const char *const installed[] = { HAP_PLUGIN_DIR, NULL };
  HapPluginEngine *self = g_object_new (HAP_TYPE_PLUGIN_ENGINE, NULL);

#if HAP_HAVE_PEAS_2
  self->engine = peas_engine_new ();
#else
  self->engine = peas_engine_new_with_nonglobal_loaders ();
#endif
  /* Both libpeas look one level of sub-folders deep. */
  for (const char *const *directory = directories != NULL ? directories : installed; *directory != NULL;
       directory++)
    add_directory (self, *directory);
  peas_engine_rescan_plugins (self->engine);

  return self;
}

GPtrArray *
hap_plugin_engine_list_actions (HapPluginEngine *self)
{
  g_autofree PeasPluginInfo **infos = NULL;
  guint n_infos;

  if (self->actions != NULL)
    return self->actions;

  self->actions = g_ptr_array_new ();
  infos = list_plugins (self->engine, &n_infos);
  for (guint i = 0; i < n_infos; i++)
    {
      const GType *types = load_plugin (self, infos[i]);

      for (; types != NULL && *types != G_TYPE_INVALID; types++)
        {
          if (g_hash_table_contains (self->plugin_names, GSIZE_TO_POINTER (*types))
              && !method_is_taken (self->actions, *types))
            g_ptr_array_add (self->actions, GSIZE_TO_POINTER (*types));
        }
    }
  g_ptr_array_sort (self->actions, compare_methods);
  return self->actions;
}

GType
hap_plugin_engine_find_action (HapPluginEngine *self, const char *method)
{
  GPtrArray *actions = hap_plugin_engine_list_actions (self);

  for (guint i = 0; i < actions->len; i++)
    {
      if (g_str_equal (get_method (actions->pdata[i]), method))
        return GPOINTER_TO_SIZE (actions->pdata[i]);
    }
  return G_TYPE_INVALID;
}

const char *
hap_plugin_engine_get_plugin_name (HapPluginEngine *self, GType type)
{
  return g_hash_table_lookup (self->plugin_names, GSIZE_TO_POINTER (type));
}

gboolean
hap_plugin_engine_prepare (HapPluginEngine *self, const char *name, GError **error)
{
  PeasPluginInfo *info = peas_engine_get_plugin_info (self->engine, name);

  if (info != NULL && load_plugin (self, info) != NULL)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               _ ("The plugin “%s” cannot be loaded: is it installed whole?"), name);
  return FALSE;
}

GType
hap_plugin_engine_load (HapPluginEngine *self, const char *name, const char *method, GError **error)
{
  PeasPluginInfo *info = peas_engine_get_plugin_info (self->engine, name);
  const GType *types = info != NULL ? load_plugin (self, info) : NULL;

  for (; types != NULL && *types != G_TYPE_INVALID; types++)
    {
      if (g_hash_table_contains (self->plugin_names, GSIZE_TO_POINTER (*types))
          && g_str_equal (get_method (GSIZE_TO_POINTER (*types)), method))
        return *types;
    }

  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               _ ("The plugin “%s” with the action %s cannot be loaded: is it installed whole?"), name,
               method);
  return G_TYPE_INVALID;
}
