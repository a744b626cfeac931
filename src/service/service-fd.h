/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* A descriptor that is closed when it goes out of scope (GLib has g_autofd from 2.76 on). Hand it on with
 * g_steal_fd(). */
static inline void
service_fd_clear (int *fd)
{
  int saved_errno = errno;

  if (*fd >= 0)
    close (*fd);
  *fd = -1;
  errno = saved_errno;
}

#define service_autofd __attribute__ ((cleanup (service_fd_clear)))

/* Through a SOCK_SEQPACKET socket, one descriptor in one message, with @number. Sending is safe between fork
 * and exec; @fd stays open. Receiving does not wait: -1 when there is nothing. */
bool service_fd_send (int socket, uint32_t number, int fd);
int service_fd_receive (int socket, uint32_t *number);
