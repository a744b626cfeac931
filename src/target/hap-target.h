/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"
#include "hap-broker.h"
#include "hap-elf.h"
#include "hap-maps.h"
#include "hap-memory.h"
#include "hap-tracer.h"

G_BEGIN_DECLS

/* HapTarget: the attached process (the typedef is hap-action.h's). Everything it knows came by descriptor.
 * Not thread-safe. */
#define HAP_TYPE_TARGET (hap_target_get_type ())
G_DECLARE_FINAL_TYPE (HapTarget, hap_target, HAP, TARGET, GObject)

/**
 * hap_target_new:
 * @pid: in our pid namespace; for messages and for comparing, never to reach the process by
 * @pidfd: (transfer full): or -1 where the process cannot end (a recorded one)
 * @maps_fd: (transfer full): /proc/PID/maps
 * @memory: the live memory
 * @broker: opens whatever else is needed
 */
HapTarget *hap_target_new (guint pid, int pidfd, int maps_fd, HapMemory *memory, HapBroker *broker);

guint hap_target_get_pid (HapTarget *self);

/* Returns: (transfer none): */
HapMemory *hap_target_get_memory (HapTarget *self);

/* Returns: (transfer none): who opens the files behind the mappings. */
HapBroker *hap_target_get_broker (HapTarget *self);

/* Returns: (transfer none) (nullable): valid until the next refresh. Reads /proc/PID/maps the first time. */
HapMaps *hap_target_get_maps (HapTarget *self, GError **error);
gboolean hap_target_refresh_maps (HapTarget *self, GError **error);

/* FALSE once the process has ended, without a system call more than poll(). */
gboolean hap_target_is_alive (HapTarget *self);

/* TRUE after the process called execve() since hap_target_new(): its old memory reads as nothing. */
gboolean hap_target_has_execed (HapTarget *self);

/* TRUE when there is nothing to read any more: it has ended, is about to, or runs another program. */
gboolean hap_target_is_gone (HapTarget *self);

/**
 * hap_target_start_tracer:
 *
 * Starts the target's tracer, if there is none that lives. hold() does so by itself: a tracer that was ended
 * (by its watchdog, or by hand) costs one hold, not the action. Errors: the broker's
 */
gboolean hap_target_start_tracer (HapTarget *self, GError **error);

/* As hap_tracer_hold() and hap_tracer_let_go(); a tracer that ends meanwhile is HAP_ERROR_TIMED_OUT, too.
 * HAP_ERROR_FAILED: there is no tracer to be had. HAP_ERROR_BUSY: of all threads, after a second of trying.
 */
gboolean hap_target_hold (HapTarget *self, guint tid, GError **error);
gboolean hap_target_let_go (HapTarget *self, guint64 *pause_ns, GError **error);

/* As hap_tracer_read_registers(): of a thread that is held. */
gboolean hap_target_read_registers (HapTarget *self, guint tid, HapRegisters *registers, GError **error);

/**
 * hap_target_refresh_threads: asks the broker for all threads again (drops those that ended).
 * hap_target_find_thread: one that is not known is looked for by a refresh.
 * @ns_tid: as CPython's native_thread_id
 * Returns: (transfer none) (nullable): valid until the next refresh, or until one that is not known is looked
 * for; NULL: there is none, or it has ended
 */
gboolean hap_target_refresh_threads (HapTarget *self, GError **error);
const HapThread *hap_target_find_thread (HapTarget *self, guint ns_tid);
guint hap_target_get_n_threads (HapTarget *self);

/**
 * HapThreadActivity: what the kernel says of a thread at one moment.
 * @running: on a CPU or waiting for one (state R)
 * @state: the letter of /proc/PID/task/TID/stat
 * @run_ns, @switches: time on a CPU so far, and how often it was put on one; equal at two moments with state
 * S at both: the thread did not run between (0 in both where the kernel does not count: CONFIG_SCHED_INFO)
 */
typedef struct
{
  char state;
  gboolean running;
  guint64 run_ns;
  guint64 switches;
} HapThreadActivity;

/* FALSE when the thread has ended. */
gboolean hap_thread_read_activity (const HapThread *thread, HapThreadActivity *activity);

/* The state letter alone: one read less. '\0' when the thread has ended. */
char hap_thread_read_state (const HapThread *thread);

/* FALSE when the thread ended; reads /proc/PID/task/TID/schedstat alone. */
gboolean hap_thread_read_schedule (const HapThread *thread, guint64 *run_ns, guint64 *switches);

G_END_DECLS
