/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel says of sockets, by their inodes, in Python's words: addresses become what Python makes of
 * them (Modules/socketmodule.c, makesockaddr()). How the kernel is asked is sockets-diag.c's and
 * sockets-proc.c's.
 */

#include "sockets-kernel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "py-repr.h"

#define MAX_FACTS (1024 * 1024)

struct _SocketsKernel
{
  GHashTable *facts; /* inode -> SocketsFacts */
  guint tables;
};

/* include/net/tcp_states.h, by number; UDP and AF_UNIX use some of them. */
static const char *const states[] = {
  NULL,     "established", "syn-sent", "syn-received", "fin-wait-1", "fin-wait-2",   "time-wait",
  "closed", "close-wait",  "last-ack", "listening",    "closing",    "syn-received", "bound",
};

enum
{
  SYN_SENT = 2,
  BOUND = 13,
};

static void
facts_free (gpointer data)
{
  SocketsFacts *facts = data;

  g_free (facts->local);
  g_free (facts->remote);
  g_free (facts);
}

SocketsKernel *
sockets_kernel_new (void)
{
  SocketsKernel *self = g_new0 (SocketsKernel, 1);

  self->facts = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, facts_free);
  return self;
}

void
sockets_kernel_free (SocketsKernel *self)
{
  g_hash_table_unref (self->facts);
  g_free (self);
}

const SocketsFacts *
sockets_kernel_find (SocketsKernel *self, guint64 inode)
{
  return g_hash_table_lookup (self->facts, &inode);
}

guint
sockets_kernel_get_tables (SocketsKernel *self)
{
  return self->tables;
}

SocketsFacts *
sockets_kernel_add (SocketsKernel *self, guint64 inode, gint family, gint type, gint protocol)
{
  SocketsFacts *facts;

  if (inode == 0 || g_hash_table_size (self->facts) >= MAX_FACTS)
    return NULL;
  facts = g_new0 (SocketsFacts, 1);
  *facts = (SocketsFacts){ .inode = inode,
                           .family = family,
                           .type = type,
                           .protocol = protocol,
                           .receive_queue = -1,
                           .send_queue = -1,
                           .idle_ms = -1 };
  g_hash_table_replace (self->facts, &facts->inode, facts);
  return facts;
}

void
sockets_kernel_remove (SocketsKernel *self, guint64 inode)
{
  g_hash_table_remove (self->facts, &inode);
}

void
sockets_kernel_end_table (SocketsKernel *self, SocketsTables table)
{
  self->tables |= table;
}

/* An other end has the name that the socket was connected to. */
void
sockets_kernel_name_peers (SocketsKernel *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->facts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SocketsFacts *facts = value;
      const SocketsFacts *peer = facts->peer != 0 ? sockets_kernel_find (self, facts->peer) : NULL;

      if (peer != NULL)
        facts->remote = g_strdup (peer->local);
    }
}

static const char *
name_state (guint state)
{
  return state < G_N_ELEMENTS (states) ? states[state] : NULL;
}

static char *
print_address (gint family, const void *address, guint port, guint interface)
{
  char text[INET6_ADDRSTRLEN];

  inet_ntop (family, address, text, sizeof text);
  if (family == AF_INET)
    return g_strdup_printf ("('%s', %u)", text, port);
  /* Only an address of one link has a scope. The flow label is not told. */
  return g_strdup_printf ("('%s', %u, 0, %u)", text, port, IN6_IS_ADDR_LINKLOCAL (address) ? interface : 0);
}

void
sockets_facts_set_inet (SocketsFacts *facts,
                        guint state,
                        const void *local,
                        guint local_port,
                        const void *remote,
                        guint remote_port,
                        guint interface)
{
  if (facts->type == SOCK_DGRAM)
    facts->state = state == SOCKETS_ESTABLISHED ? "connected" : "unconnected";
  else
    facts->state = name_state (state);
  facts->listening = facts->type == SOCK_STREAM && state == SOCKETS_LISTEN;
  facts->local = print_address (facts->family, local, local_port, interface);
  /* As inet_getname() decides. */
  if (remote_port != 0 && state != SOCKETS_CLOSE && state != SYN_SENT && state != SOCKETS_LISTEN
      && state != BOUND)
    facts->remote = print_address (facts->family, remote, remote_port, interface);
}

/* The str that os.fsdecode() makes of a path: bytes that are no UTF-8 are lone surrogates, which show as
 * such. */
static void
append_path (GString *text, const char *path, gsize length)
{
  while (length > 0)
    {
      const char *end;

      g_utf8_validate (path, (gssize)length, &end);
      g_string_append_len (text, path, end - path);
      length -= (gsize)(end - path);
      path = end;
      if (length == 0)
        break;
      g_string_append_printf (text, "\\udc%02x", (guint8)*path++);
      length--;
    }
}

/* An abstract name is a bytes object in Python; none at all is b''. */
void
sockets_facts_set_path (SocketsFacts *facts, const guint8 *name, gsize length)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (length > 0 && name[0] == 0)
    py_repr_append_bytes (text, name, length);
  else if (length > 0)
    append_path (text, (const char *)name, strnlen ((const char *)name, length));
  g_free (facts->local);
  facts->local = g_string_free (g_steal_pointer (&text), FALSE);
}

void
sockets_facts_set_unix_state (SocketsFacts *facts, guint state)
{
  facts->listening = state == SOCKETS_LISTEN;
  if (state == SOCKETS_CLOSE)
    facts->state = "unconnected";
  else
    facts->state = state == SOCKETS_ESTABLISHED ? "connected" : name_state (state);
}
