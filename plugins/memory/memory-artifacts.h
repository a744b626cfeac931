/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-census.h"
#include "hap-heap-profile.h"
#include "hap-report.h"

G_BEGIN_DECLS

typedef enum
{
  MEMORY_FORMAT_HPY = 1 << 0,
  MEMORY_FORMAT_PAGE = 1 << 1,
} MemoryFormats;

#define MEMORY_FORMATS_ALL (MEMORY_FORMAT_HPY | MEMORY_FORMAT_PAGE)

char *memory_artifacts_get_name (MemoryFormats format, gint64 start_time_us);

/* @census: (nullable): without MEMORY_FORMAT_HPY */
gboolean memory_artifacts_write (HapReport *report,
                                 HapCensus *census,
                                 const HapHeapProfile *profile,
                                 MemoryFormats formats,
                                 GError **error);

G_END_DECLS
