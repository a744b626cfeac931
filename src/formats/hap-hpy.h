/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-census.h"

G_BEGIN_DECLS

/**
 * hap_hpy_write:
 * @stream: where to; left open
 * @time_us: when the objects were counted, microseconds since 1970
 *
 * Writes a heapy stat dump, as guppy's `heap().byrcs.dump()`: guppy's load() and Profile Browser read it.
 */
gboolean hap_hpy_write (GOutputStream *stream,
                        HapCensus *census,
                        gint64 time_us,
                        GCancellable *cancellable,
                        GError **error);

G_END_DECLS
