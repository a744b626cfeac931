/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "memory-tables.h"

G_BEGIN_DECLS

/* Returns: (transfer full): what a person should know first: where the memory is, what grew, and who holds it
 */
char *memory_verdict_new (const MemoryFindings *findings, const HapHeapProfile *profile);

G_END_DECLS
