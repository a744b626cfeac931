/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * LogEventLoopScheduled: one entry for each handle that is not cancelled of each event loop that runs: what
 * is scheduled, in the loop's own order, then what is ready to run; notes on what is not shown; then one that
 * sums up (tasks-report.h; `handles u`).
 *
 * Fields of a handle: queue s ("scheduled" or "ready"), when d (in the loop's time) and due_in d (seconds;
 * below 0: overdue), both of the scheduled only, callback s (with its arguments, also where Python leaves
 * them out of the message), location s ("file:line"; absent: not Python's), loop t (address), thread u
 * (native id), integration s, kind s, rests_on s.
 */
#define TASKS_TYPE_LOG_SCHEDULED (tasks_log_scheduled_get_type ())
G_DECLARE_FINAL_TYPE (TasksLogScheduled, tasks_log_scheduled, TASKS, LOG_SCHEDULED, HapAction)

G_END_DECLS
