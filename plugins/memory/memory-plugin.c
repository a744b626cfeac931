/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the memory plugin.
 */

#include "hap-plugin.h"
#include "memory-profile.h"

HAP_DEFINE_PLUGIN (MemoryPlugin, memory_plugin, MEMORY_TYPE_PROFILE)
