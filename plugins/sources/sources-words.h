/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-owners.h"
#include "sources-scan.h"

G_BEGIN_DECLS

/* What is said of one object. */
typedef struct
{
  char *where; /* its file, or the list of its holder and itself */
  char *repr;
  char *held_by;           /* (nullable) */
  const HapOrigin *origin; /* (nullable): whose it is; NULL: shared */
} SourcesWords;

void sources_words_find (SourcesWords *self, PyHeap *heap, const PyHeapOwners *owners, guint32 index);
void sources_words_clear (SourcesWords *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SourcesWords, sources_words_clear)

G_END_DECLS
