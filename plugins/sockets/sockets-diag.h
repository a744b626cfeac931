/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sockets-kernel.h"

G_BEGIN_DECLS

/* Asks through a NETLINK_SOCK_DIAG socket for all that there are. What the kernel refuses is missing. */
void sockets_diag_read (SocketsKernel *kernel, int fd);

/**
 * sockets_diag_take:
 * @table: which one is being read
 * @bytes: one datagram of netlink messages: hostile for all we know
 *
 * Returns: TRUE: more are to come; FALSE: that was the last, or it is not sound
 */
gboolean sockets_diag_take (SocketsKernel *kernel, SocketsTables table, const guint8 *bytes, gsize size);

G_END_DECLS
