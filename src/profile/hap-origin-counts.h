/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"

G_BEGIN_DECLS

/**
 * HapOriginCounts: how many of a report's things are whose: what the last entry of each report says.
 */
typedef struct _HapOriginCounts HapOriginCounts;

HapOriginCounts *hap_origin_counts_new (void);
void hap_origin_counts_free (HapOriginCounts *self);

/* @origin: (nullable): NULL: nobody's that is known; counts as Python's own */
void hap_origin_counts_add (HapOriginCounts *self, const HapOrigin *origin);

/* Returns: (transfer full): " zha 3, Home Assistant 12", integrations first, then the most; "" when empty */
char *hap_origin_counts_to_string (HapOriginCounts *self);

/* Returns: (transfer floating): `aa{sv}` in the same order: name s, kind s, and @key u: how many */
GVariant *hap_origin_counts_to_variant (HapOriginCounts *self, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapOriginCounts, hap_origin_counts_free)

G_END_DECLS
