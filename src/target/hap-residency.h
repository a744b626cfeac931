/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-maps.h"

G_BEGIN_DECLS

/* One mapping of /proc/PID/smaps: what of it is in memory, in bytes. */
typedef struct
{
  HapMapping mapping; /* its path is NULL: see @file */
  gboolean file;      /* a file, a device or shared memory lies behind it */
  gboolean heap;      /* the program break's */
  gboolean stack;     /* the main thread's stack, or, by the guard below it, another's */
  guint64 resident;
  guint64 swapped;
} HapResident;

/* HapResidency: what of a process was in memory at one moment: its mappings in the order of their addresses.
 */
typedef struct
{
  GArray *mappings; /* (element-type HapResident) */
  guint64 resident, swapped;
} HapResidency;

/* Errors: HAP_ERROR_INVALID_DATA for text that is not an smaps file */
HapResidency *hap_residency_parse (const char *text, gsize length, GError **error);

/* Reads an open /proc/PID/smaps from its beginning. HAP_ERROR_TARGET_GONE when it is empty. */
HapResidency *hap_residency_read (int fd, GError **error);

void hap_residency_free (HapResidency *self);

/* Returns: (nullable): the mapping that holds @address */
const HapResident *hap_residency_find (const HapResidency *self, guint64 address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapResidency, hap_residency_free)

G_END_DECLS
