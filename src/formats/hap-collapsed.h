/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-profile.h"

G_BEGIN_DECLS

/**
 * hap_collapsed_write:
 * @stream: where to; left open
 *
 * Writes one line for each distinct stack ("collapsed", "folded"): the thread and its frames from the outermost to the innermost,
 * joined by ";", a blank, and the number of samples. A frame is "qualname (short/file.py:first line)", as py-spy has it; it holds no
 * ";" and no line break, and two functions never share one text.
 *
 * Read by flamegraph.pl, inferno, speedscope, gprof2dot -f collapse. They are strict: no comment, no blank line, no count of 0.
 * Streams: memory proportional to functions. The output grows with the depth of stacks; what limits it is the stream.
 */
gboolean hap_collapsed_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

G_END_DECLS
