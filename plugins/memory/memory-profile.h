/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

#define MEMORY_TYPE_PROFILE (memory_profile_get_type ())
G_DECLARE_FINAL_TYPE (MemoryProfile, memory_profile, MEMORY, PROFILE, HapAction)

G_END_DECLS
