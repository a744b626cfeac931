/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How an object is held: the shortest way to it from something that has a name, and how a programmer would
 * write that way down.
 */

#include "py-heap-path.h"

#include "py-objects.h"
#include "py-repr.h"
#include "py-runtime-private.h"

#define MAX_ENTRIES 1000000 /* of one dict, looked through for a key */
#define MAX_ITEMS 1000000
#define MAX_KEY 60 /* characters */
#define MAX_NAME 200
#define MAX_ATTRIBUTES 1000

static const PyClass *
get_class (PyHeap *heap, guint32 index)
{
  return py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class;
}

/* A function's globals and builtins. */
static gboolean
is_namespace (PyHeap *heap, guint32 holder, guint32 held)
{
  return strcmp (get_class (heap, holder)->c_name, "function") == 0
         && strcmp (get_class (heap, held)->c_name, "dict") == 0;
}

/* @next: object + 1 -> the one it leads to + 1 */
static GArray *
follow (GHashTable *next, guint32 first)
{
  GArray *path = g_array_new (FALSE, FALSE, sizeof (guint32));

  for (guint32 at = first + 1; at != 0;
       at = GPOINTER_TO_UINT (g_hash_table_lookup (next, GUINT_TO_POINTER (at))))
    {
      guint32 index = at - 1;

      g_array_append_val (path, index);
    }
  return path;
}

GArray *
py_heap_find_path (PyHeap *heap, guint32 object, PyHeapPathFunc step, gpointer data, guint max)
{
  g_autoptr (GHashTable) next = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) queue = g_array_new (FALSE, FALSE, sizeof (guint32));

  g_array_append_val (queue, object);
  g_hash_table_insert (next, GUINT_TO_POINTER (object + 1), NULL);
  for (guint i = 0; i < queue->len; i++)
    {
      guint32 this = g_array_index (queue, guint32, i);
      PyHeapPathStep what = i > 0 ? step (heap, this, data) : PY_HEAP_PATH_ON;
      guint32 n;
      const guint32 *referrers = py_heap_get_referrers (heap, this, &n);

      if (what == PY_HEAP_PATH_BEGIN)
        return follow (next, this);
      for (guint32 j = 0; what == PY_HEAP_PATH_ON && j < n && queue->len < max; j++)
        if (!g_hash_table_contains (next, GUINT_TO_POINTER (referrers[j] + 1))
            && !is_namespace (heap, referrers[j], this))
          {
            g_hash_table_insert (next, GUINT_TO_POINTER (referrers[j] + 1), GUINT_TO_POINTER (this + 1));
            g_array_append_val (queue, referrers[j]);
          }
    }
  return NULL;
}

typedef struct
{
  guint64 wanted, key;
} Search;

static gboolean
on_entry (guint64 key, guint64 value, gpointer data)
{
  Search *search = data;

  if (value == search->wanted)
    search->key = key;
  return search->key == 0;
}

static char *
cut (char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_KEY)
    strcpy (g_utf8_offset_to_pointer (text, MAX_KEY - 3), "...");
  return text;
}

/* An attribute by its name, any other key as Python prints it. */
static gboolean
describe_entry (PyHeap *heap, GString *text, guint64 dict, guint64 held, gboolean attribute)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  Search search = { .wanted = held };
  g_autofree char *name = NULL;

  py_dict_foreach (runtime, dict, MAX_ENTRIES, on_entry, &search);
  if (search.key == 0)
    return FALSE;
  name = attribute ? py_object_get_string (runtime, search.key, MAX_NAME) : NULL;
  if (name != NULL)
    {
      g_string_append_printf (text, ".%s", name);
      return TRUE;
    }
  name = cut (py_repr (inspector, search.key));
  g_string_append_printf (text, "[%s]", name);
  return TRUE;
}

static gboolean
describe_item (PyHeap *heap, GString *text, guint64 holder, guint64 held)
{
  g_autoptr (GArray) items = py_inspector_get_items (py_heap_get_inspector (heap), holder, MAX_ITEMS, NULL);

  for (guint i = 0; items != NULL && i < items->len; i++)
    if (g_array_index (items, guint64, i) == held)
      {
        g_string_append_printf (text, "[%u]", i);
        return TRUE;
      }
  return FALSE;
}

typedef struct
{
  GString *text;
  guint64 wanted;
  gboolean found;
} AttributeSearch;

static gboolean
on_attribute (const char *name, guint64 value, gpointer data)
{
  AttributeSearch *search = data;

  if (value != search->wanted)
    return TRUE;
  g_string_append_printf (search->text, ".%s", name);
  search->found = TRUE;
  return FALSE;
}

/* An attribute that no dict holds. */
static gboolean
describe_attribute (PyHeap *heap, GString *text, guint64 holder, guint64 held)
{
  AttributeSearch search = { text, held, FALSE };

  py_inspector_foreach_attribute (py_heap_get_inspector (heap), holder, MAX_ATTRIBUTES, on_attribute,
                                  &search);
  return search.found;
}

static void
begin (PyHeap *heap, GString *text, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyClass *class = get_class (heap, index);
  guint64 address = py_heap_get_address (heap, index);
  g_autofree char *name = NULL;

  if (py_inspector_is_a (inspector, class, "builtins", "module"))
    {
      guint64 dict = py_inspector_read (inspector, address + py_runtime_get_layout (runtime)->module_dict);

      name = py_object_get_string (runtime, py_dict_get (runtime, dict, "__name__"), MAX_NAME);
    }
  else if ((class->flags & PY_CLASS_TYPE) != 0 && py_inspector_read_class (inspector, address) != NULL)
    {
      class = py_inspector_read_class (inspector, address);
      name = g_strdup_printf ("%s.%s", class->module, class->qualname);
    }
  else if (strcmp (class->c_name, "function") == 0)
    name = py_repr (inspector, address);
  if (name == NULL)
    name = g_strdup_printf ("<%s.%s object at 0x%" G_GINT64_MODIFIER "x>", class->module, class->qualname,
                            address);
  g_string_append (text, name);
}

char *
py_heap_describe_path (PyHeap *heap, GArray *path)
{
  GString *text = g_string_new (NULL);

  begin (heap, text, g_array_index (path, guint32, 0));
  for (guint i = 0; i + 1 < path->len; i++)
    {
      guint32 holder = g_array_index (path, guint32, i);
      guint32 held = g_array_index (path, guint32, i + 1);
      guint64 address = py_heap_get_address (heap, holder);
      gboolean own = i > 0 && py_heap_get_dict (heap, g_array_index (path, guint32, i - 1)) == holder;

      /* The step from an object to its own __dict__ goes without saying. */
      if (py_heap_get_dict (heap, holder) == held && i + 2 < path->len)
        continue;
      if (!describe_entry (heap, text, address, py_heap_get_address (heap, held), own)
          && !describe_item (heap, text, address, py_heap_get_address (heap, held))
          && !describe_attribute (heap, text, address, py_heap_get_address (heap, held)))
        g_string_append_printf (text, "…<%s>", py_class_get_name (get_class (heap, held)));
    }
  return g_string_free (text, FALSE);
}
