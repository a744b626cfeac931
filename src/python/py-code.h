/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-runtime.h"

G_BEGIN_DECLS

/* One code object, read once. Strings are UTF-8, at most 1,000 characters each. */
typedef struct
{
  guint64 address;
  char *filename;
  char *name;
  char *qualname;
  gint first_line;
  guint64 instructions;    /* address of the first code unit: co_code_adaptive */
  guint32 n_units;         /* number of 2-byte code units */
  guint32 flags;           /* co_flags */
  guint32 first_traceable; /* _co_firsttraceable: units before it are a frame's prologue */
  GBytes *line_table;
} PyCode;

/* Reads the code object at @address. NULL when it is none (any more). */
PyCode *py_code_read (PyRuntime *runtime, guint64 address);
void py_code_free (PyCode *self);

/**
 * py_code_get_line:
 * @instruction: the frame's instruction pointer as PyFrameRecord has it
 *
 * Returns: the line that executes, -1 if that instruction has none, first_line when the table is unsound
 */
gint py_code_get_line (const PyCode *self, guint64 instruction);

/**
 * PyCodeCache: code objects by address, bounded. An entry is checked against the target again (same name,
 * file and first line pointers) when it was not for @recheck_us, since a freed code object's address may be
 * another's now.
 */
typedef struct _PyCodeCache PyCodeCache;

PyCodeCache *py_code_cache_new (PyRuntime *runtime, guint max_entries, gint64 recheck_us);
void py_code_cache_free (PyCodeCache *self);

/* @now_us: g_get_monotonic_time(). Returns: (transfer none) (nullable): valid until the next call;
 * @generation is another number when the object at this address became another one. */
const PyCode *py_code_cache_lookup (PyCodeCache *self, guint64 address, gint64 now_us, guint *generation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyCode, py_code_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyCodeCache, py_code_cache_free)

G_END_DECLS
