/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a stop depends on the processor: aarch64. */

#include "tracer.h"

/*
 * Here the kernel looks at a call's result before the stop, and the result has overwritten the call's first
 * argument, whose copy it shows to nobody (arch/arm64/kernel/signal.c, do_signal()). So the few calls that
 * fail with EINTR after a stop do: what a program has to expect after SIGSTOP and SIGCONT as well.
 */
void
tracer_undo_interrupt (pid_t tid)
{
}
