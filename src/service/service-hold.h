/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ServiceHold: what keeps the service from going: calls, jobs, subscribers. When nothing has done so for the
 * idle time, it says so, once for each such time. Nothing ticks meanwhile: one timer, started when the last
 * holder lets go.
 */
typedef struct _ServiceHold ServiceHold;
typedef void (*ServiceHoldFunc) (gpointer data);

ServiceHold *service_hold_new (guint idle_seconds, ServiceHoldFunc on_idle, gpointer data);

/* Those who still hold it may let go of it later. */
void service_hold_free (ServiceHold *self);

void service_hold_take (ServiceHold *self);
void service_hold_release (ServiceHold *self);
gboolean service_hold_is_taken (ServiceHold *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceHold, service_hold_free)

G_END_DECLS
