/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The socket objects of a heap: all instances of _socket.socket and of what derives from it. Whose they are
 * is sockets-origin.c's; what the kernel knows of them sockets-diag.c's.
 */

#include "sockets-objects.h"

#include "py-objects.h"

/* More than a process can have descriptors by default, many times over. */
#define MAX_OBJECTS (256 * 1024)

static void
object_free (gpointer data)
{
  SocketsObject *object = data;

  g_free (object->class_name);
  g_free (object->rests_on);
  g_free (object);
}

static gboolean
is_socket_type (PyHeap *heap, guint32 type)
{
  const PyHeapType *heap_type = py_heap_get_type (heap, type);

  return heap_type->n_objects > 0
         && py_inspector_is_a (py_heap_get_inspector (heap), heap_type->class, "_socket", "socket");
}

static gboolean
read_int (PyHeap *heap, guint64 address, gint *value)
{
  PyRuntime *runtime = py_inspector_get_runtime (py_heap_get_inspector (heap));

  return hap_memory_read (py_runtime_get_memory (runtime), address, value, sizeof *value);
}

static SocketsObject *
read_object (PyHeap *heap, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));
  const PyClass *class = py_heap_get_type (heap, py_heap_get_object_type (heap, index))->class;
  guint64 address = py_heap_get_address (heap, index);
  SocketsObject object = { .address = address };

  if (!read_int (heap, address + layout->socket_fd, &object.fd)
      || !read_int (heap, address + layout->socket_family, &object.family)
      || !read_int (heap, address + layout->socket_type, &object.type)
      || !read_int (heap, address + layout->socket_protocol, &object.protocol))
    return NULL;
  object.plain = g_str_equal (class->module, "_socket") && g_str_equal (class->qualname, "socket");
  object.closed =
      py_inspector_is_true (inspector, py_inspector_get_attribute (inspector, address, "_closed"));
  object.class_name = g_strdup_printf ("%s.%s", class->module, class->qualname);
  return g_memdup2 (&object, sizeof object);
}

/* By descriptor, the closed ones last. */
static gint
compare (gconstpointer a, gconstpointer b)
{
  const SocketsObject *x = *(SocketsObject *const *)a, *y = *(SocketsObject *const *)b;

  if (x->fd != y->fd)
    return (guint)x->fd < (guint)y->fd ? -1 : 1;
  return x->address < y->address ? -1 : x->address > y->address;
}

GPtrArray *
sockets_objects_read (PyHeap *heap, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (object_free);
  guint32 n_types = py_heap_get_n_types (heap), n_objects = py_heap_get_n_objects (heap);
  g_autofree gboolean *wanted = g_new0 (gboolean, MAX (n_types, 1));
  gboolean any = FALSE;

  for (guint32 i = 0; i < n_types; i++)
    any |= wanted[i] = is_socket_type (heap, i);
  if (any && !py_heap_make_referrers (heap, cancellable, error))
    return NULL;
  for (guint32 i = 0; any && i < n_objects && objects->len < MAX_OBJECTS; i++)
    {
      SocketsObject *object = wanted[py_heap_get_object_type (heap, i)] ? read_object (heap, i) : NULL;

      if (object == NULL)
        continue;
      sockets_origin_find (heap, i, &object->origin, &object->rests_on);
      g_ptr_array_add (objects, object);
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_ptr_array_sort (objects, compare);
  return g_steal_pointer (&objects);
}
