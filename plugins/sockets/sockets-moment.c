/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The readings of a target, and their order: it goes on meanwhile, and what only came or went must not look
 * like a leak. What is read is sockets-objects.c's and sockets-diag.c's.
 */

#include "sockets-moment.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "hap-error.h"
#include "hap-snapshot.h"
#include "py-heap-copy.h"
#include "sockets-diag.h"
#include "sockets-proc.h"

/* A copy that shows a collection half done is of no use. */
#define MAX_COPIES 20
#define MAX_LIVE 2

#define MAX_PAGES 1024

/* Looks at the descriptors of a suspect before it is told of, and as many after its object was read again. */
#define N_LOOKS 10
#define LOOK_US 5000

void
sockets_moment_clear (SocketsMoment *self)
{
  g_clear_pointer (&self->objects, g_ptr_array_unref);
  g_clear_pointer (&self->before, g_array_unref);
  g_clear_pointer (&self->after, g_array_unref);
  g_clear_pointer (&self->stale, g_hash_table_unref);
  g_clear_pointer (&self->strangers, g_array_unref);
  g_clear_pointer (&self->kernel, sockets_kernel_free);
  g_clear_pointer (&self->no_snapshot, g_free);
  g_clear_pointer (&self->python, g_free);
}

static GArray *
read_descriptors (HapTarget *target, GError **error)
{
  HapBroker *broker = hap_target_get_broker (target);
  g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (HapSocket));
  guint next = 0, from = 0;

  for (guint i = 0; i < MAX_PAGES && (i == 0 || next > from); i++)
    {
      g_autoptr (GArray) page = NULL;

      from = next;
      page = hap_broker_read_sockets (broker, from, &next, error);
      if (page == NULL)
        return NULL;
      g_array_append_vals (sockets, page->data, page->len);
    }
  return g_steal_pointer (&sockets);
}

/* The heap of a frozen copy. What was read of one that has gone meanwhile has holes. */
static GPtrArray *
read_copy (SocketsMoment *self,
           HapTarget *target,
           PyRuntime *runtime,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (HapSnapshot) snapshot = hap_target_snapshot (target, cancellable, error);
  g_autoptr (PyRuntime) frozen = NULL;
  g_autoptr (PyHeap) heap = NULL;
  g_autoptr (GPtrArray) objects = NULL;

  if (snapshot == NULL)
    return NULL;
  self->pause_ns += hap_snapshot_get_pause_ns (snapshot);
  frozen = py_runtime_with_memory (runtime, hap_snapshot_get_memory (snapshot));
  heap = py_heap_new (frozen, hap_snapshot_get_maps (snapshot), PY_HEAP_WITH_REFERENCES, cancellable, error);
  if (heap != NULL)
    objects = sockets_objects_read (heap, cancellable, error);
  if (objects == NULL || !hap_snapshot_is_fork (snapshot) || hap_snapshot_is_alive (snapshot))
    return g_steal_pointer (&objects);
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
      _ ("The frozen copy was gone before its sockets were found: memory is short, or the machine too busy"));
  return NULL;
}

/* Where there is no copy to be had: the process as it goes on. */
static GPtrArray *
read_live (HapTarget *target, PyRuntime *runtime, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyHeap) heap = NULL;
  HapMaps *maps;

  if (!hap_target_refresh_maps (target, error))
    return NULL;
  maps = hap_target_get_maps (target, error);
  heap = py_heap_new (runtime, maps, PY_HEAP_WITH_REFERENCES, cancellable, error);
  return heap != NULL ? sockets_objects_read (heap, cancellable, error) : NULL;
}

static gboolean
is_final (const GError *error)
{
  return g_error_matches (error, HAP_ERROR, HAP_ERROR_TARGET_GONE)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A copy that was gone too soon, and a process whose heap cannot be read as it goes on, are not tried for
 * ever: each try takes as long as the heap is large. */
static GPtrArray *
read_objects (SocketsMoment *self,
              HapTarget *target,
              PyRuntime *runtime,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GPtrArray *objects = NULL;
  const gint64 deadline = g_get_monotonic_time () + PY_HEAP_MAX_COLLECTION_US;

  self->still = TRUE;
  for (guint try = 0; try < MAX_COPIES && objects == NULL; try++)
    {
      g_clear_error (&local_error);
      py_heap_copy_await_collection (runtime, deadline, cancellable);
      objects = read_copy (self, target, runtime, cancellable, &local_error);
      /* BUSY: a collection is under way, or another copy. */
      if (objects == NULL && !g_error_matches (local_error, HAP_ERROR, HAP_ERROR_BUSY))
        break;
    }
  self->still = objects != NULL;
  g_free (self->no_snapshot);
  self->no_snapshot = objects != NULL ? NULL : g_strdup (local_error->message);
  for (guint try = 0; try < MAX_LIVE && objects == NULL && !is_final (local_error); try++)
    {
      g_clear_error (&local_error);
      objects = read_live (target, runtime, cancellable, &local_error);
    }
  if (objects == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return objects;
}

static guint64
find_inode (GArray *sockets, gint fd)
{
  guint low = 0, high = sockets->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const HapSocket *socket = &g_array_index (sockets, HapSocket, middle);

      if (socket->fd == (guint)fd)
        return socket->inode;
      if (socket->fd < (guint)fd)
        low = middle + 1;
      else
        high = middle;
    }
  return 0;
}

guint64
sockets_moment_find (SocketsMoment *self, gint fd)
{
  guint64 before = find_inode (self->before, fd);

  return before == find_inode (self->after, fd) ? before : 0;
}

static GHashTable *
index_objects (GPtrArray *objects)
{
  GHashTable *index = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < objects->len; i++)
    {
      SocketsObject *object = objects->pdata[i];

      if (object->fd >= 0)
        g_hash_table_insert (index, GINT_TO_POINTER (object->fd), object);
    }
  return index;
}

static gboolean
is_gone (SocketsMoment *self, gint fd)
{
  return find_inode (self->before, fd) == 0 && find_inode (self->after, fd) == 0;
}

/* What does not fit together: the objects whose descriptor is gone, the descriptors that have no object. */
static void
find_suspects (SocketsMoment *self)
{
  g_autoptr (GHashTable) index = index_objects (self->objects);

  for (guint i = 0; i < self->objects->len; i++)
    {
      SocketsObject *object = self->objects->pdata[i];

      if (object->fd >= 0 && is_gone (self, object->fd))
        g_hash_table_add (self->stale, &object->address);
    }
  for (guint i = 0; i < self->before->len; i++)
    {
      const HapSocket *socket = &g_array_index (self->before, HapSocket, i);

      if (sockets_moment_find (self, (gint)socket->fd) == socket->inode
          && !g_hash_table_contains (index, GINT_TO_POINTER (socket->fd)))
        g_array_append_val (self->strangers, *socket);
    }
}

static gboolean
is_same (GPtrArray *objects, const SocketsObject *object)
{
  for (guint i = 0; i < objects->len; i++)
    {
      const SocketsObject *other = objects->pdata[i];

      if (other->address == object->address)
        return other->fd == object->fd;
    }
  return FALSE;
}

static gboolean
has_suspects (SocketsMoment *self)
{
  return g_hash_table_size (self->stale) > 0 || self->strangers->len > 0;
}

/* A suspect is none any more once it is otherwise at a later reading of the descriptors... */
static void
check_descriptors (SocketsMoment *self, GArray *descriptors)
{
  for (guint i = 0; i < self->objects->len; i++)
    {
      SocketsObject *object = self->objects->pdata[i];

      if (find_inode (descriptors, object->fd) != 0)
        g_hash_table_remove (self->stale, &object->address);
    }
  for (guint i = self->strangers->len; i-- > 0;)
    {
      const HapSocket *socket = &g_array_index (self->strangers, HapSocket, i);

      if (find_inode (descriptors, (gint)socket->fd) != socket->inode)
        g_array_remove_index (self->strangers, i);
    }
}

/* ...or of the objects. */
static void
check_objects (SocketsMoment *self, GPtrArray *objects)
{
  g_autoptr (GHashTable) index = index_objects (objects);

  for (guint i = 0; i < self->objects->len; i++)
    {
      SocketsObject *object = self->objects->pdata[i];

      if (g_hash_table_contains (self->stale, &object->address) && !is_same (objects, object))
        g_hash_table_remove (self->stale, &object->address);
    }
  for (guint i = self->strangers->len; i-- > 0;)
    if (g_hash_table_contains (index, GINT_TO_POINTER (g_array_index (self->strangers, HapSocket, i).fd)))
      g_array_remove_index (self->strangers, i);
}

static gboolean
read_diag (SocketsMoment *self, HapBroker *broker)
{
  g_autoptr (GError) error = NULL;
  int fd = hap_broker_open_socket_diag (broker, &error);

  if (fd < 0)
    {
      g_debug ("The kernel cannot be asked for sockets: %s", error->message);
      return FALSE;
    }
  sockets_diag_read (self->kernel, fd);
  close (fd);
  return sockets_kernel_get_tables (self->kernel) != 0;
}

static gboolean
read_proc (SocketsMoment *self, HapBroker *broker)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) tables = hap_broker_open_socket_tables (broker, &error);

  if (tables == NULL)
    {
      g_debug ("The kernel's tables of sockets: %s", error->message);
      return FALSE;
    }
  for (guint i = 0; i < tables->len; i++)
    {
      const HapSocketTable *table = &g_array_index (tables, HapSocketTable, i);

      sockets_proc_read (self->kernel, table->name, table->fd);
    }
  return sockets_kernel_get_tables (self->kernel) != 0;
}

/* What the kernel does not tell is not known: that is no error. */
static void
read_kernel (SocketsMoment *self, HapTarget *target)
{
  HapBroker *broker = hap_target_get_broker (target);

  self->kernel = sockets_kernel_new ();
  if (read_diag (self, broker))
    self->source = "sock_diag";
  else if (read_proc (self, broker))
    self->source = "proc";
}

/* One socket after another may come to lie where the last one lay, and get its number: one more copy shows
 * such a pair as one object that stays. Whoever goes on opening them is caught by many cheap looks. */
static gboolean
look_often (SocketsMoment *self, HapTarget *target, GError **error)
{
  for (guint i = 0; i < N_LOOKS && has_suspects (self); i++)
    {
      g_autoptr (GArray) descriptors = NULL;

      g_usleep (LOOK_US);
      descriptors = read_descriptors (target, error);
      if (descriptors == NULL)
        return FALSE;
      check_descriptors (self, descriptors);
    }
  return TRUE;
}

static gboolean
look_again (SocketsMoment *self,
            HapTarget *target,
            PyRuntime *runtime,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GPtrArray) objects = NULL;

  find_suspects (self);
  if (!look_often (self, target, error))
    return FALSE;
  if (!has_suspects (self))
    return TRUE;
  objects = read_objects (self, target, runtime, cancellable, error);
  if (objects == NULL)
    return FALSE;
  check_objects (self, objects);
  return look_often (self, target, error);
}

gboolean
sockets_moment_read (SocketsMoment *self, HapTarget *target, GCancellable *cancellable, GError **error)
{
  g_autoptr (PyRuntime) runtime = py_runtime_attach (target, error);

  if (runtime == NULL)
    return FALSE;
  self->python = g_strdup (py_runtime_get_version_string (runtime));
  self->stale = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->strangers = g_array_new (FALSE, FALSE, sizeof (HapSocket));

  self->before = read_descriptors (target, error);
  if (self->before == NULL)
    return FALSE;
  self->objects = read_objects (self, target, runtime, cancellable, error);
  if (self->objects == NULL)
    return FALSE;
  read_kernel (self, target);
  self->after = read_descriptors (target, error);
  return self->after != NULL && look_again (self, target, runtime, cancellable, error);
}

SocketsVerdict
sockets_moment_judge (SocketsMoment *self, const SocketsObject *object, const SocketsFacts **facts)
{
  guint64 inode;

  *facts = NULL;
  if (object->fd < 0)
    return SOCKETS_CLOSED;
  if (g_hash_table_contains (self->stale, &object->address))
    return SOCKETS_STALE;
  inode = sockets_moment_find (self, object->fd);
  if (inode == 0)
    return SOCKETS_CHANGED;
  *facts = sockets_kernel_find (self->kernel, inode);
  return SOCKETS_OPEN;
}
