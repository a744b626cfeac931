/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * LogCurrentTasks: one entry for each task that is not done of each event loop that runs, notes on what is
 * not shown, then one that sums up (tasks-report.h; `tasks u`).
 *
 * Fields of a task: task s (name), state s ("pending", "cancelling"), coro s (qualified name), loop t
 * (address), thread u (native id, in the target's pid namespace), awaits a(sus) (file, line, qualified name
 * of each coroutine, the task's own first; line 0: none), awaits_left_out u (as many are missing in the
 * middle, where the list has its half; absent: none), awaits_cut b (that many at least: the innermost are
 * missing, too; absent: no), running b (its thread runs it), waits_for s (the future or task as Python prints
 * it; absent: nothing), integration s, kind s, rests_on s. What is not known is absent.
 *
 * Of one that runs besides: what the innermost coroutine of awaits called, frames a(sus), the innermost last,
 * and frames_left_out u, both like awaits (absent: nothing); frames_unread b (what it is in could not be
 * read; absent: no).
 */
#define TASKS_TYPE_LOG_CURRENT (tasks_log_current_get_type ())
G_DECLARE_FINAL_TYPE (TasksLogCurrent, tasks_log_current, TASKS, LOG_CURRENT, HapAction)

G_END_DECLS
