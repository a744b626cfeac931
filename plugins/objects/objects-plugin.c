/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the objects plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "objects-start.h"
#include "hap-plugin.h"

#define OBJECTS_TYPE_PLUGIN (objects_plugin_get_type ())
G_DECLARE_FINAL_TYPE (ObjectsPlugin, objects_plugin, OBJECTS, PLUGIN, GObject)

struct _ObjectsPlugin
{
  GObject parent_instance;
};

static void objects_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ObjectsPlugin,
                               objects_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, objects_plugin_iface_init))

static const GType *
objects_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[3];

  types[0] = OBJECTS_TYPE_START;
  types[1] = OBJECTS_TYPE_STOP;
  return types;
}

static void
objects_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = objects_plugin_list_actions;
}

static void
objects_plugin_class_init (ObjectsPluginClass *klass)
{
}

static void
objects_plugin_init (ObjectsPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, OBJECTS_TYPE_PLUGIN);
}
