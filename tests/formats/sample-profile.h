/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-profile.h"

G_BEGIN_DECLS

/* Profiles to write and to look at, the same at every call. */

extern const char *const sample_profile_names[]; /* NULL-terminated */

/* Returns: (transfer full) (nullable): NULL: no such name */
HapProfile *sample_profile_new (const char *name);

/* The formats, the names of their files, and their writers */
typedef gboolean (*SampleWriter) (GOutputStream *stream, const HapProfile *profile, GCancellable *cancellable,
                                  GError **error);
typedef struct
{
  const char *file;
  SampleWriter write;
} SampleFormat;
extern const SampleFormat sample_formats[]; /* ended by file NULL */

G_END_DECLS
