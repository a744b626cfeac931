/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts the other two kinds of process, and takes from them before their first instruction what they must
 * not have. What a process can only do to itself (dying with its parent, its seccomp filter) is left to it;
 * what is said to it is service-worker.c's.
 */

#include "service-launcher.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKER_USER "ha-profiler-worker"
#define FALLBACK_USER "nobody"

#define WORKER_MAX_MEMORY (8 * (rlim_t)1024 * 1024 * 1024)
#define WORKER_MAX_FILE (512 * (rlim_t)1024 * 1024)
#define WORKER_MAX_FDS 65536

/* How far a worker may raise its own priority: who samples does, who computes does not. */
#define WORKER_MIN_NICE (-10)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_SHADOW_MEMORY TRUE
#else
#define HAVE_SHADOW_MEMORY FALSE
#endif

/* Whom a worker becomes; read between fork and exec, where nothing can be looked up. */
typedef struct
{
  gboolean change;
  uid_t uid;
  gid_t gid;
} Identity;

struct _ServiceLauncher
{
  GObject parent_instance;

  char *worker;
  char *tracer;
  GStrv plugin_dirs;
  GStrv environment;
  Identity identity;
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

/* In the child, before exec: only what is safe in a signal handler. What fails here leaves a worker that must
 * not run. */
static void
prepare_worker (gpointer data)
{
  const Identity *identity = data;
  struct rlimit fds;

  if (getrlimit (RLIMIT_NOFILE, &fds) == 0)
    limit (RLIMIT_NOFILE, MIN (fds.rlim_max, WORKER_MAX_FDS));
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_FSIZE, WORKER_MAX_FILE);
  limit (RLIMIT_NICE, 20 - WORKER_MIN_NICE);
  if (!HAVE_SHADOW_MEMORY)
    limit (RLIMIT_AS, WORKER_MAX_MEMORY);
  /* A file that gets too long is then an error to its writer and not its end. */
  signal (SIGXFSZ, SIG_IGN);

  /* Leaving uid 0 empties the capability sets. */
  if (identity->change
      && (setgroups (0, NULL) != 0 || setresgid (identity->gid, identity->gid, identity->gid) != 0
          || setresuid (identity->uid, identity->uid, identity->uid) != 0))
    _exit (126);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    _exit (126);
}

/*
 * In the child, before exec. While a target is stopped it is its tracer that must run: on a loaded machine an
 * ordinary process waits for its turn longer than a stop may last. It sleeps otherwise. Root without a
 * capability in its bounding set does not have it after exec.
 */
static void
prepare_tracer (gpointer data)
{
  const struct sched_param lowest = { .sched_priority = 1 };

  sched_setscheduler (0, SCHED_FIFO, &lowest);
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
    {
      if (capability != CAP_SYS_PTRACE && capability != CAP_KILL)
        prctl (PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  limit (RLIMIT_CORE, 0);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    _exit (126);
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

static GSubprocess *
start (ServiceLauncher *self, GSubprocessLauncher *launcher, const char *const *argv, GError **error)
{
  GSubprocess *child;

  g_subprocess_launcher_set_environ (launcher, self->environment);
  g_subprocess_launcher_set_cwd (launcher, "/");
  child = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (child == NULL)
    {
      g_prefix_error (error, "Cannot start %s, is it installed whole? ", argv[0]);
      return NULL;
    }
  g_hash_table_add (self->children, g_object_ref (child));
  g_subprocess_wait_async (child, NULL, on_child_ended, g_object_ref (self));
  return child;
}

GSubprocess *
service_launcher_start_worker (ServiceLauncher *self, int connection_fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (self->worker));
  for (guint i = 0; self->plugin_dirs != NULL && self->plugin_dirs[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup_printf ("--plugin-dir=%s", self->plugin_dirs[i]));
  g_ptr_array_add (argv, NULL);

  g_subprocess_launcher_take_fd (launcher, connection_fd, 3);
  g_subprocess_launcher_set_child_setup (launcher, prepare_worker, &self->identity, NULL);
  return start (self, launcher, (const char *const *)argv->pdata, error);
}

GSubprocess *
service_launcher_start_tracer (ServiceLauncher *self, ServiceProcess *process, int worker_fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *pid = g_strdup_printf ("%u", service_process_get_pid (process));
  const char *argv[] = { self->tracer, pid, NULL };

  g_subprocess_launcher_take_fd (launcher, worker_fd, 3);
  g_subprocess_launcher_take_fd (launcher, fcntl (service_process_get_pidfd (process), F_DUPFD_CLOEXEC, 3),
                                 4);
  g_subprocess_launcher_take_fd (launcher, fcntl (service_process_get_task_fd (process), F_DUPFD_CLOEXEC, 3),
                                 5);
  g_subprocess_launcher_set_child_setup (launcher, prepare_tracer, NULL, NULL);
  return start (self, launcher, argv, error);
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

      return g_strdup_printf ("ended by signal %d (%s)", signal_number, g_strsignal (signal_number));
    }
  return g_strdup_printf ("exited with status %d", g_subprocess_get_exit_status (process));
}

/* Of our own environment only the language goes on. */
static GStrv
make_environment (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = g_listenv ();

  g_strv_builder_add (builder, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
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
  const struct passwd *user = NULL;

  self->children = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->environment = make_environment ();

  /* Who is not root can only start others as themselves. */
  self->identity.change = geteuid () == 0;
  self->identity.uid = self->identity.gid = 65534;
  if (self->identity.change)
    user = getpwnam (WORKER_USER);
  if (self->identity.change && user == NULL)
    user = getpwnam (FALLBACK_USER);
  if (user != NULL)
    {
      self->identity.uid = user->pw_uid;
      self->identity.gid = user->pw_gid;
    }
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
