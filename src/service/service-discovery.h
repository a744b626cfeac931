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
 * @left_out: (element-type ServiceProcess): processes that are not looked at, as an earlier look found that
 * nobody comes back from them; of this look's the same is added
 *
 * Looks at every process that the service may open. Errors: HAP_ERROR_TIMED_OUT
 * service_discover_finish() returns: (transfer full) (element-type ServiceTarget): by ascending pid
 */
void service_discover (ServiceLauncher *launcher,
                       GPtrArray *left_out,
                       GAsyncReadyCallback callback,
                       gpointer data);
GPtrArray *service_discover_finish (GAsyncResult *result, GError **error);

G_END_DECLS
