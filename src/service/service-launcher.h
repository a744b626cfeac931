/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-process.h"

G_BEGIN_DECLS

/**
 * ServiceLauncher: starts workers and tracers, each with exactly its descriptors, a clean environment and no
 * more rights than it needs, and knows which of them live.
 *
 * Signal "quiet": the last of them has ended.
 */
#define SERVICE_TYPE_LAUNCHER (service_launcher_get_type ())
G_DECLARE_FINAL_TYPE (ServiceLauncher, service_launcher, SERVICE, LAUNCHER, GObject)

/* @worker, @tracer: paths of the programs. @plugin_dirs: (nullable): handed on to workers as --plugin-dir */
ServiceLauncher *
service_launcher_new (const char *worker, const char *tracer, const char *const *plugin_dirs);

/* @plugin: (nullable): the one that the worker loads. @connection_fd: (transfer full): becomes its descriptor
 * 3 */
GSubprocess *
service_launcher_start_worker (ServiceLauncher *self, const char *plugin, int connection_fd, GError **error);

/* @worker_fd: (transfer full): a SOCK_SEQPACKET socket, becomes the tracer's descriptor 3; 4 is the pidfd, 5
 * the directory of threads, 6 the status */
GSubprocess *service_launcher_start_tracer (ServiceLauncher *self,
                                            ServiceProcess *process,
                                            gboolean modify,
                                            int worker_fd,
                                            GError **error);

/* TRUE for the service itself and for what it started. */
gboolean service_launcher_owns (ServiceLauncher *self, guint pid);

gboolean service_launcher_is_quiet (ServiceLauncher *self);
void service_launcher_kill_all (ServiceLauncher *self);

/* How @process, which has ended, came to its end: "ended by signal 9 (Killed)", "exited with status 1" */
char *service_launcher_describe_end (GSubprocess *process);

G_END_DECLS
