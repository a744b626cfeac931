/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The chain of holders of an object, as a programmer would write it down. Who the holders are is not decided
 * here.
 */

#include "py-heap-chain.h"

#include <string.h>

#include "py-objects.h"
#include "py-repr.h"

#define MAX_LINKS 12
#define MAX_KEY 60          /* characters */
#define MAX_ENTRIES 1000000 /* of a dict or a list, to find one in */
#define MAX_ATTRIBUTES 1000
#define MAX_SEARCH 5000 /* objects */

typedef struct
{
  guint64 wanted;
  guint64 key;
} Search;

static gboolean
on_entry (guint64 key, guint64 value, gpointer data)
{
  Search *search = data;

  if (value != search->wanted)
    return TRUE;
  search->key = key;
  return FALSE;
}

static const PyClass *
get_class (PyHeap *heap, guint32 object)
{
  return py_heap_get_type (heap, py_heap_get_object_type (heap, object))->class;
}

static gboolean
is_builtin (PyHeap *heap, guint32 object, const char *name)
{
  const PyClass *class = get_class (heap, object);

  return (class->flags & PY_CLASS_HEAP) == 0 && g_str_equal (class->c_name, name);
}

/* Whose __dict__ it is: one of its referrers. */
static guint32
find_owner (PyHeap *heap, guint32 dict)
{
  guint32 n;
  const guint32 *referrers = py_heap_get_referrers (heap, dict, &n);

  for (guint32 i = 0; i < MIN (n, 1000); i++)
    if (py_heap_get_dict (heap, referrers[i]) == dict)
      return referrers[i];
  return PY_HEAP_NONE;
}

/* What stands at the beginning of a chain. */
static void
name_first (GString *text, PyHeap *heap, guint32 object)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  guint32 owner = is_builtin (heap, object, "dict") ? find_owner (heap, object) : PY_HEAP_NONE;
  g_autofree char *name = NULL;
  const PyClass *class;

  if (owner != PY_HEAP_NONE)
    object = owner;
  if (is_builtin (heap, object, "module"))
    name = py_inspector_get_text (inspector, py_heap_get_address (heap, object), "__name__");
  class = name == NULL && (get_class (heap, object)->flags & PY_CLASS_TYPE) != 0
              ? py_inspector_read_class (inspector, py_heap_get_address (heap, object))
              : NULL;
  if (class != NULL)
    g_string_append_printf (text, "%s.%s", class->module != NULL ? class->module : "?", class->qualname);
  else if (name != NULL)
    g_string_append (text, name);
  else if (py_class_get_name (get_class (heap, object)) != NULL)
    g_string_append_printf (text, "<%s>", py_class_get_name (get_class (heap, object)));
}

/* A run of letters and digits, both of them, as keys and tokens are; or a word after "password". */
static gboolean
looks_secret (const char *text)
{
  static const char *const words[] = { "password", "passwd",  "secret",        "token",       "api_key",
                                       "apikey",   "bearer ", "authorization", "private key", NULL };
  g_autofree char *lower = g_ascii_strdown (text, -1);
  guint run = 0, digits = 0, letters = 0;

  for (guint i = 0; words[i] != NULL; i++)
    if (strstr (lower, words[i]) != NULL)
      return TRUE;
  for (const char *at = text; *at != '\0'; at++)
    {
      if (!g_ascii_isalnum (*at) && *at != '-' && *at != '_' && *at != '+' && *at != '=')
        run = digits = letters = 0;
      else
        {
          run++;
          digits += g_ascii_isdigit (*at);
          letters += g_ascii_isalpha (*at);
        }
      if (run >= 20 && digits >= 3 && letters >= 3)
        return TRUE;
    }
  return FALSE;
}

/* An attribute by its name, any other key as Python prints it. */
static void
append_key (GString *text, PyHeap *heap, guint64 key, gboolean attribute)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  g_autofree char *name =
      attribute ? py_object_get_string (py_inspector_get_runtime (inspector), key, MAX_KEY) : NULL;
  g_autofree char *repr = NULL;

  if (name != NULL)
    {
      g_string_append_printf (text, ".%s", name);
      return;
    }
  repr = py_repr (inspector, key);
  if (looks_secret (repr))
    g_string_append (text, "[••••••]");
  else if (g_utf8_strlen (repr, -1) > MAX_KEY)
    g_string_append_printf (text, "[%.*s…]", (int)(g_utf8_offset_to_pointer (repr, MAX_KEY - 1) - repr),
                            repr);
  else
    g_string_append_printf (text, "[%s]", repr);
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
append_attribute (GString *text, PyHeap *heap, guint64 holder, guint64 held)
{
  AttributeSearch search = { text, held, FALSE };

  py_inspector_foreach_attribute (py_heap_get_inspector (heap), holder, MAX_ATTRIBUTES, on_attribute,
                                  &search);
  return search.found;
}

static gboolean
append_item (GString *text, PyHeap *heap, guint64 holder, guint64 held)
{
  g_autoptr (GArray) items = py_inspector_get_items (py_heap_get_inspector (heap), holder, MAX_ENTRIES, NULL);

  for (guint i = 0; items != NULL && i < items->len; i++)
    if (g_array_index (items, guint64, i) == held)
      {
        g_string_append_printf (text, "[%u]", i);
        return TRUE;
      }
  return FALSE;
}

/* From a holder to what it holds. An object's own __dict__ is no link of its own. */
static void
append_link (GString *text, PyHeap *heap, guint32 holder, guint32 held)
{
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));
  guint64 address = py_heap_get_address (heap, held), from = py_heap_get_address (heap, holder);
  guint32 dict = is_builtin (heap, holder, "dict") ? holder : py_heap_get_dict (heap, holder);
  Search search = { .wanted = address };

  if (dict == held)
    return;
  if (dict != PY_HEAP_NONE)
    py_dict_foreach (runtime, py_heap_get_address (heap, dict), MAX_ENTRIES, on_entry, &search);
  if (search.key != 0)
    append_key (text, heap, search.key, dict != holder || find_owner (heap, dict) != PY_HEAP_NONE);
  else if (!append_item (text, heap, from, address) && !append_attribute (text, heap, from, address))
    {
      g_string_append (text, " → ");
      name_first (text, heap, held);
    }
}

/* A module, its __dict__, or a class: they have names of their own. */
static gboolean
is_named (PyHeap *heap, guint32 object)
{
  guint32 owner;

  if (is_builtin (heap, object, "module") || (get_class (heap, object)->flags & PY_CLASS_TYPE) != 0)
    return TRUE;
  if (!is_builtin (heap, object, "dict"))
    return FALSE;
  owner = find_owner (heap, object);
  return owner != PY_HEAP_NONE && is_builtin (heap, owner, "module");
}

/* What has no one holder is held by several: the shortest way to it from what has a name. @next: (out): from
 * each object on the way to the one after it. Returns: the beginning; @object itself if there is no way near
 */
static guint32
find_way (const PyHeapOwners *owners, PyHeap *heap, guint32 object, GHashTable *next)
{
  g_autoptr (GArray) queue = g_array_new (FALSE, FALSE, sizeof (guint32));

  g_array_append_val (queue, object);
  g_hash_table_insert (next, GUINT_TO_POINTER (object), GUINT_TO_POINTER (object));
  for (guint at = 0; at < queue->len && queue->len < MAX_SEARCH; at++)
    {
      guint32 from = g_array_index (queue, guint32, at), n;
      const guint32 *referrers = py_heap_get_referrers (heap, from, &n);

      if (is_named (heap, from))
        return from;
      for (guint32 i = 0; i < MIN (n, MAX_SEARCH); i++)
        if (owners->holders->reached[referrers[i]]
            && !g_hash_table_contains (next, GUINT_TO_POINTER (referrers[i])))
          {
            g_hash_table_insert (next, GUINT_TO_POINTER (referrers[i]), GUINT_TO_POINTER (from));
            g_array_append_val (queue, referrers[i]);
          }
    }
  return object;
}

static void
append_way (GString *text, const PyHeapOwners *owners, PyHeap *heap, guint32 object)
{
  g_autoptr (GHashTable) next = g_hash_table_new (NULL, NULL);
  guint32 at = find_way (owners, heap, object, next);

  name_first (text, heap, at);
  while (at != object)
    {
      guint32 held = GPOINTER_TO_UINT (g_hash_table_lookup (next, GUINT_TO_POINTER (at)));

      append_link (text, heap, at, held);
      at = held;
    }
}

char *
py_heap_describe_holders (const PyHeapOwners *owners, PyHeap *heap, guint32 object)
{
  const guint32 *holder = owners->holders->holder;
  guint32 chain[MAX_LINKS + 1], n = 0;
  GString *text = g_string_new (NULL);

  for (guint32 at = object; n <= MAX_LINKS && at != HAP_DOMINATORS_NONE; at = holder[at])
    chain[n++] = at;
  if (holder[chain[n - 1]] != HAP_DOMINATORS_NONE)
    {
      g_string_append (text, "… → ");
      name_first (text, heap, chain[n - 1]);
    }
  else
    append_way (text, owners, heap, chain[n - 1]);
  for (guint32 i = n - 1; i > 0; i--)
    append_link (text, heap, chain[i], chain[i - 1]);
  return g_string_free (text, FALSE);
}
