/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sockets-moment.h"

G_BEGIN_DECLS

/* What getsockname() and getpeername() return, as Python prints it; NULL: not known, or what they say is
 * false. (transfer none) */
typedef struct
{
  const char *local, *remote;
} SocketsAddresses;

/* @facts: (nullable). @tables: those that the kernel told whole */
SocketsAddresses sockets_find_addresses (const SocketsObject *object,
                                         SocketsVerdict verdict,
                                         const SocketsFacts *facts,
                                         guint tables);

/* Returns: (transfer full): repr(object) */
char *sockets_print_object (const SocketsObject *object, const SocketsAddresses *addresses);

/* Returns: (transfer full): a descriptor in like words. @facts: (nullable) */
char *sockets_print_stranger (guint fd, const SocketsFacts *facts);

G_END_DECLS
