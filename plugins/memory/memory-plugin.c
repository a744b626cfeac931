/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the memory plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "memory-profile.h"
#include "hap-plugin.h"

#define MEMORY_TYPE_PLUGIN (memory_plugin_get_type ())
G_DECLARE_FINAL_TYPE (MemoryPlugin, memory_plugin, MEMORY, PLUGIN, GObject)

struct _MemoryPlugin
{
  GObject parent_instance;
};

static void memory_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MemoryPlugin,
                               memory_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, memory_plugin_iface_init))

static const GType *
memory_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = MEMORY_TYPE_PROFILE;
  return types;
}

static void
memory_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = memory_plugin_list_actions;
}

static void
memory_plugin_class_init (MemoryPluginClass *klass)
{
}

static void
memory_plugin_init (MemoryPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, MEMORY_TYPE_PLUGIN);
}
