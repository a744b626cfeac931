/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-heap-owners.h"

G_BEGIN_DECLS

/**
 * py_heap_describe_holders:
 *
 * Returns: (transfer full): who holds an object, from the outermost on, as Python would write it as far as it
 * can be told: "custom_components.leaky.STORE['held'].items"; " → " parts two of which the first holds the
 * second by several ways, or in no way that has a word. At most 12 holders, the inner ones. Names of
 * attributes and keys are told, but for keys that look like passwords. Hostile text.
 */
char *py_heap_describe_holders (const PyHeapOwners *owners, PyHeap *heap, guint32 object);

G_END_DECLS
