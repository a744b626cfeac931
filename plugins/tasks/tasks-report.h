/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-report.h"
#include "tasks-moment.h"

G_BEGIN_DECLS

/**
 * tasks_report_send:
 * @what: what the lines are: "tasks"; begins the last entry ("Tasks by integration: ...")
 * @notes: (inout) (element-type utf8): lines that come before it
 *
 * Sends the lines, then one that sums up: fields @what u, integrations aa{sv} (name s, kind s, @what u),
 * unread u, incomplete b (each look met a change: some may be missing; absent: no), left_out u (absent:
 * none), pause_us d, snapshots u (how many it took), python s. Lines over the size that the service takes at
 * once are left out.
 */
gboolean tasks_report_send (HapReport *report,
                            const char *what,
                            const TasksMoment *moment,
                            GPtrArray *notes,
                            GCancellable *cancellable,
                            GError **error);

G_END_DECLS
