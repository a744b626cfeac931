/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"

G_BEGIN_DECLS

#define HAP_TYPE_LIVE_MEMORY (hap_live_memory_get_type ())
G_DECLARE_FINAL_TYPE (HapLiveMemory, hap_live_memory, HAP, LIVE_MEMORY, GObject)

/* @fd: (transfer full): /proc/PID/mem, open for reading. Positioned reads only; safe from several threads. */
HapMemory *hap_live_memory_new (int fd);

G_END_DECLS
