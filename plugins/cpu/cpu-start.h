/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/* Start: where the target's threads spend their time. */
#define CPU_TYPE_START (cpu_start_get_type ())
G_DECLARE_FINAL_TYPE (CpuStart, cpu_start, CPU, START, HapAction)

G_END_DECLS
