/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * LruStats: an entry for each functools.lru_cache and each LRU of lru-dict, and one for each key of each
 * SQLAlchemy LRUCache, in the integration's words. What is kept under those keys is contents of objects:
 * attribute contents b (false): types alone.
 *
 * Fields: cache s ("lru_cache", "lru-dict", "sqlalchemy"), name s, hits t, misses t, hit_rate d (0 to 1;
 * absent: never asked), maxsize x (-1: none), currsize t, bytes t (what would be free without the cache),
 * objects u (as many), file s, integration s, kind s. Of SQLAlchemy's: name s, currsize t, maxsize x, and
 * bytes t in the first; of what is not shown of one, a last entry: left_out t. What is not known is absent.
 * The last entry of all: caches u, integrations aa{sv} (name s, kind s, caches u), pause_us d (how long the
 * target stood still), duration_us d, no_snapshot s (why it was copied meanwhile, and not forked; absent: it
 * was).
 */
#define LRU_TYPE_STATS (lru_stats_get_type ())
G_DECLARE_FINAL_TYPE (LruStats, lru_stats, LRU, STATS, HapAction)

G_END_DECLS
