/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* ServiceHeadroom: how much memory is left to the machine and to the control groups of a process. */
typedef struct _ServiceHeadroom ServiceHeadroom;

/* @cgroup: (nullable): the text of the process's /proc/PID/cgroup */
ServiceHeadroom *service_headroom_new (const char *cgroup);
void service_headroom_free (ServiceHeadroom *self);

/* HAP_ERROR_NO_SPACE: there are less than @size bytes */
gboolean service_headroom_has (ServiceHeadroom *self, guint64 size, GError **error);

/* So little is left that what can be spared should go. */
gboolean service_headroom_is_low (ServiceHeadroom *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceHeadroom, service_headroom_free)

G_END_DECLS
