/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap.h"

G_BEGIN_DECLS

/* A new object of a type that grows. */
typedef struct
{
  guint32 index; /* in the heap */
  const char *type;
  guint64 before, now; /* the largest number there was, and how many there are */
} SourcesNew;

/* What one scan found. Strings are SourcesScans'. */
typedef struct
{
  GArray *objects;      /* (element-type SourcesNew) those to be shown */
  GPtrArray *overflow;  /* (element-type utf8) types of further ones, by how many */
  GArray *n_overflowed; /* (element-type guint64) for each of them */
} SourcesFound;

/**
 * SourcesScans: what is new from scan to scan: objects by address and type, types by their peaks.
 */
typedef struct _SourcesScans SourcesScans;

SourcesScans *sources_scans_new (void);
void sources_scans_free (SourcesScans *self);

/* @max: objects to show: one of each type first, the type that grew most first */
void sources_scans_compare (SourcesScans *self, PyHeap *heap, guint max, SourcesFound *found);
void sources_found_clear (SourcesFound *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SourcesScans, sources_scans_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SourcesFound, sources_found_clear)

G_END_DECLS
