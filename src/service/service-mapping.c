/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The files that a process has mapped, for its worker. To find one the kernel waits for the lock of the
 * process's memory, which the process can keep taken, and to open it for a file system, which may not answer:
 * a child does both (service-opener.c). What a worker makes of the file is its own.
 */

#include "service-mapping.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-beneath.h"
#include "service-fd.h"
#include "service-opener.h"
#include "service-rights.h"

/* What the child is to do; read where nothing can be looked up. */
typedef struct
{
  int dir_fd;
  char link[64];
  gboolean by_path;
  gboolean contained;
} Mapping;

typedef struct
{
  GDBusMethodInvocation *invocation;
  ServiceProcess *process;
  guint64 start;
} Call;

static void
call_free (Call *call)
{
  service_process_unref (call->process);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/*
 * Without the right to follow the link itself its text is a path, which is tried as this process and as the
 * target sees it, by who serves themselves alone: a path can lead elsewhere than a moment before, and the
 * rights of a system's service would go with it. The worker compares device and inode with its maps.
 */
static int
open_by_path (const Mapping *self)
{
  char path[4096];
  ssize_t length = readlinkat (self->dir_fd, self->link, path, sizeof path - 1);
  int root, fd = -1;

  if (length <= 0 || path[0] != '/')
    return -1;
  path[length] = '\0';
  if (!self->contained)
    fd = open (path, O_PATH | O_CLOEXEC);
  if (fd >= 0 || (!self->contained && errno != ENOENT))
    return fd;
  root = openat (self->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root >= 0 ? openat (root, path + 1, O_PATH | O_CLOEXEC) : -1;
}

/* In the child. What is mapped may be a device, whose opening does things: looked at first. -1 with errno */
static int
open_file (gconstpointer what)
{
  const Mapping *self = what;
  int path_fd = openat (self->dir_fd, self->link, O_PATH | O_CLOEXEC);
  struct stat status;

  if (path_fd < 0 && (errno == EPERM || errno == EACCES) && self->by_path)
    path_fd = open_by_path (self);
  if (path_fd < 0 || fstat (path_fd, &status) != 0)
    return -1;
  if (!S_ISREG (status.st_mode))
    {
      errno = EINVAL;
      return -1;
    }
  return service_beneath_reopen (path_fd);
}

/* Why the child has nothing. */
static GError *
make_error (const Call *call, int status)
{
  guint pid = service_process_get_pid (call->process);
  unsigned long long start = call->start;

  if (!WIFEXITED (status))
    return g_error_new (HAP_ERROR, HAP_ERROR_TIMED_OUT,
                        _ ("What process %u has mapped at 0x%llx cannot be opened in time"), pid, start);
  if (WEXITSTATUS (status) == ENOENT)
    return g_error_new (HAP_ERROR, HAP_ERROR_FAILED, _ ("Process %u has no file mapped at 0x%llx"), pid,
                        start);
  if (WEXITSTATUS (status) == EINVAL)
    return g_error_new (HAP_ERROR, HAP_ERROR_FAILED,
                        _ ("What process %u has mapped at 0x%llx is no regular file"), pid, start);
  return g_error_new (HAP_ERROR, HAP_ERROR_FAILED,
                      _ ("What process %u has mapped at 0x%llx cannot be opened: %s"), pid, start,
                      strerror (WEXITSTATUS (status)));
}

static void
on_opened (int opened, int status, gpointer data)
{
  g_autoptr (Call) call = data;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  service_autofd int fd = opened;
  gint handle = fd >= 0 ? g_unix_fd_list_append (fds, fd, NULL) : -1;

  service_process_return (call->process, call->invocation, handle >= 0 ? g_variant_new ("(h)", handle) : NULL,
                          fds, handle >= 0 ? NULL : make_error (call, status));
}

void
service_mapping_answer (ServiceProcess *process, GDBusMethodInvocation *invocation)
{
  g_autoptr (Call) call = g_new0 (Call, 1);
  Mapping mapping = { .dir_fd = service_process_get_dir_fd (process),
                      .by_path = !service_rights_can_change (),
                      .contained = service_process_is_contained (process) };
  GError *error = NULL;
  guint64 end;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(utt)", NULL, &call->start, &end);
  g_snprintf (mapping.link, sizeof mapping.link, "map_files/%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x",
              call->start, end);
  call->process = service_process_ref (process);
  call->invocation = invocation;
  if (service_opener_start (open_file, &mapping, on_opened, call, &error))
    g_steal_pointer (&call);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}
