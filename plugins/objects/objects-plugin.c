/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the objects plugin.
 */

#include "hap-plugin.h"
#include "objects-dump.h"
#include "objects-start.h"

HAP_DEFINE_PLUGIN (ObjectsPlugin, objects_plugin, OBJECTS_TYPE_START, OBJECTS_TYPE_STOP, OBJECTS_TYPE_DUMP)
