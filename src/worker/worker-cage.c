/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The confinement of a worker, which is as good as in the hands of its target: it computes, speaks on the
 * descriptors that it has, and does nothing else. The service already gave it a uid, limits and an
 * environment of its own; what a process can only do to itself is done here. Which calls are let through is
 * worker-calls.c's.
 */

#include "worker-cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hap-error.h"
#include "worker-calls.h"

/* From linux/landlock.h, whose copy here may be older than the kernel. */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_restrict_self 446
#endif
#define LANDLOCK_VERSION 1U

typedef struct
{
  guint64 files;
  guint64 network;
  guint64 scoped;
} LandlockRules;

/* One thing that must not work any more. Returns 0 when it does, else the errno. */
typedef struct
{
  const char *what;
  int (*attempt) (void);
} Lock;

static gboolean
set_errno_error (GError **error, const char *what)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The worker cannot lock itself in: %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

/* Who is root, or has a capability, is not what the service started. */
static gboolean
check_rights (GError **error)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

  if (syscall (SYS_capget, &header, sets) != 0)
    return set_errno_error (error, "its capabilities");
  if (getuid () != 0 && geteuid () != 0 && (sets[0].permitted | sets[1].permitted) == 0)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The worker does not run with rights of root");
  return FALSE;
}

/*
 * Every right over files that this kernel's Landlock knows, and nothing excepted: for whom the filter of
 * system calls is not enough. Kernels without it have that filter alone.
 */
static gboolean
close_files (GError **error)
{
  static const guint n_file_rights[6] = { 0, 13, 14, 15, 15, 16 };
  long version = syscall (__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
  LandlockRules rules = { 0 };
  long fd;

  if (version <= 0)
    return TRUE;
  rules.files =
      (G_GUINT64_CONSTANT (1) << n_file_rights[MIN (version, 5)]) - 1;
  rules.network = version >= 4 ? 3 : 0; /* to bind, to connect */
  rules.scoped = version >= 6 ? 3 : 0;  /* abstract sockets, signals */

  fd = syscall (__NR_landlock_create_ruleset, &rules, sizeof rules, 0);
  if (fd < 0 || syscall (__NR_landlock_restrict_self, fd, 0) != 0)
    return set_errno_error (error, "Landlock");
  close ((int)fd);

  fd = open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return TRUE;
  close ((int)fd);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               "The worker's cage does not hold: Landlock lets it open files");
  return FALSE;
}

static int
try_to_open (void)
{
  return open ("/", O_PATH | O_CLOEXEC) >= 0 ? 0 : errno;
}

static int
try_to_connect (void)
{
  return socket (AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
try_to_run (void)
{
  return execve ("/", (char *[]){ NULL }, (char *[]){ NULL }) == 0 ? 0 : errno;
}

static int
try_to_fork (void)
{
  long child = syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

  if (child == 0)
    _exit (0);
  return child > 0 ? 0 : errno;
}

static int
try_to_signal (void)
{
  return kill (getppid (), 0) == 0 ? 0 : errno;
}

static int
try_to_trace (void)
{
  return ptrace (PTRACE_SEIZE, getppid (), NULL, NULL) == 0 ? 0 : errno;
}

static int
try_to_read_another (void)
{
  return process_vm_readv (getppid (), NULL, 0, NULL, 0, 0) == 0 ? 0 : errno;
}

static int
try_to_load_code (void)
{
  return mmap (NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : errno;
}

static const Lock locks[] = {
  { "open files", try_to_open },
  { "make sockets", try_to_connect },
  { "run programs", try_to_run },
  { "start processes", try_to_fork },
  { "signal others", try_to_signal },
  { "trace others", try_to_trace },
  { "read the memory of others", try_to_read_another },
  { "make memory executable", try_to_load_code },
};

/* The filter's answer, and no other's: these would mostly fail without it, too. */
static gboolean
check_locks (GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      if (locks[i].attempt () == EPERM)
        continue;
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The worker's cage does not hold: it can %s",
                   locks[i].what);
      return FALSE;
    }
  return TRUE;
}

gboolean
worker_cage_enter (GError **error)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return set_errno_error (error, "prctl");
  return check_rights (error) && close_files (error) && worker_calls_restrict (error) && check_locks (error);
}
