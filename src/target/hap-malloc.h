/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"
#include "hap-residency.h"

G_BEGIN_DECLS

/* The largest chunk that malloc may keep in a fastbin, and how large the chunk of an allocation is. */
#define HAP_MALLOC_SMALL 128
guint64 hap_malloc_get_chunk (guint64 size);

/**
 * hap_malloc_measure:
 * @memory: that stands still
 * @area: a mapping of it
 * @used: (out): bytes of it that malloc gave out, its own headers included. The small pieces that it keeps
 * ready for the next call (tcache, fastbins) look given out.
 * @small: (out): of them, those in pieces so small that they may be kept ready (fastbins)
 *
 * Follows glibc's chunks from the beginning of the program break, or of a thread's arena, to the end.
 * Returns: FALSE if that is not what the mapping is: it all has to fit
 */
gboolean hap_malloc_measure (HapMemory *memory, const HapResident *area, guint64 *used, guint64 *small);

G_END_DECLS
