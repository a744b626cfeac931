/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-census.h"
#include "hap-heap-profile.h"

G_BEGIN_DECLS

/* Memory profiles to write and to look at: "home-assistant", "hostile", "empty"; NULL for other names. */
HapHeapProfile *sample_heap_new (const char *name);
HapCensus *sample_census_new (const char *name);

G_END_DECLS
