/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-configuration.h"

G_BEGIN_DECLS

/**
 * ServiceOptions: how the service is run. Strings are borrowed until service_run() returns.
 * @bus_type: whose processes are served: everybody's, for root (G_BUS_TYPE_SYSTEM), or one's own
 * (G_BUS_TYPE_SESSION)
 * @plugin_dirs: (nullable): NULL: the installed ones
 */
typedef struct
{
  GBusType bus_type;
  const char *state_dir;
  const char *const *plugin_dirs;
  const char *worker;
  const char *tracer;
  const ServiceConfiguration *configuration;
} ServiceOptions;

/**
 * service_run:
 *
 * Serves until it is idle for long enough, told to end (SIGTERM, SIGINT), or the bus is gone; then no process
 * of its own is left. FALSE with @error when the bus or the name on it cannot be had.
 */
gboolean service_run (const ServiceOptions *options, GError **error);

G_END_DECLS
