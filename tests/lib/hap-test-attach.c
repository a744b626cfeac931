/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A HapTarget without a service: what the service does for a worker (opening /proc, starting the tracer) is
 * done here, by the test itself, for a process that it started.
 */

#include "hap-test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-live-memory.h"

#define BATCH 64

#define HAP_TYPE_TEST_BROKER (hap_test_broker_get_type ())
G_DECLARE_FINAL_TYPE (HapTestBroker, hap_test_broker, HAP, TEST_BROKER, GObject)

struct _HapTestBroker
{
  GObject parent_instance;

  guint pid;
  guint max_tracers; /* how often one may still be started */
  GArray *tracers;   /* (element-type guint) pids of those that were, to be reaped */
  gboolean no_diag;  /* as where its network cannot be entered */
};

static void hap_test_broker_broker_init (HapBrokerInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapTestBroker,
                               hap_test_broker,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_BROKER, hap_test_broker_broker_init))

static int open_proc (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static int
open_proc (GError **error, const char *format, ...)
{
  g_autofree char *path = NULL;
  va_list arguments;
  int fd, code;

  va_start (arguments, format);
  path = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  code = errno;
  if (fd < 0)
    g_set_error (error, HAP_ERROR, code == ENOENT || code == ESRCH ? HAP_ERROR_TARGET_GONE : HAP_ERROR_FAILED,
                 "Cannot open %s: %s", path, g_strerror (code));
  return fd;
}

static int
hap_test_broker_open_mapping (HapBroker *broker, guint64 start, guint64 end, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);

  return open_proc (error, "/proc/%u/map_files/%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", self->pid,
                    start, end);
}

static int
compare_tids (gconstpointer a, gconstpointer b)
{
  guint one = *(const guint *)a;
  guint other = *(const guint *)b;

  return (one > other) - (one < other);
}

static GArray *
list_tids (guint pid, guint after, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task", pid);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  GArray *tids;
  const char *name;

  if (directory == NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "The target has ended");
      return NULL;
    }
  tids = g_array_new (FALSE, FALSE, sizeof (guint));
  while ((name = g_dir_read_name (directory)) != NULL)
    {
      guint tid = strtoul (name, NULL, 10);

      if (tid > after)
        g_array_append_val (tids, tid);
    }
  g_array_sort (tids, compare_tids);
  return tids;
}

/* The last number of the line "NSpid:". */
static guint
read_ns_tid (guint pid, guint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/status", pid, tid);
  g_autofree char *text = NULL;
  const char *line, *last;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (line = strstr (text, "\nNSpid:")) == NULL)
    return 0;
  last = line + 1 + strcspn (line + 1, "\n");
  while (g_ascii_isdigit (last[-1]))
    last--;
  return strtoul (last, NULL, 10);
}

static gboolean
open_thread (guint pid, guint tid, HapThread *thread)
{
  thread->tid = tid;
  thread->ns_tid = read_ns_tid (pid, tid);
  thread->stat_fd = open_proc (NULL, "/proc/%u/task/%u/stat", pid, tid);
  thread->schedstat_fd = open_proc (NULL, "/proc/%u/task/%u/schedstat", pid, tid);
  if (thread->ns_tid != 0 && thread->stat_fd >= 0 && thread->schedstat_fd >= 0)
    return TRUE;
  hap_thread_clear (thread);
  return FALSE;
}

static GArray *
hap_test_broker_open_threads (HapBroker *broker, guint after, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);
  g_autoptr (GArray) tids = list_tids (self->pid, after, error);
  GArray *threads;

  if (tids == NULL)
    return NULL;
  threads = g_array_new (FALSE, FALSE, sizeof (HapThread));
  g_array_set_clear_func (threads, (GDestroyNotify)hap_thread_clear);
  for (guint i = 0; i < tids->len && threads->len < BATCH; i++)
    {
      HapThread thread;

      if (open_thread (self->pid, g_array_index (tids, guint, i), &thread))
        g_array_append_val (threads, thread);
    }
  return threads;
}

static int
hap_test_broker_open_tracer (HapBroker *broker, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);
  guint tracer;
  int pidfd, socket;

  if (self->tracers->len >= self->max_tracers)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The test allows %u tracers", self->max_tracers);
      return -1;
    }
  pidfd = syscall (SYS_pidfd_open, self->pid, 0);
  if (pidfd < 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "The target has ended");
      return -1;
    }
  socket = hap_test_start_tracer (self->pid, pidfd, &tracer, error);
  close (pidfd);
  if (socket >= 0)
    g_array_append_val (self->tracers, tracer);
  return socket;
}

static GArray *
hap_test_broker_read_system_calls (HapBroker *broker, guint after, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);
  g_autoptr (GArray) tids = list_tids (self->pid, after, error);
  GArray *calls;

  if (tids == NULL)
    return NULL;
  calls = g_array_new (FALSE, FALSE, sizeof (HapSystemCall));
  for (guint i = 0; i < tids->len && calls->len < BATCH; i++)
    {
      HapSystemCall call = { .tid = g_array_index (tids, guint, i) };
      g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/syscall", self->pid, call.tid);
      g_autofree char *line = NULL;

      if (g_file_get_contents (path, &line, NULL, NULL) && hap_system_call_parse (line, &call))
        g_array_append_val (calls, call);
    }
  return calls;
}

/* The files themselves: a test trusts its own target. */
static gboolean
hap_test_broker_open_sources (HapBroker *broker, const char *const *paths, int *fds, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);

  for (guint i = 0; paths[i] != NULL; i++)
    fds[i] = open_proc (NULL, "/proc/%u/root%s", self->pid, paths[i]);
  return TRUE;
}

static int
hap_test_broker_open_residency (HapBroker *broker, GError **error)
{
  return open_proc (error, "/proc/%u/smaps", HAP_TEST_BROKER (broker)->pid);
}

/* As the service does, which also makes sure that it is the tracer's copy. One whose target was killed is
 * gone as soon as somebody has reaped it. */
static gboolean
hap_test_broker_open_copy (HapBroker *broker, guint pid, int *mem_fd, int *maps_fd, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/oom_score_adj", pid);
  int score_fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean written = score_fd >= 0 && write (score_fd, "1000", 4) == 4;
  int code = errno;

  if (score_fd >= 0)
    close (score_fd);
  if (!written)
    {
      g_assert_true (code == ENOENT || code == ESRCH);
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "The copy has ended");
      return FALSE;
    }
  *mem_fd = open_proc (error, "/proc/%u/mem", pid);
  if (*mem_fd < 0)
    return FALSE;
  *maps_fd = open_proc (error, "/proc/%u/maps", pid);
  if (*maps_fd >= 0)
    return TRUE;
  close (*mem_fd);
  return FALSE;
}

static GArray *
hap_test_broker_read_sockets (HapBroker *broker, guint from, guint *next, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);
  g_autofree char *path = g_strdup_printf ("/proc/%u/fd", self->pid);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  GArray *sockets = g_array_new (FALSE, FALSE, sizeof (HapSocket));
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *link = g_build_filename (path, name, NULL);
      g_autofree char *text = g_file_read_link (link, NULL);
      HapSocket socket = { .fd = strtoul (name, NULL, 10) };

      if (text == NULL || sscanf (text, "socket:[%" G_GUINT64_FORMAT "]", &socket.inode) != 1)
        continue;
      g_array_append_val (sockets, socket);
    }
  g_array_sort (sockets, compare_tids); /* its number comes first, too */
  *next = 0;
  return sockets;
}

static GArray *
hap_test_broker_open_socket_tables (HapBroker *broker, GError **error)
{
  static const char *const names[] = { "tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet" };
  GArray *tables = g_array_new (FALSE, FALSE, sizeof (HapSocketTable));

  g_array_set_clear_func (tables, (GDestroyNotify)hap_socket_table_clear);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      HapSocketTable table = { g_strdup (names[i]), -1 };

      table.fd = open_proc (NULL, "/proc/%u/net/%s", HAP_TEST_BROKER (broker)->pid, names[i]);
      if (table.fd >= 0)
        g_array_append_val (tables, table);
      else
        hap_socket_table_clear (&table);
    }
  return tables;
}

/* Enters the target's network for a moment: a test has one thread that does anything. */
static int
hap_test_broker_open_socket_diag (HapBroker *broker, GError **error)
{
  HapTestBroker *self = HAP_TEST_BROKER (broker);
  int theirs = self->no_diag ? -1 : open_proc (error, "/proc/%u/ns/net", self->pid);
  int ours = open_proc (NULL, "/proc/self/ns/net");
  int fd = -1;

  if (theirs >= 0 && (geteuid () != 0 || setns (theirs, CLONE_NEWNET) == 0))
    fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (theirs >= 0 && geteuid () == 0)
    g_assert_cmpint (setns (ours, CLONE_NEWNET), ==, 0);
  if (theirs >= 0)
    close (theirs);
  close (ours);
  if (fd < 0 && (theirs >= 0 || self->no_diag))
    g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "Cannot ask for sockets: %s", g_strerror (errno));
  return fd;
}

static void
hap_test_broker_broker_init (HapBrokerInterface *iface)
{
  iface->open_mapping = hap_test_broker_open_mapping;
  iface->open_threads = hap_test_broker_open_threads;
  iface->open_tracer = hap_test_broker_open_tracer;
  iface->read_system_calls = hap_test_broker_read_system_calls;
  iface->open_sources = hap_test_broker_open_sources;
  iface->read_sockets = hap_test_broker_read_sockets;
  iface->open_socket_diag = hap_test_broker_open_socket_diag;
  iface->open_socket_tables = hap_test_broker_open_socket_tables;
  iface->open_residency = hap_test_broker_open_residency;
  iface->open_copy = hap_test_broker_open_copy;
}

/* The target let go of its tracer, whose peer that was, before its broker: they end by themselves. */
static void
hap_test_broker_finalize (GObject *object)
{
  HapTestBroker *self = HAP_TEST_BROKER (object);

  for (guint i = 0; i < self->tracers->len; i++)
    waitpid (g_array_index (self->tracers, guint, i), NULL, 0);
  g_array_unref (self->tracers);
  G_OBJECT_CLASS (hap_test_broker_parent_class)->finalize (object);
}

static void
hap_test_broker_class_init (HapTestBrokerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_test_broker_finalize;
}

static void
hap_test_broker_init (HapTestBroker *self)
{
  self->tracers = g_array_new (FALSE, FALSE, sizeof (guint));
}

/* As the service does. */
static void
prepare_tracer (gpointer data)
{
  const struct sched_param lowest = { .sched_priority = 1 };

  sched_setscheduler (0, SCHED_FIFO, &lowest);
}

/* (element-type guint): the children of the process that have ended and that it has not reaped, as it numbers
 * them. */
static GArray *
list_zombies (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/children", pid, pid);
  GArray *zombies = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree char *text = NULL;
  g_auto (GStrv) children = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return zombies;
  children = g_strsplit (g_strstrip (text), " ", -1);
  for (guint i = 0; children[i] != NULL; i++)
    {
      guint child = strtoul (children[i], NULL, 10);
      g_autofree char *stat_path = g_strdup_printf ("/proc/%u/stat", child);
      g_autofree char *stat = NULL;
      guint number = child > 0 ? read_ns_tid (child, child) : 0;

      if (number > 0 && g_file_get_contents (stat_path, &stat, NULL, NULL) && strrchr (stat, ')')[2] == 'Z')
        g_array_append_val (zombies, number);
    }
  return zombies;
}

static guint64
find_vdso (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/auxv", pid);
  g_autofree char *bytes = NULL;
  gsize size = 0;

  if (!g_file_get_contents (path, &bytes, &size, NULL))
    return 0;
  for (const unsigned long *pair = (unsigned long *)bytes; size >= 2 * sizeof *pair;
       size -= 2 * sizeof *pair, pair += 2)
    if (pair[0] == AT_SYSINFO_EHDR)
      return pair[1];
  return 0;
}

/* The program, the target, whose it is, where its vDSO is, and what earlier tracers left to it. */
static GPtrArray *
make_tracer_arguments (guint pid)
{
  g_autofree char *directory = g_strdup_printf ("/proc/%u", pid);
  struct stat owner = { 0 };
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) zombies = list_zombies (pid);

  g_ptr_array_add (argv, g_build_filename (HAP_TEST_BUILD_DIR, "src", "tracer", "ha-profiler-tracer", NULL));
  g_ptr_array_add (argv, g_strdup ("--modify"));
  g_ptr_array_add (argv, g_strdup_printf ("%u", pid));
  stat (directory, &owner);
  g_ptr_array_add (argv, g_strdup_printf ("%u", owner.st_uid));
  g_ptr_array_add (argv, g_strdup_printf ("%u", owner.st_gid));
  g_ptr_array_add (argv, g_strdup_printf ("%" G_GUINT64_FORMAT, find_vdso (pid)));
  for (guint i = 0; i < zombies->len; i++)
    g_ptr_array_add (argv, g_strdup_printf ("%u", g_array_index (zombies, guint, i)));
  g_ptr_array_add (argv, NULL);
  return argv;
}

int
hap_test_start_tracer (guint pid, int pidfd, guint *tracer_pid, GError **error)
{
  g_autoptr (GPtrArray) argv = make_tracer_arguments (pid);
  static const char *const files[] = { "task", "status", ".", "pagemap" };
  static const int targets[] = { 3, 4, 5, 6, 7, 8 };
  int sockets[2], sources[] = { -1, pidfd, -1, -1, -1, -1 };
  GPid child;
  gboolean started = TRUE;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
  sources[0] = sockets[1];
  for (guint i = 0; i < G_N_ELEMENTS (files) && started; i++)
    {
      sources[i + 2] = open_proc (error, "/proc/%u/%s", pid, files[i]);
      started = sources[i + 2] >= 0;
    }
  started = started
            && g_spawn_async_with_pipes_and_fds (
                NULL, (const char *const *)argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, prepare_tracer, NULL,
                -1, -1, -1, sources, targets, G_N_ELEMENTS (targets), &child, NULL, NULL, NULL, error);
  close (sockets[1]);
  for (guint i = 2; i < G_N_ELEMENTS (sources); i++)
    if (sources[i] >= 0)
      close (sources[i]);
  if (!started)
    {
      close (sockets[0]);
      return -1;
    }
  *tracer_pid = child;
  return sockets[0];
}

HapTarget *
hap_test_attach (guint pid, gboolean with_tracer, GError **error)
{
  g_autoptr (HapTestBroker) broker = g_object_new (HAP_TYPE_TEST_BROKER, NULL);
  g_autoptr (HapMemory) memory = NULL;
  g_autoptr (HapTarget) target = NULL;
  int pidfd = syscall (SYS_pidfd_open, pid, 0);
  int maps = -1;
  int mem = open_proc (error, "/proc/%u/mem", pid);

  g_assert_true (pidfd >= 0 || mem < 0);
  if (mem >= 0)
    memory = hap_live_memory_new (mem);
  if (memory != NULL)
    maps = open_proc (error, "/proc/%u/maps", pid);
  if (maps < 0)
    {
      if (pidfd >= 0)
        close (pidfd);
      return NULL;
    }

  broker->pid = pid;
  broker->max_tracers = with_tracer ? G_MAXUINT : 0;
  target = hap_target_new (pid, pidfd, maps, memory, HAP_BROKER (broker));
  if (with_tracer && !hap_target_start_tracer (target, error))
    return NULL;
  return g_steal_pointer (&target);
}

void
hap_test_allow_tracers (HapTarget *target, guint max_tracers)
{
  HAP_TEST_BROKER (hap_target_get_broker (target))->max_tracers = max_tracers;
}

void
hap_test_deny_socket_diag (HapTarget *target)
{
  HAP_TEST_BROKER (hap_target_get_broker (target))->no_diag = TRUE;
}

guint
hap_test_get_tracer_pid (HapTarget *target)
{
  HapTestBroker *broker = HAP_TEST_BROKER (hap_target_get_broker (target));

  return broker->tracers->len > 0 ? g_array_index (broker->tracers, guint, broker->tracers->len - 1) : 0;
}

static gboolean
has_children (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/task/%u/children", pid, pid);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return *text != '\0';
}

void
hap_test_sweep (guint pid)
{
  int pidfd = syscall (SYS_pidfd_open, pid, 0);

  g_assert_cmpint (pidfd, >=, 0);
  while (has_children (pid))
    {
      g_autoptr (GError) error = NULL;
      guint tracer;
      int socket = hap_test_start_tracer (pid, pidfd, &tracer, &error);

      g_assert_no_error (error);
      close (socket);
      g_assert_cmpint (waitpid (tracer, NULL, 0), ==, tracer);
    }
  close (pidfd);
}

void
hap_test_await_reaped (HapTarget *target)
{
  HapTestBroker *broker = HAP_TEST_BROKER (hap_target_get_broker (target));

  while (has_children (broker->pid))
    {
      if (broker->tracers->len > 1 || hap_test_get_state (hap_test_get_tracer_pid (target)) == 'Z')
        {
          g_test_message ("Its watchdog ended a tracer; others reap what that left");
          hap_test_sweep (broker->pid);
          return;
        }
      g_usleep (500);
    }
}
