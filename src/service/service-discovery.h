/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-launcher.h"

G_BEGIN_DECLS

/* A Python process that runs here. Texts are checked or escaped already. */
typedef struct
{
  ServiceProcess *process;
  guint pid;
  char *name; /* of its script or module; made unique by ServiceTargets */
  char *command;
  char *python;                 /* NULL: unknown */
  char *home_assistant_version; /* NULL: unknown, or none */
  char *reason;                 /* why not, unless it is supported */
  gboolean supported;
  gboolean home_assistant;
} ServiceTarget;

void service_target_free (ServiceTarget *self);

/**
 * service_discover:
 *
 * Looks at every process that the service may open.
 * service_discover_finish() returns: (transfer full) (element-type ServiceTarget): by ascending pid
 */
void service_discover (ServiceLauncher *launcher, GAsyncReadyCallback callback, gpointer data);
GPtrArray *service_discover_finish (GAsyncResult *result, GError **error);

G_END_DECLS
