/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel says of the target's main thread in /proc/PID/status. No line of it but the first, the
 * name, is the target's to write, and there the kernel escapes the ends of lines.
 */

#include "tracer.h"

#include <stdlib.h>
#include <string.h>
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
