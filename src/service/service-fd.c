/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a child hands over what it was started for.
 */

#include "service-fd.h"

#include <string.h>
#include <sys/socket.h>

typedef union
{
  char bytes[CMSG_SPACE (sizeof (int))];
  struct cmsghdr align;
} Control;

bool
service_fd_send (int socket, uint32_t number, int fd)
{
  Control control = { 0 };
  struct iovec data = { &number, sizeof number };
  struct msghdr message = {
    .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes
  };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);

  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (header), &fd, sizeof fd);
  return sendmsg (socket, &message, MSG_NOSIGNAL) == sizeof number;
}

int
service_fd_receive (int socket, uint32_t *number)
{
  Control control;
  struct iovec data = { number, sizeof *number };
  struct msghdr message = {
    .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes
  };
  const struct cmsghdr *header;
  int fd = -1;

  if (recvmsg (socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof *number)
    return -1;
  header = CMSG_FIRSTHDR (&message);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN (sizeof fd))
    memcpy (&fd, CMSG_DATA (header), sizeof fd);
  return fd;
}
