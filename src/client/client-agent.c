/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * polkit's agent for terminals, started as systemctl does. When a password is asked for, and what for, is
 * polkit's.
 */
#include "client-agent.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#define NOTIFY_FD 3

/* It closes the descriptor when it is ready, or when it ends. */
static void
wait_until_ready (int fd)
{
  char byte;

  while (read (fd, &byte, 1) > 0)
    continue;
}

GSubprocess *
client_agent_start (void)
{
  g_autofree char *path = g_find_program_in_path ("pkttyagent");
  g_autofree char *process = g_strdup_printf ("%d", getpid ());
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  const char *fallback;
  GSubprocess *agent;
  int fds[2];

  /* Root is not asked, and who reads our output from a pipe types nothing. */
  if (path == NULL || geteuid () == 0 || !isatty (STDIN_FILENO) || !isatty (STDERR_FILENO)
      || !g_unix_open_pipe (fds, FD_CLOEXEC, NULL))
    return NULL;
  /* A desktop's agent goes before ours; where there is no session polkit takes no agent that stands back. */
  fallback = g_getenv ("XDG_SESSION_ID") != NULL ? "--fallback" : NULL;
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  g_subprocess_launcher_take_fd (launcher, fds[1], NOTIFY_FD);
  agent = g_subprocess_launcher_spawn (launcher, NULL, path, "--process", process, "--notify-fd",
                                       G_STRINGIFY (NOTIFY_FD), fallback, NULL);
  g_subprocess_launcher_close (launcher);
  if (agent != NULL)
    wait_until_ready (fds[0]);
  close (fds[0]);
  return agent;
}

void
client_agent_stop (GSubprocess *agent)
{
  g_subprocess_send_signal (agent, SIGTERM);
  g_subprocess_wait (agent, NULL, NULL);
  g_object_unref (agent);
}
