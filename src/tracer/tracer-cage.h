/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether we were started with the descriptors that tracer.h lists. */
bool tracer_check_descriptors (void);

/*
 * Locks this process in: from here on it keeps CAP_SYS_PTRACE alone of all rights, dies with its parent, and
 * makes no system calls but those of the table in tracer-cage.c. Then tries whether the locks hold. Call it
 * with one thread. Returns NULL, or what does not hold: then the tracer must not run.
 */
const char *tracer_cage_enter (void);
