/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"
#include "hap-residency.h"

G_BEGIN_DECLS

/**
 * hap_malloc_measure:
 * @memory: that stands still
 * @area: a mapping of it
 * @used: (out): bytes of it that malloc gave out, its own headers included. The small pieces that it keeps
 * ready for the next call (tcache, fastbins) look given out.
 *
 * Follows glibc's chunks from the beginning of the program break, or of a thread's arena, to the end.
 * Returns: FALSE if that is not what the mapping is: it all has to fit
 */
gboolean hap_malloc_measure (HapMemory *memory, const HapResident *area, guint64 *used);

G_END_DECLS
