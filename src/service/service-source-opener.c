/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child that opens source files of a target: it has the rights of the target's user and no others before
 * it looks at the first path, so that the kernel decides what may be read. What it hands over are copies:
 * nobody else comes near the files, which may lie on file systems that never answer. When it runs, and for
 * how long, is service-sources.c's.
 */

#include "service-source-opener.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "service-beneath.h"
#include "service-fd.h"

#define MAX_SIZE (1024 * 1024)

/* Where the two descriptors that it keeps are. */
#define SOCKET_FD 3
#define ROOT_FD 4

static gboolean
keep_two (const ServiceSourceOpener *self)
{
  /* Above both, so that neither is overwritten by the other's new place. */
  int socket = fcntl (self->socket, F_DUPFD_CLOEXEC, ROOT_FD + 1);
  int root = fcntl (self->root, F_DUPFD_CLOEXEC, ROOT_FD + 1);

  return socket >= 0 && root >= 0 && dup2 (socket, SOCKET_FD) >= 0 && dup2 (root, ROOT_FD) >= 0
         && syscall (SYS_close_range, ROOT_FD + 1, ~0U, 0) == 0;
}

static gboolean
drop_rights (const ServiceSourceOpener *self)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

  if (self->change
      && (setgroups (self->n_groups, self->groups) != 0 || setresgid (self->gid, self->gid, self->gid) != 0
          || setresuid (self->uid, self->uid, self->uid) != 0))
    return FALSE;
  /* Leaving uid 0 did that; who stays has to do it. */
  return syscall (SYS_capset, &header, none) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

/* A file of source text, and nothing whose opening or reading does something. */
static gboolean
is_wanted (int path_fd)
{
  struct stat status;
  struct statfs file_system;

  return fstat (path_fd, &status) == 0 && S_ISREG (status.st_mode) && status.st_size > 0
         && status.st_size <= MAX_SIZE && fstatfs (path_fd, &file_system) == 0
         && file_system.f_type != PROC_SUPER_MAGIC && file_system.f_type != SYSFS_MAGIC;
}

static int
open_file (const char *path)
{
  int path_fd = service_beneath_open (ROOT_FD, path);
  int fd = -1;

  if (path_fd < 0)
    return -1;
  if (is_wanted (path_fd))
    fd = service_beneath_reopen (path_fd);
  close (path_fd);
  return fd;
}

static int
make_copy (int file)
{
  int copy = memfd_create ("source", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ssize_t n = 1;

  for (gsize size = 0; copy >= 0 && n > 0 && size < MAX_SIZE; size += (gsize)n)
    {
      n = sendfile (copy, file, NULL, MAX_SIZE - size);
      if (n <= 0)
        break;
    }
  if (copy >= 0
      && (n < 0 || fcntl (copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0))
    {
      close (copy);
      return -1;
    }
  return copy;
}

void
service_source_opener_run (const ServiceSourceOpener *self)
{
  if (!keep_two (self) || !drop_rights (self))
    _exit (126);
  for (guint32 i = 0; self->paths[i] != NULL; i++)
    {
      int file = open_file (self->paths[i]);
      int copy = file >= 0 ? make_copy (file) : -1;

      if (copy >= 0)
        {
          if (!service_fd_send (SOCKET_FD, i, copy))
            _exit (1);
          close (copy);
        }
      if (file >= 0)
        close (file);
    }
  _exit (0);
}
