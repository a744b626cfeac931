/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

G_BEGIN_DECLS

/**
 * HapSnapshot: all memory of the target at one moment, which stands still. One at a time for a target. It
 * costs the target memory as long as it lives, and is gone after 10 seconds at most (sooner when the
 * machine's memory gets short): read it out fast. What is read of it after that is nothing.
 */
typedef struct _HapSnapshot HapSnapshot;

/**
 * hap_target_snapshot:
 *
 * Returns: (transfer full): NULL with @error. HAP_ERROR_BUSY: there is one already, or a debugger holds the
 * target; HAP_ERROR_NO_SPACE: the machine or its control group has no room for a copy;
 * HAP_ERROR_UNSUPPORTED_TARGET: the target cannot be copied, and why (it is under seccomp, its vDSO is
 * another); HAP_ERROR_TIMED_OUT: it could not be stopped; HAP_ERROR_TARGET_GONE
 */
HapSnapshot *hap_target_snapshot (HapTarget *self, GCancellable *cancellable, GError **error);

/* Ends the copy. */
void hap_snapshot_free (HapSnapshot *self);

/* Returns: (transfer none) */
HapMemory *hap_snapshot_get_memory (HapSnapshot *self);

/* Returns: (transfer none): the copy's mappings */
HapMaps *hap_snapshot_get_maps (HapSnapshot *self);

/* How long the target stood still for it, nanoseconds. */
guint64 hap_snapshot_get_pause_ns (HapSnapshot *self);

/* When it was made: seconds of CLOCK_MONOTONIC, as loop.time() counts. */
double hap_snapshot_get_time (HapSnapshot *self);

/* TRUE: a frozen fork. FALSE: fork was refused, and what the target can write was copied while it stood
 * still. */
gboolean hap_snapshot_is_fork (HapSnapshot *self);

/* Returns: (transfer none) (nullable): why it is no fork; a text that stays */
const char *hap_snapshot_get_refusal (HapSnapshot *self);

/* FALSE once the copy is gone. */
gboolean hap_snapshot_is_alive (HapSnapshot *self);

/**
 * hap_snapshot_get_holes:
 * @shared: (out): bytes that the target can write and shares with others: they do not stand still
 * @missing: (out): bytes that the target has and the copy has not (MADV_DONTFORK)
 */
void hap_snapshot_get_holes (HapSnapshot *self, guint64 *shared, guint64 *missing);

/*
 * What follows makes something run, of a fork and for actions that may make the target run code (hap-run.h).
 * From the first hap_snapshot_run() on the snapshot lasts a minute.
 */

/* Writes into the snapshot, each whole. */
gboolean hap_snapshot_patch (HapSnapshot *self, const HapWrite *writes, guint n_writes, GError **error);

/**
 * hap_snapshot_run:
 * @descriptor: of the target, the only one that it keeps
 *
 * Forks a process off the snapshot, which goes on where the target's main thread was, alone. It cannot reach
 * anything but that descriptor and files to read, and has bounds of memory. One at a time: an earlier one
 * ends. The snapshot stays as it is. Errors: HAP_ERROR_NO_SPACE: the snapshot has ended, for memory is short
 */
gboolean hap_snapshot_run (HapSnapshot *self, guint descriptor, GError **error);

/* FALSE once it has ended. */
gboolean hap_snapshot_is_running (HapSnapshot *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapSnapshot, hap_snapshot_free)

G_END_DECLS
