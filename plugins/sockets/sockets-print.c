/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints sockets word for word as Python does (Lib/socket.py, socket.__repr__(); Modules/socketmodule.c,
 * sock_repr(); 3.11 to 3.15).
 */

#include "sockets-print.h"

#include <glib/gi18n.h>
#include <netinet/in.h>
#include <sys/socket.h>

/*
 * The kernel keeps in no table what is not bound. Then a datagram socket has no address; of a stream socket
 * that is not known: one whose connection was reset is in no table either, and remembers its address.
 */
static SocketsAddresses
find_unbound (const SocketsObject *object, guint tables)
{
  gboolean udp = object->type == SOCK_DGRAM && (object->protocol == 0 || object->protocol == IPPROTO_UDP);

  if (object->family == AF_INET && udp && (tables & SOCKETS_TABLE_UDP) != 0)
    return (SocketsAddresses){ "('0.0.0.0', 0)", NULL };
  if (object->family == AF_INET6 && udp && (tables & SOCKETS_TABLE_UDP6) != 0)
    return (SocketsAddresses){ "('::', 0, 0, 0)", NULL };
  if (object->family == AF_NETLINK && (tables & SOCKETS_TABLE_NETLINK) != 0)
    return (SocketsAddresses){ "(0, 0)", "(0, 0)" };
  return (SocketsAddresses){ NULL, NULL };
}

static const char *
or_null (const char *address)
{
  return address != NULL && address[0] != '\0' ? address : NULL;
}

SocketsAddresses
sockets_find_addresses (const SocketsObject *object,
                        SocketsVerdict verdict,
                        const SocketsFacts *facts,
                        guint tables)
{
  if (verdict != SOCKETS_OPEN)
    return (SocketsAddresses){ NULL, NULL };
  if (facts == NULL)
    return find_unbound (object, tables);
  return (SocketsAddresses){ or_null (facts->local), or_null (facts->remote) };
}

char *
sockets_print_object (const SocketsObject *object, const SocketsAddresses *addresses)
{
  g_autoptr (GString) text = g_string_new ("<");

  if (object->plain)
    {
      g_string_append_printf (text, "socket object, fd=%d, family=%d, type=%d, proto=%d>", object->fd,
                              object->family, object->type, object->protocol);
      return g_string_free (g_steal_pointer (&text), FALSE);
    }
  g_string_append_printf (text, "%s%s fd=%d, family=%d, type=%d, proto=%d", object->class_name,
                          object->closed ? " [closed]" : "", object->fd, object->family, object->type,
                          object->protocol);
  if (!object->closed && addresses->local != NULL)
    g_string_append_printf (text, ", laddr=%s", addresses->local);
  if (!object->closed && addresses->remote != NULL)
    g_string_append_printf (text, ", raddr=%s", addresses->remote);
  g_string_append_c (text, '>');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
sockets_print_stranger (guint fd, const SocketsFacts *facts)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "<socket fd=%u", fd);
  if (facts != NULL)
    g_string_append_printf (text, ", family=%d, type=%d, proto=%d", facts->family, facts->type,
                            facts->protocol);
  if (facts != NULL && or_null (facts->local) != NULL)
    g_string_append_printf (text, ", laddr=%s", facts->local);
  if (facts != NULL && or_null (facts->remote) != NULL)
    g_string_append_printf (text, ", raddr=%s", facts->remote);
  g_string_append_printf (text, ">, %s", _ ("owned by nobody: no Python object has this descriptor"));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
