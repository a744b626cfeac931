/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the lru plugin.
 */

#include "hap-plugin.h"
#include "lru-stats.h"

HAP_DEFINE_PLUGIN (LruPlugin, lru_plugin, LRU_TYPE_STATS)
