/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A ServiceOpenerFunc. @what: the descriptor of the network namespace to enter; -1: it is ours. The
 * descriptor is a target's NETLINK_SOCK_DIAG. */
int service_diag_opener_open (gconstpointer what);

G_END_DECLS
