/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-run.h"

G_BEGIN_DECLS

/**
 * PyFork: a snippet (py-run.h) whose work is done in a copy of the target, so that whatever the work does,
 * blocks on or dies of happens to the copy. The snippet's run() calls copy(work), which returns as soon as
 * the copy is there: the target pays for a fork. work(first) runs in the copy and may emit(); a copy that
 * ended can be followed by another, from the same moment of the target.
 *
 * A copy has one thread, one descriptor, no way to change anything outside of itself, 512 MiB beyond what the
 * target has, and ends a minute after the moment at the latest.
 */
typedef struct _PyFork PyFork;

typedef enum
{
  PY_FORK_ITEM,    /* emit()'s value */
  PY_FORK_RESULT,  /* work() has returned: its value */
  PY_FORK_ENDED,   /* the copy has ended otherwise */
  PY_FORK_BLOCKED, /* nothing came in time; it goes on */
} PyForkEvent;

/**
 * py_fork_new:
 *
 * Makes the copy. Errors: as py_run_start(), hap_target_snapshot(), hap_snapshot_run()
 */
PyFork *py_fork_new (HapTarget *target,
                     PyRuntime *runtime,
                     const char *snippet,
                     GVariant *arguments,
                     double timeout,
                     GCancellable *cancellable,
                     GError **error);

/* Ends the copy. */
void py_fork_free (PyFork *self);

/* Has a copy work. The first time it is there already; an earlier one ends. Errors: as hap_snapshot_run() */
gboolean py_fork_run (PyFork *self, guint first, GError **error);

/**
 * py_fork_next:
 * @value: (out) (transfer full) (nullable): as py_run_next()'s
 *
 * Errors: as py_run_next()'s; HAP_ERROR_FAILED: work() raised
 */
gboolean py_fork_next (PyFork *self,
                       PyForkEvent *event,
                       JsonNode **value,
                       double timeout,
                       GCancellable *cancellable,
                       GError **error);

/* How long the target stood still, nanoseconds: until its copy was there, waiting for it included. */
guint64 py_fork_get_pause_ns (PyFork *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyFork, py_fork_free)

G_END_DECLS
