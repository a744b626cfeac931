/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"
#include "py-future.h"
#include "tasks-entries.h"

G_BEGIN_DECLS

/* Whose a task or a handle is, and what tells so. Texts are the inspector's. */
typedef struct
{
  const HapOrigin *origin; /* NULL: nothing tells */
  const char *what;        /* "coroutine" */
  const char *name;
  const char *file;
  gint line; /* 0: none */
} TasksOrigin;

/* By the coroutines that it awaits and what runs in them, the objects that they are methods of, the task that
 * it waits for. @chain: (element-type PyCoroutine): the task's */
void tasks_origin_of_task (TasksOrigin *self, PyInspector *inspector, const PyFuture *task, GArray *chain);

/* By the callback, what it was given, encloses and is bound to, the task that it wakes up. */
void
tasks_origin_of_callback (TasksOrigin *self, PyInspector *inspector, guint64 callback, guint64 arguments);

/* Adds integration s, kind s and rests_on s to a line. */
void tasks_origin_add_fields (const TasksOrigin *self, TasksEntries *entries);

G_END_DECLS
