/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths in another root directory. The kernel does it (openat2, Linux 5.6), where it may be asked to:
 * systemd's RestrictSUIDSGID= takes that call away, since a filter cannot look into it. Then it is done here,
 * name by name, with the directories on the way held open: ".." is the one before, whatever is moved
 * meanwhile.
 */

#include "service-beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_DEPTH 64
#define MAX_LINKS 40
#define HANDLE (O_PATH | O_NOFOLLOW | O_CLOEXEC)

typedef struct
{
  int fds[MAX_DEPTH]; /* the root, then each directory below the one before */
  unsigned depth;     /* of the last */
  unsigned n_links;
  char rest[PATH_MAX]; /* of the path */
} Walk;

static void
go_up (Walk *self)
{
  if (self->depth > 0)
    close (self->fds[self->depth--]);
}

/* What the link says comes before the rest. */
static bool
follow (Walk *self, int link)
{
  char path[PATH_MAX];
  ssize_t length = readlinkat (link, "", path, sizeof path);
  size_t rest = strlen (self->rest);
  struct statfs file_system;

  /* The links of /proc do not say where they lead. */
  if (length <= 0 || fstatfs (link, &file_system) != 0 || file_system.f_type == PROC_SUPER_MAGIC
      || ++self->n_links > MAX_LINKS || (size_t)length + 1 + rest >= sizeof self->rest)
    return false;
  memmove (self->rest + length + 1, self->rest, rest + 1);
  memcpy (self->rest, path, (size_t)length);
  self->rest[length] = '/';
  while (path[0] == '/' && self->depth > 0)
    go_up (self);
  return true;
}

/* Takes one name off the rest, and goes there. */
static bool
step (Walk *self)
{
  char name[NAME_MAX + 1];
  size_t length = strcspn (self->rest, "/");
  size_t next = length + strspn (self->rest + length, "/");
  struct stat status;
  int fd;

  if (length > NAME_MAX)
    return false;
  memcpy (name, self->rest, length);
  name[length] = '\0';
  memmove (self->rest, self->rest + next, strlen (self->rest + next) + 1);

  if (length == 0 || strcmp (name, ".") == 0)
    return true;
  if (strcmp (name, "..") == 0)
    {
      go_up (self);
      return true;
    }
  fd = openat (self->fds[self->depth], name, HANDLE);
  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISLNK (status.st_mode))
    {
      bool followed = follow (self, fd);

      close (fd);
      return followed;
    }
  if (fd >= 0 && self->depth + 1 == MAX_DEPTH)
    {
      close (fd);
      return false;
    }
  if (fd >= 0)
    self->fds[++self->depth] = fd;
  return fd >= 0;
}

static int
walk (int root, const char *path)
{
  Walk self = { .fds = { root } };
  bool on_the_way = strlen (path) < sizeof self.rest;
  int fd = -1;

  if (on_the_way)
    strcpy (self.rest, path);
  self.rest[0] = on_the_way ? self.rest[0] : '\0';
  while (on_the_way && self.rest[0] != '\0')
    on_the_way = step (&self);
  if (on_the_way)
    fd = fcntl (self.fds[self.depth], F_DUPFD_CLOEXEC, 0);
  else
    errno = ENOENT;
  while (self.depth > 0)
    go_up (&self);
  return fd;
}

int
service_beneath_open (int root, const char *path)
{
  const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  int fd = (int)syscall (SYS_openat2, root, path, &how, sizeof how);

  return fd < 0 && errno == ENOSYS ? walk (root, path) : fd;
}

/* "/proc/self/fd/N" without stdio. */
static void
format_link (char *link, int fd)
{
  char digits[12];
  int n = 0;

  strcpy (link, "/proc/self/fd/");
  link += strlen (link);
  do
    digits[n++] = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  while (n > 0)
    *link++ = digits[--n];
  *link = '\0';
}

int
service_beneath_reopen (int handle)
{
  char link[32];

  format_link (link, handle);
  return open (link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}
