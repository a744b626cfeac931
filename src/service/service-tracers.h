/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-launcher.h"

G_BEGIN_DECLS

/**
 * ServiceTracers: the tracers of one job, one at a time: the next is started when the one before has ended,
 * and neither too soon after it nor too often.
 */
typedef struct _ServiceTracers ServiceTracers;

ServiceTracers *service_tracers_new (ServiceLauncher *launcher, ServiceProcess *process, gboolean modify);

/* The latest ends with its worker's end of the socket, or is ended. Who waits for another is refused. */
void service_tracers_free (ServiceTracers *self);

/* Answers a worker's OpenTracer. @invocation: (transfer full) */
void service_tracers_answer (ServiceTracers *self, GDBusMethodInvocation *invocation);

/* The pid of the latest, if it lives; 0 */
guint service_tracers_get_pid (ServiceTracers *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceTracers, service_tracers_free)

G_END_DECLS
