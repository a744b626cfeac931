/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The confinement of a worker. The service already gave it a uid of its own and nothing but its descriptors;
 * what a process can only do to itself is done here.
 */

#include "worker-cage.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

#include "hap-error.h"

gboolean
worker_cage_enter (GError **error)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The worker cannot lock itself in: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}
