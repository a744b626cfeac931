/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose an object is: the one place where that is decided for the heap. Who holds whom is the profile room's,
 * and so is which integration a module is of.
 */

#include "py-heap-owners.h"

#define SHARED 0

#define MAX_PASSES 4

/* What was not seen yet, and what a type's instances are not by themselves. */
#define NOBODY G_MAXUINT16

typedef struct
{
  PyHeapOwners *owners;
  PyHeap *heap;
  PyInspector *inspector;
  GHashTable *modules; /* name -> index of origin, plus one */
  GHashTable *index;   /* HapOrigin -> index */
  const guint8 *is_root;
  guint16 *of_type; /* of each type: whose class it is; NOBODY: not known */
  guint32 module_type, function_type, code_type;
} Work;

void
py_heap_owners_free (PyHeapOwners *self)
{
  g_clear_pointer (&self->holders, hap_dominators_free);
  g_ptr_array_unref (self->origins);
  g_free (self->origin);
  g_free (self);
}

static guint16
get_index (Work *self, const HapOrigin *origin)
{
  gpointer found = g_hash_table_lookup (self->index, origin);

  if (origin == NULL)
    return NOBODY;
  if (found == NULL && self->owners->origins->len < NOBODY)
    {
      found = GUINT_TO_POINTER (self->owners->origins->len);
      g_ptr_array_add (self->owners->origins, (gpointer)origin);
      g_hash_table_insert (self->index, (gpointer)origin, found);
    }
  return found != NULL ? GPOINTER_TO_UINT (found) : NOBODY;
}

static gboolean
is_integration (Work *self, guint16 index)
{
  const HapOrigin *origin = index == NOBODY ? NULL : self->owners->origins->pdata[index];

  return origin != NULL && HAP_ORIGIN_IS_INTEGRATION (origin->kind);
}

/* An object is @index's by itself, and with it its __dict__. */
static void
claim (Work *self, guint32 object, guint16 index)
{
  guint32 dict;

  if (object == PY_HEAP_NONE || index == NOBODY)
    return;
  self->owners->origin[object] = index;
  dict = py_heap_get_dict (self->heap, object);
  if (dict != PY_HEAP_NONE)
    self->owners->origin[dict] = index;
}

/* A module is of the file that it was read from, if its name does not tell more. */
static void
claim_module (Work *self, guint32 object)
{
  guint64 address = py_heap_get_address (self->heap, object);
  g_autofree char *name = py_inspector_get_text (self->inspector, address, "__name__");
  g_autofree char *file = py_inspector_get_text (self->inspector, address, "__file__");
  const HapOrigin *origin = name != NULL ? hap_origin_of_module (name) : NULL;
  guint16 index;

  if (origin == NULL)
    origin = hap_origin_of_file (file != NULL ? file : "<built-in>");
  index = get_index (self, origin);
  claim (self, object, index);
  if (name != NULL && index != NOBODY)
    g_hash_table_insert (self->modules, g_steal_pointer (&name), GUINT_TO_POINTER ((guint)index + 1));
}

static guint16
find_of_class (Work *self, const PyClass *class)
{
  gpointer found;
  const HapOrigin *origin;

  if (class->module == NULL)
    return NOBODY;
  found = g_hash_table_lookup (self->modules, class->module);
  if (found != NULL)
    return GPOINTER_TO_UINT (found) - 1;
  /* Of a module that is there no more, or that C code invented. */
  origin = hap_origin_of_module (class->module);
  return get_index (self, origin != NULL ? origin
                                         : hap_origin_of_file (
                                             (class->flags & PY_CLASS_HEAP) == 0 ? "<built-in>" : "<class>"));
}

static guint32
find_type (PyHeap *heap, const char *name)
{
  guint32 n_types = py_heap_get_n_types (heap);

  for (guint32 i = 0; i < n_types; i++)
    {
      const PyClass *class = py_heap_get_type (heap, i)->class;

      if ((class->flags & PY_CLASS_HEAP) == 0 && g_str_equal (class->c_name, name))
        return i;
    }
  return PY_HEAP_NONE;
}

static void
claim_modules (Work *self)
{
  guint32 n = py_heap_get_n_objects (self->heap);

  for (guint32 i = 0; i < n; i++)
    if (py_heap_get_object_type (self->heap, i) == self->module_type)
      claim_module (self, i);
}

static void
claim_classes (Work *self)
{
  guint32 n_types = py_heap_get_n_types (self->heap);

  for (guint32 i = 0; i < n_types; i++)
    {
      const PyHeapType *type = py_heap_get_type (self->heap, i);

      self->of_type[i] = find_of_class (self, type->class);
      claim (self, type->index, self->of_type[i]);
    }
}

/* A coroutine or a generator refers to its function, or to its code. */
static void
claim_coroutine (Work *self, guint32 object)
{
  guint32 n_references;
  const guint32 *references = py_heap_get_references (self->heap, object, &n_references);

  for (guint32 i = 0; i < n_references; i++)
    {
      guint32 type = py_heap_get_object_type (self->heap, references[i]);
      const PyCode *code;

      if (type == self->function_type && is_integration (self, self->owners->origin[references[i]]))
        {
          claim (self, object, self->owners->origin[references[i]]);
          return;
        }
      if (type != self->code_type)
        continue;
      code = py_inspector_get_code (self->inspector, py_heap_get_address (self->heap, references[i]));
      if (code != NULL && HAP_ORIGIN_IS_INTEGRATION (hap_origin_of_file (code->filename)->kind))
        claim (self, object, get_index (self, hap_origin_of_file (code->filename)));
      return;
    }
}

/* A function refers to the dict of the module that it was defined in. */
static void
claim_function (Work *self, guint32 object)
{
  guint32 n_references;
  const guint32 *references = py_heap_get_references (self->heap, object, &n_references);

  for (guint32 i = 0; i < n_references; i++)
    if (is_integration (self, self->owners->origin[references[i]]))
      {
        claim (self, object, self->owners->origin[references[i]]);
        return;
      }
}

static void
claim_instances (Work *self)
{
  guint32 coroutine = find_type (self->heap, "coroutine"), generator = find_type (self->heap, "generator");
  guint32 asynchronous = find_type (self->heap, "async_generator");
  guint32 n = py_heap_get_n_objects (self->heap);

  for (guint32 i = 0; i < n; i++)
    {
      guint32 type = py_heap_get_object_type (self->heap, i);

      if (type == self->function_type)
        claim_function (self, i);
      else if (is_integration (self, self->of_type[type]) && self->owners->origin[i] == NOBODY)
        claim (self, i, self->of_type[type]);
    }
  for (guint32 i = 0; i < n; i++)
    {
      guint32 type = py_heap_get_object_type (self->heap, i);

      if (type == coroutine || type == generator || type == asynchronous)
        claim_coroutine (self, i);
    }
}

/* What all that refers to an object agrees on; NOBODY: they do not, or some are nobody's. Garbage has no say.
 */
static guint16
ask_referrers (Work *self, guint32 object)
{
  guint32 n_referrers;
  const guint32 *referrers = py_heap_get_referrers (self->heap, object, &n_referrers);
  guint16 agreed = NOBODY;

  for (guint32 i = 0; i < n_referrers; i++)
    {
      guint16 origin = self->owners->origin[referrers[i]];

      if (!self->owners->holders->reached[referrers[i]] || referrers[i] == object)
        continue;
      if (!is_integration (self, origin) || (agreed != NOBODY && agreed != origin))
        return NOBODY;
      agreed = origin;
    }
  return agreed;
}

/* Several objects of one integration may hold a thing together. Holders come first in the order, and mostly
 * so do referrers; the passes take in what does not. */
static void
spread (Work *self)
{
  const HapDominators *holders = self->owners->holders;
  gboolean changed = TRUE;

  for (guint pass = 0; pass < MAX_PASSES && changed; pass++)
    {
      changed = FALSE;
      for (guint32 i = 0; i < holders->n_reached; i++)
        {
          guint32 object = holders->order[i];
          guint16 agreed;

          if (self->owners->origin[object] != NOBODY || self->is_root[object])
            continue;
          agreed = ask_referrers (self, object);
          changed |= agreed != NOBODY;
          self->owners->origin[object] = agreed;
        }
    }
}

/* From the outermost holders inwards. */
static void
inherit (Work *self)
{
  const HapDominators *holders = self->owners->holders;
  guint16 *origin = self->owners->origin;

  for (guint32 i = 0; i < holders->n_reached; i++)
    {
      guint32 object = holders->order[i], holder = holders->holder[object];

      if (origin[object] == NOBODY && holder != HAP_DOMINATORS_NONE && origin[holder] != SHARED)
        origin[object] = origin[holder];
      if (origin[object] == NOBODY)
        origin[object] = self->of_type[py_heap_get_object_type (self->heap, object)];
      if (origin[object] == NOBODY)
        origin[object] = SHARED;
    }
  for (guint32 i = 0; i < holders->n_nodes; i++)
    if (origin[i] == NOBODY)
      origin[i] = SHARED;
}

static const guint32 *
get_references (gpointer heap, guint32 object, guint32 *n)
{
  return py_heap_get_references (heap, object, n);
}

static const guint32 *
get_referrers (gpointer heap, guint32 object, guint32 *n)
{
  return py_heap_get_referrers (heap, object, n);
}

/* Its window's room is needed here. What no root leads to is garbage that was not collected yet. */
static guint8 *
find_holders (PyHeapOwners *self, PyHeap *heap, GCancellable *cancellable, GError **error)
{
  guint32 n = py_heap_get_n_objects (heap);
  g_autofree guint8 *is_root = NULL;

  py_heap_drop_window (heap);
  if (!py_heap_make_referrers (heap, cancellable, error))
    return NULL;
  is_root = g_new (guint8, MAX (n, 1));
  for (guint32 i = 0; i < n; i++)
    is_root[i] = (py_heap_get_flags (heap, i) & PY_HEAP_OBJECT_HELD) != 0;
  self->holders = hap_dominators_new (n, is_root, get_references, get_referrers, heap, cancellable, error);
  return self->holders != NULL ? g_steal_pointer (&is_root) : NULL;
}

PyHeapOwners *
py_heap_owners_new (PyHeap *heap, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyHeapOwners) self = g_new0 (PyHeapOwners, 1);
  g_autoptr (GHashTable) modules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) index = g_hash_table_new (NULL, NULL);
  g_autofree guint16 *of_type = g_new (guint16, MAX (py_heap_get_n_types (heap), 1));
  g_autofree guint8 *is_root = NULL;
  guint32 n = py_heap_get_n_objects (heap);
  Work work = { .owners = self,
                .heap = heap,
                .inspector = py_heap_get_inspector (heap),
                .modules = modules,
                .index = index,
                .of_type = of_type };

  self->origins = g_ptr_array_new ();
  g_ptr_array_add (self->origins, NULL);
  is_root = find_holders (self, heap, cancellable, error);
  if (is_root == NULL)
    return NULL;

  self->origin = g_new (guint16, MAX (n, 1));
  for (guint32 i = 0; i < n; i++)
    self->origin[i] = NOBODY;
  work.is_root = is_root;
  work.module_type = find_type (heap, "module");
  work.function_type = find_type (heap, "function");
  work.code_type = find_type (heap, "code");
  claim_modules (&work);
  claim_classes (&work);
  claim_instances (&work);
  spread (&work);
  inherit (&work);
  return g_steal_pointer (&self);
}
