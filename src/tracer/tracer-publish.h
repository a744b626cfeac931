/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracer-protocol.h"
#include "tracer.h"

#define TRACER_N_FILES 2

/* The pair of memory files that the target opens. */
typedef struct
{
  unsigned n_open;             /* so many of them, the first ones */
  int numbers[TRACER_N_FILES]; /* the target's descriptors */
  uint64_t inodes[TRACER_N_FILES];
  int fds[TRACER_N_FILES]; /* ours, for the peer */
} TracerFiles;

/**
 * tracer_files_open:
 * @hold: holds the main thread, at least
 *
 * Opens those that are not open yet. Returns: 0 or an errno, as tracer_inject(); or what the kernel told the
 * target
 */
int tracer_files_open (TracerFiles *self, TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t deadline);

/* Closes our descriptors. */
void tracer_files_drop (TracerFiles *self);

/* Closes what the target still has open of them. All threads are held. Errnos as above; 0 also if it has
 * none. */
int tracer_files_close (TracerFiles *self, TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t deadline);

/* FALSE: more than a publication has room for. */
bool tracer_publication_is_sound (const TracerPublication *publication);

/* All threads are held. Stops at the first write that fails: EFAULT. */
int tracer_publish (pid_t pid, const TracerPublication *publication);
