/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-heap-profile.h"
#include "py-heap-owners.h"

G_BEGIN_DECLS

/* Strings of at least 16 characters, by what they say. */
typedef struct _MemoryStrings MemoryStrings;

/* Reads them all. */
MemoryStrings *memory_strings_new (PyHeap *heap);
void memory_strings_free (MemoryStrings *self);

/* Fills duplicates and shared_bytes of @profile, of what is held. */
void memory_strings_find_equal (MemoryStrings *self, const PyHeapOwners *owners, HapHeapProfile *profile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryStrings, memory_strings_free)

G_END_DECLS
