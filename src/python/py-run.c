/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One snippet from its text to its result: the files that it comes and answers by, the lock that says that
 * somebody waits for it, waking the main thread, giving up. How the interpreter is asked is py-request.c's;
 * what surrounds a snippet in the target is py-run.py.
 */

#include "py-run.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "hap-error.h"
#include "py-literal.h"
#include "py-main-thread.h"
#include "py-request.h"
#include "py-run-private.h"
#include "py-runtime-private.h"

#define WRAPPER "/org/homeassistant/Profiler/python/py-run.py"

#define MAX_TRIES 20
#define MAX_LINE (4 * 1024 * 1024)
#define BLOCK 65536

/* So much that was read is given back at once. */
#define GIVE_BACK (1024 * 1024)

/* How long to wait between two looks. */
#define MIN_WAIT_US 100
#define MAX_WAIT_US 5000
#define MAX_IDLE_WAIT_US 50000

/* How often the main thread is looked at while it has not taken up the request. */
#define NUDGE_US 10000

/* A request that is taken up has begun to run by then, unless the target gets no time at all. */
#define TAKE_UP_US (2 * G_USEC_PER_SEC)

struct _PyRun
{
  GObject parent_instance;

  HapTarget *target;
  PyRuntime *runtime;
  PyRequest request;
  PyMainThread *main_thread;
  HapSharedFile script_file, channel;
  PyScript script;
  gboolean lost;      /* a tracer that ended may have left files open in the target */
  gboolean requested; /* and neither begun nor taken back */

  GByteArray *lines;
  gsize begin; /* of the next line */
  guint64 offset;
  guint64 given_back; /* the memory up to here */
  guint64 pause_ns;
};

G_DEFINE_FINAL_TYPE (PyRun, py_run, G_TYPE_OBJECT)

static gboolean
let_go (PyRun *self, GError **error)
{
  guint64 pause_ns = 0;
  gboolean ok = hap_target_let_go (self->target, &pause_ns, error);

  self->pause_ns += pause_ns;
  return ok;
}

/* FALSE without an error: not at this moment. */
static gboolean
hold (PyRun *self, guint tid, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (hap_target_hold (self->target, tid, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* FALSE when @deadline is over or the action is cancelled. */
static gboolean
pause_until (gint64 deadline, gint64 *wait_us, gint64 max_wait_us, GCancellable *cancellable)
{
  gint64 left = deadline - g_get_monotonic_time ();

  if (left <= 0 || g_cancellable_is_cancelled (cancellable))
    return FALSE;
  g_usleep (MIN (left, *wait_us));
  *wait_us = MIN (*wait_us * 3 / 2, max_wait_us);
  return TRUE;
}

/* Returns the next whole line, without its newline, or NULL. Valid until the next call. */
static char *
next_line (PyRun *self)
{
  guint8 *newline = NULL;
  guint8 *begin;

  if (self->begin < self->lines->len)
    newline = memchr (self->lines->data + self->begin, '\n', self->lines->len - self->begin);
  if (newline == NULL)
    return NULL;
  begin = self->lines->data + self->begin;
  *newline = '\0';
  self->begin = newline + 1 - self->lines->data;
  return (char *)begin;
}

/* What lies there is the target's memory; the positions in the file stay as they are. */
static void
give_back (PyRun *self)
{
  if (self->offset - self->given_back < GIVE_BACK)
    return;
  fallocate (self->channel.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)self->given_back,
             (off_t)(self->offset - self->given_back));
  self->given_back = self->offset;
}

/* Reads what is there of the channel. FALSE: what is there is no line of ours. */
static gboolean
read_channel (PyRun *self, GError **error)
{
  guint8 block[BLOCK];
  gssize n;

  if (self->begin > 0)
    g_byte_array_remove_range (self->lines, 0, self->begin);
  self->begin = 0;
  n = pread (self->channel.fd, block, sizeof block, (off_t)self->offset);
  if (n > 0)
    {
      g_byte_array_append (self->lines, block, n);
      self->offset += n;
      give_back (self);
    }
  if (self->lines->len <= MAX_LINE)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The target answers by a line of more than %d MiB"),
               MAX_LINE / (1024 * 1024));
  return FALSE;
}

static gboolean
set_lock (PyRun *self, short type)
{
  struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

  return fcntl (self->channel.fd, F_SETLK, &lock) == 0 && fcntl (self->script_file.fd, F_SETLK, &lock) == 0;
}

static char *
make_script (PyRun *self, const char *snippet, GVariant *arguments)
{
  g_autoptr (GBytes) wrapper = g_resources_lookup_data (WRAPPER, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  g_snprintf (self->script.mark, sizeof self->script.mark, "#%08x%08x", g_random_int (), g_random_int ());
  g_string_append_printf (text, "%s\ntry:\n exec(compile(", self->script.mark);
  py_literal_append_string (text, g_bytes_get_data (wrapper, NULL));
  g_string_append_printf (text, ",'<ha-profiler>','exec'),{'parameters':(%u,%u,%s,", self->script.number,
                          self->channel.number, self->lost ? "True" : "False");
  py_literal_append_string (text, snippet);
  g_string_append_c (text, ',');
  py_literal_append (text, arguments);
  g_string_append (text, ")})\nexcept BaseException:\n pass\n");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The text is written, and sealed, before anybody is told where it is. */
static gboolean
write_script (PyRun *self, const char *snippet, GVariant *arguments, GError **error)
{
  g_autofree char *text = make_script (self, snippet, arguments);

  self->script.size = strlen (text);
  if (pwrite (self->script_file.fd, text, self->script.size, 0) == (gssize)self->script.size
      && fcntl (self->script_file.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
             == 0
      && set_lock (self, F_WRLCK))
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot write the script for the target: %s"),
               g_strerror (errno));
  return FALSE;
}

/* The position is the target's, too. What it has written so far and nobody has read is dropped. */
gboolean
py_run_write_header (PyRun *self, const char *text, GError **error)
{
  char header[PY_RUN_HEADER + 1];
  off_t end;

  g_snprintf (header, sizeof header, "%-*s", PY_RUN_HEADER, text);
  end = MAX (lseek (self->channel.fd, 0, SEEK_END), PY_RUN_HEADER);
  self->begin = self->lines->len;
  self->offset = (guint64)end;
  if (lseek (self->channel.fd, end, SEEK_SET) == end
      && pwrite (self->channel.fd, header, PY_RUN_HEADER, 0) == PY_RUN_HEADER)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot write to the target: %s"), g_strerror (errno));
  return FALSE;
}

gboolean
py_run_let_copy_go (PyRun *self, GError **error)
{
  if (fcntl (self->channel.fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot let the target go on: %s"), g_strerror (errno));
  return FALSE;
}

guint
py_run_get_descriptor (PyRun *self)
{
  return self->channel.number;
}

/* A machine under load may not stop the target in time at the first try. */
static gboolean
open_files (PyRun *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  gint64 wait_us = MIN_WAIT_US;
  HapSharedFile files[2];
  g_autoptr (GError) local_error = NULL;

  while (!hap_target_open_files (self->target, files, &local_error))
    {
      self->lost = TRUE;
      if (!g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT)
          || !pause_until (deadline, &wait_us, MAX_WAIT_US, cancellable))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_clear_error (&local_error);
    }
  self->script_file = files[0];
  self->channel = files[1];
  self->script.number = files[0].number;
  return py_run_write_header (self, "", error);
}

/* All threads are held. */
static gboolean
request_held (PyRun *self, GError **error)
{
  if (py_request_get_state (&self->request) != PY_REQUEST_FREE)
    return TRUE;
  if (!py_request_make (&self->request, self->target, &self->script, error))
    return FALSE;
  self->requested = TRUE;
  return py_main_thread_waits_in_loop (self->main_thread)
             ? hap_target_wake (self->target, py_main_thread_get_tid (self->main_thread), error)
             : TRUE;
}

/* FALSE with an error, or without one when it could not be made by @deadline. */
static gboolean
make_request (PyRun *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  gint64 wait_us = MIN_WAIT_US;

  do
    {
      g_autoptr (GError) local_error = NULL;
      gboolean ok;

      if (!hold (self, 0, &local_error))
        {
          if (local_error == NULL)
            continue;
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      ok = request_held (self, &local_error);
      let_go (self, NULL);
      if (!ok && !g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  while (!self->requested && pause_until (deadline, &wait_us, MAX_WAIT_US, cancellable));
  return self->requested;
}

/* It may have gone to sleep just before the request was there. */
static gboolean
nudge (PyRun *self, GError **error)
{
  gboolean ok = TRUE;

  if (!py_main_thread_is_asleep (self->main_thread))
    return TRUE;
  if (!hold (self, py_main_thread_get_tid (self->main_thread), error))
    return *error == NULL;
  if (py_main_thread_waits_in_loop (self->main_thread))
    ok = hap_target_wake (self->target, py_main_thread_get_tid (self->main_thread), error);
  let_go (self, NULL);
  return ok;
}

static gboolean
has_begun (PyRun *self)
{
  const char *line;

  if (!read_channel (self, NULL))
    return FALSE;
  line = next_line (self);
  if (line == NULL)
    return FALSE;
  self->requested = FALSE;
  return TRUE;
}

/* FALSE with an error, or without one when it has not begun by @deadline. */
static gboolean
await_begin (PyRun *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  gint64 wait_us = MIN_WAIT_US;
  gint64 nudged = g_get_monotonic_time ();

  while (!has_begun (self))
    {
      g_autoptr (GError) local_error = NULL;
      gint64 now = g_get_monotonic_time ();

      if (!hap_target_is_alive (self->target))
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The target has ended"));
          return FALSE;
        }
      if (now - nudged > NUDGE_US)
        {
          nudged = now;
          nudge (self, &local_error);
        }
      if (local_error != NULL && !g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (!pause_until (deadline, &wait_us, MAX_WAIT_US, cancellable))
        return FALSE;
    }
  return TRUE;
}

/* TRUE when it will not begin any more: it is neither there nor taken up. */
static gboolean
retract_held (PyRun *self)
{
  if (py_request_is_pending (&self->request, &self->script)
      && py_request_retract (&self->request, self->target, NULL))
    self->requested = FALSE;
  return !self->requested;
}

/*
 * What is given up must not begin later: the request is taken back while all threads are held, and should we
 * not even get there, the lock on the channel, which the script looks for first, goes with us.
 */
static gboolean
retract (PyRun *self)
{
  const gint64 deadline = g_get_monotonic_time () + TAKE_UP_US;
  gint64 wait_us = MIN_WAIT_US;

  while (self->requested && !has_begun (self))
    {
      g_autoptr (GError) error = NULL;
      gboolean held = hold (self, 0, &error);

      if (error != NULL)
        return FALSE;
      if (held)
        {
          gboolean retracted = retract_held (self);

          let_go (self, NULL);
          if (retracted)
            return TRUE;
        }
      if (!pause_until (deadline, &wait_us, MAX_WAIT_US, NULL))
        return FALSE;
    }
  return FALSE;
}

/* Nobody in the target knows of the files. */
static void
drop_files (PyRun *self)
{
  gboolean closed = FALSE;

  for (guint i = 0; i < MAX_TRIES && !closed; i++)
    closed = hap_target_close_files (self->target, NULL);
  hap_shared_file_clear (&self->script_file);
  hap_shared_file_clear (&self->channel);
}

static void
set_given_up_error (PyRun *self, double timeout, GCancellable *cancellable, GError **error)
{
  g_autofree char *doing = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      hap_error_convert (error);
      return;
    }
  doing = py_main_thread_describe (self->main_thread);
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
      _ ("The target's main thread came to no point where it runs other code within %g s, and the request "
         "was taken back: %s. Try again when it does something else"),
      timeout, doing);
}

gboolean
py_run_start (PyRun *self,
              const char *snippet,
              GVariant *arguments,
              double timeout,
              GCancellable *cancellable,
              GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64)(timeout * G_USEC_PER_SEC);
  g_autoptr (GVariant) owned =
      g_variant_ref_sink (arguments != NULL ? arguments : g_variant_new ("a{sv}", NULL));
  g_autoptr (GError) local_error = NULL;
  const PyThread *thread;

  g_return_val_if_fail (self->channel.fd < 0, FALSE);

  thread = py_main_thread_find (self->main_thread, error);
  if (thread == NULL || !py_request_init (&self->request, self->target, self->runtime, thread, error)
      || !open_files (self, deadline, cancellable, error))
    return FALSE;

  if (write_script (self, snippet, owned, &local_error)
      && make_request (self, deadline, cancellable, &local_error)
      && await_begin (self, deadline, cancellable, &local_error))
    return TRUE;
  if (!self->requested || retract (self))
    drop_files (self);
  else if (local_error == NULL && !self->requested)
    return TRUE; /* at the last moment */
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    set_given_up_error (self, timeout, cancellable, error);
  return FALSE;
}

/* @line: a letter and JSON */
static gboolean
take_line (const char *line, PyRunEvent *event, JsonNode **value, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (JsonNode) node = json_from_string (line[0] != '\0' ? line + 1 : line, &local_error);

  if (local_error == NULL && line[0] == 'e')
    {
      const char *text = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The target failed to do it: %s"),
                   text != NULL ? text : _ ("it does not say why"));
      return FALSE;
    }
  if (local_error != NULL || line[0] == '\0' || strchr ("ikrc", line[0]) == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The target answers what cannot be understood"));
      return FALSE;
    }
  *event = line[0] == 'i'   ? PY_RUN_ITEM
           : line[0] == 'k' ? PY_RUN_STAYS
           : line[0] == 'c' ? PY_RUN_WAITS
                            : PY_RUN_RESULT;
  *value = node != NULL && JSON_NODE_HOLDS_NULL (node) ? NULL : g_steal_pointer (&node);
  return TRUE;
}

gboolean
py_run_next (PyRun *self,
             PyRunEvent *event,
             JsonNode **value,
             double timeout,
             GCancellable *cancellable,
             GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64)(timeout * G_USEC_PER_SEC);
  gint64 wait_us = MIN_WAIT_US;
  gboolean alive = TRUE;
  guint64 seen;

  g_return_val_if_fail (self->channel.fd >= 0, FALSE);

  do
    {
      const char *line = next_line (self);

      if (line != NULL)
        return take_line (line, event, value, error);
      seen = self->offset;
      if (!read_channel (self, error))
        return FALSE;
      if (self->offset > seen)
        continue;
      if (!alive)
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The target has ended"));
          return FALSE;
        }
      /* What it said last is read after it is known to have ended. */
      alive = hap_target_is_alive (self->target);
    }
  while (self->offset > seen || !alive || pause_until (deadline, &wait_us, MAX_IDLE_WAIT_US, cancellable));

  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT, _ ("The target has not answered within %g s"),
                 timeout);
  else
    hap_error_convert (error);
  return FALSE;
}

void
py_run_let_go (PyRun *self)
{
  if (self->channel.fd >= 0)
    set_lock (self, F_UNLCK);
}

guint64
py_run_get_pause_ns (PyRun *self)
{
  return self->pause_ns;
}

static void
py_run_finalize (GObject *object)
{
  PyRun *self = PY_RUN (object);

  hap_shared_file_clear (&self->script_file);
  hap_shared_file_clear (&self->channel);
  g_byte_array_unref (self->lines);
  g_clear_pointer (&self->main_thread, py_main_thread_free);
  g_clear_object (&self->runtime);
  g_clear_object (&self->target);
  G_OBJECT_CLASS (py_run_parent_class)->finalize (object);
}

static void
py_run_class_init (PyRunClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = py_run_finalize;
}

static void
py_run_init (PyRun *self)
{
  self->script_file.fd = self->channel.fd = -1;
  self->lines = g_byte_array_new ();
  self->given_back = PY_RUN_HEADER;
}

PyRun *
py_run_new (HapTarget *target, PyRuntime *runtime)
{
  PyRun *self = g_object_new (PY_TYPE_RUN, NULL);

  self->target = g_object_ref (target);
  self->runtime = g_object_ref (runtime);
  self->main_thread = py_main_thread_new (target, runtime);
  return self;
}
