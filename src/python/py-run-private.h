/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-run.h"

G_BEGIN_DECLS

/* What stands before the lines of a channel. */
#define PY_RUN_HEADER 16

/* For what runs in a copy; lines that were not read are dropped. */
gboolean py_run_write_header (PyRun *self, const char *text, GError **error);

/* Ends the waiting of a snippet that is at PY_RUN_WAITS, and of its copies. */
gboolean py_run_let_copy_go (PyRun *self, GError **error);

/* The target's, by which it answers. */
guint py_run_get_descriptor (PyRun *self);

G_END_DECLS
