/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "threads-source.h"
#include "threads-stack.h"

G_BEGIN_DECLS

/**
 * threads_traceback_format:
 * @max: bytes; what is more is left out of the middle, and a line says how many lines that are
 *
 * Returns: (transfer full): what `"".join(traceback.format_stack(frame)).strip()` is
 */
char *threads_traceback_format (const ThreadsStack *stack, ThreadsSources *sources, gsize max);

/**
 * threads_choose_cut:
 * @sizes: of @n items in a row
 * @head: (out): how many from the first on fit in
 * @tail: (out): how many up to the last do, too
 *
 * What is cut out of the middle so that the rest is not larger than @max; the end gets most of the space.
 */
void threads_choose_cut (const gsize *sizes, guint n, gsize max, guint *head, guint *tail);

G_END_DECLS
