/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"
#include "py-asyncio.h"
#include "tasks-entries.h"

G_BEGIN_DECLS

/* What is wanted of one reading. */
typedef struct
{
  double now;      /* when this is, in seconds of the monotonic clock, as loop.time() has it */
  gint64 deadline; /* when to give up (g_get_monotonic_time()) */
  gboolean inside; /* also what tasks that run are in: not where that moves from reading to reading */
} TasksWish;

/**
 * TasksReadFunc:
 * @asyncio: the event loops of the moment
 * @entries: to be filled
 * @data: what tasks_moment_read() was given, to be set anew at each call
 *
 * Returns: FALSE: given up
 */
typedef gboolean (*TasksReadFunc) (PyAsyncio *asyncio,
                                   const TasksWish *wish,
                                   TasksEntries *entries,
                                   gpointer data);

/* How a moment was read. */
typedef struct
{
  GPtrArray *entries; /* (element-type TasksEntry) */
  guint n_unread;     /* things that changed each time that they were read */
  guint n_snapshots;  /* taken: those before the last met a change */
  gboolean torn;      /* each time in the middle of a change: things may be missing */
  guint64 pause_ns;   /* how long the target was stopped */
  char *python;       /* version */
  const char *way;    /* "snapshot", or what took its place: "copy", "held", "live" */
  char *no_snapshot;  /* why it is none; NULL: it is one */
} TasksMoment;

void tasks_moment_clear (TasksMoment *self);

/**
 * tasks_moment_read:
 * Reads the loops, tasks and handles of one moment, of a snapshot. Where there is none to be had, all of the
 * target's threads are held meanwhile if that is done soon enough; else each thing is read until two readings
 * in a row agree.
 */
gboolean
tasks_moment_read (TasksMoment *self, HapTarget *target, TasksReadFunc read, gpointer data, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TasksMoment, tasks_moment_clear)

G_END_DECLS
