/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-profile.h"

G_BEGIN_DECLS

/* DOC_SPEEDSCOPE */
gboolean hap_speedscope_write (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable, GError **error);

G_END_DECLS
