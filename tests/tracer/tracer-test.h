/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-test.h"

G_BEGIN_DECLS

/* What the tests of the tracer share: targets of tracer-target.c, and what the kernel says of their threads.
 */

HapTestProcess *tracer_test_spawn (const char *mode);
HapTestProcess *tracer_test_spawn_with (const char *mode, const char *argument);

HapTarget *tracer_test_attach (HapTestProcess *process);

GArray *tracer_test_list_threads (guint pid);

/* '\0': it has ended. */
char tracer_test_get_state (guint pid, guint tid);

void tracer_test_wait_for_state (guint pid, guint tid, const char *states);

guint tracer_test_get_other_thread (guint pid);

gboolean tracer_test_is_traced (guint pid, guint tid);

/* Who hears that a tracer has ended may be faster than the kernel, which lets go of its threads. */
void tracer_test_wait_until_free (guint pid, guint tid);

gint64 tracer_test_get_count (HapTestProcess *process);

/* On a loaded machine a stop may take too long, or we may be too late to end it: then it was no stop, and
 * that is all. */
gboolean tracer_test_hold (HapTarget *target, guint tid);

gboolean tracer_test_let_go (HapTarget *target);

void tracer_test_visit (HapTarget *target, guint tid);

G_END_DECLS
