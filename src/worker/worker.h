/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-plugin-engine.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * Worker: the process that runs one action. Exports org.homeassistant.Profiler.Private.Worker on its
 * connection to the service.
 */
#define WORKER_TYPE_WORKER (worker_get_type ())
G_DECLARE_FINAL_TYPE (Worker, worker, WORKER, WORKER, GObject)

/* @engine: where the action's plugin is found */
Worker *worker_new (GDBusConnection *service, HapPluginEngine *engine, GError **error);

G_END_DECLS
