/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"

G_BEGIN_DECLS

/* Objects and their bytes: all that live, and those that were made since the beginning. */
typedef struct
{
  guint64 objects, bytes;
  guint64 new_objects, new_bytes;
} HapHeapCount;

/* @origin: (nullable): NULL: held by several, nobody's alone */
typedef struct
{
  const HapOrigin *origin;
  HapHeapCount count;
} HapHeapOrigin;

/* One rectangle of the treemap. @type: of "(other types)" all that are too small */
typedef struct
{
  guint origin; /* index of a HapHeapOrigin */
  char *type;
  HapHeapCount count;
} HapHeapCell;

/* @referrers: what refers to objects of that type, by their kinds: "list 60 %, dict of a.B 40 %" */
typedef struct
{
  char *type;
  char *referrers;
  HapHeapCount count;
} HapHeapType;

/* @chain: who holds it, from the outermost on; @held: bytes that would be free without it */
typedef struct
{
  guint origin;
  char *type;
  char *chain;
  gboolean is_new;
  guint64 bytes, held;
} HapHeapObject;

/* Equal strings: @chain: who holds one of them. What they say is the target's own affair. */
typedef struct
{
  char *chain;
  guint64 length; /* characters */
  guint64 copies, bytes;
} HapHeapDuplicate;

/* What resident memory is used for, at the beginning and at the end. */
typedef enum
{
  HAP_AREA_PYTHON, /* objects, and the interpreter's own small blocks */
  HAP_AREA_SLACK,  /* free, and kept by an allocator */
  HAP_AREA_FILES,
  HAP_AREA_STACKS,
  HAP_AREA_NATIVE, /* all else: C code's */
  HAP_N_AREAS
} HapArea;

typedef struct
{
  guint64 bytes[HAP_N_AREAS];
  guint64 unsure; /* of NATIVE, what may as well be free, in an allocator that does not tell */
  guint64 resident, swapped;
} HapResidentAreas;

/**
 * HapHeapProfile: what a process keeps in memory, and what came to it in a time. All texts are as the process
 * has them: hostile, but valid UTF-8.
 */
typedef struct
{
  gint64 start_time_us; /* since 1970 */
  double duration;      /* seconds between the two moments */
  guint32 pid;
  char *title;   /* "Home Assistant 2026.11.0, Python 3.14.10" */
  char *verdict; /* for a person; paragraphs parted by newlines */

  HapHeapCount total;
  guint64 shared_bytes; /* of strings equal to another */
  HapResidentAreas before, after;
  GArray *origins;    /* (element-type HapHeapOrigin) most bytes first */
  GArray *cells;      /* (element-type HapHeapCell) */
  GArray *types;      /* (element-type HapHeapType) most bytes first */
  GArray *objects;    /* (element-type HapHeapObject) that hold most first */
  GArray *duplicates; /* (element-type HapHeapDuplicate) most bytes first */
} HapHeapProfile;

HapHeapProfile *hap_heap_profile_new (void);
void hap_heap_profile_free (HapHeapProfile *self);

/* "python", "slack", "files", "stacks", "native" */
const char *hap_area_to_string (HapArea area);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapHeapProfile, hap_heap_profile_free)

G_END_DECLS
