/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-profile.h"

G_BEGIN_DECLS

/**
 * hap_speedscope_write:
 * @stream: where to; left open
 *
 * Writes speedscope's own JSON (".speedscope.json"): shared.frames, one for each function (qualname, file, first line), and one
 * "sampled" profile for each thread that has samples. A sample is a distinct stack, outermost frame first; its weight is its samples
 * times the interval, in whole nanoseconds, so that weights add up exactly. Samples without a Python frame get a frame of their own.
 *
 * Read by speedscope. Weights and samples have equal lengths, frames are distinct, what is not known is left out rather
 * than null, and there is at least one profile: the importer throws otherwise. Streams: memory proportional to the depth of stacks.
 */
gboolean hap_speedscope_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

G_END_DECLS
