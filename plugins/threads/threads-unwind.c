/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unwinds copies of C stacks by elfutils' libdwfl, with the files that the target has mapped. It opens
 * nothing itself: files come by descriptor, and only those that a stack points into. All that it is given is
 * the target's.
 */

#include "threads-native.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "hap-error.h"

#if HAP_HAVE_DW

#include <elfutils/libdwfl.h>

#define MAX_MODULES 256
#define MAX_SYMBOL 500

/* A mapped file. */
typedef struct
{
  int fd;     /* -1 once libdwfl has it */
  char *name; /* of the file */
  guint64 start, end;
} Module;

struct _ThreadsUnwinder
{
  Dwfl *dwfl;
  GPtrArray *stacks;  /* (element-type ThreadsNativeStack), the caller's */
  GPtrArray *modules; /* (element-type Module) */
  const ThreadsNativeStack *current;
};

/* One stack on its way. */
typedef struct
{
  ThreadsUnwinder *unwinder;
  GArray *frames; /* innermost first */
  gboolean complete;
} Walk;

#ifdef __x86_64__
#define STACK_POINTER 7 /* by its number in DWARF */
#else
#define STACK_POINTER 31
#endif

static void
module_free (gpointer data)
{
  Module *module = data;

  if (module->fd >= 0)
    close (module->fd);
  g_free (module->name);
  g_free (module);
}

static void
frame_clear (gpointer data)
{
  ThreadsNativeFrame *frame = data;

  g_free (frame->symbol);
  g_free (frame->library);
}

static int
find_elf (Dwfl_Module *dwfl_module,
          void **userdata,
          const char *name,
          Dwarf_Addr base,
          char **file_name,
          Elf **elf)
{
  Module *module = *userdata;

  *file_name = NULL;
  return module != NULL ? g_steal_fd (&module->fd) : -1;
}

/* Debug files would have to be opened by names that the target chose. */
static int
find_debuginfo (Dwfl_Module *dwfl_module,
                void **userdata,
                const char *name,
                Dwarf_Addr base,
                const char *file_name,
                const char *link,
                GElf_Word crc,
                char **found)
{
  return -1;
}

/* Asked for only where all threads are wanted. */
static pid_t
next_thread (Dwfl *dwfl, void *data, void **thread_data)
{
  return 0;
}

static bool
get_thread (Dwfl *dwfl, pid_t tid, void *data, void **thread_data)
{
  ThreadsUnwinder *self = data;

  if (tid <= 0 || (guint)tid > self->stacks->len)
    return false;
  *thread_data = self->stacks->pdata[tid - 1];
  return true;
}

static bool
read_word (Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *result, void *data)
{
  const ThreadsNativeStack *stack = ((ThreadsUnwinder *)data)->current;

  if (address < stack->start || stack->bytes->len < sizeof *result
      || address - stack->start > stack->bytes->len - sizeof *result)
    return false;
  memcpy (result, stack->bytes->data + (address - stack->start), sizeof *result);
  return true;
}

static bool
set_registers (Dwfl_Thread *thread, void *data)
{
  const HapRegisters *registers = &((ThreadsNativeStack *)data)->registers;

  if (registers->n == 0 || !dwfl_thread_state_registers (thread, 0, (int)registers->n, registers->values))
    return false;
  dwfl_thread_state_register_pc (thread, registers->pc);
  return true;
}

static int
on_frame (Dwfl_Frame *state, void *data)
{
  Walk *walk = data;
  ThreadsNativeFrame frame = { 0 };
  Dwfl_Module *dwfl_module;
  const guint64 evaluator = walk->unwinder->current->evaluator;
  Module **module = NULL;
  const char *symbol;
  Dwarf_Addr pc, sp;
  GElf_Off offset = 0;
  GElf_Sym sym;
  bool activation;

  if (!dwfl_frame_pc (state, &pc, &activation) || dwfl_frame_reg (state, STACK_POINTER, &sp) != 0)
    return DWARF_CB_ABORT;
  /* The evaluator's frame reaches from its stack pointer to that of its caller: this is one of them, or
   * neither. */
  if (evaluator != 0 && sp > evaluator)
    {
      g_array_set_size (walk->frames, walk->frames->len > 0 ? walk->frames->len - 1 : 0);
      walk->complete = TRUE;
      return DWARF_CB_ABORT;
    }
  /* A return address may be behind the last instruction of its function. */
  dwfl_module = dwfl_addrmodule (walk->unwinder->dwfl, activation ? pc : pc - 1);
  if (dwfl_module == NULL)
    return DWARF_CB_ABORT;
  symbol = dwfl_module_addrinfo (dwfl_module, activation ? pc : pc - 1, &offset, &sym, NULL, NULL, NULL);
  dwfl_module_info (dwfl_module, (void ***)&module, NULL, NULL, NULL, NULL, NULL, NULL);
  frame.symbol = symbol != NULL ? g_utf8_make_valid (symbol, (gssize)strnlen (symbol, MAX_SYMBOL)) : NULL;
  frame.offset = symbol != NULL ? offset + (activation ? 0 : 1) : pc - (*module)->start;
  frame.library = g_strdup ((*module)->name);
  g_array_append_val (walk->frames, frame);
  return walk->frames->len < THREADS_NATIVE_MAX_FRAMES ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* The mapped file around @index: its mappings from the one of its beginning on. */
static Module *
open_module (HapTarget *target, HapMaps *maps, guint index)
{
  const HapMapping *code = hap_maps_get (maps, index);
  guint first = index, last = index;
  Module *module;
  int fd;

  while (first > 0 && hap_maps_get (maps, first)->offset != 0
         && hap_maps_get (maps, first - 1)->inode == code->inode)
    first--;
  while (last + 1 < hap_maps_get_length (maps) && hap_maps_get (maps, last + 1)->inode == code->inode
         && hap_maps_get (maps, last + 1)->offset != 0)
    last++;
  if (hap_maps_get (maps, first)->offset != 0)
    return NULL;
  fd = hap_broker_open_mapping (hap_target_get_broker (target), code->start, code->end, NULL);
  if (fd < 0)
    return NULL;
  module = g_new (Module, 1);
  *module = (Module){ fd, g_path_get_basename (code->path), hap_maps_get (maps, first)->start,
                      hap_maps_get (maps, last)->end };
  return module;
}

static void
add_module (ThreadsUnwinder *self, HapTarget *target, HapMaps *maps, GHashTable *seen, guint64 address)
{
  const HapMapping *mapping = hap_maps_find (maps, address);
  Module *module;

  if (mapping == NULL || !mapping->executable || mapping->inode == 0 || self->modules->len >= MAX_MODULES
      || !g_hash_table_add (seen, (gpointer)mapping))
    return;
  module = open_module (target, maps, (guint)(mapping - hap_maps_get (maps, 0)));
  if (module != NULL)
    g_ptr_array_add (self->modules, module);
}

/* Whatever looks like a return address may be one: the files of all others need not be opened. */
static void
find_modules (ThreadsUnwinder *self, HapTarget *target, HapMaps *maps)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < self->stacks->len; i++)
    {
      const ThreadsNativeStack *stack = self->stacks->pdata[i];
      guint64 word;

      if (stack->registers.n == 0)
        continue;
      add_module (self, target, maps, seen, stack->registers.pc);
      for (gsize at = -stack->start % sizeof word; at + sizeof word <= stack->bytes->len; at += sizeof word)
        {
          memcpy (&word, stack->bytes->data + at, sizeof word);
          add_module (self, target, maps, seen, word);
        }
    }
}

static gboolean
attach (ThreadsUnwinder *self)
{
  static const Dwfl_Callbacks files = { .find_elf = find_elf, .find_debuginfo = find_debuginfo };
  static const Dwfl_Thread_Callbacks threads = { .next_thread = next_thread,
                                                 .get_thread = get_thread,
                                                 .memory_read = read_word,
                                                 .set_initial_registers = set_registers };

  self->dwfl = dwfl_begin (&files);
  if (self->dwfl == NULL)
    return FALSE;
  dwfl_report_begin (self->dwfl);
  for (guint i = 0; i < self->modules->len; i++)
    {
      Module *module = self->modules->pdata[i];
      Dwfl_Module *reported = dwfl_report_module (self->dwfl, module->name, module->start, module->end);
      void **userdata = NULL;

      if (reported == NULL)
        continue;
      dwfl_module_info (reported, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
      *userdata = module;
    }
  return dwfl_report_end (self->dwfl, NULL, NULL) == 0
         && dwfl_attach_state (self->dwfl, NULL, 1, &threads, self);
}

ThreadsUnwinder *
threads_unwinder_new (HapTarget *target, GPtrArray *stacks)
{
  g_autoptr (ThreadsUnwinder) self = g_new0 (ThreadsUnwinder, 1);
  HapMaps *maps;

  self->stacks = stacks;
  self->modules = g_ptr_array_new_with_free_func (module_free);
  if (!hap_target_refresh_maps (target, NULL))
    return NULL;
  maps = hap_target_get_maps (target, NULL);
  find_modules (self, target, maps);
  return attach (self) ? g_steal_pointer (&self) : NULL;
}

void
threads_unwinder_free (ThreadsUnwinder *self)
{
  g_clear_pointer (&self->dwfl, dwfl_end);
  g_ptr_array_unref (self->modules);
  g_free (self);
}

GArray *
threads_unwinder_unwind (ThreadsUnwinder *self, guint index, gboolean *complete)
{
  Walk walk = { .unwinder = self, .frames = g_array_new (FALSE, FALSE, sizeof (ThreadsNativeFrame)) };

  g_array_set_clear_func (walk.frames, frame_clear);
  self->current = self->stacks->pdata[index];
  dwfl_getthread_frames (self->dwfl, (pid_t)(index + 1), on_frame, &walk);
  for (guint i = 0; i < walk.frames->len / 2; i++)
    {
      ThreadsNativeFrame *a = &g_array_index (walk.frames, ThreadsNativeFrame, i);
      ThreadsNativeFrame *b = &g_array_index (walk.frames, ThreadsNativeFrame, walk.frames->len - 1 - i);
      ThreadsNativeFrame swapped = *a;

      *a = *b;
      *b = swapped;
    }
  *complete = walk.complete;
  return walk.frames;
}

gboolean
threads_native_is_built_in (GError **error)
{
  return TRUE;
}

#else

ThreadsUnwinder *
threads_unwinder_new (HapTarget *target, GPtrArray *stacks)
{
  return NULL;
}

void
threads_unwinder_free (ThreadsUnwinder *self)
{
}

GArray *
threads_unwinder_unwind (ThreadsUnwinder *self, guint index, gboolean *complete)
{
  return NULL;
}

gboolean
threads_native_is_built_in (GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
               _ ("“native”: not built in: elfutils' libdw was not there when this was built"));
  return FALSE;
}

#endif
