/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"
#include "py-frames.h"

G_BEGIN_DECLS

/* One frame of a stack, as traceback sees it. Strings belong to the ThreadsCodes. */
typedef struct
{
  const char *file;
  const char *name;     /* co_name, what traceback prints */
  const char *function; /* co_qualname */
  gint line;            /* -1: none */
} ThreadsFrame;

/* A stack, outermost frame first. */
typedef struct
{
  ThreadsFrame *frames;
  guint n_frames;
  gboolean truncated;      /* the outermost frames are missing */
  const HapOrigin *origin; /* whose it is; NULL: it has no frames */
  guint rests_on;          /* index of the frame that says so */
} ThreadsStack;

void threads_stack_clear (ThreadsStack *stack);

/**
 * ThreadsCodes: the code objects of the stacks of one moment: read once, as soon as can be, since the target
 * goes on.
 */
typedef struct _ThreadsCodes ThreadsCodes;

ThreadsCodes *threads_codes_new (PyRuntime *runtime);
void threads_codes_free (ThreadsCodes *self);

/* Reads the code objects of a stack. FALSE when one of them is gone. */
gboolean threads_codes_read (ThreadsCodes *self, const PyStack *stack);

/* Called for each file of what was read, once. */
typedef void (*ThreadsFileFunc) (const char *file, gpointer data);
void threads_codes_foreach_file (ThreadsCodes *self, ThreadsFileFunc func, gpointer data);

/* @stack: (out): a frame whose code object is gone is in file "?" */
void threads_codes_resolve (ThreadsCodes *self, const PyStack *recorded, ThreadsStack *stack);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ThreadsStack, threads_stack_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ThreadsCodes, threads_codes_free)

G_END_DECLS
