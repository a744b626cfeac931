/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the sources plugin.
 */

#include "hap-plugin.h"
#include "sources-start.h"

HAP_DEFINE_PLUGIN (SourcesPlugin, sources_plugin, SOURCES_TYPE_START, SOURCES_TYPE_STOP)
