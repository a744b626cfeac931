/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * The descriptors that the service starts us with: all that we ever have. Which system calls we make on them
 * and besides is in tracer-cage.c.
 */
enum
{
  TRACER_SOCKET = 3, /* SOCK_SEQPACKET, to the worker */
  TRACER_PIDFD = 4,  /* of the target */
  TRACER_TASKS = 5,  /* the directory /proc/PID/task of the target */
  TRACER_STATUS = 6, /* /proc/PID/status of the target */
  TRACER_OWNER = 7,  /* the directory /proc/PID: whose the target is */
  TRACER_MARK = 8,   /* /proc/PID/pagemap, opened when the target was authorised: which program it is */
};

#define TRACER_MAX_THREADS 4096

typedef struct
{
  pid_t tid;
  bool stopped; /* else it was told to stop */
  int signal;   /* that it was about to receive when it stopped: it gets it when it goes on */
  bool ours;    /* of a copy: ends with us */
} TracerThread;

/* The threads that are held. */
typedef struct
{
  timer_t alarm; /* raises SIGALRM, which interrupts a system call of the serving thread and no other */
  uid_t uid;     /* the target's effective ones when it was authorised */
  gid_t gid;

  unsigned n_threads;
  TracerThread threads[TRACER_MAX_THREADS];
  uint64_t started; /* when the first of them was told to stop */

  /*
   * A thread is attached that cannot be detached, for it does not stop, or is dying. What frees it is the end
   * of the thread of ours that attached it.
   */
  bool stuck;
} TracerHold;

/* Monotonic nanoseconds. */
uint64_t tracer_now (void);

/* The number in the line @name of the target's status now; @otherwise: the kernel has no such line;
 * UINT64_MAX: it cannot be read. */
uint64_t tracer_read_status (const char *name, uint64_t otherwise);

/* Whether the target still is the program, of the same user and group, that was authorised. While a thread of
 * it is held this cannot change. */
bool tracer_is_same (uid_t uid, gid_t gid);

/* waitpid() for @tid, which we have attached to; 0: not until @deadline. */
pid_t tracer_wait (TracerHold *hold, pid_t tid, int *status, uint64_t deadline);

/*
 * Stops the thread @tid of the process @pid, or all of its threads (0), by @deadline. Returns 0 or an errno
 * of the protocol (ESRCH, too, if the process has become another program); in this case nothing is held. Look
 * at @hold's stuck after each of the two.
 */
int tracer_hold (TracerHold *hold, pid_t pid, pid_t tid, uint64_t deadline);
void tracer_let_go (TracerHold *hold);

/*
 * Where a stop made a system call of @tid fail with EINTR that a program without signals never sees, makes
 * the kernel restart the call. One write of registers; the thread is stopped.
 */
void tracer_undo_interrupt (pid_t tid);

/* Whether @tid is one of the threads that are held. */
bool tracer_holds (const TracerHold *hold, pid_t tid);

/* Where @tid was stopped in epoll_wait(), makes this return 0. One write of registers; the thread is stopped.
 */
void tracer_end_wait (pid_t tid);
