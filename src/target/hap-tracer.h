/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HapTracer: our end of a ha-profiler-tracer process: the only way to what needs ptrace. Not thread-safe.
 * When the tracer dies (its watchdog does that to it when a stop lasts too long) every call fails with
 * HAP_ERROR_FAILED.
 */
#define HAP_TYPE_TRACER (hap_tracer_get_type ())
G_DECLARE_FINAL_TYPE (HapTracer, hap_tracer, HAP, TRACER, GObject)

/* @fd: (transfer full): a SOCK_SEQPACKET socket whose peer is the tracer */
HapTracer *hap_tracer_new (int fd);

/* FALSE once it ended, or did not keep to the protocol: nothing more is to be had of it. */
gboolean hap_tracer_is_alive (HapTracer *self);

/**
 * hap_tracer_hold:
 * @tid: a thread of the target, in our pid namespace; 0: all threads
 *
 * Stops it. On success every call of the target's memory sees it still, until hap_tracer_let_go(). Must be
 * let go within the tracer's limit (20 ms): after that the tracer lets go by itself and let_go() fails with
 * HAP_ERROR_TIMED_OUT. Errors: HAP_ERROR_TARGET_GONE: the thread or process ended; HAP_ERROR_BUSY: another
 * debugger holds it; HAP_ERROR_TIMED_OUT: it could not be stopped in time (sleeping uninterruptibly); it is
 * left running.
 */
gboolean hap_tracer_hold (HapTracer *self, guint tid, GError **error);

/* @pause_ns: (out) (optional): how long the target was stopped, nanoseconds */
gboolean hap_tracer_let_go (HapTracer *self, guint64 *pause_ns, GError **error);

/**
 * HapRefusal: why there is no copy although the target could be held: no error, for there are other ways.
 */
typedef enum
{
  HAP_REFUSAL_NONE,
  HAP_REFUSAL_PROCESSES, /* a limit of processes */
  HAP_REFUSAL_MEMORY,    /* the kernel has, or promises, no memory for another process */
  HAP_REFUSAL_SECCOMP,   /* the target is under seccomp, and must not be made to make a system call */
  HAP_REFUSAL_NO_ROOM,   /* nowhere to put what makes it fork, or not on this processor */
} HapRefusal;

/**
 * hap_tracer_freeze:
 * @vdso: the address of the target's vDSO
 * @copy: (out): the pid of the target's frozen fork, in our pid namespace
 * @refusal: (out): set if the return value is FALSE and @error is not
 *
 * On success all threads are held until hap_tracer_let_go(), which is expected within milliseconds, but does
 * not fail when it comes too late. Errors: as hap_tracer_hold(); HAP_ERROR_BUSY too when there is a copy
 * already
 */
gboolean hap_tracer_freeze (HapTracer *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error);

/* Ends the copy, held or let go, and makes the target forget it. */
gboolean hap_tracer_drop (HapTracer *self, GError **error);

/* The general registers of a thread, by their numbers in DWARF. */
#define HAP_MAX_REGISTERS 32

typedef struct
{
  guint n; /* 0: not known */
  guint64 values[HAP_MAX_REGISTERS];
  guint64 pc;
} HapRegisters;

/* Of a thread that is held. HAP_ERROR_FAILED: it is not, or not any more. */
gboolean hap_tracer_read_registers (HapTracer *self, guint tid, HapRegisters *registers, GError **error);

/*
 * What follows changes the target; a tracer that was not started for that ends instead. See hap-run.h.
 * @vdso: the address of the target's vDSO
 */

#define HAP_TRACER_MAX_TEXT 175
#define HAP_TRACER_MAX_WRITE 64
#define HAP_TRACER_MAX_WRITES 6

typedef struct
{
  guint64 address;
  gsize size;
  guint8 bytes[HAP_TRACER_MAX_WRITE];
} HapWrite;

/* @numbers: (out) (array length=2): of the target. @fds: (out) (array length=2) (transfer full): ours */
gboolean hap_tracer_open_files (HapTracer *self, guint64 vdso, guint numbers[2], int fds[2], GError **error);
gboolean hap_tracer_close_files (HapTracer *self, GError **error);
gboolean hap_tracer_publish (HapTracer *self,
                             guint64 vdso,
                             const char *text,
                             const HapWrite *writes,
                             guint n_writes,
                             GError **error);
gboolean hap_tracer_wake (HapTracer *self, guint tid, GError **error);

/* Into the copy, as hap_snapshot_patch(); of it, as hap_snapshot_run() and hap_snapshot_is_running(). */
gboolean hap_tracer_patch (HapTracer *self, const HapWrite *writes, guint n_writes, GError **error);
gboolean hap_tracer_run (HapTracer *self, guint descriptor, GError **error);
gboolean hap_tracer_watch (HapTracer *self, gboolean *runs, GError **error);

/* Where a published text lies, before the end of the vDSO. */
gsize hap_tracer_get_text_room (void);

G_END_DECLS
