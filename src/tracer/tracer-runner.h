/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracer-freeze.h"

/**
 * tracer_copy_run:
 * @alarm: as a hold's
 * @descriptor: of the copy, the one that it keeps
 *
 * Forks another process off the frozen copy, which goes on where the target was, with one descriptor, one
 * thread, no way to change anything outside of itself, and bounds of its memory. One at a time: an earlier
 * one ends. Returns 0 or an errno; then nothing runs
 */
int tracer_copy_run (TracerCopy *self, timer_t alarm, int descriptor);

/* Passes signals on to what runs, and sees whether it, or the copy, has ended. */
void tracer_copy_watch (TracerCopy *self);
