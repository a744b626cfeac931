/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"
#include "py-observer.h"

G_BEGIN_DECLS

/* One C function on a stack. */
typedef struct
{
  char *symbol;   /* NULL: not known */
  guint64 offset; /* into the function; without a symbol: into the file */
  char *library;  /* base name of the file */
} ThreadsNativeFrame;

/* What a thread had on its C stack while it was held. */
typedef struct
{
  HapRegisters registers; /* n: 0: it could not be held */
  guint64 evaluator;      /* an address inside the C frame that evaluates the innermost Python one; 0: none */
  guint64 start;          /* address of the bytes */
  GByteArray *bytes;
} ThreadsNativeStack;

/**
 * ThreadsNative: the C stacks of threads: copied while each is held, unwound when it has been let go.
 */
typedef struct _ThreadsNative ThreadsNative;

/* FALSE with @error where this build has no libdw. */
gboolean threads_native_is_built_in (GError **error);

ThreadsNative *threads_native_new (HapTarget *target, PyRuntime *runtime);
void threads_native_free (ThreadsNative *self);

/* Forgets all stacks. */
void threads_native_reset (ThreadsNative *self);

/**
 * threads_native_take:
 * Holds the thread and copies its C stack; its Python stack is read again, so that both are of one moment. A
 * thread that cannot be held has no C stack.
 */
void threads_native_take (ThreadsNative *self, PyObservation *observation);

/**
 * threads_native_unwind:
 * @complete: (out): the unwinding came to the C function that evaluates Python frames
 *
 * Returns: (transfer full) (nullable) (element-type ThreadsNativeFrame): the C functions that the innermost
 * Python frame called, the outermost first; NULL: there is no C stack of this thread
 */
GArray *threads_native_unwind (ThreadsNative *self, const PyThread *thread, gboolean *complete);

/* How long threads were held for it, together. */
guint64 threads_native_get_pause_ns (ThreadsNative *self);

/*< threads-unwind.c >*/

#define THREADS_NATIVE_MAX_FRAMES 64
#define THREADS_NATIVE_MAX_STACK (256 * 1024)

typedef struct _ThreadsUnwinder ThreadsUnwinder;

/* @stacks: (element-type ThreadsNativeStack): they outlive the unwinder. Opens the files that the stacks
 * point into. (nullable): this build cannot, or nothing can be unwound */
ThreadsUnwinder *threads_unwinder_new (HapTarget *target, GPtrArray *stacks);
void threads_unwinder_free (ThreadsUnwinder *self);

/* As threads_native_unwind(), of the stack at @index. */
GArray *threads_unwinder_unwind (ThreadsUnwinder *self, guint index, gboolean *complete);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ThreadsNative, threads_native_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ThreadsUnwinder, threads_unwinder_free)

G_END_DECLS
