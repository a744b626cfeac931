/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"
#include "sockets-kernel.h"
#include "sockets-objects.h"

G_BEGIN_DECLS

/* How a socket object and the descriptors of the process belong together. */
typedef enum
{
  SOCKETS_CLOSED,  /* it has no descriptor, and needs none */
  SOCKETS_OPEN,    /* its descriptor is a socket */
  SOCKETS_CHANGED, /* its descriptor was opened, closed or exchanged while we looked */
  SOCKETS_STALE,   /* its descriptor is no socket: somebody else closed it */
} SocketsVerdict;

/**
 * SocketsMoment: objects, descriptors and what the kernel says of them, as nearly at one moment as can be:
 * the descriptors were read before and after the objects, and what does not fit together was looked at again.
 */
typedef struct
{
  GPtrArray *objects; /* (element-type SocketsObject) */
  GArray *before;     /* (element-type HapSocket) by descriptor */
  GArray *after;      /* likewise */
  GHashTable *stale;  /* addresses of objects (guint64) whose descriptor stayed gone */
  GArray *strangers;  /* (element-type HapSocket): descriptors that stayed without an object */
  SocketsKernel *kernel;
  const char *source; /* how it was asked: "sock_diag", "proc"; NULL: it could not be */
  guint64 pause_ns;   /* how long the target was stopped, together */
  gboolean still;     /* objects were read in a copy that stands still */
  char *no_snapshot;  /* why they were not; NULL: they were */
  char *python;       /* version */
} SocketsMoment;

gboolean
sockets_moment_read (SocketsMoment *self, HapTarget *target, GCancellable *cancellable, GError **error);
void sockets_moment_clear (SocketsMoment *self);

/* @facts: (out): (nullable): what the kernel says of its descriptor */
SocketsVerdict
sockets_moment_judge (SocketsMoment *self, const SocketsObject *object, const SocketsFacts **facts);

/* The inode of the socket that a descriptor was all the time; 0: none. */
guint64 sockets_moment_find (SocketsMoment *self, gint fd);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SocketsMoment, sockets_moment_clear)

G_END_DECLS
