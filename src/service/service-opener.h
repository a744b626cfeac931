/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* In the child: only what is safe in a signal handler. Returns the descriptor; -1 with errno */
typedef int (*ServiceOpenerFunc) (gconstpointer what);

/* @fd: what the child opened, the caller's from now on; -1: @status, as waitpid() has it, is the child's: it
 * ended with the errno, or was ended. */
typedef void (*ServiceOpenerDone) (int fd, int status, gpointer data);

/**
 * service_opener_start:
 * @open: opens one thing in a child of its own, which is ended when that takes too long
 * @what: for @open; read before this returns
 * @done: called once, later
 *
 * Errors: HAP_ERROR_BUSY: too many are being opened; HAP_ERROR_FAILED. @done is not called then.
 */
gboolean service_opener_start (ServiceOpenerFunc open,
                               gconstpointer what,
                               ServiceOpenerDone done,
                               gpointer data,
                               GError **error);

G_END_DECLS
