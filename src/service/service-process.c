/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The descriptors of one process. Opens, and reads nothing but the kernel's own numbers and names: the bytes
 * of the process are the worker's. Whether a caller may have them is decided elsewhere, before.
 */

#include "service-process.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-mark.h"
#include "service-text.h"

#define MAX_THREADS_A_CALL 64
#define MAX_SYSTEM_CALLS_A_CALL 256
#define READ_ONLY (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

struct _ServiceProcess
{
  guint pid;
  guint uid, gid;
  char *command;
  int pidfd;
  int dir_fd;
  int mem_fd;
  int maps_fd;
  int task_fd;
  int mark; /* see service-mark */
};

static void
service_process_clear (ServiceProcess *self)
{
  g_free (self->command);
  service_fd_clear (&self->pidfd);
  service_fd_clear (&self->dir_fd);
  service_fd_clear (&self->mem_fd);
  service_fd_clear (&self->maps_fd);
  service_fd_clear (&self->task_fd);
  service_fd_clear (&self->mark);
}

static void
set_error (GError **error, guint pid, int saved_errno)
{
  if (saved_errno == ENOENT || saved_errno == ESRCH)
    g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                 _ ("There is no process %u (any more); see ListTargets for what runs"), pid);
  else if (saved_errno == EACCES || saved_errno == EPERM)
    g_set_error (
        error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
        _ ("The kernel does not let the profiler look into process %u: it belongs to somebody else, or "
           "kernel.yama.ptrace_scope forbids it; the service on the system bus can"),
        pid);
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("Cannot look into process %u: %s"), pid,
                 strerror (saved_errno));
}

/* What has no memory is a kernel thread, or a process of which only threads besides the main one are left. */
static gboolean
has_memory (ServiceProcess *self, GError **error)
{
  char target[1];

  if (readlinkat (self->dir_fd, "exe", target, sizeof target) >= 0)
    return TRUE;
  if (errno != ENOENT)
    {
      set_error (error, self->pid, errno);
      return FALSE;
    }
  if (service_process_is_alive (self))
    g_set_error (
        error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
        _ ("Process %u has no memory of its own: it is a kernel thread, or its main thread has ended"),
        self->pid);
  else
    set_error (error, self->pid, ESRCH);
  return FALSE;
}

/* Not the command line: that is read from the memory of the process, which may keep us waiting for ever. */
static char *
read_command (ServiceProcess *self)
{
  service_autofd int fd = openat (self->dir_fd, "comm", READ_ONLY);
  char name[64];
  gssize length = fd >= 0 ? read (fd, name, sizeof name - 1) : -1;

  name[MAX (length, 0)] = '\0';
  return service_text_escape (g_strchomp (name), sizeof name, FALSE);
}

static gboolean
open_descriptors (ServiceProcess *self, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u", self->pid);
  struct stat status;

  self->pidfd = (int)syscall (SYS_pidfd_open, (pid_t)self->pid, 0);
  /* EINVAL: the number is a thread's and no process's. */
  if (self->pidfd < 0)
    {
      set_error (error, self->pid, errno == EINVAL ? ESRCH : errno);
      return FALSE;
    }

  self->dir_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->dir_fd < 0 || fstat (self->dir_fd, &status) != 0)
    {
      set_error (error, self->pid, errno);
      return FALSE;
    }
  self->uid = status.st_uid;
  self->gid = status.st_gid;
  if (!has_memory (self, error))
    return FALSE;

  self->mem_fd = openat (self->dir_fd, "mem", O_RDONLY | O_CLOEXEC);
  if (self->mem_fd >= 0)
    self->maps_fd = openat (self->dir_fd, "maps", O_RDONLY | O_CLOEXEC);
  if (self->maps_fd >= 0)
    self->task_fd = openat (self->dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->task_fd >= 0)
    self->mark = service_mark_open (self->dir_fd);
  if (self->mark < 0)
    {
      set_error (error, self->pid, errno);
      return FALSE;
    }
  self->command = read_command (self);

  /* The pidfd came first: if its process is still there now, the number was its all the time, and so are the
   * descriptors. */
  if (!service_process_is_alive (self))
    {
      set_error (error, self->pid, ESRCH);
      return FALSE;
    }
  return TRUE;
}

ServiceProcess *
service_process_open (guint pid, GError **error)
{
  g_autoptr (ServiceProcess) self = g_rc_box_new0 (ServiceProcess);

  self->pid = pid;
  self->pidfd = self->dir_fd = self->mem_fd = self->maps_fd = self->task_fd = self->mark = -1;
  if (pid == 0 || pid > G_MAXINT32)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                   _ ("“target”: %u is not the number of a process"), pid);
      return NULL;
    }
  if (!open_descriptors (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

ServiceProcess *
service_process_ref (ServiceProcess *self)
{
  return g_rc_box_acquire (self);
}

void
service_process_unref (ServiceProcess *self)
{
  g_rc_box_release_full (self, (GDestroyNotify)service_process_clear);
}

guint
service_process_get_pid (ServiceProcess *self)
{
  return self->pid;
}

guint
service_process_get_uid (ServiceProcess *self)
{
  return self->uid;
}

guint
service_process_get_gid (ServiceProcess *self)
{
  return self->gid;
}

const char *
service_process_get_command (ServiceProcess *self)
{
  return self->command;
}

int
service_process_get_dir_fd (ServiceProcess *self)
{
  return self->dir_fd;
}

int
service_process_get_pidfd (ServiceProcess *self)
{
  return self->pidfd;
}

int
service_process_get_mem_fd (ServiceProcess *self)
{
  return self->mem_fd;
}

int
service_process_get_maps_fd (ServiceProcess *self)
{
  return self->maps_fd;
}

int
service_process_get_task_fd (ServiceProcess *self)
{
  return self->task_fd;
}

int
service_process_get_mark_fd (ServiceProcess *self)
{
  return self->mark;
}

gboolean
service_process_is_alive (ServiceProcess *self)
{
  struct pollfd end = { .fd = self->pidfd, .events = POLLIN };

  /* A pidfd becomes readable when its process ends, also before it is reaped. */
  return poll (&end, 1, 0) == 0;
}

gboolean
service_process_is_same (ServiceProcess *self)
{
  struct stat status;

  return service_process_is_alive (self) && fstat (self->dir_fd, &status) == 0 && status.st_uid == self->uid
         && status.st_gid == self->gid && service_mark_holds (self->mark);
}

/* Of a namespace file, the device and inode number are what it is. */
static gboolean
stat_namespace (int dir_fd, const char *path, struct stat *status)
{
  return fstatat (dir_fd, path, status, 0) == 0;
}

static gboolean
namespace_is_the_machines (ServiceProcess *self, const char *name)
{
  g_autofree char *theirs = g_strdup_printf ("ns/%s", name);
  g_autofree char *init = g_strdup_printf ("/proc/1/ns/%s", name);
  g_autofree char *ours = g_strdup_printf ("/proc/self/ns/%s", name);
  struct stat a, b;

  if (!stat_namespace (self->dir_fd, theirs, &a))
    return TRUE;
  if (!stat_namespace (AT_FDCWD, init, &b) && !stat_namespace (AT_FDCWD, ours, &b))
    return TRUE;
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

gboolean
service_process_is_contained (ServiceProcess *self)
{
  return !namespace_is_the_machines (self, "pid") || !namespace_is_the_machines (self, "mnt");
}

int
service_process_open_root (ServiceProcess *self, GError **error)
{
  int fd = openat (self->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    set_error (error, self->pid, errno);
  return fd;
}

int
service_process_open_network (ServiceProcess *self, GError **error)
{
  service_autofd int fd = openat (self->dir_fd, "ns/net", O_RDONLY | O_CLOEXEC);
  struct stat theirs, ours;

  if (fd < 0 || fstat (fd, &theirs) != 0)
    {
      set_error (error, self->pid, errno);
      return -1;
    }
  if (stat_namespace (AT_FDCWD, "/proc/self/ns/net", &ours) && ours.st_ino == theirs.st_ino
      && ours.st_dev == theirs.st_dev)
    return -1;
  return g_steal_fd (&fd);
}

int
service_process_open_file (ServiceProcess *self, const char *name, GError **error)
{
  int fd = openat (self->dir_fd, name, READ_ONLY);

  if (fd < 0)
    set_error (error, self->pid, errno);
  return fd;
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint one = *(const guint *)a, other = *(const guint *)b;

  return (one > other) - (one < other);
}

GArray *
service_process_list_numbers (ServiceProcess *self, int directory_fd, guint from, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (guint));
  DIR *directory = directory_fd >= 0 ? fdopendir (directory_fd) : NULL;
  const struct dirent *entry;

  if (directory == NULL)
    {
      set_error (error, self->pid, errno);
      service_fd_clear (&directory_fd);
      return NULL;
    }
  while ((entry = readdir (directory)) != NULL)
    {
      guint number = (guint)strtoul (entry->d_name, NULL, 10);

      if (number >= from && g_ascii_isdigit (entry->d_name[0]))
        g_array_append_val (numbers, number);
    }
  closedir (directory);
  g_array_sort (numbers, compare_numbers);
  return g_steal_pointer (&numbers);
}

static GArray *
list_threads (ServiceProcess *self, guint after, GError **error)
{
  /* A description of its own, since task_fd's offset is shared with the tracer. */
  int fd = openat (self->task_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return service_process_list_numbers (self, fd, after < G_MAXUINT ? after + 1 : after, error);
}

/* The handle of the file in @fds; -1 when the thread has ended. */
static gint
append_file (ServiceProcess *self, guint tid, const char *name, GUnixFDList *fds, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%u/%s", tid, name);
  service_autofd int fd = openat (self->task_fd, path, READ_ONLY);

  return fd >= 0 ? g_unix_fd_list_append (fds, fd, error) : -1;
}

GVariant *
service_process_open_threads (ServiceProcess *self, guint after, GUnixFDList *fds, GError **error)
{
  g_autoptr (GArray) tids = list_threads (self, after, error);
  GVariantBuilder builder;

  if (tids == NULL)
    return NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(uhhh)"));
  for (guint i = 0, n = 0; i < tids->len && n < MAX_THREADS_A_CALL; i++)
    {
      guint tid = g_array_index (tids, guint, i);
      g_autoptr (GError) local_error = NULL;
      gint stat_handle = append_file (self, tid, "stat", fds, &local_error);
      gint schedstat_handle = stat_handle >= 0 ? append_file (self, tid, "schedstat", fds, &local_error) : -1;
      gint status_handle = schedstat_handle >= 0 ? append_file (self, tid, "status", fds, &local_error) : -1;

      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          g_variant_builder_clear (&builder);
          return NULL;
        }
      if (status_handle < 0)
        continue;
      g_variant_builder_add (&builder, "(uhhh)", tid, stat_handle, schedstat_handle, status_handle);
      n++;
    }
  return g_variant_builder_end (&builder);
}

/* The kernel's line of numbers; FALSE when there is none: the thread has ended, or is another's by now. */
static gboolean
read_system_call (ServiceProcess *self, guint tid, char *line, gsize size)
{
  g_autofree char *path = g_strdup_printf ("%u/syscall", tid);
  service_autofd int fd = openat (self->task_fd, path, READ_ONLY);
  gssize length = fd >= 0 ? pread (fd, line, size - 1, 0) : -1;

  if (length <= 0)
    return FALSE;
  line[length] = '\0';
  g_strchomp (line);
  return g_str_is_ascii (line);
}

GVariant *
service_process_read_system_calls (ServiceProcess *self, guint after, GError **error)
{
  g_autoptr (GArray) tids = list_threads (self, after, error);
  GVariantBuilder builder;
  char line[256];

  if (tids == NULL)
    return NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(us)"));
  for (guint i = 0, n = 0; i < tids->len && n < MAX_SYSTEM_CALLS_A_CALL; i++)
    {
      guint tid = g_array_index (tids, guint, i);

      if (!read_system_call (self, tid, line, sizeof line))
        continue;
      g_variant_builder_add (&builder, "(us)", tid, line);
      n++;
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
answer_open_residency (ServiceProcess *self, GUnixFDList *fds, GError **error)
{
  service_autofd int fd = service_process_open_file (self, "smaps", error);
  gint handle = fd >= 0 ? g_unix_fd_list_append (fds, fd, error) : -1;

  return handle >= 0 ? g_variant_new ("(h)", handle) : NULL;
}

static GVariant *
answer_open_threads (ServiceProcess *self, GVariant *parameters, GUnixFDList *fds, GError **error)
{
  GVariant *threads;
  guint after;

  g_variant_get (parameters, "(uu)", NULL, &after);
  threads = service_process_open_threads (self, after, fds, error);
  return threads != NULL ? g_variant_new ("(@a(uhhh))", threads) : NULL;
}

static GVariant *
answer_read_system_calls (ServiceProcess *self, GVariant *parameters, GError **error)
{
  GVariant *calls;
  guint after;

  g_variant_get (parameters, "(uu)", NULL, &after);
  calls = service_process_read_system_calls (self, after, error);
  return calls != NULL ? g_variant_new ("(@a(us))", calls) : NULL;
}

static void
answer_with (GDBusMethodInvocation *invocation, GVariant *answer, GUnixFDList *fds, GError *error)
{
  if (answer != NULL)
    {
      g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, answer, fds);
      return;
    }
  hap_error_convert (&error);
  g_dbus_method_invocation_take_error (invocation, error);
}

void
service_process_return (ServiceProcess *self,
                        GDBusMethodInvocation *invocation,
                        GVariant *answer,
                        GUnixFDList *fds,
                        GError *error)
{
  if (answer != NULL && !service_process_is_same (self))
    {
      g_variant_unref (g_variant_ref_sink (g_steal_pointer (&answer)));
      g_set_error (&error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                   _ ("Process %u has ended, or has become another program"), self->pid);
    }
  answer_with (invocation, answer, fds, error);
}

void
service_process_answer (ServiceProcess *self, GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GError *error = NULL;
  GVariant *answer;

  /* These files are anybody's to read, and tell how it ends. */
  if (g_str_equal (method, "OpenThreads"))
    {
      answer = answer_open_threads (self, parameters, fds, &error);
      answer_with (invocation, answer, fds, error);
      return;
    }
  if (g_str_equal (method, "OpenResidency"))
    answer = answer_open_residency (self, fds, &error);
  else
    answer = answer_read_system_calls (self, parameters, &error);
  service_process_return (self, invocation, answer, fds, error);
}
