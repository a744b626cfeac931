/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the sockets plugin.
 */

#include "hap-plugin.h"
#include "sockets-dump.h"

HAP_DEFINE_PLUGIN (SocketsPlugin, sockets_plugin, SOCKETS_TYPE_DUMP)
