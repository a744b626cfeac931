/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child that enters the network namespace of a target, by its descriptor, to open a socket there through
 * which the kernel tells about sockets. It gives up all rights before it opens that: whoever gets the socket
 * may ask through it, and change nothing. When it runs, and for how long, is service-diag.c's.
 */

#include "service-diag-opener.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "service-fd.h"

static gboolean
drop_rights (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

  return syscall (SYS_capset, &header, none) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void
service_diag_opener_run (const ServiceDiagOpener *self)
{
  int fd;

  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0
      || (self->network >= 0 && setns (self->network, CLONE_NEWNET) != 0) || !drop_rights ())
    _exit (126);
  fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  _exit (fd >= 0 && service_fd_send (self->socket, fd) ? 0 : 1);
}
