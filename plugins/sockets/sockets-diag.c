/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's tables of sockets, through netlink: sock_diag(7). Read and written, never sent and received,
 * for that is all a caged worker may. What the numbers mean to Python is sockets-kernel.c's.
 */

#include "sockets-diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (64 * 1024) /* the kernel's datagrams have 32 KiB at most */
#define ALL 0xffffffffu

/* The payload of the attribute of this type behind @head; NULL: there is none. */
static const guint8 *
find_attribute (const guint8 *bytes, gsize size, gsize head, guint type, gsize *length)
{
  gsize at = NLA_ALIGN (head);

  while (at + NLA_HDRLEN <= size)
    {
      struct nlattr attribute;

      memcpy (&attribute, bytes + at, sizeof attribute);
      if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size - at)
        return NULL;
      if ((attribute.nla_type & NLA_TYPE_MASK) == type)
        {
          *length = attribute.nla_len - NLA_HDRLEN;
          return bytes + at + NLA_HDRLEN;
        }
      at += NLA_ALIGN (attribute.nla_len);
    }
  return NULL;
}

static gint64
read_idle (const guint8 *bytes, gsize size)
{
  struct tcp_info info = { 0 };
  gsize length;
  const guint8 *found = find_attribute (bytes, size, sizeof (struct inet_diag_msg), INET_DIAG_INFO, &length);

  if (found == NULL || length < G_STRUCT_OFFSET (struct tcp_info, tcpi_last_ack_recv))
    return -1;
  memcpy (&info, found, MIN (length, sizeof info));
  return MIN (info.tcpi_last_data_sent, info.tcpi_last_data_recv);
}

static void
take_inet (SocketsKernel *self, gint type, gint protocol, const guint8 *bytes, gsize size)
{
  struct inet_diag_msg message;
  SocketsFacts *facts;

  if (size < sizeof message)
    return;
  memcpy (&message, bytes, sizeof message);
  if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
    return;
  facts = sockets_kernel_add (self, message.idiag_inode, message.idiag_family, type, protocol);
  if (facts == NULL)
    return;

  sockets_facts_set_inet (facts, message.idiag_state, message.id.idiag_src, ntohs (message.id.idiag_sport),
                          message.id.idiag_dst, ntohs (message.id.idiag_dport), message.id.idiag_if);
  facts->receive_queue = message.idiag_rqueue;
  facts->send_queue = message.idiag_wqueue;
  if (type == SOCK_STREAM && !facts->listening)
    facts->idle_ms = read_idle (bytes, size);
}

static void
take_unix (SocketsKernel *self, const guint8 *bytes, gsize size)
{
  struct unix_diag_msg message;
  struct unix_diag_rqlen queues;
  const guint8 *name, *found;
  SocketsFacts *facts;
  gsize length = 0, found_length;
  guint32 peer;

  if (size < sizeof message)
    return;
  memcpy (&message, bytes, sizeof message);
  facts = sockets_kernel_add (self, message.udiag_ino, AF_UNIX, message.udiag_type, 0);
  if (facts == NULL)
    return;

  name = find_attribute (bytes, size, sizeof message, UNIX_DIAG_NAME, &length);
  sockets_facts_set_path (facts, name, name != NULL ? length : 0);
  sockets_facts_set_unix_state (facts, message.udiag_state);
  found = find_attribute (bytes, size, sizeof message, UNIX_DIAG_PEER, &found_length);
  if (found != NULL && found_length >= sizeof peer)
    {
      memcpy (&peer, found, sizeof peer);
      facts->peer = peer;
    }
  found = find_attribute (bytes, size, sizeof message, UNIX_DIAG_RQLEN, &found_length);
  if (found != NULL && found_length >= sizeof queues)
    {
      memcpy (&queues, found, sizeof queues);
      facts->receive_queue = queues.udiag_rqueue;
      facts->send_queue = queues.udiag_wqueue;
    }
}

static void
take_netlink (SocketsKernel *self, const guint8 *bytes, gsize size)
{
  struct netlink_diag_msg message;
  const guint8 *found;
  SocketsFacts *facts;
  guint32 groups = 0, group;
  gsize length;

  if (size < sizeof message)
    return;
  memcpy (&message, bytes, sizeof message);
  facts =
      sockets_kernel_add (self, message.ndiag_ino, AF_NETLINK, message.ndiag_type, message.ndiag_protocol);
  if (facts == NULL)
    return;

  found = find_attribute (bytes, size, sizeof message, NETLINK_DIAG_GROUPS, &length);
  if (found != NULL && length >= sizeof groups)
    memcpy (&groups, found, sizeof groups);
  group = message.ndiag_dst_group;
  facts->local = g_strdup_printf ("(%u, %u)", message.ndiag_portid, groups);
  facts->remote = g_strdup_printf ("(%u, %u)", message.ndiag_dst_portid,
                                   group >= 1 && group <= 32 ? 1u << (group - 1) : 0);
  facts->state = "unconnected";
}

/* Its address names the interface, which is known by its number here. */
static void
take_packet (SocketsKernel *self, const guint8 *bytes, gsize size)
{
  struct packet_diag_msg message;
  SocketsFacts *facts;

  if (size < sizeof message)
    return;
  memcpy (&message, bytes, sizeof message);
  facts = sockets_kernel_add (self, message.pdiag_ino, AF_PACKET, message.pdiag_type, message.pdiag_num);
  if (facts != NULL)
    facts->state = "unconnected";
}

static void
take_message (SocketsKernel *self, SocketsTables table, const guint8 *bytes, gsize size)
{
  if ((table & (SOCKETS_TABLE_TCP | SOCKETS_TABLE_TCP6)) != 0)
    take_inet (self, SOCK_STREAM, IPPROTO_TCP, bytes, size);
  else if ((table & (SOCKETS_TABLE_UDP | SOCKETS_TABLE_UDP6)) != 0)
    take_inet (self, SOCK_DGRAM, IPPROTO_UDP, bytes, size);
  else if (table == SOCKETS_TABLE_UNIX)
    take_unix (self, bytes, size);
  else if (table == SOCKETS_TABLE_NETLINK)
    take_netlink (self, bytes, size);
  else
    take_packet (self, bytes, size);
}

gboolean
sockets_diag_take (SocketsKernel *self, SocketsTables table, const guint8 *bytes, gsize size)
{
  gsize at = 0;

  while (at + NLMSG_HDRLEN <= size)
    {
      struct nlmsghdr header;

      memcpy (&header, bytes + at, sizeof header);
      if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > size - at || header.nlmsg_type == NLMSG_ERROR)
        return FALSE;
      if (header.nlmsg_type == NLMSG_DONE)
        {
          sockets_kernel_end_table (self, table);
          return FALSE;
        }
      if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
        take_message (self, table, bytes + at + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
      at += NLMSG_ALIGN (header.nlmsg_len);
    }
  return at > 0 && at >= size;
}

/* A whole table, as the kernel hands it out datagram by datagram. */
static void
ask (SocketsKernel *self, int fd, SocketsTables table, const void *request, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (BUFFER);
  struct nlmsghdr header = { .nlmsg_len = (guint32)(NLMSG_HDRLEN + size),
                             .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP };
  gssize n;

  memcpy (bytes, &header, sizeof header);
  memcpy (bytes + NLMSG_HDRLEN, request, size);
  if (write (fd, bytes, header.nlmsg_len) != (gssize)header.nlmsg_len)
    return;
  do
    {
      do
        n = read (fd, bytes, BUFFER);
      while (n < 0 && errno == EINTR);
    }
  while (n > 0 && sockets_diag_take (self, table, bytes, (gsize)n));
}

static void
ask_inet (SocketsKernel *self, int fd, SocketsTables table, gint family, gint protocol)
{
  const struct inet_diag_req_v2 request = {
    .sdiag_family = (guint8)family,
    .sdiag_protocol = (guint8)protocol,
    .idiag_ext = protocol == IPPROTO_TCP ? 1 << (INET_DIAG_INFO - 1) : 0,
    .idiag_states = ALL,
  };

  ask (self, fd, table, &request, sizeof request);
}

void
sockets_diag_read (SocketsKernel *self, int fd)
{
  const struct unix_diag_req unix_request = {
    .sdiag_family = AF_UNIX,
    .udiag_states = ALL,
    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
  };
  const struct netlink_diag_req netlink_request = {
    .sdiag_family = AF_NETLINK,
    .sdiag_protocol = NDIAG_PROTO_ALL,
    .ndiag_show = NDIAG_SHOW_GROUPS,
  };
  const struct packet_diag_req packet_request = { .sdiag_family = AF_PACKET };

  ask_inet (self, fd, SOCKETS_TABLE_TCP, AF_INET, IPPROTO_TCP);
  ask_inet (self, fd, SOCKETS_TABLE_TCP6, AF_INET6, IPPROTO_TCP);
  ask_inet (self, fd, SOCKETS_TABLE_UDP, AF_INET, IPPROTO_UDP);
  ask_inet (self, fd, SOCKETS_TABLE_UDP6, AF_INET6, IPPROTO_UDP);
  ask (self, fd, SOCKETS_TABLE_UNIX, &unix_request, sizeof unix_request);
  ask (self, fd, SOCKETS_TABLE_NETLINK, &netlink_request, sizeof netlink_request);
  ask (self, fd, SOCKETS_TABLE_PACKET, &packet_request, sizeof packet_request);
  sockets_kernel_name_peers (self);
}
