/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

/* As hap_tracer_freeze() and hap_tracer_drop(). */
gboolean hap_target_freeze (HapTarget *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error);
gboolean hap_target_drop (HapTarget *self, GError **error);
