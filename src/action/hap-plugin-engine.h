/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define HAP_TYPE_PLUGIN_ENGINE (hap_plugin_engine_get_type ())
G_DECLARE_FINAL_TYPE (HapPluginEngine, hap_plugin_engine, HAP, PLUGIN_ENGINE, GObject)

/**
 * hap_plugin_engine_new:
 * @directories: (nullable): searched for *.plugin files, in this order and each with its sub-folders one
 * level deep; NULL: the installed plugin directory alone. Never taken from the environment: a service that is
 * root loads what is found
 *
 * The one file that knows libpeas 1 from libpeas 2. A plugin that cannot be loaded is named in a warning on
 * the log at level "message" and left out; the others work.
 */
HapPluginEngine *hap_plugin_engine_new (const char *const *directories);

/**
 * hap_plugin_engine_list_actions:
 *
 * Loads all plugins.
 * Returns: (transfer none) (element-type GType): HapAction types (as GSIZE_TO_POINTER), sorted by method; of
 * two with the same method the first found stands
 */
GPtrArray *hap_plugin_engine_list_actions (HapPluginEngine *self);

/* Returns: the action's type, or G_TYPE_INVALID */
GType hap_plugin_engine_find_action (HapPluginEngine *self, const char *method);

/* Returns: (transfer none) (nullable): the name of the plugin module that brought @type: "cpu" */
const char *hap_plugin_engine_get_plugin_name (HapPluginEngine *self, GType type);

/* Loads the one plugin @name: nothing has to be opened any more to use it. */
gboolean hap_plugin_engine_prepare (HapPluginEngine *self, const char *name, GError **error);

/**
 * hap_plugin_engine_load:
 * Loads the one plugin @name and returns its action for @method, or G_TYPE_INVALID with @error set. What a
 * worker does.
 */
GType hap_plugin_engine_load (HapPluginEngine *self, const char *name, const char *method, GError **error);

G_END_DECLS
