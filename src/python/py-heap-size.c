/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sys.getsizeof() without running anything: what __sizeof__() of the common types computes in 3.11 to 3.15,
 * and the head that the collector's objects have before them. A __sizeof__() of a class written in Python is
 * not asked.
 */

#include "py-heap-private.h"

#define TPFLAGS_MANAGED_WEAKREF (1u << 3)
#define TPFLAGS_MANAGED_DICT (1u << 4)

#define MAX_LOG2_SIZE 40
#define DEQUE_BLOCK 64
#define DEQUE_BLOCK_SIZE 528 /* with its two links */
#define SET_ENTRY_SIZE 16
#define FIRST_3_12 0x030c0000
#define FIRST_3_13 0x030d0000
#define FIRST_3_15 0x030f0000

/* _odictobject, after the dict; size of _odictnode */
#define ODICT_FAST_NODES 24
#define ODICT_NODE_SIZE 32

/* bytearrayobject until 3.14, arrayobject: after ob_size */
#define BYTEARRAY_ALLOCATED 24
#define ARRAY_ALLOCATED 32
#define ARRAY_DESCRIPTION 40
#define DESCRIPTION_ITEM_SIZE 4 /* int, behind a char */

/* itertools.product: a tuple, of as many as it has indices */
#define PRODUCT_POOLS 16

/* buffered (Modules/_io/bufferedio.c) */
#define BUFFERED_BUFFER 56
#define BUFFERED_SIZE 120

/* bytesio: its bytes, shared when others refer to them, too */
#define BYTES_IO_BYTES 16

/* PyStructObject; formatcode: definition, offset, size, repeat; the last one has no definition */
#define STRUCT_CODES 32
#define CODE_SIZE 32
#define MAX_CODES 65536

/* ElementObject; ElementObjectExtra */
#define ELEMENT_EXTRA 40
#define EXTRA_ALLOCATED 16
#define EXTRA_CHILDREN 24
#define EXTRA_OWN_CHILDREN 32
#define EXTRA_SIZE 64

static guint64
get (PyHeapVisitor *self, guint64 address)
{
  return py_heap_memory_get (self->memory, address);
}

/* An amount of bytes out of the target's memory: not more than memory can be. */
static guint64
bound (guint64 n)
{
  return n <= G_MAXINT32 * (guint64)4096 ? n : 0;
}

/* _PyDict_KeysSize() */
static guint64
measure_keys (PyHeapVisitor *self, guint64 keys)
{
  const PyLayout *layout = self->layout;
  guint8 header[64];
  guint64 usable;

  if (keys == 0 || !py_heap_memory_read (self->memory, keys, header, layout->keys_indices)
      || header[layout->keys_log2_size] > MAX_LOG2_SIZE
      || header[layout->keys_log2_index_size] > MAX_LOG2_SIZE)
    return 0;
  usable = ((guint64)2 << header[layout->keys_log2_size]) / 3;
  return layout->keys_indices + ((guint64)1 << header[layout->keys_log2_index_size])
         + usable * (header[layout->keys_kind] == 0 ? 24 : 16);
}

static guint64
measure_dict (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint64 keys = get (self, object + layout->dict_keys);
  guint64 size = 0;

  if (keys == 0)
    return 0;
  if (get (self, object + layout->dict_values) != 0)
    size += bound (get (self, keys + layout->keys_n_entries) + get (self, keys + layout->keys_usable)) * 8;
  if (get (self, keys + layout->keys_references) == 1)
    size += measure_keys (self, keys);
  return size;
}

static guint64
measure_ordered_dict (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;

  return measure_dict (self, object) + bound (get (self, object + layout->dict_size + ODICT_FAST_NODES)) * 8
         + bound (get (self, object + layout->dict_used)) * ODICT_NODE_SIZE;
}

static guint64
measure_str (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint64 length = bound (get (self, object + layout->unicode_length));
  guint32 state = get (self, object + layout->unicode_state);
  guint width = (state & layout->unicode_kind_mask) >> g_bit_nth_lsf (layout->unicode_kind_mask, -1);
  gboolean compact = (state & layout->unicode_compact_mask) != 0;
  gboolean ascii = (state & layout->unicode_ascii_mask) != 0;
  guint64 data, utf8, size;

  if (compact && ascii)
    return layout->unicode_ascii_data + length + 1;
  data = compact ? object + layout->unicode_compact_data : get (self, object + layout->unicode_data);
  size = compact ? layout->unicode_compact_data : layout->unicode_size;
  if (data != 0)
    size += (length + 1) * width;
  utf8 = get (self, object + layout->unicode_utf8);
  if (utf8 != 0 && utf8 != data)
    size += bound (get (self, object + layout->unicode_utf8_length)) + 1;
  return size;
}

/* Zero has a digit, too. */
static guint64
measure_int (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 n = MAX (py_heap_read_n_items (self, object, type), 1);

  if (self->version < FIRST_3_12)
    return self->layout->long_digits + n * sizeof (guint32);
  return type->basicsize + n * type->itemsize;
}

static guint64
measure_bytearray (PyHeapVisitor *self, guint64 object)
{
  guint64 n = bound (get (self, object + BYTEARRAY_ALLOCATED));

  /* Since 3.15 it is a bytes object that it keeps. */
  return n != 0 && self->version >= FIRST_3_15 ? n + self->layout->bytes_data + 1 : n;
}

static guint64
measure_bytes_io (PyHeapVisitor *self, guint64 object)
{
  guint64 bytes = get (self, object + BYTES_IO_BYTES);

  if (bytes == 0 || get (self, bytes) != 1)
    return 0;
  return self->layout->bytes_data + 1 + bound (get (self, bytes + self->layout->object_size));
}

static guint64
measure_struct (PyHeapVisitor *self, guint64 object)
{
  guint64 codes = get (self, object + STRUCT_CODES);
  guint n = 0;

  while (codes != 0 && n < MAX_CODES && get (self, codes + n * CODE_SIZE) != 0
         && py_heap_visitor_spend (self, 1))
    n++;
  return codes != 0 ? (n + 1) * CODE_SIZE : 0;
}

static guint64
measure_product (PyHeapVisitor *self, guint64 object)
{
  return bound (get (self, get (self, object + PRODUCT_POOLS) + self->layout->object_size)) * 8;
}

static guint64
measure_deque (PyHeapVisitor *self, guint64 object)
{
  guint64 n = bound (get (self, object + self->layout->object_size));
  guint64 index = get (self, object + self->layout->deque_left_index);

  return index < DEQUE_BLOCK ? MAX ((index + n + DEQUE_BLOCK - 1) / DEQUE_BLOCK, 1) * DEQUE_BLOCK_SIZE : 0;
}

/* The code object that a frame or generator is of says how many slots there are. */
static guint64
measure_slots (PyHeapVisitor *self, guint64 code)
{
  const PyLayout *layout = self->layout;
  guint32 n_slots, stack_size;

  code &= ~(guint64)3;
  if (!py_heap_memory_read (self->memory, code + layout->code_n_slots, &n_slots, sizeof n_slots)
      || !py_heap_memory_read (self->memory, code + layout->code_stack_size, &stack_size, sizeof stack_size))
    return 0;
  return bound ((guint64)n_slots + stack_size) * 8;
}

static guint64
measure_generator (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint64 code = layout->gen_code != PY_NO_FIELD ? object + layout->gen_code
                                                 : object + layout->gen_frame + layout->iframe_code;

  return layout->gen_frame + layout->iframe_locals + measure_slots (self, get (self, code));
}

static guint64
measure_frame (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;
  guint64 frame = get (self, object + layout->frame_frame);

  return layout->frame_data + layout->iframe_locals
         + measure_slots (self, get (self, frame + layout->iframe_code));
}

static guint64
measure_type (PyHeapVisitor *self, guint64 object)
{
  const PyLayout *layout = self->layout;

  if ((get (self, object + layout->type_flags) & PY_CLASS_HEAP) == 0)
    return layout->type_size;
  return layout->type_heap_size + measure_keys (self, get (self, object + layout->type_cached_keys));
}

static guint64
measure_array (PyHeapVisitor *self, guint64 object)
{
  guint64 description = get (self, object + ARRAY_DESCRIPTION);
  guint32 item_size;

  if (!py_heap_memory_read (self->memory, description + DESCRIPTION_ITEM_SIZE, &item_size, sizeof item_size)
      || item_size > 8)
    return 0;
  return bound (get (self, object + ARRAY_ALLOCATED)) * item_size;
}

static guint64
measure_element (PyHeapVisitor *self, guint64 object)
{
  guint64 extra = get (self, object + ELEMENT_EXTRA);

  if (extra == 0)
    return 0;
  if (get (self, extra + EXTRA_CHILDREN) == extra + EXTRA_OWN_CHILDREN)
    return EXTRA_SIZE;
  return EXTRA_SIZE + bound (get (self, extra + EXTRA_ALLOCATED)) * 8;
}

static guint64
measure_object (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  const PyLayout *layout = self->layout;

  switch (type->size_rule)
    {
    case PY_SIZE_INT:
      return measure_int (self, object, type);
    case PY_SIZE_STR:
      return measure_str (self, object);
    case PY_SIZE_TYPE:
      return measure_type (self, object);
    case PY_SIZE_GENERATOR:
      return measure_generator (self, object);
    case PY_SIZE_FRAME:
      return measure_frame (self, object);
    case PY_SIZE_LIST:
      return type->basicsize + bound (get (self, object + layout->list_allocated)) * 8;
    case PY_SIZE_DICT:
      return type->basicsize + measure_dict (self, object);
    case PY_SIZE_ORDERED_DICT:
      return type->basicsize + measure_ordered_dict (self, object);
    case PY_SIZE_SET:
      return type->basicsize
             + (get (self, object + layout->set_table) != object + layout->set_small_table
                    ? bound (get (self, object + layout->set_mask) + 1) * SET_ENTRY_SIZE
                    : 0);
    case PY_SIZE_DEQUE:
      return type->basicsize + measure_deque (self, object);
    case PY_SIZE_PRODUCT:
      return type->basicsize + measure_product (self, object);
    case PY_SIZE_BYTEARRAY:
      return type->basicsize + measure_bytearray (self, object);
    case PY_SIZE_BUFFERED:
      return type->basicsize
             + (get (self, object + BUFFERED_BUFFER) != 0 ? bound (get (self, object + BUFFERED_SIZE)) : 0);
    case PY_SIZE_BYTES_IO:
      return type->basicsize + measure_bytes_io (self, object);
    case PY_SIZE_STRUCT:
      return type->basicsize + measure_struct (self, object);
    case PY_SIZE_ARRAY:
      return type->basicsize + measure_array (self, object);
    case PY_SIZE_ELEMENT:
      return type->basicsize + measure_element (self, object);
    default:
      return type->basicsize
             + (type->itemsize != 0 ? py_heap_read_n_items (self, object, type) * type->itemsize : 0);
    }
}

/* _PySys_GetSizeOf() adds what lies before an object. Until 3.12 a static type had that by its type's flags.
 */
static guint64
measure_head (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  guint64 managed =
      self->version >= FIRST_3_12 ? TPFLAGS_MANAGED_DICT | TPFLAGS_MANAGED_WEAKREF : TPFLAGS_MANAGED_DICT;
  guint64 size = 0;

  if (type->size_rule == PY_SIZE_TYPE && (get (self, object + self->layout->type_flags) & PY_CLASS_HEAP) == 0
      && self->version >= FIRST_3_13)
    return 0;
  if (!type->hidden)
    size += self->layout->gc_head_size;
  if ((type->flags & managed) != 0)
    size += 16;
  return size;
}

guint64
py_heap_measure (PyHeapVisitor *self, guint64 object, const PyHeapTypeInfo *type)
{
  return measure_object (self, object, type) + measure_head (self, object, type);
}
