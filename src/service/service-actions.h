/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-plugin-engine.h"
#include "service-jobs.h"
#include "service-targets.h"

G_BEGIN_DECLS

/**
 * ServiceActions: the owner of the interface org.homeassistant.Profiler: from a caller's data to a job, and
 * from that to the answer.
 */
#define SERVICE_TYPE_ACTIONS (service_actions_get_type ())
G_DECLARE_FINAL_TYPE (ServiceActions, service_actions, SERVICE, ACTIONS, GObject)

ServiceActions *service_actions_new (HapPluginEngine *engine, ServiceTargets *targets, ServiceJobs *jobs);

const ServiceInterface *service_actions_get_interface (void);

G_END_DECLS
