/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>
#include <gmodule.h>

G_BEGIN_DECLS

#define HAP_TYPE_PLUGIN (hap_plugin_get_type ())
G_DECLARE_INTERFACE (HapPlugin, hap_plugin, HAP, PLUGIN, GObject)

/**
 * HapPluginInterface:
 * @list_actions: returns (transfer none): the plugin's types derived from HapAction, ended by G_TYPE_INVALID;
 * static
 *
 * The extension that a libpeas module of ours registers; HAP_DEFINE_PLUGIN() does all of it.
 */
struct _HapPluginInterface
{
  GTypeInterface parent_iface;

  const GType *(*list_actions) (HapPlugin *self);
};

const GType *hap_plugin_list_actions (HapPlugin *self);

/**
 * hap_plugin_register:
 * @module: (not nullable): the PeasObjectModule of either libpeas, as peas_register_types() got it
 * @type: a type that implements HapPlugin
 */
void hap_plugin_register (gpointer module, GType type);

/**
 * HAP_DEFINE_PLUGIN:
 * @TypeName: a name for the plugin's type, which nobody else sees: `CpuPlugin`
 * @type_name: the same in lower case: `cpu_plugin`
 * @...: one type derived from HapAction for each action
 *
 * All that a module needs to be a plugin of ours, libpeas 1 or 2; once in a module, outside of functions.
 */
#define HAP_DEFINE_PLUGIN(TypeName, type_name, ...)                                                          \
  typedef struct                                                                                             \
  {                                                                                                          \
    GObject parent_instance;                                                                                 \
  } TypeName;                                                                                                \
                                                                                                             \
  typedef struct                                                                                             \
  {                                                                                                          \
    GObjectClass parent_class;                                                                               \
  } TypeName##Class;                                                                                         \
                                                                                                             \
  static const GType *type_name##_list_actions (HapPlugin *plugin)                                           \
  {                                                                                                          \
    const GType actions[] = { __VA_ARGS__, G_TYPE_INVALID };                                                 \
    static GType types[G_N_ELEMENTS (actions)];                                                              \
                                                                                                             \
    for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)                                                       \
      types[i] = actions[i];                                                                                 \
    return types;                                                                                            \
  }                                                                                                          \
                                                                                                             \
  static void type_name##_iface_init (HapPluginInterface *iface)                                             \
  {                                                                                                          \
    iface->list_actions = type_name##_list_actions;                                                          \
  }                                                                                                          \
                                                                                                             \
  static GType type_name##_get_type (void);                                                                  \
  G_DEFINE_FINAL_TYPE_WITH_CODE (TypeName, type_name, G_TYPE_OBJECT,                                         \
                                 G_IMPLEMENT_INTERFACE (HAP_TYPE_PLUGIN, type_name##_iface_init))            \
                                                                                                             \
  static void type_name##_class_init (TypeName##Class *klass)                                                \
  {                                                                                                          \
  }                                                                                                          \
                                                                                                             \
  static void type_name##_init (TypeName *self)                                                              \
  {                                                                                                          \
  }                                                                                                          \
                                                                                                             \
  G_MODULE_EXPORT void peas_register_types (gpointer module);                                                \
                                                                                                             \
  G_MODULE_EXPORT void peas_register_types (gpointer module)                                                 \
  {                                                                                                          \
    hap_plugin_register (module, type_name##_get_type ());                                                   \
  }

G_END_DECLS
