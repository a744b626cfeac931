/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tracer was started for, as the service says it on its command line. */

#include "tracer-arguments.h"

#include <stdlib.h>
#include <string.h>

/* -1: it is none up to @most. */
static long
parse_number (const char *text, long most)
{
  char *end;
  long number = strtol (text, &end, 10);

  return *text != '\0' && *end == '\0' && number >= 0 && number <= most ? number : -1;
}

/* 0: it is none */
static pid_t
parse_pid (const char *text)
{
  const long pid = parse_number (text, INT32_MAX);

  return pid > 0 ? (pid_t)pid : 0;
}

bool
tracer_parse_arguments (int argc,
                        char **argv,
                        pid_t *pid,
                        TracerHold *hold,
                        bool *may_modify,
                        TracerCopy *copy)
{
  int first = argc > 1 && strcmp (argv[1], "--modify") == 0 ? 2 : 1;
  long uid, gid;

  if (argc < first + 3 || argc > first + 4 + TRACER_MAX_ZOMBIES)
    return false;
  *may_modify = first == 2;
  *pid = parse_pid (argv[first]);
  uid = parse_number (argv[first + 1], UINT32_MAX);
  gid = parse_number (argv[first + 2], UINT32_MAX);
  hold->uid = (uid_t)uid;
  hold->gid = (gid_t)gid;
  if (argc > first + 3)
    copy->vdso = strtoull (argv[first + 3], NULL, 10);
  for (int i = first + 4; i < argc; i++)
    {
      pid_t zombie = parse_pid (argv[i]);

      if (zombie == 0)
        return false;
      tracer_copy_add_zombie (copy, zombie);
    }
  return *pid != 0 && uid >= 0 && gid >= 0;
}
