/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"
#include "py-heap.h"

G_BEGIN_DECLS

/* A socket object of the target, and whose it is. */
typedef struct
{
  guint64 address;
  char *class_name; /* as Python prints it: "socket.socket", "ssl.SSLSocket" */
  gboolean plain;   /* of the class that they all derive from, which prints otherwise */
  gboolean closed; /* close() was called; its descriptor lives on while files are open that were made of it */
  gint fd;         /* -1: none */
  gint family, type, protocol;
  const HapOrigin *origin; /* NULL: nothing tells */
  char *rests_on;
} SocketsObject;

/**
 * sockets_objects_read:
 *
 * Returns: (transfer full) (element-type SocketsObject): all of the heap, by descriptor; NULL with @error
 */
GPtrArray *sockets_objects_read (PyHeap *heap, GCancellable *cancellable, GError **error);

/*< sockets-origin.c >*/

/* Whose the object at @index of the heap is, by who holds it. The heap's referrers have been made. */
void sockets_origin_find (PyHeap *heap, guint32 index, const HapOrigin **origin, char **rests_on);

G_END_DECLS
