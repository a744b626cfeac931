/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-heap-profile.h"
#include "py-heap.h"

G_BEGIN_DECLS

/**
 * memory_summary_new:
 * @pause_us: the longer of the two that the target stood still
 * @no_snapshot: (nullable): why it was copied meanwhile, and not forked
 *
 * Returns: (transfer floating): the Summary of a Memory job: verdict s, objects t, bytes t: what is new;
 * all_objects t, all_bytes t, pause_us d, no_snapshot s (absent: none), seconds d, python s, n_conservative
 * u, n_skipped u: objects that could not be read exactly, or not at all; memory aa{sv}: area s, bytes t,
 * before t, unsure t (of native: what may as well be free; absent: 0); integrations aa{sv}: name s, kind s,
 * objects t, bytes t: all; new_objects t, new_bytes t
 */
GVariant *
memory_summary_new (const HapHeapProfile *profile, PyHeap *heap, double pause_us, const char *no_snapshot);

G_END_DECLS
