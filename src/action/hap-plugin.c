/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The extension interface of our libpeas modules.
 */

#include "hap-plugin.h"

G_DEFINE_INTERFACE (HapPlugin, hap_plugin, G_TYPE_OBJECT)

static void
hap_plugin_default_init (HapPluginInterface *iface)
{
}

const GType *
hap_plugin_list_actions (HapPlugin *self)
{
  return HAP_PLUGIN_GET_IFACE (self)->list_actions (self);
}
