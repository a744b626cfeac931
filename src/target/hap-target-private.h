/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

/* Returns: (transfer none): one that lives, started if need be; NULL with @error */
HapTracer *hap_target_get_tracer (HapTarget *self, GError **error);

/* After a failed call: a tracer that ended is an error of time. */
void hap_target_forgive_end (HapTarget *self, GError **error);

/* Whether to try again what failed: somebody holds the target, and may let go; clears @error then. @end: in,
 * out: 0 at first */
gboolean hap_target_await_turn (gint64 *end, GError **error);

/* As hap_tracer_freeze() and hap_tracer_drop(). */
gboolean hap_target_freeze (HapTarget *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error);
gboolean hap_target_drop (HapTarget *self, GError **error);
