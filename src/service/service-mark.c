/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether a process still runs the program that it ran. Each execve() gives it another memory, to which a
 * descriptor that was opened before does not lead. Most files that show a memory wait for its lock, which the
 * process itself can keep taken (pages that lie in a file whose server does not answer); this one looks
 * whether there is a memory, then at what is asked of it, and takes the lock for that alone.
 */

#include "service-mark.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
service_mark_open (int dir_fd)
{
  return openat (dir_fd, "pagemap", O_RDONLY | O_CLOEXEC);
}

gboolean
service_mark_holds (int mark)
{
  char byte;

  /* Entries are of eight bytes: one byte is refused if there is a memory, and nothing is there if not. */
  return pread (mark, &byte, 1, 0) < 0 && errno == EINVAL;
}
