/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HapCensus: objects and their bytes, counted by the set of the kinds of what refers to them: heapy's
 * "byrcs". A kind is whatever the caller calls one, by number; two kinds may have one name.
 */
typedef struct _HapCensus HapCensus;

HapCensus *hap_census_new (void);
void hap_census_free (HapCensus *self);

/* Returns: the new kind's number */
guint32 hap_census_add_kind (HapCensus *self, const char *name);

/* One object more of @bytes. @kinds: of its referrers, in any order, any number of times each; sorted here */
void hap_census_count (HapCensus *self, guint32 *kinds, guint32 n_kinds, guint64 bytes);

/* @name is "a, b": the names of its kinds, sorted; "<Nothing>" */
typedef struct
{
  char *name;
  guint64 count, bytes;
} HapCensusRow;

/**
 * hap_census_list_rows:
 *
 * Returns: (transfer full) (element-type HapCensusRow): of all sets that objects were counted in: most bytes
 * first, then by name
 */
GArray *hap_census_list_rows (HapCensus *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapCensus, hap_census_free)

G_END_DECLS
