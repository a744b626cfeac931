/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child that enters the network namespace of a target, by its descriptor, to open a socket there through
 * which the kernel tells about sockets. It gives up all rights before it opens that: whoever gets the socket
 * may ask through it, and change nothing. When it runs, and for how long, is service-opener.c's.
 */

#include "service-diag-opener.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean
drop_rights (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

  return syscall (SYS_capset, &header, none) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

int
service_diag_opener_open (gconstpointer what)
{
  const int *network = what;

  if ((*network >= 0 && setns (*network, CLONE_NEWNET) != 0) || !drop_rights ())
    return -1;
  return socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}
