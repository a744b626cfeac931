/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a worker is given: descriptors of its process, what the service reads for it, a tracer, and what is
 * taken from it. The scripts of the fake worker that look whether all of that works.
 */

#include "fake-worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hap-error.h"

static GError *
tell_number (GDBusConnection *service, const char *message, guint64 number)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "value", g_variant_new_uint64 (number));
  return fake_worker_tell (service, message, g_variant_builder_end (&builder));
}

/* What a worker is given works. */
GError *
fake_worker_threads (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) threads = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error =
      fake_worker_call (service, "OpenThreads", g_variant_new ("(uu)", worker->pid, 0), &reply, &fds);
  guint tid = 0;
  gint stat_handle = -1;
  g_autofree char *prefix = NULL;
  char text[32] = "";
  int fd;

  if (error != NULL)
    return error;
  threads = g_variant_get_child_value (reply, 0);
  g_variant_get_child (threads, 0, "(uhhh)", &tid, &stat_handle, NULL, NULL);
  prefix = g_strdup_printf ("%u (", tid);
  fd = g_unix_fd_list_get (fds, stat_handle, &error);
  if (error == NULL
      && (tid != worker->pid || pread (fd, text, sizeof text - 1, 0) <= 0
          || !g_str_has_prefix (text, prefix)))
    error = g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "Not the thread's: %s", text);
  return error;
}

static GError *
find_socket (GDBusConnection *service, Worker *worker, guint64 *inode)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) list = NULL;
  GError *error =
      fake_worker_call (service, "ReadSockets", g_variant_new ("(uu)", worker->pid, 0), &reply, NULL);
  guint fd, next;

  if (error != NULL)
    return error;
  g_variant_get (reply, "(a(ut)u)", &list, &next);
  if (!g_variant_iter_next (list, "(ut)", &fd, inode))
    return g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "It has no socket");
  return NULL;
}

/* Whether the table says a word that is the number. */
static gboolean
file_tells (int fd, guint64 number)
{
  g_autofree char *word = g_strdup_printf (" %" G_GUINT64_FORMAT " ", number);
  g_autoptr (GString) text = g_string_new (NULL);
  char chunk[4096];
  gssize n;

  while ((n = read (fd, chunk, sizeof chunk)) > 0)
    g_string_append_len (text, chunk, n);
  g_strdelimit (text->str, "\n", ' ');
  return strstr (text->str, word) != NULL;
}

/* The sockets of the process, and both ways to learn of them; what is told names the first one's table. */
GError *
fake_worker_sockets (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) list = NULL;
  g_autoptr (GUnixFDList) fds = NULL, netlink = NULL;
  guint64 inode = 0;
  const char *name, *found = NULL;
  gint handle;
  GError *error = find_socket (service, worker, &inode);

  if (error == NULL)
    error = fake_worker_call (service, "OpenSocketDiag", g_variant_new ("(u)", worker->pid), NULL, &netlink);
  if (error == NULL)
    error = fake_worker_call (service, "OpenSocketTables", g_variant_new ("(u)", worker->pid), &reply, &fds);
  if (error != NULL)
    return error;
  g_variant_get (reply, "(a(sh))", &list);
  while (g_variant_iter_next (list, "(&sh)", &name, &handle))
    {
      int fd = g_unix_fd_list_get (fds, handle, NULL);

      if (fd >= 0 && file_tells (fd, inode))
        found = name;
      close (fd);
    }
  return tell_number (service, found != NULL ? found : "none", inode);
}

static gboolean
opens (GDBusConnection *service, Worker *worker, guint64 start, guint64 end)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) error =
      fake_worker_call (service, "OpenMapping", g_variant_new ("(utt)", worker->pid, start, end), NULL, &fds);

  return error == NULL;
}

/* Reads the first mapping that has a file, of what is mapped just so and of nothing else, and reports its
 * head. */
GError *
fake_worker_mapping (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GVariant) handle = g_variant_lookup_value (worker->target, "maps", G_VARIANT_TYPE_HANDLE);
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = NULL;
  int maps = g_unix_fd_list_get (worker->fds, g_variant_get_handle (handle), &error);
  char text[65] = "";
  guint64 start, end;
  char *rest;

  if (error != NULL || pread (maps, text, sizeof text - 1, 0) <= 0)
    return error;
  start = g_ascii_strtoull (text, &rest, 16);
  end = g_ascii_strtoull (rest + 1, NULL, 16);
  if (opens (service, worker, start, end + 4096) || opens (service, worker, 0, 0))
    return g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "What is not mapped so was opened");
  error =
      fake_worker_call (service, "OpenMapping", g_variant_new ("(utt)", worker->pid, start, end), NULL, &fds);
  if (error == NULL)
    {
      int fd = g_unix_fd_list_get (fds, 0, &error);
      char head[4];

      if (pread (fd, head, 4, 0) == 4 && memcmp (head, "\177ELF", 4) == 0)
        error = tell_number (service, "ELF", 0);
    }
  return error;
}

/* What this process is, as a report. */
GError *
fake_worker_inspect (GDBusConnection *service, Worker *worker)
{
  g_auto (GStrv) names = g_listenv ();
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  g_autofree char *status = NULL;
  struct rlimit core;
  GVariantBuilder builder;
  const char *line;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = strstr (status, "CapPrm:");
  getrlimit (RLIMIT_CORE, &core);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "uid", g_variant_new_uint32 (getuid ()));
  g_variant_builder_add (&builder, "{sv}", "gid", g_variant_new_uint32 (getgid ()));
  g_variant_builder_add (&builder, "{sv}", "groups", g_variant_new_int32 (getgroups (0, NULL)));
  g_variant_builder_add (&builder, "{sv}", "core", g_variant_new_uint64 (core.rlim_cur));
  g_variant_builder_add (
      &builder, "{sv}", "capabilities",
      g_variant_new_uint64 (line != NULL ? g_ascii_strtoull (line + 7, NULL, 16) : G_MAXUINT64));
  g_variant_builder_add (&builder, "{sv}", "no_new_privs",
                         g_variant_new_int32 (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  g_variant_builder_add (&builder, "{sv}", "environment",
                         g_variant_new_strv ((const char *const *)names, -1));
  return fake_worker_tell (service, "inspected", g_variant_builder_end (&builder));
}

GError *
fake_worker_tracer (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = fake_worker_call (service, "OpenTracer", g_variant_new ("(u)", worker->pid), NULL, &fds);
  int fd = error == NULL ? g_unix_fd_list_get (fds, 0, &error) : -1;
  char answer[256] = "";

  if (error == NULL && (send (fd, "?", 1, 0) != 1 || recv (fd, answer, sizeof answer - 1, 0) <= 0))
    error = g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "The tracer is gone");
  return error != NULL ? error : tell_number (service, answer, 0);
}
