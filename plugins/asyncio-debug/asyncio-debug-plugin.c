/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the asyncio-debug plugin.
 */

#include "asyncio-debug-set.h"
#include "hap-plugin.h"

HAP_DEFINE_PLUGIN (AsyncioDebugPlugin, asyncio_debug_plugin, ASYNCIO_DEBUG_TYPE_SET)
