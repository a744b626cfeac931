/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define HAP_TYPE_PLUGIN (hap_plugin_get_type ())
G_DECLARE_INTERFACE (HapPlugin, hap_plugin, HAP, PLUGIN, GObject)

/**
 * HapPluginInterface:
 * @list_actions: returns (transfer none): the plugin's types derived from HapAction, ended by G_TYPE_INVALID;
 * static
 *
 * The extension that a libpeas module of ours registers in peas_register_types().
 */
struct _HapPluginInterface
{
  GTypeInterface parent_iface;

  const GType *(*list_actions) (HapPlugin *self);
};

const GType *hap_plugin_list_actions (HapPlugin *self);

G_END_DECLS
