/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One look at all processes: opens them by the batch and has a worker tell which are Python, since whose
 * memory and command line say so may lie. A process at which the worker dies, or waits without end, costs the
 * others little: its batch is parted until it is alone, and left out, in later looks as well.
 */

#include "service-discovery.h"

#include <dirent.h>
#include <glib/gi18n.h>
#include <stdlib.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-mapping.h"
#include "service-language.h"
#include "service-text.h"
#include "service-worker.h"

/* Three descriptors each, and the kernel takes 253 in one message. */
#define BATCH 60

/* For one process, and for all. */
#define SECONDS 5
#define LOOK_SECONDS 60

#define MAX_FAILURES 24
#define MAX_LEFT_OUT 256
#define MAX_COMMAND 1000
#define MAX_TEXT 200

/* One look. Freed with its task. */
typedef struct
{
  ServiceLauncher *launcher;
  ServiceWorker *worker; /* NULL before the first batch and after a failure */
  GArray *pids;          /* not looked at yet, ascending */
  GQueue again;          /* batches (GPtrArray of ServiceProcess) that are parts of one that failed */
  GPtrArray *batch;      /* the worker is at it */
  guint at;              /* of the batch, from 1; 0: the worker has not said */
  GPtrArray *left_out;
  gint64 deadline; /* monotonic */
  GPtrArray *targets;
  guint n_failures;
  const ServiceLanguage *language; /* of those who wait for it */
} Look;

static void next_batch (GTask *task);

void
service_target_free (ServiceTarget *self)
{
  g_clear_pointer (&self->process, service_process_unref);
  g_free (self->name);
  g_free (self->command);
  g_free (self->python);
  g_free (self->home_assistant_version);
  g_free (self->reason);
  g_free (self);
}

static void
drop_worker (Look *look)
{
  if (look->worker != NULL)
    service_worker_dismiss (look->worker);
  g_clear_object (&look->worker);
}

static void
look_free (Look *look)
{
  drop_worker (look);
  g_object_unref (look->launcher);
  g_array_unref (look->pids);
  g_queue_clear_full (&look->again, (GDestroyNotify)g_ptr_array_unref);
  g_clear_pointer (&look->batch, g_ptr_array_unref);
  g_ptr_array_unref (look->targets);
  g_ptr_array_unref (look->left_out);
  g_free (look);
}

static gint
compare_pids (gconstpointer a, gconstpointer b)
{
  guint pid_a = *(const guint *)a, pid_b = *(const guint *)b;

  return (pid_a > pid_b) - (pid_a < pid_b);
}

static GArray *
list_pids (void)
{
  GArray *pids = g_array_new (FALSE, FALSE, sizeof (guint));
  DIR *proc = opendir ("/proc");
  const struct dirent *entry;

  while (proc != NULL && (entry = readdir (proc)) != NULL)
    {
      guint pid = (guint)strtoul (entry->d_name, NULL, 10);

      if (pid > 0)
        g_array_append_val (pids, pid);
    }
  if (proc != NULL)
    closedir (proc);
  g_array_sort (pids, compare_pids);
  return pids;
}

/* Its index from 1; 0: it is not there */
static guint
find_index (GPtrArray *batch, guint pid)
{
  for (guint i = 0; batch != NULL && i < batch->len; i++)
    {
      if (service_process_get_pid (batch->pdata[i]) == pid)
        return i + 1;
    }
  return 0;
}

static ServiceProcess *
find_process (GPtrArray *batch, guint pid)
{
  guint index = find_index (batch, pid);

  return index > 0 ? batch->pdata[index - 1] : NULL;
}

/* The next processes that can be opened; what cannot is nobody's target. */
static GPtrArray *
open_batch (Look *look)
{
  GPtrArray *batch = g_ptr_array_new_with_free_func ((GDestroyNotify)service_process_unref);
  guint taken = 0;

  while (taken < look->pids->len && batch->len < BATCH)
    {
      guint pid = g_array_index (look->pids, guint, taken++);
      ServiceProcess *process;

      if (service_launcher_owns (look->launcher, pid) || find_index (look->left_out, pid) > 0)
        continue;
      process = service_process_open (pid, NULL);
      if (process != NULL)
        g_ptr_array_add (batch, process);
    }
  g_array_remove_range (look->pids, 0, taken);
  return batch;
}

/* Each has its time once, as they come in their order. */
static void
note_place (Look *look, guint pid)
{
  guint index = find_index (look->batch, pid);

  if (index <= look->at)
    return;
  look->at = index;
  service_worker_set_time (look->worker, SECONDS);
}

/* What the worker may ask while it looks. */
static void
handle_call (gpointer owner, GDBusMethodInvocation *invocation)
{
  Look *look = owner;
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  gboolean looks = g_str_equal (method, "LookAt");
  guint pid = 0;
  ServiceProcess *process = NULL;

  if (looks || g_str_equal (method, "OpenMapping") || g_str_equal (method, "OpenThreads"))
    g_variant_get_child (g_dbus_method_invocation_get_parameters (invocation), 0, "u", &pid);
  process = find_process (look->batch, pid);
  if (looks)
    {
      note_place (look, pid);
      g_dbus_method_invocation_return_value (invocation, NULL);
    }
  else if (process != NULL && g_str_equal (method, "OpenMapping"))
    service_mapping_answer (process, invocation);
  else if (process != NULL)
    service_process_answer (process, invocation);
  else
    g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_FAILED,
                                           "That is not for a look around");
}

static char *
lookup_text (GVariant *entry, const char *key, gsize max_chars)
{
  const char *text = NULL;

  if (!g_variant_lookup (entry, key, "&s", &text))
    return NULL;
  return service_text_escape (text, max_chars, FALSE);
}

static ServiceTarget *
take_target (GVariant *entry, ServiceProcess *process)
{
  ServiceTarget *target = g_new0 (ServiceTarget, 1);
  const char *name = NULL;

  target->process = service_process_ref (process);
  target->pid = service_process_get_pid (process);
  g_variant_lookup (entry, "name", "&s", &name);
  target->name = g_strdup (name != NULL && service_text_is_name (name, 64) ? name : "python");
  target->command = lookup_text (entry, "command", MAX_COMMAND);
  target->python = lookup_text (entry, "python", MAX_TEXT);
  target->home_assistant_version = lookup_text (entry, "home_assistant_version", MAX_TEXT);
  target->reason = lookup_text (entry, "reason", MAX_COMMAND);
  g_variant_lookup (entry, "supported", "b", &target->supported);
  g_variant_lookup (entry, "home_assistant", "b", &target->home_assistant);
  if (!target->supported && target->reason == NULL)
    target->reason = g_strdup (_ ("no reason is known"));
  return target;
}

/* Each process of the batch once; more is not believed. */
static void
take_targets (Look *look, GVariant *entries)
{
  for (gsize i = 0; i < g_variant_n_children (entries); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (entries, i);
      guint pid = 0;
      ServiceProcess *process;

      g_variant_lookup (entry, "pid", "u", &pid);
      process = find_process (look->batch, pid);
      if (process == NULL || !service_process_is_alive (process))
        continue;
      g_ptr_array_add (look->targets, take_target (entry, process));
      g_ptr_array_remove (look->batch, process);
    }
}

/* The batch after it has failed: the process that it failed at, which has to show that alone, too, since only
 * the worker says so, and the others; or two halves. They come first, so that the targets that are found so
 * far stay few. */
static void
part_batch (Look *look)
{
  GPtrArray *part = g_ptr_array_new_with_free_func ((GDestroyNotify)service_process_unref);
  guint first = look->at > 0 ? look->at - 1 : look->batch->len / 2;
  guint n = look->at > 0 ? 1 : look->batch->len - first;

  for (guint i = first; i < first + n; i++)
    g_ptr_array_add (part, service_process_ref (look->batch->pdata[i]));
  g_ptr_array_remove_range (look->batch, first, n);
  g_queue_push_head (&look->again, g_steal_pointer (&look->batch));
  g_queue_push_head (&look->again, part);
}

static void
leave_out (Look *look, ServiceProcess *process, const GError *error)
{
  g_message ("Process %u is left out of the targets: %s", service_process_get_pid (process), error->message);
  if (look->left_out->len == MAX_LEFT_OUT)
    g_ptr_array_remove_index (look->left_out, 0);
  g_ptr_array_add (look->left_out, service_process_ref (process));
}

/* Those that run what they ran then. */
static void
prune (GPtrArray *left_out)
{
  for (guint i = left_out->len; i > 0; i--)
    {
      if (!service_process_is_same (left_out->pdata[i - 1]))
        g_ptr_array_remove_index (left_out, i - 1);
    }
}

static void
on_discovered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Look *look = g_task_get_task_data (task);
  SERVICE_SPEAKS (look->language);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = service_worker_call_finish (SERVICE_WORKER (source), result, &error);
  g_autoptr (GVariant) entries = NULL;

  if (reply != NULL)
    {
      entries = g_variant_get_child_value (reply, 0);
      take_targets (look, entries);
      next_batch (task);
      return;
    }

  drop_worker (look);
  if (++look->n_failures > MAX_FAILURES)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  if (g_get_monotonic_time () > look->deadline)
    {
      g_task_return_new_error (
          task, HAP_ERROR, HAP_ERROR_TIMED_OUT,
          _ ("Looking at the processes that run here takes too long: say which is meant by its number"));
      return;
    }
  if (look->batch->len > 1)
    part_batch (look);
  else
    leave_out (look, look->batch->pdata[0], error);
  next_batch (task);
}

static GVariant *
describe_candidates (GPtrArray *batch, GUnixFDList *fds)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < batch->len; i++)
    {
      ServiceProcess *process = batch->pdata[i];
      service_autofd int cmdline = service_process_open_file (process, "cmdline", NULL);
      gint mem_handle = g_unix_fd_list_append (fds, service_process_get_mem_fd (process), NULL);
      gint maps_handle = g_unix_fd_list_append (fds, service_process_get_maps_fd (process), NULL);
      gint cmdline_handle = cmdline >= 0 ? g_unix_fd_list_append (fds, cmdline, NULL) : -1;

      if (mem_handle < 0 || maps_handle < 0 || cmdline_handle < 0)
        continue;
      g_variant_builder_open (&builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&builder, "{sv}", "pid",
                             g_variant_new_uint32 (service_process_get_pid (process)));
      g_variant_builder_add (&builder, "{sv}", "mem", g_variant_new_handle (mem_handle));
      g_variant_builder_add (&builder, "{sv}", "maps", g_variant_new_handle (maps_handle));
      g_variant_builder_add (&builder, "{sv}", "cmdline", g_variant_new_handle (cmdline_handle));
      g_variant_builder_close (&builder);
    }
  return g_variant_new ("(@aa{sv})", g_variant_builder_end (&builder));
}

static gint
compare_targets (gconstpointer a, gconstpointer b)
{
  const ServiceTarget *const *first = a, *const *second = b;
  guint pid_a = service_process_get_pid ((*first)->process),
        pid_b = service_process_get_pid ((*second)->process);

  return (pid_a > pid_b) - (pid_a < pid_b);
}

static void
finish (GTask *task)
{
  Look *look = g_task_get_task_data (task);

  drop_worker (look);
  g_ptr_array_sort (look->targets, compare_targets);
  g_task_return_pointer (task, g_ptr_array_ref (look->targets), (GDestroyNotify)g_ptr_array_unref);
}

static void
next_batch (GTask *task)
{
  Look *look = g_task_get_task_data (task);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GError *error = NULL;

  g_clear_pointer (&look->batch, g_ptr_array_unref);
  look->batch = g_queue_pop_head (&look->again);
  if (look->batch == NULL)
    look->batch = open_batch (look);
  if (look->batch->len == 0)
    {
      finish (task);
      return;
    }

  if (look->worker == NULL)
    look->worker = service_worker_new (look->launcher, NULL, handle_call, look, &error);
  if (look->worker == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  look->at = 0;
  service_worker_call (look->worker, "Discover", describe_candidates (look->batch, fds), fds, "(aa{sv})",
                       SECONDS, on_discovered, g_object_ref (task));
}

void
service_discover (ServiceLauncher *launcher, GPtrArray *left_out, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  Look *look = g_new0 (Look, 1);

  g_task_set_source_tag (task, service_discover);
  g_task_set_task_data (task, look, (GDestroyNotify)look_free);
  look->launcher = g_object_ref (launcher);
  look->language = service_language_get_current ();
  look->pids = list_pids ();
  look->left_out = g_ptr_array_ref (left_out);
  look->deadline = g_get_monotonic_time () + LOOK_SECONDS * G_USEC_PER_SEC;
  prune (left_out);
  look->targets = g_ptr_array_new_with_free_func ((GDestroyNotify)service_target_free);
  next_batch (task);
}

GPtrArray *
service_discover_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
