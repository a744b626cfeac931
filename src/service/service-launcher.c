/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts the other two kinds of process, with what they need and with limits over it. Whom they become is
 * service-rights.c's; what a process can only do to itself (dying with its parent, its seccomp filter) is
 * left to it; what is said to it is service-worker.c's.
 */

#include "service-launcher.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service-copy.h"
#include "service-fd.h"
#include "service-language.h"
#include "service-rights.h"

#define WORKER_MAX_FILE (512 * (rlim_t)1024 * 1024)
#define WORKER_MAX_FDS 65536
#define WORKER_MAX_THREADS 256
#define TRACER_MAX_THREADS 8
#define PATH "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

/* Of the machine's memory a worker may fill so much; of addresses, for files that it maps and what is only
 * reserved, it may have so much more. */
#define WORKER_SHARE_OF_MEMORY 2
#define WORKER_MORE_ADDRESSES (2 * (rlim_t)1024 * 1024 * 1024)

/* How far a worker may raise its own priority: who samples does, who computes does not. */
#define WORKER_MIN_NICE (-10)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_SHADOW_MEMORY TRUE
#else
#define HAVE_SHADOW_MEMORY FALSE
#endif

/* What a child is to become; read between fork and exec, where nothing can be looked up. */
typedef struct
{
  ServiceRights rights;
  rlim_t memory;
} Child;

struct _ServiceLauncher
{
  GObject parent_instance;

  char *worker;
  char *tracer;
  GStrv plugin_dirs;
  GStrv environment;
  GHashTable *children; /* GSubprocess, as a set */
};

enum
{
  SIGNAL_QUIET,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ServiceLauncher, service_launcher, G_TYPE_OBJECT)

static void
limit (int resource, rlim_t value)
{
  const struct rlimit both = { value, value };

  setrlimit (resource, &both);
}

/* When memory is short a worker is the first that the kernel ends. */
static void
offer_to_oom_killer (void)
{
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write (fd, "1000", 4) != 4)
    _exit (126);
  close (fd);
}

/* In the child, before exec: only what is safe in a signal handler. What fails here leaves a worker that must
 * not run. */
static void
prepare_worker (gpointer data)
{
  const Child *child = data;
  struct rlimit fds;

  setsid ();
  offer_to_oom_killer ();
  if (getrlimit (RLIMIT_NOFILE, &fds) == 0)
    limit (RLIMIT_NOFILE, MIN (fds.rlim_max, WORKER_MAX_FDS));
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_FSIZE, WORKER_MAX_FILE);
  limit (RLIMIT_MEMLOCK, 0);
  limit (RLIMIT_RTPRIO, 0);
  limit (RLIMIT_NICE, 20 - WORKER_MIN_NICE);
  if (child->rights.change)
    limit (RLIMIT_NPROC, WORKER_MAX_THREADS);
  if (!HAVE_SHADOW_MEMORY)
    {
      limit (RLIMIT_DATA, child->memory);
      limit (RLIMIT_AS, child->memory + WORKER_MORE_ADDRESSES);
    }
  /* A file that gets too long is then an error to its writer and not its end. */
  signal (SIGXFSZ, SIG_IGN);
  service_rights_take_on (&child->rights, -1);
}

/*
 * In the child, before exec. While a target is stopped it is its tracer that must run: on a loaded machine an
 * ordinary process waits for its turn longer than a stop may last. It sleeps otherwise.
 */
static void
prepare_tracer (gpointer data)
{
  const Child *child = data;
  const struct sched_param lowest = { .sched_priority = 1 };

  setsid ();
  sched_setscheduler (0, SCHED_FIFO, &lowest);
  limit (RLIMIT_CORE, 0);
  if (child->rights.change)
    limit (RLIMIT_NPROC, TRACER_MAX_THREADS);
  service_rights_take_on (&child->rights, CAP_SYS_PTRACE);
}

static void
on_child_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ServiceLauncher) self = data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  g_hash_table_remove (self->children, source);
  if (service_launcher_is_quiet (self))
    g_signal_emit (self, signals[SIGNAL_QUIET], 0);
}

/* For whom speaks as the caller does: only messages, so that numbers stay as they are. */
static GStrv
make_environment_in (const ServiceLanguage *language)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *messages = g_strconcat ("LC_MESSAGES=", service_language_get_name (language), NULL);

  g_strv_builder_add_many (builder, PATH, "LC_CTYPE=C.UTF-8", messages, NULL);
  return g_strv_builder_end (builder);
}

static GSubprocess *
start (ServiceLauncher *self, GSubprocessLauncher *launcher, const char *const *argv, GError **error)
{
  const ServiceLanguage *language = service_language_get_current ();
  g_auto (GStrv) environment =
      language != NULL ? make_environment_in (language) : g_strdupv (self->environment);
  GSubprocess *child;

  g_subprocess_launcher_set_environ (launcher, environment);
  g_subprocess_launcher_set_cwd (launcher, "/");
  child = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (child == NULL)
    {
      g_prefix_error (error, _ ("Cannot start %s, is it installed whole? "), argv[0]);
      return NULL;
    }
  g_hash_table_add (self->children, g_object_ref (child));
  g_subprocess_wait_async (child, NULL, on_child_ended, g_object_ref (self));
  return child;
}

/* @fd: (transfer full) */
static GSubprocessLauncher *
prepare (ServiceLauncher *self, GSpawnChildSetupFunc setup, int fd, GError **error)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  Child *child = g_new0 (Child, 1);

  g_subprocess_launcher_take_fd (launcher, fd, 3);
  child->memory = (rlim_t)sysconf (_SC_PHYS_PAGES) * (rlim_t)sysconf (_SC_PAGESIZE) / WORKER_SHARE_OF_MEMORY;
  g_subprocess_launcher_set_child_setup (launcher, setup, child, g_free);
  if (service_rights_choose (&child->rights, error))
    return launcher;
  g_object_unref (launcher);
  return NULL;
}

GSubprocess *
service_launcher_start_worker (ServiceLauncher *self, const char *plugin, int connection_fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = prepare (self, prepare_worker, connection_fd, error);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);

  if (launcher == NULL)
    return NULL;
  g_ptr_array_add (argv, g_strdup (self->worker));
  for (guint i = 0; self->plugin_dirs != NULL && self->plugin_dirs[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup_printf ("--plugin-dir=%s", self->plugin_dirs[i]));
  if (plugin != NULL)
    g_ptr_array_add (argv, g_strdup_printf ("--plugin=%s", plugin));
  g_ptr_array_add (argv, NULL);
  return start (self, launcher, (const char *const *)argv->pdata, error);
}

/* The program, its process, whose that is, where its vDSO is, and the copies that an earlier tracer had no
 * time to have reaped. */
static GPtrArray *
make_tracer_arguments (ServiceLauncher *self, ServiceProcess *process, gboolean modify)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) left = service_copy_list_left (process);

  g_ptr_array_add (argv, g_strdup (self->tracer));
  if (modify)
    g_ptr_array_add (argv, g_strdup ("--modify"));
  g_ptr_array_add (argv, g_strdup_printf ("%u", service_process_get_pid (process)));
  g_ptr_array_add (argv, g_strdup_printf ("%u", service_process_get_uid (process)));
  g_ptr_array_add (argv, g_strdup_printf ("%u", service_process_get_gid (process)));
  g_ptr_array_add (argv, g_strdup_printf ("%" G_GUINT64_FORMAT, service_copy_find_vdso (process)));
  for (guint i = 0; i < left->len; i++)
    g_ptr_array_add (argv, g_strdup_printf ("%u", g_array_index (left, guint, i)));
  g_ptr_array_add (argv, NULL);
  return argv;
}

static void
give (GSubprocessLauncher *launcher, int fd, int number)
{
  g_subprocess_launcher_take_fd (launcher, fcntl (fd, F_DUPFD_CLOEXEC, 3), number);
}

GSubprocess *
service_launcher_start_tracer (ServiceLauncher *self,
                               ServiceProcess *process,
                               gboolean modify,
                               int worker_fd,
                               GError **error)
{
  service_autofd int status_fd = service_process_open_file (process, "status", error);
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GPtrArray) argv = NULL;

  if (status_fd < 0)
    {
      service_fd_clear (&worker_fd);
      return NULL;
    }
  launcher = prepare (self, prepare_tracer, worker_fd, error);
  if (launcher == NULL)
    return NULL;
  argv = make_tracer_arguments (self, process, modify);
  give (launcher, service_process_get_pidfd (process), 4);
  give (launcher, service_process_get_task_fd (process), 5);
  g_subprocess_launcher_take_fd (launcher, g_steal_fd (&status_fd), 6);
  give (launcher, service_process_get_dir_fd (process), 7);
  give (launcher, service_process_get_mark_fd (process), 8);
  return start (self, launcher, (const char *const *)argv->pdata, error);
}

gboolean
service_launcher_owns (ServiceLauncher *self, guint pid)
{
  g_autofree char *text = g_strdup_printf ("%u", pid);
  GHashTableIter iter;
  gpointer child;

  if (pid == (guint)getpid ())
    return TRUE;
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, &child, NULL))
    {
      if (g_strcmp0 (g_subprocess_get_identifier (child), text) == 0)
        return TRUE;
    }
  return FALSE;
}

gboolean
service_launcher_is_quiet (ServiceLauncher *self)
{
  return g_hash_table_size (self->children) == 0;
}

void
service_launcher_kill_all (ServiceLauncher *self)
{
  GHashTableIter iter;
  gpointer child;

  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, &child, NULL))
    g_subprocess_force_exit (child);
}

char *
service_launcher_describe_end (GSubprocess *process)
{
  if (g_subprocess_get_if_signaled (process))
    {
      int signal_number = g_subprocess_get_term_sig (process);

      return g_strdup_printf (_ ("ended by signal %d (%s)"), signal_number, strsignal (signal_number));
    }
  return g_strdup_printf (_ ("exited with status %d"), g_subprocess_get_exit_status (process));
}

/* Of our own environment only the language goes on. */
static GStrv
make_environment (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = g_listenv ();

  g_strv_builder_add (builder, PATH);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *variable = NULL;

      if (!g_str_equal (names[i], "LANG") && !g_str_equal (names[i], "LANGUAGE")
          && !g_str_has_prefix (names[i], "LC_"))
        continue;
      variable = g_strdup_printf ("%s=%s", names[i], g_getenv (names[i]));
      g_strv_builder_add (builder, variable);
    }
  return g_strv_builder_end (builder);
}

static void
service_launcher_finalize (GObject *object)
{
  ServiceLauncher *self = SERVICE_LAUNCHER (object);

  g_free (self->worker);
  g_free (self->tracer);
  g_strfreev (self->plugin_dirs);
  g_strfreev (self->environment);
  g_hash_table_unref (self->children);
  G_OBJECT_CLASS (service_launcher_parent_class)->finalize (object);
}

static void
service_launcher_class_init (ServiceLauncherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_launcher_finalize;

  signals[SIGNAL_QUIET] =
      g_signal_new ("quiet", SERVICE_TYPE_LAUNCHER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
service_launcher_init (ServiceLauncher *self)
{
  self->children = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->environment = make_environment ();
}

ServiceLauncher *
service_launcher_new (const char *worker, const char *tracer, const char *const *plugin_dirs)
{
  ServiceLauncher *self = g_object_new (SERVICE_TYPE_LAUNCHER, NULL);

  self->worker = g_strdup (worker);
  self->tracer = g_strdup (tracer);
  self->plugin_dirs = g_strdupv ((GStrv)plugin_dirs);
  return self;
}
