/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strings that are there more than once. They are compared by a sum over their characters, so that a target
 * which wants to can make different ones look equal here; that is all that it gains.
 */

#include "memory-strings.h"

#include <string.h>

#include "py-objects.h"

#define MIN_LENGTH 16
#define MAX_LENGTH (1024 * 1024) /* bytes: longer ones are not looked at */
#define MAX_SHOWN 60
#define MAX_TEXT 80 /* characters */
#define MAX_STRINGS (4 * 1024 * 1024)

typedef struct
{
  guint64 sum;
  guint32 object;
} String;

typedef struct
{
  guint64 copies, bytes; /* all but the first */
  guint32 object;
} Group;

/* FNV-1a over words; the length is among them. */
static guint64
add_up (const guint8 *bytes, gsize size, guint64 length)
{
  guint64 sum = 0xcbf29ce484222325 ^ length;

  for (; size >= 8; size -= 8, bytes += 8)
    {
      guint64 word;

      memcpy (&word, bytes, 8);
      sum = (sum ^ word) * 0x100000001b3;
      sum ^= sum >> 29;
    }
  for (; size > 0; size--)
    sum = (sum ^ *bytes++) * 0x100000001b3;
  return sum;
}

/* The object's bytes from its characters on, without those that it keeps as UTF-8 besides. */
static gboolean
sum_string (const PyLayout *layout, const guint8 *bytes, gsize size, guint64 *sum)
{
  guint64 length;
  guint32 state, kind;
  gsize data;

  memcpy (&length, bytes + layout->unicode_length, 8);
  memcpy (&state, bytes + layout->unicode_state, 4);
  if ((state & layout->unicode_compact_mask) == 0 || length < MIN_LENGTH)
    return FALSE;
  kind = (state & layout->unicode_kind_mask) / (layout->unicode_kind_mask & -layout->unicode_kind_mask);
  data =
      (state & layout->unicode_ascii_mask) != 0 ? layout->unicode_ascii_data : layout->unicode_compact_data;
  if (kind < 1 || kind > 4 || length > MAX_LENGTH || data + length * kind > size)
    return FALSE;
  *sum = add_up (bytes + data, length * kind, length);
  return TRUE;
}

static GArray *
list_strings (PyHeap *heap, const guint8 *reached)
{
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));
  const PyLayout *layout = py_runtime_get_layout (runtime);
  GArray *strings = g_array_new (FALSE, FALSE, sizeof (String));
  g_autofree guint8 *bytes = g_malloc (MAX_LENGTH);
  guint32 n = py_heap_get_n_objects (heap);

  for (guint32 i = 0; i < n && strings->len < MAX_STRINGS; i++)
    {
      const PyClass *class = py_heap_get_type (heap, py_heap_get_object_type (heap, i))->class;
      guint64 size = py_heap_get_size (heap, i);
      String string = { .object = i };

      if (reached[i] && (class->flags & PY_CLASS_HEAP) == 0 && g_str_equal (class->c_name, "str")
          && size <= MAX_LENGTH && size > layout->unicode_compact_data
          && hap_memory_read (py_runtime_get_memory (runtime), py_heap_get_address (heap, i), bytes, size)
          && sum_string (layout, bytes, size, &string.sum))
        g_array_append_val (strings, string);
    }
  return strings;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  const String *one = a, *other = b;

  return (one->sum > other->sum) - (one->sum < other->sum);
}

static gint
compare_groups (gconstpointer a, gconstpointer b)
{
  const Group *one = a, *other = b;

  if (one->bytes != other->bytes)
    return one->bytes < other->bytes ? 1 : -1;
  return (one->object > other->object) - (one->object < other->object);
}

static GArray *
group_strings (PyHeap *heap, GArray *strings)
{
  GArray *groups = g_array_new (FALSE, FALSE, sizeof (Group));

  g_array_sort (strings, compare_strings);
  for (guint i = 0, next; i < strings->len; i = next)
    {
      const String *first = &g_array_index (strings, String, i);
      Group group = { .object = first->object };

      for (next = i + 1; next < strings->len && g_array_index (strings, String, next).sum == first->sum;
           next++)
        group.bytes += py_heap_get_size (heap, g_array_index (strings, String, next).object);
      group.copies = next - i;
      if (group.copies > 1)
        g_array_append_val (groups, group);
    }
  g_array_sort (groups, compare_groups);
  return groups;
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

static char *
show (PyHeap *heap, guint32 object)
{
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));
  g_autofree char *text = py_object_get_string (runtime, py_heap_get_address (heap, object), MAX_TEXT);
  g_autofree char *start = NULL;

  if (text == NULL)
    return g_strdup ("?");
  if (!looks_secret (text))
    return g_steal_pointer (&text);
  start = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), 4));
  return g_strconcat (start, "••••••", NULL);
}

void
memory_strings_find (PyHeap *heap, const guint8 *reached, HapHeapProfile *profile)
{
  g_autoptr (GArray) strings = list_strings (heap, reached);
  g_autoptr (GArray) groups = group_strings (heap, strings);
  PyInspector *inspector = py_heap_get_inspector (heap);
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));

  for (guint i = 0; i < groups->len; i++)
    {
      const Group *group = &g_array_index (groups, Group, i);
      HapHeapDuplicate duplicate = { .copies = group->copies, .bytes = group->bytes };

      profile->shared_bytes += group->bytes;
      if (i >= MAX_SHOWN)
        continue;
      duplicate.text = show (heap, group->object);
      duplicate.length =
          py_inspector_read (inspector, py_heap_get_address (heap, group->object) + layout->unicode_length);
      g_array_append_val (profile->duplicates, duplicate);
    }
}
