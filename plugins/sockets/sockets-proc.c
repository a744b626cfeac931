/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's tables of sockets as text, proc(5): what is left where its network namespace cannot be
 * entered. They tell less than sock_diag(7): no other end of an AF_UNIX socket, no time, no scope of an
 * address.
 */

#include "sockets-proc.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_TEXT (64 * 1024 * 1024)
#define CHUNK 65536
#define ACCEPTS 0x10000 /* __SO_ACCEPTCON, include/linux/net.h */
#define SS_CONNECTED 3  /* include/uapi/linux/net.h */

typedef struct _Table Table;

typedef struct
{
  SocketsKernel *kernel;
  const Table *table;
  GHashTable *seen; /* inodes */
} Reading;

/* @line: ends with NUL; may have others before */
typedef void (*TakeLine) (Reading *self, const char *line, gsize length);

struct _Table
{
  const char *name;
  SocketsTables table;
  gint family, type, protocol;
  TakeLine take;
};

/* Addresses are words in the machine's order, each as a number. */
static gboolean
read_address (const char *hex, gint family, guint8 *address)
{
  gsize n_words = family == AF_INET ? 1 : 4;

  if (strlen (hex) != n_words * 8)
    return FALSE;
  for (gsize i = 0; i < n_words; i++)
    {
      char digits[9] = "";
      guint32 word;

      memcpy (digits, hex + i * 8, 8);
      word = (guint32)g_ascii_strtoull (digits, NULL, 16);
      memcpy (address + i * 4, &word, sizeof word);
    }
  return TRUE;
}

static void
take_inet (Reading *self, const char *line, gsize length)
{
  const Table *table = self->table;
  char local[33], remote[33];
  guint8 local_address[16], remote_address[16];
  guint local_port, remote_port, state, send_queue, receive_queue;
  guint64 inode;
  SocketsFacts *facts;

  if (sscanf (
          line,
          " %*d: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %2x %8x:%8x %*x:%*x %*x %*u %*u %" G_GUINT64_FORMAT,
          local, &local_port, remote, &remote_port, &state, &send_queue, &receive_queue, &inode)
          != 8
      || !read_address (local, table->family, local_address)
      || !read_address (remote, table->family, remote_address))
    return;
  facts = sockets_kernel_add (self->kernel, inode, table->family, table->type, table->protocol);
  if (facts == NULL)
    return;
  sockets_facts_set_inet (facts, state, local_address, local_port, remote_address, remote_port, 0);
  facts->receive_queue = receive_queue;
  /* How many may wait for one that listens is not told. */
  if (!facts->listening)
    facts->send_queue = send_queue;
}

/* "@" stands for each NUL of an abstract name; of the others only the first is known for one. */
static void
set_name (SocketsFacts *facts, const char *name, gsize length)
{
  g_autofree guint8 *copy = g_memdup2 (name, MAX (length, 1));

  if (length > 0 && copy[0] == '@')
    copy[0] = 0;
  sockets_facts_set_path (facts, copy, length);
}

static void
take_unix (Reading *self, const char *line, gsize length)
{
  const char *rest = strchr (line, ':');
  guint flags, type, state;
  guint64 inode;
  int n = 0;
  const SocketsFacts *known;
  SocketsFacts *facts;

  if (rest == NULL
      || sscanf (rest, ": %*x %*x %8x %4x %2x %" G_GUINT64_FORMAT "%n", &flags, &type, &state, &inode, &n)
             != 4)
    return;
  /* A name may pretend to be lines: other tables have none, and are right; what two lines here say something
   * of, is not known. */
  known = sockets_kernel_find (self->kernel, inode);
  if (known != NULL && known->family != AF_UNIX)
    return;
  if (!g_hash_table_add (self->seen, g_memdup2 (&inode, sizeof inode)))
    {
      sockets_kernel_remove (self->kernel, inode);
      return;
    }
  facts = sockets_kernel_add (self->kernel, inode, AF_UNIX, (gint)type, 0);
  if (facts == NULL)
    return;
  rest += n;
  if (*rest == ' ')
    rest++;
  set_name (facts, rest, (gsize)(line + length - rest));
  if ((flags & ACCEPTS) != 0)
    sockets_facts_set_unix_state (facts, SOCKETS_LISTEN);
  else
    sockets_facts_set_unix_state (facts, state == SS_CONNECTED ? SOCKETS_ESTABLISHED : SOCKETS_CLOSE);
}

static void
take_netlink (Reading *self, const char *line, gsize length)
{
  gint protocol;
  guint port, groups;
  guint64 inode;
  SocketsFacts *facts;

  if (sscanf (line, "%*s %d %u %8x %*d %*d %*d %*d %*u %" G_GUINT64_FORMAT, &protocol, &port, &groups, &inode)
      != 4)
    return;
  facts = sockets_kernel_add (self->kernel, inode, AF_NETLINK, 0, protocol);
  if (facts == NULL)
    return;
  facts->local = g_strdup_printf ("(%u, %u)", port, groups);
  facts->state = "unconnected";
}

static void
take_packet (Reading *self, const char *line, gsize length)
{
  gint type;
  guint protocol;
  guint64 inode;
  SocketsFacts *facts;

  if (sscanf (line, "%*s %*d %d %4x %*d %*d %*u %*u %" G_GUINT64_FORMAT, &type, &protocol, &inode) != 3)
    return;
  facts = sockets_kernel_add (self->kernel, inode, AF_PACKET, type, (gint)protocol);
  if (facts != NULL)
    facts->state = "unconnected";
}

static const Table tables[] = {
  { "unix", SOCKETS_TABLE_UNIX, AF_UNIX, 0, 0, take_unix },
  { "tcp", SOCKETS_TABLE_TCP, AF_INET, SOCK_STREAM, IPPROTO_TCP, take_inet },
  { "tcp6", SOCKETS_TABLE_TCP6, AF_INET6, SOCK_STREAM, IPPROTO_TCP, take_inet },
  { "udp", SOCKETS_TABLE_UDP, AF_INET, SOCK_DGRAM, IPPROTO_UDP, take_inet },
  { "udp6", SOCKETS_TABLE_UDP6, AF_INET6, SOCK_DGRAM, IPPROTO_UDP, take_inet },
  { "netlink", SOCKETS_TABLE_NETLINK, AF_NETLINK, 0, 0, take_netlink },
  { "packet", SOCKETS_TABLE_PACKET, AF_PACKET, 0, 0, take_packet },
};

void
sockets_proc_take (SocketsKernel *kernel, const char *name, const char *text, gsize size)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  Reading self = { .kernel = kernel, .seen = seen };
  const char *end = text + size;
  gboolean titles = TRUE; /* the first line */

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    if (strcmp (tables[i].name, name) == 0)
      self.table = &tables[i];
  for (const char *at = text; self.table != NULL && at < end; titles = FALSE)
    {
      const char *newline = memchr (at, '\n', (gsize)(end - at));
      gsize length = (gsize)((newline != NULL ? newline : end) - at);
      g_autofree char *line = g_strndup (at, length);

      if (!titles)
        self.table->take (&self, line, strlen (line));
      at += length + 1;
    }
  if (self.table != NULL && !titles)
    sockets_kernel_end_table (kernel, self.table->table);
}

void
sockets_proc_read (SocketsKernel *kernel, const char *name, int fd)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *chunk = g_malloc (CHUNK);
  gssize n;

  do
    {
      n = read (fd, chunk, CHUNK);
      if (n > 0)
        g_string_append_len (text, chunk, n);
    }
  while ((n > 0 && text->len < MAX_TEXT) || (n < 0 && errno == EINTR));
  if (n == 0)
    sockets_proc_take (kernel, name, text->str, text->len);
}
