/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tracer was started for, as the service says it on its command line. */

#include "tracer-arguments.h"

#include <stdlib.h>
#include <string.h>

/* 0: it is none */
static pid_t
parse_pid (const char *text)
{
  char *end;
  long pid = strtol (text, &end, 10);

  return *text != '\0' && *end == '\0' && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

bool
tracer_parse_arguments (int argc, char **argv, pid_t *pid, bool *may_modify, TracerCopy *copy)
{
  int first = argc > 1 && strcmp (argv[1], "--modify") == 0 ? 2 : 1;

  if (argc < first + 1 || argc > first + 2 + TRACER_MAX_ZOMBIES)
    return false;
  *may_modify = first == 2;
  *pid = parse_pid (argv[first]);
  if (argc > first + 1)
    copy->vdso = strtoull (argv[first + 1], NULL, 10);
  for (int i = first + 2; i < argc; i++)
    {
      pid_t zombie = parse_pid (argv[i]);

      if (zombie == 0)
        return false;
      tracer_copy_add_zombie (copy, zombie);
    }
  return *pid != 0;
}
