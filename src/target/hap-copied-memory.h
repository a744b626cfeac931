/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-image.h"
#include "hap-maps.h"

G_BEGIN_DECLS

/**
 * HapCopiedMemory: the memory of a target of which was copied what it can write; the rest, which stays as it
 * is, is read as it is now.
 */
#define HAP_TYPE_COPIED_MEMORY (hap_copied_memory_get_type ())
G_DECLARE_FINAL_TYPE (HapCopiedMemory, hap_copied_memory, HAP, COPIED_MEMORY, GObject)

HapMemory *hap_copied_memory_new (HapImage *copied, HapMaps *maps, HapMemory *live);

G_END_DECLS
