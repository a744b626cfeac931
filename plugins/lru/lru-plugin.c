/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the lru plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "lru-stats.h"
#include "hap-plugin.h"

#define LRU_TYPE_PLUGIN (lru_plugin_get_type ())
G_DECLARE_FINAL_TYPE (LruPlugin, lru_plugin, LRU, PLUGIN, GObject)

struct _LruPlugin
{
  GObject parent_instance;
};

static void lru_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LruPlugin,
                               lru_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, lru_plugin_iface_init))

static const GType *
lru_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = LRU_TYPE_STATS;
  return types;
}

static void
lru_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = lru_plugin_list_actions;
}

static void
lru_plugin_class_init (LruPluginClass *klass)
{
}

static void
lru_plugin_init (LruPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, LRU_TYPE_PLUGIN);
}
