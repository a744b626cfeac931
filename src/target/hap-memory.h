/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HAP_TYPE_MEMORY (hap_memory_get_type ())
G_DECLARE_INTERFACE (HapMemory, hap_memory, HAP, MEMORY, GObject)

/**
 * HapMemoryInterface:
 * @read: reads up to @size bytes at @address of the target into @buffer; returns the number of bytes read,
 * which is less than @size where the memory ends, 0 where nothing is mapped or the process is gone. Never
 * fails otherwise.
 *
 * The bytes of one target: live, frozen or recorded. All of them are hostile: so is every address that was
 * found in them.
 */
struct _HapMemoryInterface
{
  GTypeInterface parent_iface;

  gsize (*read) (HapMemory *self, guint64 address, gpointer buffer, gsize size);
};

/* Returns: the number of bytes read, at most @size */
gsize hap_memory_read_some (HapMemory *self, guint64 address, gpointer buffer, gsize size);

/* Returns: TRUE if all @size bytes were read; otherwise @buffer's content is undefined */
gboolean hap_memory_read (HapMemory *self, guint64 address, gpointer buffer, gsize size);

/* Reads in the target's byte order, which is ours. @value is written only on success. */
gboolean hap_memory_read_u8 (HapMemory *self, guint64 address, guint8 *value);
gboolean hap_memory_read_u32 (HapMemory *self, guint64 address, guint32 *value);
gboolean hap_memory_read_u64 (HapMemory *self, guint64 address, guint64 *value);

/**
 * hap_memory_read_string:
 * @max: bytes to look at, at most 64 KiB
 *
 * Returns: (transfer full) (nullable): the bytes up to the first NUL, made valid UTF-8; NULL if unreadable or
 * without a NUL in @max bytes
 */
char *hap_memory_read_string (HapMemory *self, guint64 address, gsize max);

G_END_DECLS
