/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sockets-kernel.h"

G_BEGIN_DECLS

/**
 * sockets_proc_take:
 * @name: "tcp", "tcp6", "udp", "udp6", "unix", "netlink" or "packet"; others are passed by
 * @text: of that file: hostile, since names of AF_UNIX sockets are in it as they are
 *
 * Takes over what a file of /proc/PID/net says.
 */
void sockets_proc_take (SocketsKernel *kernel, const char *name, const char *text, gsize size);

/* Reads such a file. */
void sockets_proc_read (SocketsKernel *kernel, const char *name, int fd);

G_END_DECLS
