/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the tasks plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "tasks-current.h"
#include "tasks-scheduled.h"
#include "hap-plugin.h"

#define TASKS_TYPE_PLUGIN (tasks_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TasksPlugin, tasks_plugin, TASKS, PLUGIN, GObject)

struct _TasksPlugin
{
  GObject parent_instance;
};

static void tasks_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TasksPlugin,
                               tasks_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, tasks_plugin_iface_init))

static const GType *
tasks_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[3];

  types[0] = TASKS_TYPE_LOG_CURRENT;
  types[1] = TASKS_TYPE_LOG_SCHEDULED;
  return types;
}

static void
tasks_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = tasks_plugin_list_actions;
}

static void
tasks_plugin_class_init (TasksPluginClass *klass)
{
}

static void
tasks_plugin_init (TasksPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, TASKS_TYPE_PLUGIN);
}
