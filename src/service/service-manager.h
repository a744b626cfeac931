/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-artifacts.h"
#include "service-authority.h"
#include "service-jobs.h"
#include "service-subscribers.h"
#include "service-targets.h"

G_BEGIN_DECLS

/**
 * ServiceManager: the owner of the interface org.homeassistant.Profiler.Manager.
 */
#define SERVICE_TYPE_MANAGER (service_manager_get_type ())
G_DECLARE_FINAL_TYPE (ServiceManager, service_manager, SERVICE, MANAGER, GObject)

/* @actions: `aa{sv}`, of service_introspection_describe_actions(). @authority: asked what subscribers may
 * hear */
ServiceManager *service_manager_new (GVariant *actions,
                                     ServiceBus *bus,
                                     ServiceAuthority *authority,
                                     ServiceTargets *targets,
                                     ServiceJobs *jobs,
                                     ServiceArtifacts *artifacts,
                                     ServiceSubscribers *subscribers);

const ServiceInterface *service_manager_get_interface (void);

G_END_DECLS
