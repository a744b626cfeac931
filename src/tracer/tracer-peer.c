/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The socket: whole packets of a peer that may have been taken over. What they ask for is tracer.c's.
 */

#include "tracer-peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tracer-inject.h"

#define NS_PER_SECOND 1000000000ULL

bool
tracer_wait_for_request (uint64_t end, bool target_may_end)
{
  struct pollfd events[] = { { .fd = TRACER_SOCKET, .events = POLLIN },
                             { .fd = TRACER_PIDFD, .events = POLLIN } };
  uint64_t now;

  while ((now = tracer_now ()) < end)
    {
      const struct timespec left = { .tv_sec = (end - now) / NS_PER_SECOND,
                                     .tv_nsec = (end - now) % NS_PER_SECOND };

      if (ppoll (events, target_may_end ? 1 : 2, &left, NULL) > 0)
        return events[0].revents != 0;
    }
  return false;
}

static size_t
get_size (const TracerPacket *packet)
{
  return packet->request.kind == TRACER_PUBLISH || packet->request.kind == TRACER_PATCH
             ? sizeof packet->publication
             : sizeof packet->request;
}

bool
tracer_receive (TracerPacket *packet, bool *ended)
{
  ssize_t size;

  do
    size = recv (TRACER_SOCKET, packet, sizeof *packet, MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  *ended = size == 0;
  return size >= (ssize_t)sizeof packet->request && size == (ssize_t)get_size (packet);
}

/* One reply to each request always has room, unless the peer sends without reading. */
void
tracer_send (const TracerReply *reply, TracerFiles *files)
{
  union
  {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof files->fds)];
  } control = { 0 };
  struct iovec part = { (void *)reply, sizeof *reply };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

  if (files != NULL)
    {
      message.msg_control = &control;
      message.msg_controllen = sizeof control;
      control.header.cmsg_level = SOL_SOCKET;
      control.header.cmsg_type = SCM_RIGHTS;
      control.header.cmsg_len = CMSG_LEN (sizeof files->fds);
      memcpy (CMSG_DATA (&control.header), files->fds, sizeof files->fds);
    }
  if (sendmsg (TRACER_SOCKET, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof *reply)
    _exit (EXIT_FAILURE);
  if (files != NULL)
    tracer_files_drop (files);
}

void
tracer_send_registers (const TracerHold *hold, uint64_t tid)
{
  TracerRegistersReply reply = { .reply.kind = TRACER_READ_REGISTERS };
  TracerRegisters registers;

  _Static_assert(TRACER_MAX_REGISTERS == TRACER_MAX_DWARF_REGISTERS, "of one size");
  if (tid > INT32_MAX)
    _exit (EXIT_FAILURE);
  if (!tracer_holds (hold, (pid_t)tid))
    reply.reply.status = EINVAL;
  else if (!tracer_get_registers ((pid_t)tid, &registers))
    reply.reply.status = ESRCH;
  else
    {
      reply.reply.value = tracer_registers_to_dwarf (&registers, reply.registers);
      reply.pc = tracer_registers_get_pc (&registers);
    }
  if (send (TRACER_SOCKET, &reply, sizeof reply, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof reply)
    _exit (EXIT_FAILURE);
}
