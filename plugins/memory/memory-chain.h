/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "memory-owners.h"

G_BEGIN_DECLS

/**
 * memory_chain_describe:
 *
 * Returns: (transfer full): who holds an object, from the outermost on, as Python would write it as far as it
 * can be told: "custom_components.leaky.STORE['held'].items"; " → " parts two of which the first holds the
 * second by several ways. At most 12 holders, the inner ones. Hostile text.
 */
char *memory_chain_describe (const MemoryOwners *owners, PyHeap *heap, guint32 object);

G_END_DECLS
