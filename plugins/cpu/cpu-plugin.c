/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the cpu plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "cpu-start.h"
#include "hap-plugin.h"

#define CPU_TYPE_PLUGIN (cpu_plugin_get_type ())
G_DECLARE_FINAL_TYPE (CpuPlugin, cpu_plugin, CPU, PLUGIN, GObject)

struct _CpuPlugin
{
  GObject parent_instance;
};

static void cpu_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CpuPlugin,
                               cpu_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, cpu_plugin_iface_init))

static const GType *
cpu_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = CPU_TYPE_START;
  return types;
}

static void
cpu_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = cpu_plugin_list_actions;
}

static void
cpu_plugin_class_init (CpuPluginClass *klass)
{
}

static void
cpu_plugin_init (CpuPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, CPU_TYPE_PLUGIN);
}
