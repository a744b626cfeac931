/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-profile.h"

G_BEGIN_DECLS

/**
 * hap_flamegraph_write:
 * @stream: where to; left open
 *
 * Writes one self-contained page: a flame graph coloured by integration, the table of origins and the hottest functions. It loads
 * nothing (its Content-Security-Policy forbids it, and allows only the page's own script and style, by hash). The profile is JSON in a
 * script element that is data; texts of the target are escaped there and reach the document as text only, made printable before.
 *
 * Above 100,000 call paths the smallest are summed into one frame, "(smaller paths)", below their caller; the page says how many and
 * how small they were. The tables are of the whole profile in any case. Memory: proportional to the tree.
 */
gboolean hap_flamegraph_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

G_END_DECLS
