/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"

G_BEGIN_DECLS

/**
 * HapImage: a recorded memory: ranges of bytes at addresses. For tests and fuzzing, and to keep a bug report.
 *
 * File format (little endian): magic "HAPIMG1\n", then records { u64 address; u64 size; u8 data[size] }.
 */
#define HAP_TYPE_IMAGE (hap_image_get_type ())
G_DECLARE_FINAL_TYPE (HapImage, hap_image, HAP, IMAGE, GObject)

HapImage *hap_image_new (void);

/* Adds a range; a later range hides an earlier one where they overlap. */
void hap_image_add (HapImage *self, guint64 address, GBytes *bytes);

/* Errors: HAP_ERROR_INVALID_DATA for a file that is cut, too large (1 GiB) or no image */
HapImage *hap_image_load (GBytes *file, GError **error);
GBytes *hap_image_save (HapImage *self);

/**
 * hap_image_record:
 * Returns: (transfer full): a memory that reads through @source and keeps what it read; hap_image_save()
 * gives the recording.
 */
HapImage *hap_image_record (HapMemory *source);

G_END_DECLS
