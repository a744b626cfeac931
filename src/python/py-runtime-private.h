/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "py-runtime.h"

G_BEGIN_DECLS

struct _PyRuntime
{
  GObject parent_instance;

  HapMemory *memory;
  PyLayout layout;
  guint64 address;
  guint32 version;
  char *version_string;
};

/* Nothing is checked: that is py_runtime_attach()'s. */
PyRuntime *py_runtime_new (HapMemory *memory, const PyLayout *layout, guint64 address, guint32 version);

/* The same as py_runtime_attach() with py_locate()'s answer; without @may_hold, threads that never stand
 * still are not held for the proof: their frames are left unproved. */
PyRuntime *py_attach_located (HapTarget *target,
                              GArray *candidates,
                              const char *too_old,
                              gboolean may_hold,
                              GError **error);

/* "3.14.10", "3.15.0rc1", "3.14.4t" */
char *py_version_to_string (guint32 version, gboolean free_threaded);

static inline gboolean
py_read_u64 (PyRuntime *self, guint64 address, guint64 *value)
{
  return hap_memory_read (self->memory, address, value, sizeof *value);
}

/* Values in a block that was read in one go. */
static inline guint64
py_block_u64 (const guint8 *block, gsize offset)
{
  guint64 value;

  memcpy (&value, block + offset, sizeof value);
  return value;
}

static inline guint32
py_block_u32 (const guint8 *block, gsize offset)
{
  guint32 value;

  memcpy (&value, block + offset, sizeof value);
  return value;
}

G_END_DECLS
