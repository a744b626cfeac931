/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors of the target's threads and files, from the service.
 */

#include "worker-broker.h"

#include <string.h>
#include <unistd.h>

#include "hap-error.h"
#include "worker-service.h"

struct _WorkerBroker
{
  GObject parent_instance;

  GDBusConnection *service;
  guint pid;
};

static void worker_broker_iface_init (HapBrokerInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (WorkerBroker,
                               worker_broker,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_BROKER, worker_broker_iface_init))

static int
worker_broker_open_mapping (HapBroker *broker, guint64 start, guint64 end, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = worker_service_call (self->service, "OpenMapping", g_variant_new ("(utt)", self->pid, start, end),
                               "(h)", &fds, error);
  if (reply == NULL)
    return -1;
  return worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
}

static int
worker_broker_open_tracer (HapBroker *broker, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply =
      worker_service_call (self->service, "OpenTracer", g_variant_new ("(u)", self->pid), "(h)", &fds, error);
  if (reply == NULL)
    return -1;
  return worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
}

static int
worker_broker_open_residency (HapBroker *broker, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = worker_service_call (self->service, "OpenResidency", g_variant_new ("(u)", self->pid), "(h)", &fds,
                               error);
  if (reply == NULL)
    return -1;
  return worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
}

/* The thread's number in its innermost pid namespace: the last of the line "NSpid:"; @tid where the kernel
 * has no such line. */
static guint
read_ns_tid (int status_fd, guint tid)
{
  char text[4096];
  ssize_t length = pread (status_fd, text, sizeof text - 1, 0);
  const char *line, *end;
  guint64 number = 0;

  if (length <= 0)
    return tid;
  text[length] = '\0';

  /* The name, in the first line, is the only text of the target's here, and the kernel escapes its newlines.
   */
  line = strstr (text, "\nNSpid:");
  if (line == NULL)
    return tid;
  line += strlen ("\nNSpid:");
  end = line + strcspn (line, "\n");
  while (end > line && !g_ascii_isspace (end[-1]))
    end--;
  number = g_ascii_strtoull (end, NULL, 10);
  return number > 0 && number <= G_MAXINT32 ? (guint)number : tid;
}

static gboolean
take_thread (GUnixFDList *fds, GVariant *entry, HapThread *thread, GError **error)
{
  int status_fd;

  *thread = (HapThread){ .stat_fd = -1, .schedstat_fd = -1 };
  g_variant_get_child (entry, 0, "u", &thread->tid);
  thread->stat_fd = worker_service_take_fd (fds, g_variant_get_child_value (entry, 1), error);
  if (thread->stat_fd < 0)
    return FALSE;
  thread->schedstat_fd = worker_service_take_fd (fds, g_variant_get_child_value (entry, 2), error);
  if (thread->schedstat_fd < 0)
    return FALSE;
  status_fd = worker_service_take_fd (fds, g_variant_get_child_value (entry, 3), error);
  if (status_fd < 0)
    return FALSE;

  thread->ns_tid = read_ns_tid (status_fd, thread->tid);
  close (status_fd);
  return TRUE;
}

static GArray *
worker_broker_open_threads (HapBroker *broker, guint after, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GArray) threads = g_array_new (FALSE, FALSE, sizeof (HapThread));

  g_array_set_clear_func (threads, (GDestroyNotify)hap_thread_clear);
  reply = worker_service_call (self->service, "OpenThreads", g_variant_new ("(uu)", self->pid, after),
                               "(a(uhhh))", &fds, error);
  if (reply == NULL)
    return NULL;

  list = g_variant_get_child_value (reply, 0);
  for (gsize i = 0; i < g_variant_n_children (list); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (list, i);
      HapThread thread;
      gboolean taken = take_thread (fds, entry, &thread, error);

      g_array_append_val (threads, thread);
      if (!taken)
        return NULL;
    }
  return g_steal_pointer (&threads);
}

static GArray *
worker_broker_read_system_calls (HapBroker *broker, guint after, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) list = NULL;
  GArray *calls;
  HapSystemCall call;
  const char *line;

  reply = worker_service_call (self->service, "ReadSystemCalls", g_variant_new ("(uu)", self->pid, after),
                               "(a(us))", NULL, error);
  if (reply == NULL)
    return NULL;

  calls = g_array_new (FALSE, FALSE, sizeof (HapSystemCall));
  g_variant_get (reply, "(a(us))", &list);
  while (g_variant_iter_next (list, "(u&s)", &call.tid, &line))
    {
      if (!hap_system_call_parse (line, &call))
        call.number = HAP_NO_SYSTEM_CALL;
      g_array_append_val (calls, call);
    }
  return calls;
}

static gboolean
worker_broker_open_sources (HapBroker *broker, const char *const *paths, int *fds, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) list = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) sources = NULL;
  guint n_paths = g_strv_length ((GStrv)paths);
  guint32 index;
  gint handle;

  reply = worker_service_call (self->service, "OpenSources", g_variant_new ("(u^as)", self->pid, paths),
                               "(a(uh))", &list, error);
  if (reply == NULL)
    return FALSE;

  for (guint i = 0; i < n_paths; i++)
    fds[i] = -1;
  g_variant_get (reply, "(a(uh))", &sources);
  while (g_variant_iter_next (sources, "(uh)", &index, &handle))
    {
      if (index < n_paths && fds[index] < 0)
        fds[index] = worker_service_take_fd (list, g_variant_ref_sink (g_variant_new_handle (handle)), NULL);
    }
  return TRUE;
}

static gboolean
worker_broker_open_copy (HapBroker *broker, guint pid, int *mem_fd, int *maps_fd, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = worker_service_call (
      self->service, "OpenCopy", g_variant_new ("(uu)", self->pid, pid), "(hh)", &fds, error);
  int mem, maps;

  if (reply == NULL)
    return FALSE;
  mem = worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
  if (mem < 0)
    return FALSE;
  maps = worker_service_take_fd (fds, g_variant_get_child_value (reply, 1), error);
  if (maps < 0)
    {
      close (mem);
      return FALSE;
    }
  *mem_fd = mem;
  *maps_fd = maps;
  return TRUE;
}

static void
worker_broker_finalize (GObject *object)
{
  g_clear_object (&WORKER_BROKER (object)->service);
  G_OBJECT_CLASS (worker_broker_parent_class)->finalize (object);
}

static GArray *
worker_broker_read_sockets (HapBroker *broker, guint from, guint *next, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) list = NULL;
  GArray *sockets;
  HapSocket socket;

  reply = worker_service_call (self->service, "ReadSockets", g_variant_new ("(uu)", self->pid, from),
                               "(a(ut)u)", NULL, error);
  if (reply == NULL)
    return NULL;

  sockets = g_array_new (FALSE, FALSE, sizeof (HapSocket));
  g_variant_get (reply, "(a(ut)u)", &list, next);
  while (g_variant_iter_next (list, "(ut)", &socket.fd, &socket.inode))
    g_array_append_val (sockets, socket);
  return sockets;
}

static int
worker_broker_open_socket_diag (HapBroker *broker, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = worker_service_call (self->service, "OpenSocketDiag", g_variant_new ("(u)", self->pid), "(h)", &fds,
                               error);
  if (reply == NULL)
    return -1;
  return worker_service_take_fd (fds, g_variant_get_child_value (reply, 0), error);
}

static GArray *
worker_broker_open_socket_tables (HapBroker *broker, GError **error)
{
  WorkerBroker *self = WORKER_BROKER (broker);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) list = NULL;
  g_autoptr (GArray) tables = g_array_new (FALSE, FALSE, sizeof (HapSocketTable));
  const char *name;
  gint handle;

  g_array_set_clear_func (tables, (GDestroyNotify)hap_socket_table_clear);
  reply = worker_service_call (self->service, "OpenSocketTables", g_variant_new ("(u)", self->pid), "(a(sh))",
                               &fds, error);
  if (reply == NULL)
    return NULL;

  g_variant_get (reply, "(a(sh))", &list);
  while (g_variant_iter_next (list, "(&sh)", &name, &handle))
    {
      HapSocketTable table = { g_strdup (name),
                               worker_service_take_fd (
                                   fds, g_variant_ref_sink (g_variant_new_handle (handle)), error) };

      g_array_append_val (tables, table);
      if (table.fd < 0)
        return NULL;
    }
  return g_steal_pointer (&tables);
}

static void
worker_broker_iface_init (HapBrokerInterface *iface)
{
  iface->read_sockets = worker_broker_read_sockets;
  iface->open_socket_diag = worker_broker_open_socket_diag;
  iface->open_socket_tables = worker_broker_open_socket_tables;
  iface->open_mapping = worker_broker_open_mapping;
  iface->open_threads = worker_broker_open_threads;
  iface->open_tracer = worker_broker_open_tracer;
  iface->read_system_calls = worker_broker_read_system_calls;
  iface->open_sources = worker_broker_open_sources;
  iface->open_copy = worker_broker_open_copy;
  iface->open_residency = worker_broker_open_residency;
}

static void
worker_broker_class_init (WorkerBrokerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = worker_broker_finalize;
}

static void
worker_broker_init (WorkerBroker *self)
{
}

HapBroker *
worker_broker_new (GDBusConnection *service, guint pid)
{
  WorkerBroker *self = g_object_new (WORKER_TYPE_BROKER, NULL);

  self->service = g_object_ref (service);
  self->pid = pid;
  return HAP_BROKER (self);
}
