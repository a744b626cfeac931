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
 * SocketsKernel: what the kernel says of the sockets of one network namespace at one moment, whichever way
 * it was asked.
 */
typedef struct _SocketsKernel SocketsKernel;

SocketsKernel *sockets_kernel_new (void);
void sockets_kernel_free (SocketsKernel *self);

/* Returns: (transfer none) (nullable) */
const SocketsFacts *sockets_kernel_find (SocketsKernel *self, guint64 inode);

/* The tables that were read to their end. */
guint sockets_kernel_get_tables (SocketsKernel *self);

/*< for those that ask >*/

/* Returns: (transfer none) (nullable): for what else is known of it; NULL: a socket that no descriptor is
 * left of, or too many */
SocketsFacts *sockets_kernel_add (SocketsKernel *self, guint64 inode, gint family, gint type, gint protocol);
void sockets_kernel_remove (SocketsKernel *self, guint64 inode);
void sockets_kernel_end_table (SocketsKernel *self, SocketsTables table);

/* Names the other ends of AF_UNIX sockets. */
void sockets_kernel_name_peers (SocketsKernel *self);

/**
 * sockets_facts_set_inet:
 * @state: include/net/tcp_states.h
 * @local, @remote: 4 or 16 bytes, as the family has it; ports in the machine's order
 * @interface: of an IPv6 address of one link; 0: not known
 *
 * State and addresses of a TCP or UDP socket.
 */
void sockets_facts_set_inet (SocketsFacts *facts,
                             guint state,
                             const void *local,
                             guint local_port,
                             const void *remote,
                             guint remote_port,
                             guint interface);

/* The name of an AF_UNIX socket; one that begins with NUL is an abstract one. */
void sockets_facts_set_path (SocketsFacts *facts, const guint8 *name, gsize length);

/* include/net/tcp_states.h: of AF_UNIX sockets */
#define SOCKETS_ESTABLISHED 1
#define SOCKETS_CLOSE 7
#define SOCKETS_LISTEN 10
void sockets_facts_set_unix_state (SocketsFacts *facts, guint state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SocketsKernel, sockets_kernel_free)

G_END_DECLS
