/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The families that the kernel was asked for: what is not in a table that was read whole is not bound. */
typedef enum
{
  SOCKETS_TABLE_TCP = 1 << 0,
  SOCKETS_TABLE_UDP = 1 << 1,
  SOCKETS_TABLE_TCP6 = 1 << 2,
  SOCKETS_TABLE_UDP6 = 1 << 3,
  SOCKETS_TABLE_UNIX = 1 << 4,
  SOCKETS_TABLE_NETLINK = 1 << 5,
  SOCKETS_TABLE_PACKET = 1 << 6,
} SocketsTables;

/**
 * SocketsFacts: what the kernel says of one socket. Unknown: NULL, -1.
 * @local, @remote: as Python prints what getsockname() and getpeername() return; "": what is false in Python
 * (a socket without a name); NULL: not known, or the call would fail
 * @receive_queue, @send_queue: bytes; of one that listens: connections that wait, and how many may
 * @idle_ms: since data was last sent or received; of a connection that had none, since it was made
 */
typedef struct
{
  guint64 inode;
  gint family, type, protocol;
  const char *state;
  char *local, *remote;
  gint64 receive_queue, send_queue;
  gint64 idle_ms;
  gboolean listening;
  /*< private >*/
  guint64 peer; /* AF_UNIX: the inode of the other end */
} SocketsFacts;

/**
 * SocketsDiag: the sockets of one network namespace at one moment.
 */
typedef struct _SocketsDiag SocketsDiag;

SocketsDiag *sockets_diag_new (void);
void sockets_diag_free (SocketsDiag *self);

/* Asks through a NETLINK_SOCK_DIAG socket for all that there are. What the kernel refuses is missing. */
void sockets_diag_read (SocketsDiag *self, int fd);

/**
 * sockets_diag_take:
 * @table: which one is being read
 * @bytes: one datagram of netlink messages: hostile for all we know
 *
 * Returns: TRUE: more are to come; FALSE: that was the last, or it is not sound
 */
gboolean sockets_diag_take (SocketsDiag *self, SocketsTables table, const guint8 *bytes, gsize size);

/* Returns: (transfer none) (nullable) */
const SocketsFacts *sockets_diag_find (SocketsDiag *self, guint64 inode);

/* The tables that were read to their end. */
guint sockets_diag_get_tables (SocketsDiag *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SocketsDiag, sockets_diag_free)

G_END_DECLS
