/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-heap-profile.h"

G_BEGIN_DECLS

/**
 * hap_heap_page_write:
 * @stream: where to; left open
 *
 * Writes one self-contained page of a memory profile: the verdict, what resident memory is used for, a
 * treemap by integration and class, and tables. As safe as hap_flamegraph_write()'s, by the same means.
 */
gboolean hap_heap_page_write (GOutputStream *stream,
                              const HapHeapProfile *profile,
                              GCancellable *cancellable,
                              GError **error);

G_END_DECLS
