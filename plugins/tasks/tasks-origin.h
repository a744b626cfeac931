/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"
#include "py-future.h"

G_BEGIN_DECLS

/* Whose a task or a handle is, and what tells so. */
typedef struct
{
  const HapOrigin *origin; /* NULL: nothing tells */
  char *rests_on;
} TasksOrigin;

void tasks_origin_clear (TasksOrigin *self);

/* By the coroutines that it awaits, the objects that they are methods of, the task that it waits for. @chain:
 * (element-type PyCoroutine): the task's */
void tasks_origin_of_task (TasksOrigin *self, PyInspector *inspector, const PyFuture *task, GArray *chain);

/* By the callback, what it was given, encloses and is bound to, the task that it wakes up. */
void
tasks_origin_of_callback (TasksOrigin *self, PyInspector *inspector, guint64 callback, guint64 arguments);

/* Adds integration s, kind s and rests_on s to an `a{sv}`. */
void tasks_origin_add_fields (const TasksOrigin *self, GVariantBuilder *builder);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TasksOrigin, tasks_origin_clear)

G_END_DECLS
