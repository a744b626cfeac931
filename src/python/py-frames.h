/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-threads.h"

G_BEGIN_DECLS

/* One Python frame as it lies on a stack. Entry frames and frames that have not begun are left out. */
typedef struct
{
  guint64 code;        /* address of the code object */
  guint64 instruction; /* address of the code unit that executes */
} PyFrameRecord;

#define PY_STACK_MAX_FRAMES 32768

/**
 * PyStack: the frames of one thread at one moment, innermost first, and the buffers to read them with, reused
 * from read to read.
 */
typedef struct
{
  PyFrameRecord *frames;
  guint n_frames;
  gboolean truncated; /* deeper than PY_STACK_MAX_FRAMES */

  /*< private >*/
  guint allocated;
  struct _PyStackBuffers *buffers;
} PyStack;

void py_stack_init (PyStack *self);
void py_stack_clear (PyStack *self);

/**
 * PyStackVerdict: what became of one live reading.
 * @PY_STACK_OK: complete and consistent in itself: the thread's current frame and data stack were the same
 * before and after
 * @PY_STACK_MOVED: the thread moved meanwhile, or a link led nowhere: worth another try
 * @PY_STACK_GONE: the thread state does not exist any more
 */
typedef enum
{
  PY_STACK_OK,
  PY_STACK_MOVED,
  PY_STACK_GONE,
} PyStackVerdict;

/* As py_stack_read(), of a thread that cannot move meanwhile, or where the caller finds out by other means
 * whether it did: one read less. */
PyStackVerdict py_stack_read_still (PyStack *self, PyRuntime *runtime, const PyThread *thread);

/* Reads a thread's frames once, in as few reads as it can. On anything but OK the frames are not to be used.
 */
PyStackVerdict py_stack_read (PyStack *self, PyRuntime *runtime, const PyThread *thread);

G_END_DECLS
