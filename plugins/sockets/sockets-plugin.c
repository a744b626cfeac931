/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the sockets plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "hap-plugin.h"
#include "sockets-dump.h"

#define SOCKETS_TYPE_PLUGIN (sockets_plugin_get_type ())
G_DECLARE_FINAL_TYPE (SocketsPlugin, sockets_plugin, SOCKETS, PLUGIN, GObject)

struct _SocketsPlugin
{
  GObject parent_instance;
};

static void sockets_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SocketsPlugin,
                               sockets_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, sockets_plugin_iface_init))

static const GType *
sockets_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = SOCKETS_TYPE_DUMP;
  return types;
}

static void
sockets_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = sockets_plugin_list_actions;
}

static void
sockets_plugin_class_init (SocketsPluginClass *klass)
{
}

static void
sockets_plugin_init (SocketsPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, SOCKETS_TYPE_PLUGIN);
}
