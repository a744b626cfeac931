/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the frames of a stack are: files, lines and functions, and whose the stack is. How a stack is read
 * truly is the observer's; how it is printed threads-traceback.c's.
 */

#include "threads-stack.h"

#include "py-code.h"

/* More distinct code objects than any sound process has on its stacks; later ones are "?". */
#define MAX_CODES 65536

struct _ThreadsCodes
{
  PyRuntime *runtime;
  GHashTable *codes; /* address (guint64) -> Code */
  GHashTable *files; /* set of interned strings */
};

typedef struct
{
  guint64 address;
  PyCode *code;
  const HapOrigin *origin;
} Code;

static void
code_free (gpointer data)
{
  Code *code = data;

  py_code_free (code->code);
  g_free (code);
}

ThreadsCodes *
threads_codes_new (PyRuntime *runtime)
{
  ThreadsCodes *self = g_new0 (ThreadsCodes, 1);

  self->runtime = g_object_ref (runtime);
  self->codes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, code_free);
  self->files = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
threads_codes_free (ThreadsCodes *self)
{
  g_hash_table_unref (self->files);
  g_hash_table_unref (self->codes);
  g_object_unref (self->runtime);
  g_free (self);
}

void
threads_stack_clear (ThreadsStack *stack)
{
  g_clear_pointer (&stack->frames, g_free);
}

static const Code *
read_code (ThreadsCodes *self, guint64 address)
{
  Code *code = g_hash_table_lookup (self->codes, &address);
  PyCode *read;

  if (code != NULL || g_hash_table_size (self->codes) >= MAX_CODES)
    return code;
  read = py_code_read (self->runtime, address);
  if (read == NULL)
    return NULL;

  code = g_new (Code, 1);
  *code = (Code){ address, read, hap_origin_of_file (read->filename) };
  g_hash_table_insert (self->codes, &code->address, code);
  g_hash_table_add (self->files, read->filename);
  return code;
}

gboolean
threads_codes_read (ThreadsCodes *self, const PyStack *stack)
{
  gboolean complete = TRUE;

  for (guint i = 0; i < stack->n_frames; i++)
    complete &= read_code (self, stack->frames[i].code) != NULL;
  return complete;
}

void
threads_codes_foreach_file (ThreadsCodes *self, ThreadsFileFunc func, gpointer data)
{
  GHashTableIter iter;
  gpointer file;

  g_hash_table_iter_init (&iter, self->files);
  while (g_hash_table_iter_next (&iter, &file, NULL))
    func (file, data);
}

void
threads_codes_resolve (ThreadsCodes *self, const PyStack *recorded, ThreadsStack *stack)
{
  *stack = (ThreadsStack){
    .frames = g_new (ThreadsFrame, MAX (recorded->n_frames, 1)),
    .n_frames = recorded->n_frames,
    .truncated = recorded->truncated,
  };

  for (guint i = 0; i < stack->n_frames; i++)
    {
      const PyFrameRecord *record = &recorded->frames[recorded->n_frames - 1 - i];
      const Code *code = g_hash_table_lookup (self->codes, &record->code);
      const HapOrigin *origin;

      if (code == NULL)
        {
          stack->frames[i] = (ThreadsFrame){ "?", "?", "?", -1 };
          continue;
        }
      stack->frames[i] = (ThreadsFrame){ code->code->filename, code->code->name, code->code->qualname,
                                         py_code_get_line (code->code, record->instruction) };
      origin = hap_origin_of_frames (stack->origin, code->origin);
      /* Of several frames of one origin, the innermost. */
      if (origin == code->origin)
        stack->rests_on = i;
      stack->origin = origin;
    }
}
