/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"
#include "py-threads.h"

G_BEGIN_DECLS

/* What one thread does, as the kernel says. */
typedef struct
{
  const char *state; /* "running", "sleeping", ...; NULL: not known */
  char *system_call; /* its name; NULL: in none, or not known */
  gboolean waits_for_gil;
} ThreadsActivity;

void threads_activity_clear (ThreadsActivity *activity);

/**
 * ThreadsKernel: the system calls of all threads of the target, read at once and then looked up.
 */
typedef struct _ThreadsKernel ThreadsKernel;

/* Never fails: what the kernel, or the service, does not tell is not known. */
ThreadsKernel *threads_kernel_read (HapTarget *target, PyRuntime *runtime);
void threads_kernel_free (ThreadsKernel *self);

/* @activity: (out) */
void threads_kernel_look (ThreadsKernel *self, const PyThread *thread, ThreadsActivity *activity);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ThreadsActivity, threads_activity_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ThreadsKernel, threads_kernel_free)

G_END_DECLS
