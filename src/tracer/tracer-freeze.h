/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracer-inject.h"
#include "tracer.h"

#define TRACER_MAX_ZOMBIES 64

/*
 * A frozen fork of the target, and those before it that the target still has as zombies: as their parent,
 * only it can reap them, and they have no exit signal, so that it never looks for them by itself. What runs
 * is a fork of the fork (tracer-runner.h).
 */
typedef struct
{
  pid_t pid;     /* in our pid namespace; 0: there is none */
  pid_t ns_pid;  /* in the target's */
  uint64_t made; /* when; tracer_now() */
  uint64_t vdso; /* where the target's is; 0 until it is known */

  TracerRegisters registers; /* by which it would go on as the target's main thread does */
  bool isolated;             /* it has one descriptor, and a table of its own */
  pid_t runner, runner_ns_pid;

  unsigned n_zombies;
  pid_t zombies[TRACER_MAX_ZOMBIES]; /* in the target's pid namespace */
} TracerCopy;

/* It is a zombie of the target now, by its number there. */
void tracer_copy_add_zombie (TracerCopy *self, pid_t ns_pid);

/* The first stop of a process that was attached to by its birth; with us it ends. Else @hold is stuck. */
int tracer_await_birth (TracerHold *hold, pid_t pid, uint64_t deadline);

/* Makes the copy. All threads of @pid are held. Returns 0 or an errno of the protocol; EAGAIN without
 * @refused: try again after having let go. Look at @hold's stuck afterwards. */
int tracer_freeze (TracerCopy *self, TracerHold *hold, pid_t pid, uint64_t deadline, bool *refused);

/* Ends the copy, if there is one, and what runs of it. The target does not have to be held. */
void tracer_copy_kill (TracerCopy *self);

/* Ends what runs. */
void tracer_copy_kill_runner (TracerCopy *self);

/* When the copy is ended at the latest. */
uint64_t tracer_copy_get_end (const TracerCopy *self);

/* The thread of ours that made the copy has ended, and the kernel the copy. */
void tracer_copy_forget (TracerCopy *self);

/* Makes the target reap its zombies. Its main thread is held. Returns 0 or an errno. */
int tracer_copy_reap (TracerCopy *self, TracerHold *hold, pid_t pid, uint64_t deadline);
