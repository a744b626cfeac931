/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracer-freeze.h"

/* [--modify] PID UID GID [VDSO [ZOMBIE...]]; what is left out of @copy stays as it was. Returns false if it
 * is anything else. */
bool tracer_parse_arguments (int argc,
                             char **argv,
                             pid_t *pid,
                             TracerHold *hold,
                             bool *may_modify,
                             TracerCopy *copy);
