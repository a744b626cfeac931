/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "py-inspector.h"

G_BEGIN_DECLS

/**
 * PyHeap: every object of a CPython whose memory stands still (a frozen copy, a stopped process): what the
 * collector tracks, and all that can be reached from there and from the interpreters' roots (strings,
 * numbers, code ...). Objects have indices, 0 to n_objects - 1, in the order of their addresses. Not
 * thread-safe.
 *
 * Below 20 bytes an object; with references another 8, referrers, made when first asked for, 4, and 4 a
 * reference each. Beside that a window onto the memory: half of what was read of it, 256 MiB at most.
 */
typedef struct _PyHeap PyHeap;

#define PY_HEAP_NONE G_MAXUINT32                /* no object */
#define PY_HEAP_MAX_OBJECTS (256 * 1024 * 1024) /* more than these are an error */

/**
 * PyHeapFlags:
 * @PY_HEAP_ALL: the objects, their types and sizes
 * @PY_HEAP_WITH_REFERENCES: and what each refers to
 * @PY_HEAP_TRACKED_ONLY: counts what the collector tracks and looks at nothing else: types and counts alone.
 * n_objects is 0; sizes, references and roots are not read. Several times as fast.
 */
typedef enum
{
  PY_HEAP_ALL = 0,
  PY_HEAP_TRACKED_ONLY = 1 << 0,
  PY_HEAP_WITH_REFERENCES = 1 << 1,
} PyHeapFlags;

/**
 * PyHeapObjectFlags:
 * @PY_HEAP_OBJECT_TRACKED: the collector knows it, gc.is_tracked()
 * @PY_HEAP_OBJECT_PERMANENT: tracked, in the permanent generation: gc.get_objects() leaves it out
 * @PY_HEAP_OBJECT_ROOT: the interpreter itself refers to it: thread, frame, module table, builtins
 * @PY_HEAP_OBJECT_CONSERVATIVE: of a type that C code laid out in a way we do not know: its references are
 * words of its body that are addresses of known objects; it may have others beyond
 * @PY_HEAP_OBJECT_HELD: (once there are referrers) something that is no object of the heap holds it; what
 * nothing leads to from there is garbage that was not collected yet
 */
typedef enum
{
  PY_HEAP_OBJECT_TRACKED = 1 << 0,
  PY_HEAP_OBJECT_PERMANENT = 1 << 1,
  PY_HEAP_OBJECT_ROOT = 1 << 2,
  PY_HEAP_OBJECT_CONSERVATIVE = 1 << 3,
  PY_HEAP_OBJECT_HELD = 1 << 4,
} PyHeapObjectFlags;

/* One type, by its address: two classes of one name are two. */
typedef struct
{
  const PyClass *class; /* never NULL */
  guint32 index;        /* of the type object itself; PY_HEAP_NONE with TRACKED_ONLY */
  guint32 n_objects;
  guint32 n_tracked; /* of them in gc.get_objects(): without the permanent generation */
  guint64 bytes;     /* of all of them, as sys.getsizeof() */
} PyHeapType;

typedef struct
{
  guint32 n_tracked;      /* len(gc.get_objects()) */
  guint32 n_permanent;    /* tracked besides */
  guint32 n_conservative; /* objects of types whose layout is not known */
  guint32 n_skipped;      /* words where an object should have been and none was */
  guint64 bytes;          /* of all objects */
  guint64 bytes_read;     /* of the target's memory, again ones again */
} PyHeapStats;

/* Whether a collection is under way right now: a copy taken now would be of no use. */
gboolean py_heap_is_collecting (PyRuntime *runtime);

/**
 * py_heap_new:
 * @runtime: over the memory to be read, see py_runtime_with_memory()
 * @maps: of that memory
 *
 * Errors: HAP_ERROR_BUSY: a collection was under way at that moment (take another copy);
 * HAP_ERROR_UNSUPPORTED_TARGET: a free-threaded build, or lists that are not where they should be;
 * HAP_ERROR_FAILED: more than PY_HEAP_MAX_OBJECTS, or 2^32 - 1 references; G_IO_ERROR_CANCELLED
 */
PyHeap *
py_heap_new (PyRuntime *runtime, HapMaps *maps, PyHeapFlags flags, GCancellable *cancellable, GError **error);
void py_heap_free (PyHeap *self);

/* Gives the window's memory back, until something is read again: for who computes and does not read. */
void py_heap_drop_window (PyHeap *self);

/* (transfer none): over the same memory, read through the window: for names, attributes, reprs of objects. */
PyInspector *py_heap_get_inspector (PyHeap *self);

const PyHeapStats *py_heap_get_stats (PyHeap *self); /* (transfer none) */

/* In the order in which gc.get_objects() shows the first of each, then the others. */
guint32 py_heap_get_n_types (PyHeap *self);
const PyHeapType *py_heap_get_type (PyHeap *self, guint32 type); /* (transfer none) */

guint32 py_heap_get_n_objects (PyHeap *self);
guint64 py_heap_get_address (PyHeap *self, guint32 index);
guint32 py_heap_get_object_type (PyHeap *self, guint32 index); /* for py_heap_get_type() */
guint64 py_heap_get_size (PyHeap *self, guint32 index);        /* sys.getsizeof() */
guint py_heap_get_flags (PyHeap *self, guint32 index);         /* PyHeapObjectFlags */

/* Returns: the index of the object at exactly this address, PY_HEAP_NONE if there is none */
guint32 py_heap_find (PyHeap *self, guint64 address);

/* Returns: what py_heap_find() says of the dict that is the object's __dict__; PY_HEAP_NONE: it has none, or
 * not as an object of its own (values inside the instance) */
guint32 py_heap_get_dict (PyHeap *self, guint32 index);

/**
 * py_heap_make_referrers:
 * @self: with references
 *
 * Must have succeeded before py_heap_get_referrers(); the second call costs nothing.
 * Errors: G_IO_ERROR_CANCELLED
 */
gboolean py_heap_make_referrers (PyHeap *self, GCancellable *cancellable, GError **error);

/* Returns: (transfer full) (element-type guint64): what gc.get_referents() says: addresses of what the
 * collector visits, an object as often as it is referred to. For one object; works without the flag
 * above. */
GArray *py_heap_list_referents (PyHeap *self, guint32 index);

/* What the object refers to, as gc.get_referents() has it, also of what is not tracked: an object as often as
 * it is referred to. */
const guint32 *py_heap_get_references (PyHeap *self, guint32 index, guint32 *n);

/* Which objects refer to it, each as often as it does, in the order of their addresses. */
const guint32 *py_heap_get_referrers (PyHeap *self, guint32 index, guint32 *n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PyHeap, py_heap_free)

G_END_DECLS
