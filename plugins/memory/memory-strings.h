/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-heap-profile.h"
#include "py-heap.h"

G_BEGIN_DECLS

/**
 * memory_strings_find:
 * @reached: which objects count
 *
 * Fills duplicates and shared_bytes of @profile: strings of at least 16 characters that there are more than
 * once. What looks like a password or a key is shown by its first characters.
 */
void memory_strings_find (PyHeap *heap, const guint8 *reached, HapHeapProfile *profile);

G_END_DECLS
