/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the tasks plugin.
 */

#include "hap-plugin.h"
#include "tasks-current.h"
#include "tasks-scheduled.h"

HAP_DEFINE_PLUGIN (TasksPlugin, tasks_plugin, TASKS_TYPE_LOG_CURRENT, TASKS_TYPE_LOG_SCHEDULED)
