/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the sources plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "sources-start.h"
#include "hap-plugin.h"

#define SOURCES_TYPE_PLUGIN (sources_plugin_get_type ())
G_DECLARE_FINAL_TYPE (SourcesPlugin, sources_plugin, SOURCES, PLUGIN, GObject)

struct _SourcesPlugin
{
  GObject parent_instance;
};

static void sources_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SourcesPlugin,
                               sources_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, sources_plugin_iface_init))

static const GType *
sources_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[3];

  types[0] = SOURCES_TYPE_START;
  types[1] = SOURCES_TYPE_STOP;
  return types;
}

static void
sources_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = sources_plugin_list_actions;
}

static void
sources_plugin_class_init (SourcesPluginClass *klass)
{
}

static void
sources_plugin_init (SourcesPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, SOURCES_TYPE_PLUGIN);
}
