/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's word on a target's sockets, for its worker: which descriptors are sockets, and two ways to
 * learn of those: a socket to ask through, and the tables in /proc, as descriptors. The service enters no
 * network namespace: a child does (service-diag-opener.c), which is waited for without waiting in it.
 */

#include "service-sockets.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-diag-opener.h"
#include "service-fd.h"
#include "service-opener.h"

#define MAX_DESCRIPTORS_A_CALL 1024

static void
on_opened (int fd, int status, gpointer data)
{
  service_autofd int diag = fd;
  GDBusMethodInvocation *invocation = data;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  gint handle = diag >= 0 ? g_unix_fd_list_append (fds, diag, NULL) : -1;

  if (handle < 0)
    g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_FAILED,
                                           _ ("The network namespace of the process cannot be entered"));
  else
    g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", handle), fds);
}

static gboolean
start (ServiceProcess *process, GDBusMethodInvocation *invocation, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  service_autofd int network = service_process_open_network (process, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return service_opener_start (service_diag_opener_open, &network, on_opened, invocation, error);
}

/* The kernel's name of what a descriptor is: a path begins with '/' or "(unreachable)", so that no file is
 * taken for a socket. */
static gboolean
read_socket (int directory_fd, guint number, guint64 *inode)
{
  char name[16], link[64], *end;
  gssize length;

  g_snprintf (name, sizeof name, "%u", number);
  length = readlinkat (directory_fd, name, link, sizeof link - 1);
  if (length <= 0)
    return FALSE;
  link[length] = '\0';
  if (!g_str_has_prefix (link, "socket:["))
    return FALSE;
  *inode = g_ascii_strtoull (link + strlen ("socket:["), &end, 10);
  return g_str_equal (end, "]");
}

/* `(a(ut)u)`: descriptor and inode of the sockets among the first descriptors from @from on, and where to go
 * on */
static GVariant *
read_sockets (ServiceProcess *process, guint from, GError **error)
{
  service_autofd int directory_fd =
      openat (service_process_get_dir_fd (process), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int listed_fd = directory_fd >= 0 ? fcntl (directory_fd, F_DUPFD_CLOEXEC, 0) : -1;
  g_autoptr (GArray) numbers = service_process_list_numbers (process, listed_fd, from, error);
  guint n = numbers != NULL ? MIN (numbers->len, MAX_DESCRIPTORS_A_CALL) : 0;
  GVariantBuilder builder;

  if (numbers == NULL)
    return NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ut)"));
  for (guint i = 0; i < n; i++)
    {
      guint number = g_array_index (numbers, guint, i);
      guint64 inode;

      if (read_socket (directory_fd, number, &inode))
        g_variant_builder_add (&builder, "(ut)", number, inode);
    }
  return g_variant_new ("(a(ut)u)", &builder, n < numbers->len ? g_array_index (numbers, guint, n) : 0);
}

/* What this kernel does not have is left out. */
static GVariant *
open_tables (ServiceProcess *process, GUnixFDList *fds, GError **error)
{
  static const char *const names[] = { "tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet" };
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sh)"));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strconcat ("net/", names[i], NULL);
      service_autofd int fd = service_process_open_file (process, path, NULL);
      gint handle = -1;

      if (fd < 0)
        continue;
      handle = g_unix_fd_list_append (fds, fd, error);
      if (handle < 0)
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_variant_builder_add (&builder, "(sh)", names[i], handle);
    }
  return g_variant_new ("(a(sh))", &builder);
}

void
service_sockets_answer (ServiceProcess *process, GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GVariant *answer_value = NULL;
  GError *error = NULL;
  guint from;

  if (g_str_equal (method, "OpenSocketDiag"))
    {
      if (!start (process, invocation, &error))
        g_dbus_method_invocation_take_error (invocation, error);
      return;
    }
  if (g_str_equal (method, "ReadSockets"))
    {
      g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(uu)", NULL, &from);
      answer_value = read_sockets (process, from, &error);
    }
  else
    answer_value = open_tables (process, fds, &error);
  service_process_return (process, invocation, answer_value, fds, error);
}
