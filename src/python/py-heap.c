/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeap: the objects of a heap, found, numbered and counted. The collector's lists are walked; what their
 * objects refer to that is in no list is looked into afterwards, in the order of addresses, so that the
 * memory goes by in order, and what the roots refer to; then all are numbered and described, in that order,
 * too.
 */

#include "py-heap-private.h"

#include <glib/gi18n.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hap-error.h"

#define NUMBER_BITS 24 /* of a type, above the flags */
#define FLAG_BITS 8
#define LARGE G_MAXUINT32 /* a size that does not fit: see large */
#define CHECK_EVERY 4096  /* objects between two looks whether to go on */
#define FIRST_ROOM 65536  /* references */

/* What is looked at of words in one pass: every word of the memory once, and names that objects share. In an
 * honest heap no word belongs to two objects. */
#define MAX_WORDS ((guint64)1 << 31)
#define MORE_WORDS ((guint64)1 << 20)

struct _PyHeap
{
  PyRuntime *runtime; /* over memory */
  PyInspector *inspector;
  PyHeapMemory *memory;
  PyHeapTypes types;
  PyHeapStats stats;

  PyHeapMarks marks;                    /* of all objects */
  PyHeapMarks permanent, roots, broken; /* FOUND: it is one of them */
  guint64 *addresses;
  guint32 *kinds; /* number of the type << FLAG_BITS | flags */
  guint32 *sizes;
  GHashTable *large; /* (element-type guint64 guint64) address -> size */
  guint32 n_objects;

  guint32 *end_of_references, *references; /* of object i: from end_of_references[i + 1] to [i] */
  guint32 *first_referrer, *referrers;
};

/* One pass over the objects, and whether to go on. */
typedef struct
{
  PyHeapVisitor visitor;
  PyHeap *heap;
  GCancellable *cancellable;
  guint64 n_steps;
  gboolean follow_listed; /* objects that should be in a list may be in none */
  GArray *pending;        /* (element-type guint64) found, but not yet looked into */
  GArray *addresses;      /* (element-type guint64) what one object refers to */
  guint32 *found;         /* indices that all objects refer to, one after the other */
  guint32 n_found, n_room;
} Pass;

static void
pass_clear (Pass *self)
{
  g_clear_pointer (&self->pending, g_array_unref);
  g_clear_pointer (&self->found, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pass, pass_clear)

/* For the next time that all is gone through. */
static void
pass_refill (Pass *self)
{
  self->visitor.n_words =
      MIN ((guint64)self->heap->memory->n_pages * PY_HEAP_PAGE / 8 * 2 + MORE_WORDS, MAX_WORDS);
}

static void
pass_init (Pass *self, PyHeap *heap, GCancellable *cancellable)
{
  *self = (Pass){ .heap = heap, .cancellable = cancellable };
  self->visitor.types = &heap->types;
  self->visitor.memory = heap->memory;
  self->visitor.layout = py_runtime_get_layout (heap->runtime);
  self->visitor.version = py_runtime_get_version (heap->runtime);
  pass_refill (self);
}

static gboolean
pass_goes_on (Pass *self)
{
  return ++self->n_steps % CHECK_EVERY != 0 || !g_cancellable_is_cancelled (self->cancellable);
}

/* Returns: (nullable): what an object that the collector knows of is */
static PyHeapTypeInfo *
get_type (PyHeap *self, guint64 object)
{
  return py_heap_types_get (&self->types,
                            py_heap_memory_get (self->memory, object + self->types.layout->object_type));
}

/* A guess is wrong if the object would not fit into the memory where it lies: a table of types in C's memory
 * looks like objects, but of no sound length. */
static gboolean
fits (Pass *self, guint64 object, const PyHeapTypeInfo *info)
{
  const PyHeapRegion *region = py_heap_memory_find_region (self->heap->memory, object);

  if (info->size_rule != PY_SIZE_DEFAULT && info->size_rule != PY_SIZE_INT && info->size_rule != PY_SIZE_STR)
    return TRUE;
  return region != NULL && py_heap_measure (&self->visitor, object, info) <= region->end - object;
}

/* What is in a list is found there, in an order that reads far less of the memory again. */
static void
on_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  Pass *self = (Pass *)visitor;
  PyHeap *heap = self->heap;
  const PyHeapTypeInfo *info;

  if (py_heap_marks_get (&heap->marks, object) >= PY_HEAP_MARK_FOUND)
    return;
  if ((kind & PY_REFERENCE_GUESS) != 0 && !py_heap_types_is_object (&heap->types, object))
    return;
  info = get_type (heap, object);
  if (info != NULL && !self->follow_listed && !py_heap_types_is_untracked (&heap->types, object, info))
    return;
  if (info != NULL && (kind & PY_REFERENCE_GUESS) != 0 && !fits (self, object, info))
    return;
  if (info == NULL || heap->marks.n >= PY_HEAP_MAX_OBJECTS
      || py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_FOUND) == PY_HEAP_MARK_IMPOSSIBLE)
    {
      heap->stats.n_skipped++;
      return;
    }
  if (!info->is_atom)
    g_array_append_val (self->pending, object);
}

/* Nothing of it is read yet, if it need not be: it may be in a list, and known soon. */
static void
on_listed_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  PyHeap *heap = ((Pass *)visitor)->heap;

  if ((kind & PY_REFERENCE_GUESS) != 0)
    on_reference (visitor, object, kind);
  else if (py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_WAITING) == PY_HEAP_MARK_IMPOSSIBLE)
    heap->stats.n_skipped++;
}

static void
on_root (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  Pass *self = (Pass *)visitor;

  on_reference (visitor, object, kind);
  if (py_heap_marks_get (&self->heap->marks, object) >= PY_HEAP_MARK_FOUND)
    py_heap_marks_raise (&self->heap->roots, object, PY_HEAP_MARK_FOUND);
}

static gboolean
look_into_pending (Pass *self)
{
  while (self->pending->len > 0)
    {
      guint64 object = g_array_index (self->pending, guint64, self->pending->len - 1);
      const PyHeapTypeInfo *info = get_type (self->heap, object);

      g_array_set_size (self->pending, self->pending->len - 1);
      if (info != NULL)
        py_heap_traverse (&self->visitor, object, info);
      if (!pass_goes_on (self))
        return FALSE;
    }
  return TRUE;
}

static gboolean
look_into (guint64 object, PyHeapMark mark, gpointer data)
{
  Pass *self = data;
  const PyHeapTypeInfo *info = get_type (self->heap, object);

  if (info != NULL)
    py_heap_traverse (&self->visitor, object, info);
  return pass_goes_on (self) && look_into_pending (self);
}

static gboolean
look_at_waiting (guint64 object, PyHeapMark mark, gpointer data)
{
  Pass *self = data;

  on_reference (&self->visitor, object, PY_REFERENCE_VISITED);
  return pass_goes_on (self) && look_into_pending (self);
}

/* What a list holds that is no object: it goes on behind it. */
static gboolean
on_broken (PyHeap *self, guint64 object)
{
  if (py_heap_marks_raise (&self->broken, object, PY_HEAP_MARK_FOUND) != PY_HEAP_MARK_NONE)
    return FALSE;
  self->stats.n_skipped++;
  return TRUE;
}

static gboolean
on_listed (guint64 object, guint64 type, gboolean permanent, gpointer data)
{
  Pass *self = data;
  PyHeap *heap = self->heap;
  PyHeapTypeInfo *info;
  int before;

  if (!pass_goes_on (self) || heap->marks.n >= PY_HEAP_MAX_OBJECTS)
    return FALSE;
  info = py_heap_types_get (&heap->types, type);
  if (info == NULL)
    return on_broken (heap, object);
  before = py_heap_marks_raise (&heap->marks, object, PY_HEAP_MARK_LISTED);
  if (before == PY_HEAP_MARK_LISTED || before == PY_HEAP_MARK_IMPOSSIBLE)
    return FALSE;
  if (permanent)
    {
      py_heap_marks_raise (&heap->permanent, object, PY_HEAP_MARK_FOUND);
      heap->stats.n_permanent++;
    }
  else
    {
      py_heap_types_number (&heap->types, info);
      info->public.n_tracked++;
      heap->stats.n_tracked++;
    }
  if (self->visitor.visit == NULL || before == PY_HEAP_MARK_FOUND)
    return TRUE;
  py_heap_traverse (&self->visitor, object, info);
  return look_into_pending (self);
}

/* Numbers */

static void
on_known_reference (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  Pass *self = (Pass *)visitor;
  guint32 index = py_heap_marks_get_rank (&self->heap->marks, object);

  if (index == PY_HEAP_NONE || self->n_found == G_MAXUINT32)
    return;
  if (self->n_found == self->n_room)
    {
      self->n_room = MIN ((guint64)self->n_room + self->n_room / 4 + FIRST_ROOM, G_MAXUINT32);
      self->found = g_renew (guint32, self->found, self->n_room);
    }
  self->found[self->n_found++] = index;
}

static gboolean
describe (guint64 object, PyHeapMark mark, gpointer data)
{
  Pass *self = data;
  PyHeap *heap = self->heap;
  PyHeapTypeInfo *info = get_type (heap, object);
  guint32 index = heap->marks.n - 1 - heap->n_objects;
  guint flags = mark == PY_HEAP_MARK_LISTED ? PY_HEAP_OBJECT_TRACKED : 0;
  guint64 size;

  if (info == NULL || (info->number == PY_HEAP_NONE && heap->types.listed->len >> NUMBER_BITS != 0))
    {
      g_array_append_val (self->pending, object);
      return TRUE;
    }

  /* What a module keeps in its state is its C code's affair. */
  if (info->rule == PY_RULE_UNKNOWN
      || (info->rule == PY_RULE_MODULE
          && py_heap_memory_get (heap->memory, object + heap->types.layout->module_state) != 0))
    flags |= PY_HEAP_OBJECT_CONSERVATIVE;
  size = py_heap_measure (&self->visitor, object, info);
  heap->addresses[index] = object;
  heap->kinds[index] = py_heap_types_number (&heap->types, info) << FLAG_BITS | flags;
  heap->sizes[index] = MIN (size, LARGE);
  if (size >= LARGE)
    g_hash_table_insert (heap->large, GSIZE_TO_POINTER (object), GSIZE_TO_POINTER (size));
  info->public.n_objects++;
  info->public.bytes += size;
  heap->stats.bytes += size;
  heap->stats.n_conservative += (flags & PY_HEAP_OBJECT_CONSERVATIVE) != 0;
  if (heap->end_of_references != NULL)
    {
      py_heap_traverse (&self->visitor, object, info);
      heap->end_of_references[index] = self->n_found;
    }
  heap->n_objects++;
  return pass_goes_on (self);
}

/* How many of the @lost ranks, from the highest down, are below @rank. */
static guint32
count_lost_below (GArray *lost, guint32 rank)
{
  guint32 low = 0, high = lost->len;

  while (low < high)
    {
      guint32 middle = (low + high) / 2;

      if (g_array_index (lost, guint64, middle) < rank)
        high = middle;
      else
        low = middle + 1;
    }
  return lost->len - low;
}

/* References to what was lost go, others to where it moves. */
static void
renumber_references (Pass *self, GArray *lost)
{
  guint32 *ends = self->heap->end_of_references;
  guint32 next = 0, n_kept = 0;

  for (guint32 i = self->heap->n_objects; i-- > 0; ends[i] = n_kept)
    for (; next < ends[i]; next++)
      {
        guint32 rank = self->found[next], below = count_lost_below (lost, rank);

        if (below == count_lost_below (lost, rank + 1))
          self->found[n_kept++] = rank - below;
      }
  ends[self->heap->n_objects] = 0;
  self->n_found = n_kept;
}

/* Only memory that does not stand still can have lost objects since they were found; the others close up. */
static void
close_up (Pass *self, GArray *lost)
{
  PyHeap *heap = self->heap;
  const guint32 n = heap->n_objects;

  memmove (heap->addresses, heap->addresses + lost->len, n * sizeof *heap->addresses);
  memmove (heap->kinds, heap->kinds + lost->len, n * sizeof *heap->kinds);
  memmove (heap->sizes, heap->sizes + lost->len, n * sizeof *heap->sizes);
  heap->stats.n_skipped += lost->len;
  for (guint i = 0; i < lost->len; i++)
    {
      guint64 *address = &g_array_index (lost, guint64, i), rank = py_heap_find (heap, *address);

      py_heap_marks_remove (&heap->marks, *address);
      *address = rank;
    }
  py_heap_marks_count (&heap->marks);
  if (heap->end_of_references == NULL)
    return;
  memmove (heap->end_of_references, heap->end_of_references + lost->len, n * sizeof *heap->end_of_references);
  renumber_references (self, lost);
}

static void
flag (PyHeap *self, guint64 object, PyHeapObjectFlags flag)
{
  guint32 index = py_heap_find (self, object);

  if (index != PY_HEAP_NONE)
    self->kinds[index] |= flag;
}

static gboolean
flag_permanent (guint64 object, PyHeapMark mark, gpointer data)
{
  flag (data, object, PY_HEAP_OBJECT_PERMANENT);
  return TRUE;
}

static gboolean
flag_root (guint64 object, PyHeapMark mark, gpointer data)
{
  flag (data, object, PY_HEAP_OBJECT_ROOT);
  return TRUE;
}

/* Room for something of each object. Large pages are had in a hundredth of the time. */
static gpointer
make_room (gsize n, gsize size)
{
  gsize page = sysconf (_SC_PAGESIZE);
  guint8 *room = g_malloc0_n (MAX (n, 1), size);
  gsize before = -(gsize)room % page;

  if (n * size > before)
    madvise (room + before, (n * size - before) / page * page, MADV_HUGEPAGE);
  return room;
}

/* All that was found, from the last address down: what waited was looked at upwards, and the end of that is
 * still there. */
static gboolean
describe_all (Pass *self, gboolean with_references, GError **error)
{
  PyHeap *heap = self->heap;

  py_heap_marks_count (&heap->marks);
  heap->addresses = make_room (heap->marks.n, sizeof *heap->addresses);
  heap->kinds = make_room (heap->marks.n, sizeof *heap->kinds);
  heap->sizes = make_room (heap->marks.n, sizeof *heap->sizes);
  if (with_references)
    heap->end_of_references = make_room ((gsize)heap->marks.n + 1, sizeof *heap->end_of_references);
  self->visitor.visit = on_known_reference;
  pass_refill (self);
  if (!py_heap_marks_foreach_found (&heap->marks, describe, self))
    return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
  if (self->pending->len > 0)
    close_up (self, self->pending);
  if (self->n_found == G_MAXUINT32)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("There are too many references between objects"));
      return FALSE;
    }
  if (with_references)
    heap->references = g_renew (guint32, g_steal_pointer (&self->found), MAX (self->n_found, 1));
  py_heap_marks_foreach_found (&heap->permanent, flag_permanent, heap);
  py_heap_marks_foreach_found (&heap->roots, flag_root, heap);
  for (guint i = 0; i < heap->types.listed->len; i++)
    {
      PyHeapTypeInfo *info = heap->types.listed->pdata[i];

      info->public.index = py_heap_find (heap, info->address);
    }
  return TRUE;
}

/* All objects; FALSE with @error only where there are no lists. */
static gboolean
find_all (Pass *self, GError **error)
{
  PyHeap *heap = self->heap;
  gboolean whole;

  self->visitor.visit = on_listed_reference;
  if (!py_heap_walk_lists (heap->runtime, heap->memory, on_listed, self, &whole, error))
    return FALSE;
  self->visitor.visit = on_reference;
  self->follow_listed = !whole;
  py_heap_marks_foreach_waiting (&heap->marks, look_at_waiting, self);
  self->visitor.visit = on_root;
  py_heap_visit_roots (&self->visitor, heap->runtime);
  self->visitor.visit = on_reference;
  look_into_pending (self);
  if (!whole)
    py_heap_marks_foreach_found (&heap->marks, look_into, self);
  return TRUE;
}

static gboolean
fill (PyHeap *self, Pass *pass, PyHeapFlags flags, GError **error)
{
  if ((flags & PY_HEAP_TRACKED_ONLY) != 0
          ? !py_heap_walk_lists (self->runtime, self->memory, on_listed, pass, NULL, error)
          : !find_all (pass, error))
    return FALSE;
  if (g_cancellable_set_error_if_cancelled (pass->cancellable, error))
    return FALSE;
  if (self->marks.n >= PY_HEAP_MAX_OBJECTS)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("There are more than %u objects: too many"),
                   PY_HEAP_MAX_OBJECTS);
      return FALSE;
    }
  if ((flags & PY_HEAP_TRACKED_ONLY) == 0
      && !describe_all (pass, (flags & PY_HEAP_WITH_REFERENCES) != 0, error))
    return FALSE;
  self->stats.n_skipped += pass->visitor.n_refused;
  self->stats.bytes_read = self->memory->bytes_read;
  return TRUE;
}

PyHeap *
py_heap_new (PyRuntime *runtime, HapMaps *maps, PyHeapFlags flags, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyHeap) self = g_new0 (PyHeap, 1);
  g_auto (Pass) pass = { 0 };

  self->memory = py_heap_memory_new (py_runtime_get_memory (runtime), maps);
  self->runtime = py_runtime_with_memory (runtime, HAP_MEMORY (self->memory));
  self->inspector = py_inspector_new (self->runtime);
  self->large = g_hash_table_new (NULL, NULL);
  py_heap_marks_init (&self->marks, self->memory);
  py_heap_marks_init (&self->permanent, self->memory);
  py_heap_marks_init (&self->roots, self->memory);
  py_heap_marks_init (&self->broken, self->memory);
  pass_init (&pass, self, cancellable);
  pass.pending = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (!py_heap_types_init (&self->types, self->inspector, self->memory, error)
      || !fill (self, &pass, flags, error))
    return NULL;
  py_heap_marks_clear (&self->permanent);
  py_heap_marks_clear (&self->roots);
  py_heap_marks_clear (&self->broken);
  return g_steal_pointer (&self);
}

void
py_heap_drop_window (PyHeap *self)
{
  py_heap_memory_forget (self->memory);
}

void
py_heap_free (PyHeap *self)
{
  py_heap_types_clear (&self->types);
  py_heap_marks_clear (&self->marks);
  py_heap_marks_clear (&self->permanent);
  py_heap_marks_clear (&self->roots);
  py_heap_marks_clear (&self->broken);
  g_free (self->addresses);
  g_free (self->kinds);
  g_free (self->sizes);
  g_free (self->end_of_references);
  g_free (self->references);
  g_free (self->first_referrer);
  g_free (self->referrers);
  g_hash_table_unref (self->large);
  py_inspector_free (self->inspector);
  g_object_unref (self->runtime);
  g_object_unref (self->memory);
  g_free (self);
}

PyInspector *
py_heap_get_inspector (PyHeap *self)
{
  return self->inspector;
}

const PyHeapStats *
py_heap_get_stats (PyHeap *self)
{
  return &self->stats;
}

guint32
py_heap_get_n_types (PyHeap *self)
{
  return self->types.listed->len;
}

const PyHeapType *
py_heap_get_type (PyHeap *self, guint32 type)
{
  return &((PyHeapTypeInfo *)self->types.listed->pdata[type])->public;
}

guint32
py_heap_get_n_objects (PyHeap *self)
{
  return self->n_objects;
}

guint64
py_heap_get_address (PyHeap *self, guint32 index)
{
  return self->addresses[index];
}

guint32
py_heap_get_object_type (PyHeap *self, guint32 index)
{
  return self->kinds[index] >> FLAG_BITS;
}

guint64
py_heap_get_size (PyHeap *self, guint32 index)
{
  if (self->sizes[index] != LARGE)
    return self->sizes[index];
  return GPOINTER_TO_SIZE (g_hash_table_lookup (self->large, GSIZE_TO_POINTER (self->addresses[index])));
}

guint
py_heap_get_flags (PyHeap *self, guint32 index)
{
  return self->kinds[index] & ((1 << FLAG_BITS) - 1);
}

guint32
py_heap_find (PyHeap *self, guint64 address)
{
  return py_heap_marks_get_rank (&self->marks, address);
}

guint32
py_heap_get_dict (PyHeap *self, guint32 index)
{
  const PyHeapTypeInfo *info = self->types.listed->pdata[py_heap_get_object_type (self, index)];
  Pass pass;
  guint64 dict;

  pass_init (&pass, self, NULL);
  dict = py_heap_find_dict (&pass.visitor, self->addresses[index], info);
  return dict != 0 ? py_heap_find (self, dict) : PY_HEAP_NONE;
}

/* References */

static void
on_referent (PyHeapVisitor *visitor, guint64 object, PyReference kind)
{
  Pass *self = (Pass *)visitor;

  if ((kind & PY_REFERENCE_HIDDEN) == 0
      && ((kind & PY_REFERENCE_GUESS) == 0 || py_heap_find (self->heap, object) != PY_HEAP_NONE))
    g_array_append_val (self->addresses, object);
}

GArray *
py_heap_list_referents (PyHeap *self, guint32 index)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (guint64));
  Pass pass;

  pass_init (&pass, self, NULL);
  pass.visitor.visit = on_referent;
  pass.addresses = addresses;
  py_heap_traverse (&pass.visitor, self->addresses[index],
                    self->types.listed->pdata[py_heap_get_object_type (self, index)]);
  return addresses;
}

/* A counting sort by target; first_referrer[i] runs from the beginning of i's part to its end, which is the
 * next one's beginning. */
gboolean
py_heap_make_referrers (PyHeap *self, GCancellable *cancellable, GError **error)
{
  guint32 n_references, *first;

  if (self->referrers != NULL)
    return TRUE;
  g_return_val_if_fail (self->references != NULL, FALSE);
  n_references = self->end_of_references[0];
  first = make_room ((gsize)self->n_objects + 2, sizeof *first);
  for (guint32 i = 0; i < n_references; i++)
    first[self->references[i] + 2]++;
  for (guint32 i = 2; i <= self->n_objects; i++)
    first[i] += first[i - 1];
  self->referrers = make_room (n_references, sizeof *self->referrers);
  for (guint32 i = 0; i < self->n_objects; i++)
    for (guint32 j = self->end_of_references[i + 1]; j < self->end_of_references[i]; j++)
      self->referrers[first[self->references[j] + 1]++] = i;
  self->first_referrer = first;
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

const guint32 *
py_heap_get_references (PyHeap *self, guint32 index, guint32 *n)
{
  *n = self->end_of_references[index] - self->end_of_references[index + 1];
  return self->references + self->end_of_references[index + 1];
}

const guint32 *
py_heap_get_referrers (PyHeap *self, guint32 index, guint32 *n)
{
  *n = self->first_referrer[index + 1] - self->first_referrer[index];
  return self->referrers + self->first_referrer[index];
}
