/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * One line of /proc/PID/maps. @path is the kernel's text, made valid UTF-8, without the " (deleted)" that
 * @deleted stands for; empty, never NULL, for anonymous memory; hostile: never opened, never printed
 * unescaped.
 */
typedef struct
{
  guint64 start, end;
  guint64 offset;
  guint64 inode;
  guint32 major, minor;
  gboolean readable, writable, executable, shared;
  gboolean deleted;
  const char *path;
} HapMapping;

/* HapMaps: an immutable, sorted list of mappings, reference-counted. */
typedef struct _HapMaps HapMaps;

/* Errors: HAP_ERROR_INVALID_DATA for text that is not a maps file, or has over 1,000,000 lines */
HapMaps *hap_maps_parse (const char *text, gsize length, GError **error);

/* Reads an open /proc/PID/maps from its beginning. HAP_ERROR_TARGET_GONE when it is empty (process gone or no
 * memory). */
HapMaps *hap_maps_read (int fd, GError **error);

HapMaps *hap_maps_ref (HapMaps *self);
void hap_maps_unref (HapMaps *self);

guint hap_maps_get_length (HapMaps *self);
const HapMapping *hap_maps_get (HapMaps *self, guint index);

/* Returns: (nullable): the mapping that holds @address */
const HapMapping *hap_maps_find (HapMaps *self, guint64 address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapMaps, hap_maps_unref)

G_END_DECLS
