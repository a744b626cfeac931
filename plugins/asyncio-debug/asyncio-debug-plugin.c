/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the asyncio-debug plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "asyncio-debug-set.h"
#include "hap-plugin.h"

#define ASYNCIO_DEBUG_TYPE_PLUGIN (asyncio_debug_plugin_get_type ())
G_DECLARE_FINAL_TYPE (AsyncioDebugPlugin, asyncio_debug_plugin, ASYNCIO_DEBUG, PLUGIN, GObject)

struct _AsyncioDebugPlugin
{
  GObject parent_instance;
};

static void asyncio_debug_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AsyncioDebugPlugin,
                               asyncio_debug_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, asyncio_debug_plugin_iface_init))

static const GType *
asyncio_debug_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = ASYNCIO_DEBUG_TYPE_SET;
  return types;
}

static void
asyncio_debug_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = asyncio_debug_plugin_list_actions;
}

static void
asyncio_debug_plugin_class_init (AsyncioDebugPluginClass *klass)
{
}

static void
asyncio_debug_plugin_init (AsyncioDebugPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, ASYNCIO_DEBUG_TYPE_PLUGIN);
}
