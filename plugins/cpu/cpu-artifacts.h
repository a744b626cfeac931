/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-call-counts.h"
#include "hap-profile.h"
#include "hap-report.h"

G_BEGIN_DECLS

/* The artifacts of a CPU profile, one bit a format. */
typedef enum
{
  CPU_FORMAT_CPROF = 1 << 0,
  CPU_FORMAT_CALLGRIND = 1 << 1,
  CPU_FORMAT_FLAMEGRAPH = 1 << 2,
  CPU_FORMAT_SPEEDSCOPE = 1 << 3,
  CPU_FORMAT_COLLAPSED = 1 << 4,
} CpuFormats;

#define CPU_FORMATS_ALL ((1 << 5) - 1)

/**
 * cpu_artifacts_write:
 * @counts: (nullable): what the formats that show calls are made of; without them, the samples
 *
 * Writes the artifacts of @formats, all named by the profile's start time; stops at the first that fails.
 */
gboolean cpu_artifacts_write (HapReport *report,
                              const HapProfile *profile,
                              const HapCallCounts *counts,
                              CpuFormats formats,
                              GError **error);

/* The name of one artifact. (transfer full) */
char *cpu_artifacts_get_name (CpuFormats format, gint64 start_time_us);

G_END_DECLS
