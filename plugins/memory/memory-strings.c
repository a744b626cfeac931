/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strings that are there more than once. They are compared by a sum over their characters, so that a target
 * which wants to can make different ones look equal here; that is all that it gains. What they say is not
 * kept: who may profile may not inspect.
 */

#include "memory-strings.h"

#include <string.h>

#include "py-heap-chain.h"

#define MIN_LENGTH 16
#define MAX_LENGTH (1024 * 1024) /* bytes: longer ones are not looked at */
#define MAX_SHOWN 30
#define MAX_STRINGS (4 * 1024 * 1024)

/* 12 bytes of it: there are many. */
typedef struct
{
  guint32 sum[2];
  guint32 object;
} String;

struct _MemoryStrings
{
  PyHeap *heap;
  GArray *strings; /* (element-type String) */
};

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

static guint32
find_type (PyHeap *heap)
{
  guint32 n = py_heap_get_n_types (heap);

  for (guint32 i = 0; i < n; i++)
    {
      const PyClass *class = py_heap_get_type (heap, i)->class;

      if ((class->flags & PY_CLASS_HEAP) == 0 && g_str_equal (class->c_name, "str"))
        return i;
    }
  return PY_HEAP_NONE;
}

MemoryStrings *
memory_strings_new (PyHeap *heap)
{
  MemoryStrings *self = g_new0 (MemoryStrings, 1);
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));
  const PyLayout *layout = py_runtime_get_layout (runtime);
  g_autofree guint8 *bytes = g_malloc (MAX_LENGTH);
  guint32 n = py_heap_get_n_objects (heap), type = find_type (heap);

  self->heap = heap;
  self->strings = g_array_new (FALSE, FALSE, sizeof (String));
  for (guint32 i = 0; i < n && self->strings->len < MAX_STRINGS; i++)
    {
      guint64 size = py_heap_get_size (heap, i), sum;

      if (size > MAX_LENGTH || size <= layout->unicode_compact_data
          || py_heap_get_object_type (heap, i) != type)
        continue;
      if (hap_memory_read (py_runtime_get_memory (runtime), py_heap_get_address (heap, i), bytes, size)
          && sum_string (layout, bytes, size, &sum))
        {
          const String string = { { (guint32)(sum >> 32), (guint32)sum }, i };

          g_array_append_val (self->strings, string);
        }
    }
  return self;
}

void
memory_strings_free (MemoryStrings *self)
{
  g_array_unref (self->strings);
  g_free (self);
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  const String *one = a, *other = b;

  return memcmp (one->sum, other->sum, sizeof one->sum);
}

static gint
compare_groups (gconstpointer a, gconstpointer b)
{
  const Group *one = a, *other = b;

  if (one->bytes != other->bytes)
    return one->bytes < other->bytes ? 1 : -1;
  return (one->object > other->object) - (one->object < other->object);
}

/* One run of equal strings: those that count. */
static Group
sum_group (MemoryStrings *self, const guint8 *reached, guint first, guint *next)
{
  const String *strings = (const String *)(gpointer)self->strings->data;
  Group group = { 0 };

  for (*next = first; *next < self->strings->len && compare_strings (&strings[*next], &strings[first]) == 0;
       (*next)++)
    if (reached[strings[*next].object])
      {
        group.object = strings[*next].object;
        group.bytes += group.copies > 0 ? py_heap_get_size (self->heap, group.object) : 0;
        group.copies++;
      }
  return group;
}

static GArray *
group_strings (MemoryStrings *self, const guint8 *reached)
{
  GArray *groups = g_array_new (FALSE, FALSE, sizeof (Group));

  g_array_sort (self->strings, compare_strings);
  for (guint i = 0, next; i < self->strings->len; i = next)
    {
      const Group group = sum_group (self, reached, i, &next);

      if (group.copies > 1)
        g_array_append_val (groups, group);
    }
  g_array_sort (groups, compare_groups);
  return groups;
}

void
memory_strings_find_equal (MemoryStrings *self, const PyHeapOwners *owners, HapHeapProfile *profile)
{
  g_autoptr (GArray) groups = group_strings (self, owners->holders->reached);
  PyInspector *inspector = py_heap_get_inspector (self->heap);
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));

  for (guint i = 0; i < groups->len; i++)
    {
      const Group *group = &g_array_index (groups, Group, i);
      guint64 address = py_heap_get_address (self->heap, group->object);
      HapHeapDuplicate duplicate = { .copies = group->copies, .bytes = group->bytes };

      profile->shared_bytes += group->bytes;
      if (i >= MAX_SHOWN)
        continue;
      duplicate.chain = py_heap_describe_holders (owners, self->heap, group->object);
      duplicate.length = py_inspector_read (inspector, address + layout->unicode_length);
      g_array_append_val (profile->duplicates, duplicate);
    }
}
