/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is left in the target so that it runs something by itself: memory files, and words in its memory. What
 * they mean, and that each leaves the target sound should we end after it, is the peer's matter; that they go
 * to this target alone, and into memory that it can write itself, is ours.
 */

#include "tracer-publish.h"

#include <errno.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracer-inject.h"

/* Of the files, for who looks at the target's descriptors. It is behind the text. */
#define NAME "ha-profiler"
_Static_assert(sizeof NAME <= TRACER_TEXT_SIZE - TRACER_MAX_TEXT, "no room for the name");

/* The target's descriptor becomes ours as well. */
static int
get_fd (int number, uint64_t *inode)
{
  int fd = syscall (SYS_pidfd_getfd, TRACER_PIDFD, number, 0);
  struct stat status;

  if (fd < 0)
    return -1;
  if (fstat (fd, &status) != 0)
    {
      close (fd);
      return -1;
    }
  *inode = status.st_ino;
  return fd;
}

static int
close_one (TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t deadline, int number)
{
  const TracerCall call = { .number = SYS_close, .arguments = { (uint64_t)number } };
  long result;

  return tracer_inject (hold, pid, vdso, &call, deadline, &result, NULL);
}

static int
open_next (TracerFiles *self, TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t name, uint64_t deadline)
{
  const TracerCall call = { .number = SYS_memfd_create,
                            .arguments = { name, MFD_CLOEXEC | MFD_ALLOW_SEALING } };
  unsigned i = self->n_open;
  long result;
  int status = tracer_inject (hold, pid, vdso, &call, deadline, &result, NULL);

  if (status != 0)
    return status;
  if (result < 0)
    return (int)-result;
  self->numbers[i] = (int)result;
  self->fds[i] = get_fd (self->numbers[i], &self->inodes[i]);
  if (self->fds[i] < 0)
    {
      status = errno;
      close_one (hold, pid, vdso, deadline, self->numbers[i]);
      return status;
    }
  self->n_open++;
  return 0;
}

int
tracer_files_open (TracerFiles *self, TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t deadline)
{
  const uint64_t name = tracer_put_text (pid, vdso, TRACER_MAX_TEXT, NAME);
  int status = name != 0 ? 0 : ENXIO;

  while (self->n_open < TRACER_N_FILES && status == 0)
    status = open_next (self, hold, pid, vdso, name, deadline);
  return status;
}

void
tracer_files_drop (TracerFiles *self)
{
  for (unsigned i = 0; i < self->n_open; i++)
    {
      if (self->fds[i] >= 0)
        close (self->fds[i]);
      self->fds[i] = -1;
    }
}

int
tracer_files_close (TracerFiles *self, TracerHold *hold, pid_t pid, uint64_t vdso, uint64_t deadline)
{
  tracer_files_drop (self);
  while (self->n_open > 0)
    {
      unsigned last = self->n_open - 1;
      uint64_t inode = 0;
      int fd = get_fd (self->numbers[last], &inode);
      int status = 0;

      if (fd >= 0)
        close (fd);
      /* The number may be another file's by now. */
      if (fd >= 0 && inode == self->inodes[last])
        status = close_one (hold, pid, vdso, deadline, self->numbers[last]);
      if (status != 0)
        return status;
      self->n_open = last;
    }
  return 0;
}

bool
tracer_publication_is_sound (const TracerPublication *publication)
{
  if (publication->n_writes > TRACER_MAX_WRITES || publication->text[TRACER_MAX_TEXT - 1] != '\0')
    return false;
  for (uint64_t i = 0; i < publication->n_writes; i++)
    if (publication->writes[i].size > TRACER_MAX_WRITE)
      return false;
  return true;
}

int
tracer_publish (pid_t pid, const TracerPublication *publication)
{
  if (publication->text[0] != '\0' && tracer_put_text (pid, publication->vdso, 0, publication->text) == 0)
    return ENXIO;
  for (uint64_t i = 0; i < publication->n_writes; i++)
    {
      const TracerWrite *write = &publication->writes[i];
      struct iovec local = { (void *)write->bytes, write->size };
      struct iovec remote = { (void *)write->address, write->size };

      if (process_vm_writev (pid, &local, 1, &remote, 1, 0) != (ssize_t)write->size)
        return EFAULT;
    }
  return 0;
}
