/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-plugin-engine.h"

G_BEGIN_DECLS

/* Returns: (transfer floating): `aa{sv}`: hap_action_describe() of each action, with its plugin */
GVariant *service_introspection_describe_actions (HapPluginEngine *engine);

/**
 * service_introspection_make:
 * @actions: what service_introspection_describe_actions() returned
 *
 * Returns: (transfer full): the interface org.homeassistant.Profiler: a method for each action, annotated
 * with its summary and with the type, default, range and help of each key of its data; and the signals
 */
GDBusInterfaceInfo *service_introspection_make (GVariant *actions);

G_END_DECLS
