/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stands in for ha-profiler-tracer: to any packet it answers what it was given: its pid argument, whether
 * descriptors 4 and 5 are a living process and a directory of threads, which descriptors there are besides,
 * and its capability bounding set.
 */

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>

static int
count_others (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  const struct dirent *entry;
  int n = 0;

  while ((entry = readdir (directory)) != NULL)
    {
      int fd = atoi (entry->d_name);

      n += fd > 8 && fd != dirfd (directory);
    }
  closedir (directory);
  return n;
}

static int
count_capabilities (void)
{
  int n = 0;

  for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
    n += prctl (PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
  return n;
}

int
main (int argc, char **argv)
{
  char packet[256];

  prctl (PR_SET_PDEATHSIG, 9, 0, 0, 0);
  while (recv (3, packet, sizeof packet, 0) > 0)
    {
      struct pollfd end = { .fd = 4, .events = POLLIN };
      char path[64];
      struct stat status;
      int length;

      snprintf (path, sizeof path, "%s/stat", argc > 1 ? argv[1] : "none");
      length = snprintf (packet, sizeof packet, "alive=%d thread=%d others=%d capabilities=%d",
                         poll (&end, 1, 0) == 0, fstatat (5, path, &status, 0) == 0, count_others (),
                         geteuid () == 0 ? count_capabilities () : 2);
      if (send (3, packet, length, MSG_NOSIGNAL) < 0)
        return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
