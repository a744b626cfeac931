/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel says of the target. Of the lines of its main thread's status none but the first, the name,
 * is the target's to write, and there the kernel escapes the ends of lines.
 */

#include "tracer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t
tracer_read_status (const char *name, uint64_t otherwise)
{
  static char text[16384];
  ssize_t size = pread (TRACER_STATUS, text, sizeof text - 1, 0);
  const size_t length = strlen (name);

  /* Cut, or nothing: then nothing is known. */
  if (size <= 0 || size == sizeof text - 1)
    return UINT64_MAX;
  text[size] = '\0';
  for (const char *line = strchr (text, '\n'); line != NULL; line = strchr (line + 1, '\n'))
    if (strncmp (line + 1, name, length) == 0 && line[1 + length] == ':')
      return strtoull (line + length + 2, NULL, 10);
  return otherwise;
}

/*
 * An execve() gives a process another memory, to which the mark does not lead: of one that is there it
 * refuses less than an entry, and of one that is not it has nothing to read (Linux, fs/proc/task_mmu.c,
 * pagemap_read()). Where the memory is shared with another process it stays: then a program that is
 * set-uid or set-gid has other effective ones (fs/proc/base.c, task_dump_owner()).
 */
bool
tracer_is_same (uid_t uid, gid_t gid)
{
  struct stat directory;
  char byte;

  return fstat (TRACER_OWNER, &directory) == 0 && directory.st_uid == uid && directory.st_gid == gid
         && pread (TRACER_MARK, &byte, 1, 0) < 0 && errno == EINVAL;
}
