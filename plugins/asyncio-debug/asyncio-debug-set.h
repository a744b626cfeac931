/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/* SetAsyncioDebug: asyncio's debug mode in the target's running loops, and what asyncio logs while it is on.
 */
#define ASYNCIO_DEBUG_TYPE_SET (asyncio_debug_set_get_type ())
G_DECLARE_FINAL_TYPE (AsyncioDebugSet, asyncio_debug_set, ASYNCIO_DEBUG, SET, HapAction)

G_END_DECLS
