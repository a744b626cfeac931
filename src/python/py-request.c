/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a request to run a script looks in the interpreter's memory: what a debugger leaves in the thread state
 * (3.14+: PEP 768, Include/cpython/pystate.h, Python/ceval_gil.c), or a call in the main thread's queue
 * (before: Include/internal/pycore_ceval_state.h), as Py_AddPendingCall() would leave it. Who runs it, and
 * what it says, is py-run.c's.
 */

#include "py-request.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-error.h"
#include "py-objects.h"
#include "py-runtime-private.h"

#define FIRST_WITH_DEBUGGERS 0x030e0000
#define FIRST_WITH_COUNT 0x030d0000

/* Bits of a thread state's eval_breaker (Include/internal/pycore_ceval.h) */
#define CALLS_TO_DO 0x04
#define PLEASE_STOP 0x20

/* Of the main thread's queue in 3.13. */
#define MAX_PENDING 32

/* How far releases of one minor version have moved the queue. */
#define QUEUE_MOVES 512

#define MAX_QUEUE 8192

#define MAX_ENVIRONMENT 65536
#define OFF_VARIABLE "PYTHON_DISABLE_REMOTE_DEBUG"
#define OFF_OPTION "disable-remote-debug"

/* What a call runs that was taken back. */
#define NOTHING "0"

/* The queue, read in one go. */
typedef struct
{
  guint8 bytes[MAX_QUEUE];
  guint32 first, next, count;
} Queue;

static gboolean
is_for_debuggers (const PyRequest *self)
{
  return self->runtime->version >= FIRST_WITH_DEBUGGERS;
}

static guint32
get_u32 (const Queue *queue, guint32 offset)
{
  return py_block_u32 (queue->bytes, offset);
}

static gboolean
read_queue (const PyRequest *self, guint64 address, Queue *queue)
{
  const PyLayout *layout = &self->runtime->layout;
  gsize size = layout->pending_next + sizeof (guint32);

  if (size > sizeof queue->bytes || !hap_memory_read (self->runtime->memory, address, queue->bytes, size))
    return FALSE;
  queue->first = get_u32 (queue, layout->pending_first);
  queue->next = get_u32 (queue, layout->pending_next);
  queue->count = (queue->next - queue->first + layout->pending_length) % layout->pending_length;
  return queue->first < layout->pending_length && queue->next < layout->pending_length;
}

/* Whether what was read is a queue: its own numbers agree. */
static gboolean
is_queue (const PyRequest *self, const Queue *queue)
{
  const PyLayout *layout = &self->runtime->layout;

  return self->runtime->version < FIRST_WITH_COUNT
         || (get_u32 (queue, layout->pending_max) == MAX_PENDING
             && get_u32 (queue, layout->pending_max + sizeof (guint32)) == 0
             && get_u32 (queue, layout->pending_count) == queue->count);
}

/* From 3.13 on nothing says where it is, but it can be told by its looks. 0: not found */
static guint64
find_queue (const PyRequest *self)
{
  const PyLayout *layout = &self->runtime->layout;
  Queue queue;
  guint64 place;

  if (layout->interp_pending != PY_NO_FIELD)
    return self->interpreter + layout->interp_pending;
  place = self->runtime->address + layout->runtime_pending;
  for (guint move = 0; move <= QUEUE_MOVES; move += sizeof (guint64))
    {
      if (read_queue (self, place - move, &queue) && is_queue (self, &queue))
        return place - move;
      if (read_queue (self, place + move, &queue) && is_queue (self, &queue))
        return place + move;
      if (self->runtime->version < FIRST_WITH_COUNT)
        break;
    }
  return 0;
}

/* The object that holds the interpreter exports it. */
static guint64
find_function (const PyRequest *self, HapTarget *target, const char *name)
{
  HapMaps *maps = hap_target_get_maps (target, NULL);
  guint64 runtime, address;

  for (guint i = 0; maps != NULL && i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      g_autoptr (HapElf) elf = NULL;

      if (mapping->offset != 0 || mapping->inode == 0 || !mapping->readable)
        continue;
      elf = hap_elf_new (self->runtime->memory, mapping->start, NULL);
      if (elf != NULL && hap_elf_find_symbol (elf, "_PyRuntime", &runtime, NULL)
          && runtime == self->runtime->address)
        return hap_elf_find_symbol (elf, name, &address, NULL) ? address : 0;
    }
  return 0;
}

typedef struct
{
  PyRuntime *runtime;
  gboolean found;
} EnvironmentSearch;

static gboolean
on_variable (guint64 key, guint64 value, gpointer data)
{
  EnvironmentSearch *search = data;
  g_autoptr (GBytes) name = py_object_get_bytes (search->runtime, key, sizeof OFF_VARIABLE);
  g_autoptr (GBytes) text = NULL;

  if (name == NULL || g_bytes_get_size (name) != strlen (OFF_VARIABLE)
      || memcmp (g_bytes_get_data (name, NULL), OFF_VARIABLE, strlen (OFF_VARIABLE)) != 0)
    return TRUE;
  text = py_object_get_bytes (search->runtime, value, MAX_ENVIRONMENT);
  search->found = text == NULL || g_bytes_get_size (text) > 0;
  return FALSE;
}

/* What 3.14 does by itself is done for the older ones: an owner who does not want debuggers says so one way.
 */
static gboolean
is_switched_off (const PyRequest *self)
{
  EnvironmentSearch search = { self->runtime, FALSE };
  guint64 environment, options;
  guint32 allowed;

  if (is_for_debuggers (self))
    return !hap_memory_read_u32 (self->runtime->memory,
                                 self->interpreter + self->runtime->layout.interp_remote, &allowed)
           || allowed != 1;
  options =
      py_dict_get (self->runtime, py_module_get_dict (self->runtime, self->interpreter, "sys"), "_xoptions");
  if (options != 0
      && (py_dict_get (self->runtime, options, OFF_OPTION) != 0
          || py_dict_get (self->runtime, options, "disable_remote_debug") != 0))
    return TRUE;
  environment =
      py_dict_get (self->runtime, py_module_get_dict (self->runtime, self->interpreter, "posix"), "environ");
  if (environment != 0)
    py_dict_foreach (self->runtime, environment, MAX_ENVIRONMENT, on_variable, &search);
  return search.found;
}

gboolean
py_request_init (PyRequest *self,
                 HapTarget *target,
                 PyRuntime *runtime,
                 const PyThread *thread,
                 GError **error)
{
  *self = (PyRequest){ .runtime = runtime, .interpreter = thread->interpreter, .tstate = thread->tstate };
  if (runtime->layout.free_threaded)
    {
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
          _ ("Python %s is built without a lock of the interpreter: code is not run in such a target"),
          runtime->version_string);
      return FALSE;
    }
  if (is_switched_off (self))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("Remote debugging is switched off in the target, by the environment variable %s, the "
                      "option “-X %s” or its build: start it without"),
                   OFF_VARIABLE, OFF_OPTION);
      return FALSE;
    }
  if (is_for_debuggers (self))
    return TRUE;

  self->text = hap_target_get_text_address (target);
  self->function = find_function (self, target, "PyRun_SimpleString");
  self->pending = find_queue (self);
  if (self->text != 0 && self->function != 0 && self->pending != 0)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("This Python %s is built in a way that leaves no place for a request"),
               runtime->version_string);
  return FALSE;
}

static guint64
get_remote (const PyRequest *self, guint32 field)
{
  return self->tstate + self->runtime->layout.tstate_remote + field;
}

static guint32
get_entry (const PyRequest *self, guint32 index)
{
  return self->runtime->layout.pending_calls + index * self->runtime->layout.pending_stride;
}

static gboolean
is_ours (const PyRequest *self, const Queue *queue, guint32 index)
{
  guint32 entry = get_entry (self, index);

  return py_block_u64 (queue->bytes, entry) == self->function
         && py_block_u64 (queue->bytes, entry + sizeof (guint64)) == self->text;
}

static gboolean
is_locked (const PyRequest *self, const Queue *queue)
{
  const PyLayout *layout = &self->runtime->layout;
  guint32 value;

  if (self->runtime->version >= FIRST_WITH_COUNT)
    return queue->bytes[layout->pending_lock] != 0 || py_block_u64 (queue->bytes, layout->pending_busy) != 0;
  if (layout->pending_busy != PY_NO_FIELD && get_u32 (queue, layout->pending_busy) != 0)
    return TRUE;
  /* A sem_t, whose first word is its value in every C library. */
  return !hap_memory_read_u32 (self->runtime->memory, py_block_u64 (queue->bytes, layout->pending_lock),
                               &value)
         || value != 1;
}

/* A call of ours is in the queue, perhaps one whose text was taken back. */
static gboolean
has_call (const PyRequest *self, const Queue *queue)
{
  for (guint32 i = 0; i < queue->count; i++)
    if (is_ours (self, queue, (queue->first + i) % self->runtime->layout.pending_length))
      return TRUE;
  return FALSE;
}

static gboolean
has_text (const PyRequest *self)
{
  g_autofree char *text = hap_memory_read_string (self->runtime->memory, self->text, HAP_TRACER_MAX_TEXT + 1);

  return text != NULL && !g_str_equal (text, NOTHING);
}

static PyRequestState
get_queue_state (const PyRequest *self, Queue *queue)
{
  const PyLayout *layout = &self->runtime->layout;
  guint32 limit = self->runtime->version >= FIRST_WITH_COUNT ? MAX_PENDING : layout->pending_length - 1;

  if (!read_queue (self, self->pending, queue) || !is_queue (self, queue))
    return PY_REQUEST_BUSY;
  if (has_call (self, queue))
    return has_text (self) ? PY_REQUEST_PENDING : PY_REQUEST_FREE;
  return is_locked (self, queue) || queue->count >= limit ? PY_REQUEST_BUSY : PY_REQUEST_FREE;
}

PyRequestState
py_request_get_state (const PyRequest *self)
{
  Queue queue;
  guint32 call;

  if (!is_for_debuggers (self))
    return get_queue_state (self, &queue);
  if (!hap_memory_read_u32 (self->runtime->memory, get_remote (self, self->runtime->layout.remote_call),
                            &call))
    return PY_REQUEST_BUSY;
  return call == 0 ? PY_REQUEST_FREE : PY_REQUEST_PENDING;
}

typedef struct
{
  HapWrite writes[HAP_TRACER_MAX_WRITES];
  guint n;
} Writes;

static void
add_write (Writes *self, guint64 address, gconstpointer bytes, gsize size)
{
  HapWrite *write = &self->writes[self->n++];

  g_return_if_fail (size <= sizeof write->bytes);
  write->address = address;
  write->size = size;
  memcpy (write->bytes, bytes, size);
}

static void
add_u32 (Writes *self, guint64 address, guint32 value)
{
  add_write (self, address, &value, sizeof value);
}

/* Comes last: makes the interpreter look up. */
static gboolean
add_eval_breaker (const PyRequest *self, Writes *writes, guint8 bit)
{
  const PyLayout *layout = &self->runtime->layout;
  guint64 address = self->tstate + layout->tstate_eval_breaker;
  guint8 bits;

  if (layout->tstate_eval_breaker == PY_NO_FIELD)
    {
      add_u32 (writes, self->interpreter + layout->interp_eval_breaker, 1);
      return TRUE;
    }
  if (!hap_memory_read_u8 (self->runtime->memory, address, &bits))
    return FALSE;
  bits |= bit;
  add_write (writes, address, &bits, sizeof bits);
  return TRUE;
}

static char *
make_path (const PyScript *script)
{
  return g_strdup_printf ("/proc/self/fd/%u", script->number);
}

/* Runs the script if it still is what it was, binds no name in __main__, and raises nothing. */
static char *
make_text (const PyScript *script)
{
  return g_strdup_printf (
      "try:exec((lambda b:b if b.startswith(b'%s')else'')(__import__('posix').pread(%u,%" G_GSIZE_FORMAT
      ",0)),{})\n"
      "except BaseException:0\n",
      script->mark, script->number, script->size);
}

static gboolean
add_debugger_request (const PyRequest *self, Writes *writes, const PyScript *script)
{
  const PyLayout *layout = &self->runtime->layout;
  g_autofree char *path = make_path (script);

  add_write (writes, get_remote (self, layout->remote_path), path, strlen (path) + 1);
  add_u32 (writes, get_remote (self, layout->remote_call), 1);
  return add_eval_breaker (self, writes, PLEASE_STOP);
}

static gboolean
add_call (const PyRequest *self, Writes *writes)
{
  const PyLayout *layout = &self->runtime->layout;
  const guint64 entry[] = { self->function, self->text, 0 };
  Queue queue;

  if (get_queue_state (self, &queue) != PY_REQUEST_FREE || layout->pending_stride > sizeof entry)
    return FALSE;
  if (has_call (self, &queue))
    return add_eval_breaker (self, writes, CALLS_TO_DO);
  add_write (writes, self->pending + get_entry (self, queue.next), entry, layout->pending_stride);
  add_u32 (writes, self->pending + layout->pending_next, (queue.next + 1) % layout->pending_length);
  add_u32 (writes, self->pending + layout->pending_count,
           self->runtime->version >= FIRST_WITH_COUNT ? queue.count + 1 : 1);
  return add_eval_breaker (self, writes, CALLS_TO_DO);
}

gboolean
py_request_make (const PyRequest *self, HapTarget *target, const PyScript *script, GError **error)
{
  g_autofree char *text = is_for_debuggers (self) ? NULL : make_text (script);
  Writes writes = { .n = 0 };

  g_return_val_if_fail (text == NULL || strlen (text) <= HAP_TRACER_MAX_TEXT, FALSE);
  if (is_for_debuggers (self) ? !add_debugger_request (self, &writes, script) : !add_call (self, &writes))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT, _ ("The interpreter's state cannot be read"));
      return FALSE;
    }
  return hap_target_publish (target, text, writes.writes, writes.n, error);
}

gboolean
py_request_is_pending (const PyRequest *self, const PyScript *script)
{
  g_autofree char *expected = is_for_debuggers (self) ? make_path (script) : make_text (script);
  guint64 place = is_for_debuggers (self) ? get_remote (self, self->runtime->layout.remote_path) : self->text;
  g_autofree char *found = hap_memory_read_string (self->runtime->memory, place, HAP_TRACER_MAX_TEXT + 1);

  return py_request_get_state (self) == PY_REQUEST_PENDING && g_strcmp0 (found, expected) == 0;
}

/* A call stays in the queue, and does nothing: that is one write. */
gboolean
py_request_retract (const PyRequest *self, HapTarget *target, GError **error)
{
  Writes writes = { .n = 0 };

  if (!is_for_debuggers (self))
    return hap_target_publish (target, NOTHING, NULL, 0, error);
  add_u32 (&writes, get_remote (self, self->runtime->layout.remote_call), 0);
  return hap_target_publish (target, NULL, writes.writes, writes.n, error);
}
