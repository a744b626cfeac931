/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's tables of sockets as bytes, and as text: cut short, changed, and of lengths that lie. Each
 * test that reads beyond them is ended by valgrind or a sanitizer; without either, by what is asserted.
 */

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets-diag.h"
#include "sockets-print.h"
#include "sockets-proc.h"

#define TABLES 7
#define N_CHANGED 20000

/* Appends a message with one attribute. */
static void
append (GByteArray *bytes,
        guint16 type,
        const void *body,
        gsize size,
        guint16 attribute,
        const char *value,
        gsize n)
{
  static const guint8 zeroes[8] = { 0 };
  struct nlattr head = { .nla_len = (guint16)(NLA_HDRLEN + n), .nla_type = attribute };
  struct nlmsghdr header = { .nlmsg_type = type };
  guint start = bytes->len;

  g_byte_array_append (bytes, (const guint8 *)&header, sizeof header);
  g_byte_array_append (bytes, body, (guint)size);
  g_byte_array_append (bytes, zeroes, NLA_ALIGN (size) - size);
  g_byte_array_append (bytes, (const guint8 *)&head, sizeof head);
  g_byte_array_append (bytes, (const guint8 *)value, (guint)n);
  g_byte_array_append (bytes, zeroes, NLA_ALIGN (n) - n);
  header.nlmsg_len = bytes->len - start;
  memcpy (bytes->data + start, &header, sizeof header);
}

static GByteArray *
make_unix (void)
{
  const struct unix_diag_msg message = {
    .udiag_family = AF_UNIX, .udiag_type = SOCK_STREAM, .udiag_state = 1, .udiag_ino = 77
  };
  GByteArray *bytes = g_byte_array_new ();

  append (bytes, SOCK_DIAG_BY_FAMILY, &message, sizeof message, UNIX_DIAG_NAME, "\0name", 5);
  return bytes;
}

static GByteArray *
make_inet (void)
{
  const struct inet_diag_msg message = {
    .idiag_family = AF_INET,
    .idiag_state = 1,
    .idiag_inode = 78,
    .id = { .idiag_sport = GUINT16_TO_BE (80),
            .idiag_dport = GUINT16_TO_BE (81),
            .idiag_src[0] = GUINT32_TO_BE (0x7f000001) },
  };
  GByteArray *bytes = g_byte_array_new ();

  append (bytes, SOCK_DIAG_BY_FAMILY, &message, sizeof message, INET_DIAG_INFO, "\0\0\0\0", 4);
  return bytes;
}

static void
test_sound (void)
{
  g_autoptr (GByteArray) unix_bytes = make_unix ();
  g_autoptr (GByteArray) inet_bytes = make_inet ();
  g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
  const struct nlmsghdr done = { .nlmsg_len = sizeof done, .nlmsg_type = NLMSG_DONE };

  g_assert_true (sockets_diag_take (kernel, SOCKETS_TABLE_UNIX, unix_bytes->data, unix_bytes->len));
  g_assert_true (sockets_diag_take (kernel, SOCKETS_TABLE_TCP, inet_bytes->data, inet_bytes->len));
  g_assert_cmpstr (sockets_kernel_find (kernel, 77)->local, ==, "b'\\x00name'");
  g_assert_cmpstr (sockets_kernel_find (kernel, 78)->local, ==, "('127.0.0.1', 80)");
  g_assert_cmpstr (sockets_kernel_find (kernel, 78)->remote, ==, "('0.0.0.0', 81)");
  g_assert_cmpstr (sockets_kernel_find (kernel, 78)->state, ==, "established");
  g_assert_null (sockets_kernel_find (kernel, 79));

  g_assert_cmpuint (sockets_kernel_get_tables (kernel), ==, 0);
  g_assert_false (sockets_diag_take (kernel, SOCKETS_TABLE_TCP, (const guint8 *)&done, sizeof done));
  g_assert_cmpuint (sockets_kernel_get_tables (kernel), ==, SOCKETS_TABLE_TCP);
}

/* A copy of exactly that size, so that one byte more is nobody's. */
static void
take (SocketsTables table, const guint8 *bytes, gsize size)
{
  g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
  g_autofree guint8 *copy = g_memdup2 (bytes, MAX (size, 1));

  sockets_diag_take (kernel, table, copy, size);
  g_assert_cmpuint (sockets_kernel_get_tables (kernel) & ~(guint)table, ==, 0);
}

static void
test_cut (void)
{
  g_autoptr (GByteArray) unix_bytes = make_unix ();
  g_autoptr (GByteArray) inet_bytes = make_inet ();

  for (guint table = 0; table < TABLES; table++)
    {
      for (gsize size = 0; size <= unix_bytes->len; size++)
        take (1 << table, unix_bytes->data, size);
      for (gsize size = 0; size <= inet_bytes->len; size++)
        take (1 << table, inet_bytes->data, size);
    }
}

static void
test_changed (void)
{
  g_autoptr (GByteArray) bytes = make_unix ();
  g_autoptr (GByteArray) inet_bytes = make_inet ();

  g_byte_array_append (bytes, inet_bytes->data, inet_bytes->len);
  for (guint i = 0; i < N_CHANGED; i++)
    {
      g_autofree guint8 *changed = g_memdup2 (bytes->data, bytes->len);

      for (guint n = 0; n < 4; n++)
        changed[g_test_rand_int_range (0, (gint)bytes->len)] = (guint8)g_test_rand_int ();
      take (1 << (i % TABLES), changed, bytes->len);
    }
}

/* Our own network: a pair of sockets is there, each with the other's queue. */
static void
test_kernel (void)
{
  g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  g_autofree char *link = NULL;
  int pair[2];
  const SocketsFacts *facts;

  if (fd < 0)
    {
      g_test_skip ("this system has no NETLINK_SOCK_DIAG");
      return;
    }
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  g_assert_cmpint (write (pair[1], "hello", 5), ==, 5);
  sockets_diag_read (kernel, fd);
  close (fd);
  if ((sockets_kernel_get_tables (kernel) & SOCKETS_TABLE_UNIX) == 0)
    {
      g_test_skip ("this kernel does not tell of its AF_UNIX sockets (CONFIG_UNIX_DIAG)");
      return;
    }
  link = g_strdup_printf ("/proc/self/fd/%d", pair[0]);
  {
    g_autofree char *text = g_file_read_link (link, NULL);

    facts = sockets_kernel_find (kernel, g_ascii_strtoull (text + strlen ("socket:["), NULL, 10));
  }
  g_assert_nonnull (facts);
  g_assert_cmpint (facts->family, ==, AF_UNIX);
  g_assert_cmpint (facts->type, ==, SOCK_STREAM);
  g_assert_cmpstr (facts->state, ==, "connected");
  g_assert_cmpint (facts->receive_queue, ==, 5);
  g_assert_cmpstr (facts->local, ==, "");
  close (pair[0]);
  close (pair[1]);
}

#define TITLES "titles\n"
#define TCP_LINE                                                                                             \
  "   1: 0100007F:8373 0200007F:9480 01 00000003:00000004 03:00000000 00000000     0        0 81 1 0\n"
#define UNIX_LINE "0000000000000000: 00000002 00000000 00010000 0001 01 91 /run/one socket\n"

static void
take_text (SocketsKernel *kernel, const char *name, const char *text)
{
  sockets_proc_take (kernel, name, text, strlen (text));
}

static void
test_text (void)
{
  g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
  const SocketsFacts *facts;

  take_text (kernel, "tcp", TITLES TCP_LINE);
  facts = sockets_kernel_find (kernel, 81);
  g_assert_nonnull (facts);
  g_assert_cmpstr (facts->local, ==, "('127.0.0.1', 33651)");
  g_assert_cmpstr (facts->remote, ==, "('127.0.0.2', 38016)");
  g_assert_cmpstr (facts->state, ==, "established");
  g_assert_cmpint (facts->send_queue, ==, 3);
  g_assert_cmpint (facts->receive_queue, ==, 4);
  take_text (kernel, "unix", TITLES UNIX_LINE);
  facts = sockets_kernel_find (kernel, 91);
  g_assert_nonnull (facts);
  g_assert_cmpstr (facts->local, ==, "/run/one socket");
  g_assert_cmpstr (facts->state, ==, "listening");
  take_text (kernel, "other", TITLES TCP_LINE);
  g_assert_cmpuint (sockets_kernel_get_tables (kernel), ==, SOCKETS_TABLE_TCP | SOCKETS_TABLE_UNIX);
}

/* Anybody may give a socket a name that looks like lines of the table. */
static void
test_forged (void)
{
  static const char text[] =
      TITLES UNIX_LINE "0000000000000000: 00000002 00000000 00000000 0001 01 92 /tmp/name\n"
                       "0: 0 0 10000 1 1 91 /run/another\n"
                       "0: 0 0 10000 1 1 91 /run/another again\n"
                       "0: 0 0 10000 1 1 81 /run/no tcp\n";
  g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();

  take_text (kernel, "tcp", TITLES TCP_LINE);
  take_text (kernel, "unix", text);
  g_assert_null (sockets_kernel_find (kernel, 91));
  g_assert_nonnull (sockets_kernel_find (kernel, 92));
  g_assert_cmpint (sockets_kernel_find (kernel, 81)->family, ==, AF_INET);
}

static void
test_text_changed (void)
{
  static const char *const names[] = { "tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet" };
  static const char text[] = TITLES TCP_LINE UNIX_LINE
      "00000000961e4992 4   0          00000000 0        0        0     2        0        1511    \n"
      "00000000961e4992 3      3    0003   2     1 0      0      93\n";

  for (guint i = 0; i < N_CHANGED; i++)
    {
      g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
      gsize size = (gsize)g_test_rand_int_range (0, sizeof text);
      g_autofree char *changed = g_memdup2 (text, MAX (size, 1));

      for (guint n = 0; n < 4 && size > 0; n++)
        changed[g_test_rand_int_range (0, (gint)size)] = (char)g_test_rand_int ();
      sockets_proc_take (kernel, names[i % TABLES], changed, size);
    }
}

/* The lines of Home Assistant's documentation, from what the kernel says. */
static const struct
{
  const char *line, *table, *text; /* of inode 1 */
  SocketsObject object;
} seeds[] = {
  { "<socket.socket [closed] fd=-1, family=2, type=1, proto=6>",
    "tcp",
    "",
    { .class_name = (char *)"socket.socket",
      .closed = TRUE,
      .fd = -1,
      .family = 2,
      .type = 1,
      .protocol = 6 } },
  { "<socket.socket fd=97, family=2, type=1, proto=6, laddr=('192.168.1.10', 80), raddr=('192.168.1.14', "
    "59086)>",
    "tcp",
    "0: 0A01A8C0:0050 0E01A8C0:E6CE 01 00000000:00000000 00:00000000 00000000 0 0 1 1",
    { .class_name = (char *)"socket.socket", .fd = 97, .family = 2, .type = 1, .protocol = 6 } },
  { "<socket.socket fd=7, family=1, type=1, proto=0>",
    "unix",
    "0000000000000000: 00000003 00000000 00000000 0001 03 1",
    { .class_name = (char *)"socket.socket", .fd = 7, .family = 1, .type = 1 } },
  { "<socket.socket fd=11, family=10, type=1, proto=6, laddr=('::', 80, 0, 0)>",
    "tcp6",
    "0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000 0 0 1 1",
    { .class_name = (char *)"socket.socket", .fd = 11, .family = 10, .type = 1, .protocol = 6 } },
  { "<socket.socket fd=12, family=2, type=1, proto=6, laddr=('0.0.0.0', 80)>",
    "tcp",
    "0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1",
    { .class_name = (char *)"socket.socket", .fd = 12, .family = 2, .type = 1, .protocol = 6 } },
  { "<socket.socket fd=15, family=10, type=2, proto=0, laddr=('::', 5353, 0, 0)>",
    "udp6",
    "0: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 "
    "00:00000000 00000000 0 0 1 1",
    { .class_name = (char *)"socket.socket", .fd = 15, .family = 10, .type = 2 } },
};

static void
test_seed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      g_autoptr (SocketsKernel) kernel = sockets_kernel_new ();
      g_autofree char *table = g_strconcat (TITLES, seeds[i].text, "\n", NULL);
      g_autofree char *line = NULL;
      SocketsAddresses addresses;

      take_text (kernel, seeds[i].table, table);
      addresses =
          sockets_find_addresses (&seeds[i].object, seeds[i].object.fd < 0 ? SOCKETS_CLOSED : SOCKETS_OPEN,
                                  sockets_kernel_find (kernel, 1), sockets_kernel_get_tables (kernel));
      line = sockets_print_object (&seeds[i].object, &addresses);
      g_assert_cmpstr (line, ==, seeds[i].line);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sockets/diag/sound", test_sound);
  g_test_add_func ("/sockets/diag/cut", test_cut);
  g_test_add_func ("/sockets/diag/changed", test_changed);
  g_test_add_func ("/sockets/diag/kernel", test_kernel);
  g_test_add_func ("/sockets/proc/text", test_text);
  g_test_add_func ("/sockets/print/seed", test_seed);
  g_test_add_func ("/sockets/proc/forged", test_forged);
  g_test_add_func ("/sockets/proc/changed", test_text_changed);
  return g_test_run ();
}
