/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the threads plugin.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

#include "threads-log-frames.h"
#include "hap-plugin.h"

#define THREADS_TYPE_PLUGIN (threads_plugin_get_type ())
G_DECLARE_FINAL_TYPE (ThreadsPlugin, threads_plugin, THREADS, PLUGIN, GObject)

struct _ThreadsPlugin
{
  GObject parent_instance;
};

static void threads_plugin_iface_init (HapPluginInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ThreadsPlugin,
                               threads_plugin,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, threads_plugin_iface_init))

static const GType *
threads_plugin_list_actions (HapPlugin *plugin)
{
  static GType types[2];

  types[0] = THREADS_TYPE_LOG_FRAMES;
  return types;
}

static void
threads_plugin_iface_init (HapPluginInterface *iface)
{
  iface->list_actions = threads_plugin_list_actions;
}

static void
threads_plugin_class_init (ThreadsPluginClass *klass)
{
}

static void
threads_plugin_init (ThreadsPlugin *self)
{
}

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
  peas_object_module_register_extension_type (module, HAP_TYPE_PLUGIN, THREADS_TYPE_PLUGIN);
}
