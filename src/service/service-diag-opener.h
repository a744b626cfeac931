/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ServiceDiagOpener: what the child that opens a target's NETLINK_SOCK_DIAG needs; made before the fork.
 */
typedef struct
{
  int socket;  /* SOCK_SEQPACKET: gets one byte with the descriptor; nothing on failure */
  int network; /* the namespace to enter; -1: it is ours */
} ServiceDiagOpener;

/* Does the work, in a forked child: only what is safe in a signal handler. */
G_NORETURN void service_diag_opener_run (const ServiceDiagOpener *self);

G_END_DECLS
