/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * LogThreadFrames: one entry for each thread, then one that sums up.
 *
 * Fields of a thread: thread s, native_id u (in the target's pid namespace), ident t, main b, holds_gil b and
 * waits_for_gil b (both absent in builds without a GIL), state s ("running", "sleeping", ...), syscall s
 * (absent outside of any), frames a(sus) (file, line, function's qualified name; outermost first; line 0:
 * none), frames_left_out u (absent: none), integration s, kind s, rests_on s (the frame that integration and
 * kind were taken from); with the attribute native: native a(sts) (function, offset into it, file; outermost
 * first; "?": into the file) and native_complete b (FALSE: there are more that could not be told; absent: no
 * C stack could be had). What is not known is absent.
 *
 * Fields of the last entry: threads u, integrations aa{sv} (name s, kind s, threads u), pause_us d (how long
 * threads were stopped, together), unread u (threads whose stack could not be read), left_out u (absent:
 * none), python s.
 */
#define THREADS_TYPE_LOG_FRAMES (threads_log_frames_get_type ())
G_DECLARE_FINAL_TYPE (ThreadsLogFrames, threads_log_frames, THREADS, LOG_FRAMES, HapAction)

G_END_DECLS
