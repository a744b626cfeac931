/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the cpu plugin.
 */

#include "cpu-start.h"
#include "hap-plugin.h"

HAP_DEFINE_PLUGIN (CpuPlugin, cpu_plugin, CPU_TYPE_START)
