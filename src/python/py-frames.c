/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Walks the frames of one thread with as few reads as possible: the thread state, the used part of its newest
 * data stack chunk, then the thread state again. What lies elsewhere (older chunks, generators, entry frames
 * on the C stack) is read as the walk comes to it. Runs for every sample: nothing is allocated once the
 * buffers have grown. What the codes mean is py-code.c's.
 */

#include "py-frames.h"

#include "py-runtime-private.h"

#define CHUNK_SIZE 16384 /* _PY_DATA_STACK_CHUNK_SIZE: of every chunk that no single frame outgrows */
#define MAX_CHUNK_SIZE (1024 * 1024) /* of a larger one the frames are read one by one */
#define MAX_CHUNKS 4096
#define PAGE_SIZE 4096 /* the smallest there is: where pages are larger, more reads than needed */
#define N_PAGES 2      /* one for the C stack, one for the heap */
#define MAX_TSTATE_SIZE 512
#define MAX_CODE_SIZE 512
#define N_CODES 256 /* entries of the cache, a power of two, in sets */
#define N_WAYS 4    /* of such a set, whose first entry is the last one used */
#define OWNER_GENERATOR 1
#define OWNER_ENTRY                                                                                          \
  3 /* enum _frameowner: FRAME_OWNED_BY_CSTACK in 3.12 and 3.13, _BY_INTERPRETER later; 4 in 3.14 */
#define OWNER_LAST 4
#define TAG_BITS 3 /* of a _PyStackRef, 3.14+; zero in every other pointer to an object */

/* What has to stay the same from the beginning of a reading to its end. */
typedef struct
{
  guint64 interpreter, ident;
  guint64 cframe; /* 3.11, 3.12 */
  guint64 frame;  /* the innermost */
  guint64 base;   /* 3.15: where each chain ends */
  guint64 chunk, top;
} ThreadHead;

/* What a frame needs of its code object, by address; one more guess to be proved by the reading itself. */
typedef struct
{
  guint64 code;
  guint64 instructions; /* address of the copy of the bytecode that the frame runs */
  gint32 copy;          /* which one: 0 in builds with a GIL */
  guint32 n_units;
  guint32 first_traceable;
} CodeHead;

struct _PyStackBuffers
{
  guint8 *chunk; /* a copy of one chunk: the walk only goes from newer ones to older ones */
  gsize allocated;
  CodeHead codes[N_CODES];
};

/* A range of the target's memory, copied. */
typedef struct
{
  guint64 address;
  gsize size; /* 0: nothing */
  const guint8 *bytes;
} Copy;

typedef struct
{
  PyStack *stack;
  PyRuntime *runtime;
  const PyLayout *layout;
  struct _PyStackBuffers *buffers;
  gsize frame_size; /* up to the last field that we look at */
  Copy chunk, outside[N_PAGES];
  guint n_chunks; /* loaded so far */
  guint n_pages;  /* read so far */
  guint8 pages[N_PAGES][PAGE_SIZE];
} Walk;

void
py_stack_init (PyStack *self)
{
  *self = (PyStack){ 0 };
}

void
py_stack_clear (PyStack *self)
{
  if (self->buffers != NULL)
    g_free (self->buffers->chunk);
  g_free (self->buffers);
  g_free (self->frames);
  py_stack_init (self);
}

static const guint8 *
find_in_copy (const Copy *copy, guint64 address, gsize size)
{
  guint64 offset = address - copy->address;

  return offset < copy->size && copy->size - offset >= size ? copy->bytes + offset : NULL;
}

/* Entry frames lie close together on the C stack: the whole page comes at the price of what is wanted. */
static const guint8 *
load_page (Walk *walk, guint64 address, gsize size)
{
  guint index = walk->n_pages++ % N_PAGES;
  gsize offset = address % PAGE_SIZE;
  gsize n = PAGE_SIZE;

  if (offset + size > PAGE_SIZE)
    {
      offset = 0;
      n = size;
    }
  n = hap_memory_read_some (walk->runtime->memory, address - offset, walk->pages[index], n);
  walk->outside[index] = (Copy){ address - offset, n, walk->pages[index] };
  return find_in_copy (&walk->outside[index], address, size);
}

/*
 * 3.11 and 3.12 keep the current frame in a _PyCFrame on the C stack, beside the entry frame that is wanted
 * next. Where the stack was left since, nothing is at that address.
 */
static guint64
read_current_frame (Walk *walk, guint64 cframe, gboolean again)
{
  guint64 address = cframe + walk->layout->cframe_current_frame;
  guint64 frame = G_MAXUINT64;
  const guint8 *bytes;

  if (again)
    py_read_u64 (walk->runtime, address, &frame);
  else if ((bytes = load_page (walk, address, sizeof frame)) != NULL)
    frame = py_block_u64 (bytes, 0);
  return frame;
}

/* Returns FALSE when the thread state is not there any more, or is another thread's. */
static gboolean
read_head (Walk *walk, const PyThread *thread, ThreadHead *head, gboolean again)
{
  const PyLayout *layout = walk->layout;
  gsize size = MAX (layout->tstate_datastack_top, layout->tstate_thread_id) + sizeof (guint64);
  guint8 block[MAX_TSTATE_SIZE];

  if (size > sizeof block || !hap_memory_read (walk->runtime->memory, thread->tstate, block, size))
    return FALSE;
  *head = (ThreadHead){
    .interpreter = py_block_u64 (block, layout->tstate_interp),
    .ident = py_block_u64 (block, layout->tstate_thread_id),
    .chunk = py_block_u64 (block, layout->tstate_datastack_chunk),
    .top = py_block_u64 (block, layout->tstate_datastack_top),
  };
  if (head->interpreter != thread->interpreter || head->ident != thread->ident)
    return FALSE;

  if (layout->tstate_base_frame != PY_NO_FIELD)
    head->base = py_block_u64 (block, layout->tstate_base_frame);
  if (layout->tstate_cframe != PY_NO_FIELD)
    {
      head->cframe = py_block_u64 (block, layout->tstate_cframe);
      head->frame = read_current_frame (walk, head->cframe, again);
    }
  else
    head->frame = py_block_u64 (block, layout->tstate_current_frame);
  return TRUE;
}

/* Copies at most @size bytes of the chunk at @address. */
static gboolean
load_chunk (Walk *walk, guint64 address, gsize size)
{
  struct _PyStackBuffers *buffers = walk->buffers;
  gsize n;

  if (size > MAX_CHUNK_SIZE || walk->n_chunks++ == MAX_CHUNKS)
    return FALSE;
  if (size > buffers->allocated)
    {
      buffers->allocated = MAX (size, CHUNK_SIZE);
      buffers->chunk = g_realloc (buffers->chunk, buffers->allocated);
    }
  n = hap_memory_read_some (walk->runtime->memory, address, buffers->chunk, size);
  walk->chunk = (Copy){ address, n >= walk->layout->chunk_data ? n : 0, buffers->chunk };
  return walk->chunk.size > 0;
}

/*
 * The bytes of a frame: from what is at hand; else from the chunk before, if the address speaks for it; else
 * from wherever it is.
 */
static const guint8 *
find_frame (Walk *walk, guint64 frame)
{
  const guint8 *bytes = find_in_copy (&walk->chunk, frame, walk->frame_size);

  for (guint i = 0; i < N_PAGES && bytes == NULL; i++)
    bytes = find_in_copy (&walk->outside[i], frame, walk->frame_size);
  if (bytes != NULL)
    return bytes;

  if (walk->chunk.size > 0)
    {
      guint64 previous = py_block_u64 (walk->chunk.bytes, walk->layout->chunk_previous);

      if (previous != 0 && frame > previous && frame - previous < CHUNK_SIZE
          && load_chunk (walk, previous, CHUNK_SIZE)
          && (bytes = find_in_copy (&walk->chunk, frame, walk->frame_size)) != NULL)
        return bytes;
    }
  return load_page (walk, frame, walk->frame_size);
}

static gboolean
append_frame (PyStack *stack, PyFrameRecord record)
{
  if (stack->n_frames == PY_STACK_MAX_FRAMES)
    return FALSE;
  if (stack->n_frames == stack->allocated)
    {
      stack->allocated = MAX (64, 2 * stack->allocated);
      stack->frames = g_renew (PyFrameRecord, stack->frames, stack->allocated);
    }
  stack->frames[stack->n_frames++] = record;
  return TRUE;
}

/* The entry for a code: its own, else one to be overwritten; the first of its set from now on. */
static CodeHead *
get_code_entry (struct _PyStackBuffers *buffers, guint64 code, gint32 copy)
{
  CodeHead *set = &buffers->codes[(code >> 4 ^ code >> 10) % (N_CODES / N_WAYS) * N_WAYS];
  CodeHead head;
  guint i = 0;

  while (i < N_WAYS - 1 && (set[i].code != code || set[i].copy != copy))
    i++;
  head = set[i];
  for (; i > 0; i--)
    set[i] = set[i - 1];
  set[0] = head;
  return set;
}

/* Where a free-threaded build keeps its @copy of the bytecode. FALSE: there is none. */
static gboolean
find_copy (Walk *walk, guint64 copies, gint32 copy, guint64 *instructions)
{
  const PyLayout *layout = walk->layout;
  guint64 size;

  return copies != 0 && py_read_u64 (walk->runtime, copies + layout->tlbc_size, &size) && copy > 0
         && (guint64)copy < size
         && py_read_u64 (walk->runtime, copies + layout->tlbc_entries + copy * sizeof (guint64),
                         instructions);
}

static gboolean
read_code_head (Walk *walk, guint64 code, gint32 copy, CodeHead *head)
{
  const PyLayout *layout = walk->layout;
  guint8 block[MAX_CODE_SIZE];

  if (layout->code_instructions > sizeof block
      || !hap_memory_read (walk->runtime->memory, code, block, layout->code_instructions))
    return FALSE;
  *head = (CodeHead){
    .code = code,
    .instructions = code + layout->code_instructions,
    .copy = copy,
    .n_units = py_block_u32 (block, layout->object_size),
    .first_traceable = py_block_u32 (block, layout->code_first_traceable),
  };
  return copy == 0 || find_copy (walk, py_block_u64 (block, layout->code_tlbc), copy, &head->instructions);
}

/* Whether @instruction lies in the code; 3.11 and 3.12 point before the first unit at the beginning. */
static gboolean
code_head_has (const CodeHead *head, guint64 instruction)
{
  return instruction + 2 - head->instructions < 2 * ((guint64)head->n_units + 1);
}

/*
 * What is known of the code that a frame runs; read anew where it is not known or cannot be true of this
 * frame. NULL: the frame's instruction is not one of its code's.
 */
static const CodeHead *
find_code (Walk *walk, guint64 code, gint32 copy, guint64 instruction, gboolean generator)
{
  CodeHead *head = get_code_entry (walk->buffers, code, copy);

  if (head->code == code && head->copy == copy && code_head_has (head, instruction)
      && (generator || instruction >= head->instructions + 2 * (guint64)head->first_traceable))
    return head;
  if (!read_code_head (walk, code, copy, head) || !code_head_has (head, instruction))
    {
      head->code = 0;
      return NULL;
    }
  return head;
}

/* Takes one frame, if it has begun. Generators have no prologue to get through: theirs made them. */
static gboolean
take_frame (Walk *walk, const guint8 *bytes, gboolean *full)
{
  const PyLayout *layout = walk->layout;
  guint64 code = py_block_u64 (bytes, layout->iframe_code) & ~(guint64)TAG_BITS;
  guint64 instruction = py_block_u64 (bytes, layout->iframe_instruction);
  gint32 copy =
      layout->iframe_tlbc_index != PY_NO_FIELD ? py_block_u32 (bytes, layout->iframe_tlbc_index) : 0;
  gboolean generator = bytes[layout->iframe_owner] == OWNER_GENERATOR;
  const CodeHead *head = find_code (walk, code, copy, instruction, generator);

  if (head == NULL)
    return FALSE;
  if (!generator && instruction < head->instructions + 2 * (guint64)head->first_traceable)
    return TRUE;

  *full = !append_frame (
      walk->stack, (PyFrameRecord){
                       .code = code,
                       .instruction = code + layout->code_instructions + (instruction - head->instructions),
                   });
  return TRUE;
}

/*
 * Whether a chain may end after this frame: with an entry from C, always. A generator that was left just now
 * ends it too soon. In 3.15 every chain ends at its thread's base frame (_PyThreadStateImpl.base_frame).
 */
static gboolean
is_last_frame (const Walk *walk, const guint8 *bytes, const ThreadHead *head)
{
  if (head->base != 0)
    return FALSE;
  if (walk->layout->iframe_is_entry != PY_NO_FIELD)
    return bytes[walk->layout->iframe_is_entry] != 0;
  return bytes[walk->layout->iframe_owner] >= OWNER_ENTRY;
}

static gboolean
walk_frames (Walk *walk, const ThreadHead *head)
{
  guint64 frame = head->frame, mark = 0;
  guint64 next_mark = 1;
  gboolean full = FALSE;

  for (guint64 i = 0; frame != 0 && frame != head->base; i++)
    {
      const guint8 *bytes = find_frame (walk, frame);
      guint8 owner;

      /* A chain that comes back to a frame is none; the mark is set at every power of two (Brent). */
      if (bytes == NULL || frame == mark || (owner = bytes[walk->layout->iframe_owner]) > OWNER_LAST)
        return FALSE;
      if (i == next_mark)
        {
          mark = frame;
          next_mark *= 2;
        }
      if (owner < OWNER_ENTRY && !take_frame (walk, bytes, &full))
        return FALSE;
      if (full || i == 2 * PY_STACK_MAX_FRAMES)
        {
          walk->stack->truncated = TRUE;
          return TRUE;
        }

      frame = py_block_u64 (bytes, walk->layout->iframe_previous);
      if (frame == 0 && !is_last_frame (walk, bytes, head))
        return FALSE;
    }
  return TRUE;
}

static PyStackVerdict
read_stack (PyStack *self, PyRuntime *runtime, const PyThread *thread, gboolean still)
{
  const PyLayout *layout = &runtime->layout;
  Walk walk; /* not cleared whole: the pages are large */
  ThreadHead head, after;

  if (self->buffers == NULL)
    self->buffers = g_new0 (struct _PyStackBuffers, 1);
  self->n_frames = 0;
  self->truncated = FALSE;
  walk.stack = self;
  walk.runtime = runtime;
  walk.layout = layout;
  walk.buffers = self->buffers;
  walk.frame_size =
      MAX (layout->iframe_instruction + sizeof (guint64), layout->iframe_owner + sizeof (guint8));
  walk.chunk = (Copy){ 0 };
  memset (walk.outside, 0, sizeof walk.outside);
  walk.n_chunks = 0;

  if (!read_head (&walk, thread, &head, FALSE))
    return PY_STACK_GONE;
  /* The part in use: what lies above is left over from calls that have returned. */
  if (head.frame != 0 && head.chunk != 0 && head.top > head.chunk)
    load_chunk (&walk, head.chunk, head.top - head.chunk);
  if (!walk_frames (&walk, &head))
    return PY_STACK_MOVED;
  if (still)
    return PY_STACK_OK;
  if (!read_head (&walk, thread, &after, TRUE))
    return PY_STACK_GONE;
  return memcmp (&head, &after, sizeof head) == 0 ? PY_STACK_OK : PY_STACK_MOVED;
}

PyStackVerdict
py_stack_read (PyStack *self, PyRuntime *runtime, const PyThread *thread)
{
  return read_stack (self, runtime, thread, FALSE);
}

PyStackVerdict
py_stack_read_still (PyStack *self, PyRuntime *runtime, const PyThread *thread)
{
  return read_stack (self, runtime, thread, TRUE);
}
