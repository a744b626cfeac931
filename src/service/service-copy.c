/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Frozen forks of targets: what they are is proved by the kernel's words, read through descriptors of one
 * directory in /proc. They are made, held and reaped by tracers; here they are handed out, and ended when
 * memory gets short.
 */

#include "service-copy.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-headroom.h"

#define READ_ONLY (O_RDONLY | O_CLOEXEC)
#define GUARD_INTERVAL_MS 250
#define MAX_LEFT 64

/* src/tracer/tracer-inject.h: how a copy ends that nobody held. */
#define UNHELD_STATUS 113

/* A copy that is looked after until it has ended. */
typedef struct
{
  int pidfd;
  ServiceHeadroom *headroom;
} Guard;

/* The text of a file of the kernel's; NULL: it cannot be read. */
static char *
read_text (int dir_fd, const char *name)
{
  service_autofd int fd = openat (dir_fd, name, READ_ONLY);
  char text[16384];
  gssize size = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;

  return size >= 0 ? g_strndup (text, size) : NULL;
}

/* The last number in the line @name of a status; 0: there is none. The first line, the name of the program,
 * is the only one with text of somebody else's in it. */
static guint64
find_number (const char *status, const char *name)
{
  g_autofree char *start = g_strdup_printf ("\n%s:", name);
  const char *line = strstr (status, start);
  const char *end;

  if (line == NULL)
    return 0;
  line += strlen (start);
  end = line + strcspn (line, "\n");
  if (end - line > 3 && strncmp (end - 3, " kB", 3) == 0)
    end -= 3;
  while (end > line && g_ascii_isdigit (end[-1]))
    end--;
  return g_ascii_strtoull (end, NULL, 10);
}

/* The number is a thread's of the process @pid: of the tracer, one thread attaches. */
static gboolean
is_thread_of (guint64 tid, guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%" G_GUINT64_FORMAT, pid, tid);

  return tid > 0 && access (path, F_OK) == 0;
}

/* The directory of the copy in /proc; -1 with @error. */
static int
open_directory (ServiceProcess *target, guint tracer_pid, guint pid, guint64 *size, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u", pid);
  service_autofd int fd = open (path, READ_ONLY | O_DIRECTORY);
  g_autofree char *status = fd >= 0 ? read_text (fd, "status") : NULL;

  if (status == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The copy of the process has ended"));
      return -1;
    }
  if (find_number (status, "PPid") != service_process_get_pid (target)
      || !is_thread_of (find_number (status, "TracerPid"), tracer_pid) || !service_process_is_alive (target))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
                   "Process %u is no copy of process %u that its tracer holds", pid,
                   service_process_get_pid (target));
      return -1;
    }
  *size = find_number (status, "RssAnon") * 1024;
  return g_steal_fd (&fd);
}

/* The file is its user's, and raising the number is anybody's right: so it is done as that user, for whom
 * root without further capabilities is no match. */
static gboolean
make_first_victim (int dir_fd, GError **error)
{
  static const char most[] = "1000";
  service_autofd int fd = -1;
  struct stat owner;

  if (fstat (dir_fd, &owner) == 0)
    {
      gid_t gid = setfsgid (owner.st_gid);
      uid_t uid = setfsuid (owner.st_uid);

      fd = openat (dir_fd, "oom_score_adj", O_WRONLY | O_CLOEXEC);
      setfsuid (uid);
      setfsgid (gid);
    }
  if (fd >= 0 && write (fd, most, strlen (most)) == (gssize)strlen (most))
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               _ ("The copy cannot be made the first process to go when memory is short: %s"),
               strerror (errno));
  return FALSE;
}

static void
guard_free (Guard *guard)
{
  service_fd_clear (&guard->pidfd);
  service_headroom_free (guard->headroom);
  g_free (guard);
}

static gboolean
on_guard_time (gpointer data)
{
  Guard *guard = data;
  struct pollfd ended = { .fd = guard->pidfd, .events = POLLIN };

  if (poll (&ended, 1, 0) != 0)
    return G_SOURCE_REMOVE;
  if (!service_headroom_is_low (guard->headroom))
    return G_SOURCE_CONTINUE;
  g_message ("Memory gets short: a copy of a process is ended");
  syscall (SYS_pidfd_send_signal, guard->pidfd, SIGKILL, NULL, 0);
  return G_SOURCE_REMOVE;
}

/* Before the target goes on and memory is needed for what it changes. */
static gboolean
look_after (int dir_fd, guint pid, guint64 size, GError **error)
{
  g_autofree char *cgroup = read_text (dir_fd, "cgroup");
  Guard *guard = g_new0 (Guard, 1);

  guard->pidfd = (int)syscall (SYS_pidfd_open, (pid_t)pid, 0);
  guard->headroom = service_headroom_new (cgroup);
  if (guard->pidfd < 0 || !service_headroom_has (guard->headroom, size, error))
    {
      if (guard->pidfd < 0)
        g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The copy of the process has ended"));
      guard_free (guard);
      return FALSE;
    }
  g_timeout_add_full (G_PRIORITY_HIGH, GUARD_INTERVAL_MS, on_guard_time, guard, (GDestroyNotify)guard_free);
  return TRUE;
}

GVariant *
service_copy_open (ServiceProcess *target, guint tracer_pid, guint pid, GUnixFDList *fds, GError **error)
{
  service_autofd int mem_fd = -1;
  service_autofd int maps_fd = -1;
  guint64 size;
  service_autofd int dir_fd = open_directory (target, tracer_pid, pid, &size, error);
  gint mem, maps;

  if (dir_fd < 0 || !make_first_victim (dir_fd, error) || !look_after (dir_fd, pid, size, error))
    return NULL;
  mem_fd = openat (dir_fd, "mem", READ_ONLY);
  maps_fd = openat (dir_fd, "maps", READ_ONLY);
  if (mem_fd < 0 || maps_fd < 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The copy of the process has ended"));
      return NULL;
    }
  mem = g_unix_fd_list_append (fds, mem_fd, error);
  maps = mem >= 0 ? g_unix_fd_list_append (fds, maps_fd, error) : -1;
  return maps >= 0 ? g_variant_new ("(hh)", mem, maps) : NULL;
}

/*
 * Whether a child is a copy that has ended: a zombie without a signal to its parent, that was killed or ended
 * as a copy does that nobody holds. proc(5): of /proc/PID/stat the third value is the state, the 38th the
 * signal, the last how it ended.
 */
static gboolean
is_left (int dir_fd)
{
  g_autofree char *stat = read_text (dir_fd, "stat");
  const char *rest = stat != NULL ? strrchr (stat, ')') : NULL;
  g_auto (GStrv) values = rest != NULL ? g_strsplit (rest + 1, " ", -1) : NULL;
  int end;

  /* The first of the values is empty, the second the state. */
  if (values == NULL || g_strv_length (values) < 51 || !g_str_equal (values[1], "Z")
      || !g_str_equal (values[36], "0"))
    return FALSE;
  end = atoi (values[50]);
  return end == SIGKILL || end == UNHELD_STATUS << 8;
}

GArray *
service_copy_list_left (ServiceProcess *target)
{
  GArray *left = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree char *name = g_strdup_printf ("%u/children", service_process_get_pid (target));
  g_autofree char *text = read_text (service_process_get_task_fd (target), name);
  g_auto (GStrv) children = text != NULL ? g_strsplit (text, " ", -1) : NULL;

  for (guint i = 0; children != NULL && children[i] != NULL && left->len < MAX_LEFT; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s", children[i]);
      service_autofd int dir_fd = *children[i] != '\0' ? open (path, READ_ONLY | O_DIRECTORY) : -1;
      g_autofree char *status = dir_fd >= 0 && is_left (dir_fd) ? read_text (dir_fd, "status") : NULL;
      guint number = status != NULL ? find_number (status, "NSpid") : 0;

      if (number > 0)
        g_array_append_val (left, number);
    }
  return left;
}

guint64
service_copy_find_vdso (ServiceProcess *target)
{
  service_autofd int fd = service_process_open_file (target, "auxv", NULL);
  struct
  {
    unsigned long type, value;
  } vector[128];
  gssize size = fd >= 0 ? read (fd, vector, sizeof vector) : 0;

  for (gssize i = 0; i < size / (gssize)sizeof *vector; i++)
    if (vector[i].type == AT_SYSINFO_EHDR)
      return vector[i].value;
  return 0;
}
