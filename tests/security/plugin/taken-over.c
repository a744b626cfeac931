/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A plugin that does what whoever took over a worker would: one attempt after another, each told with what
 * came of it. What must come of it is test-taken-over.c's.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <gio/gio.h>

#include "config.h"
#include "hap-action.h"
#include "hap-plugin.h"

#define CONNECTION_FD 3
#define MAX_FDS 256
#define CHUNK (64 * 1024 * 1024)
#define MAX_THREADS 100000

typedef struct
{
  HapAction parent_instance;

  guint victim;  /* a process that it has no business with */
  char *attempt; /* NULL: all that only fail */
  char *job;     /* another's, by its path */
} TakenOver;
typedef HapActionClass TakenOverClass;

static GType taken_over_get_type (void);
G_DEFINE_TYPE (TakenOver, taken_over, HAP_TYPE_ACTION)

/* 0: it worked. */
#define RESULT(call) ((call) >= 0 ? 0 : errno)

static int
write_into_what_it_has (void)
{
  for (int fd = CONNECTION_FD; fd < MAX_FDS; fd++)
    {
      if (pwrite (fd, "x", 1, 0) > 0)
        return 0;
    }
  return EPERM;
}

static int
signal_by_what_it_has (void)
{
  for (int fd = CONNECTION_FD; fd < MAX_FDS; fd++)
    {
      if (syscall (SYS_pidfd_send_signal, fd, SIGSTOP, NULL, 0) == 0 || errno != EPERM)
        return 0;
    }
  return EPERM;
}

static int
make_code_of_data (void)
{
  void *data = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return RESULT (mprotect (data, 4096, PROT_READ | PROT_EXEC));
}

static int
load_code (void)
{
  return mmap (NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0
                                                                                                    : errno;
}

static int
fork_by_clone (unsigned long flags)
{
  long child = syscall (SYS_clone, flags, NULL, NULL, NULL, NULL);

  if (child == 0)
    _exit (0);
  return RESULT (child);
}

static int
make_ids (void)
{
  return setresuid (0, 0, 0) == 0 || setresgid (0, 0, 0) == 0 ? 0 : errno;
}

static void
tell (HapReport *report, const char *attempt, gint64 result)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "result", "x", result);
  hap_report_entry (report, attempt, g_variant_dict_end (&dict), NULL);
}

static void
try_files (HapReport *report, guint victim)
{
  g_autofree char *memory = g_strdup_printf ("/proc/%u/mem", victim);

  tell (report, "read a file", RESULT (open ("/etc/passwd", O_RDONLY)));
  tell (report, "read a file by a path handle", RESULT (open ("/etc/passwd", O_PATH)));
  tell (report, "create a file", RESULT (open ("/tmp/taken-over", O_CREAT | O_WRONLY, 0600)));
  tell (report, "create a nameless file", RESULT (open ("/tmp", O_TMPFILE | O_WRONLY, 0600)));
  tell (report, "open what it maps", RESULT (open ("/proc/self/exe", O_RDONLY)));
  tell (report, "open memory of another", RESULT (open (memory, O_RDONLY)));
  tell (report, "remove a file", RESULT (unlink ("/tmp/taken-over")));
  tell (report, "make a directory", RESULT (mkdir ("/tmp/taken-over", 0700)));
  tell (report, "make a link", RESULT (symlink ("/etc/shadow", "/tmp/taken-over")));
  tell (report, "change a mode", RESULT (chmod ("/tmp", 0777)));
  tell (report, "mount", RESULT (mount ("none", "/tmp", "tmpfs", 0, NULL)));
  tell (report, "change its root", RESULT (chroot ("/")));
  tell (report, "change its directory", RESULT (chdir ("/tmp")));
  tell (report, "write into what it has", write_into_what_it_has ());
}

static void
try_others (HapReport *report, guint victim)
{
  const struct rlimit none = { 0, 0 };
  char byte;
  struct iovec local = { &byte, 1 }, remote = { &byte, 1 };
  cpu_set_t cpus = { { 1 } };

  tell (report, "stop another", RESULT (kill ((pid_t)victim, SIGSTOP)));
  tell (report, "stop the service", RESULT (kill (getppid (), SIGSTOP)));
  tell (report, "stop all", RESULT (kill (-1, SIGSTOP)));
  tell (report, "stop a thread of another", RESULT (syscall (SYS_tgkill, victim, victim, SIGSTOP)));
  tell (report, "send another a value", RESULT (syscall (SYS_rt_sigqueueinfo, victim, SIGSTOP, &byte)));
  tell (report, "get a handle of another", RESULT (syscall (SYS_pidfd_open, victim, 0)));
  tell (report, "stop its target", signal_by_what_it_has ());
  tell (report, "trace another", RESULT (ptrace (PTRACE_SEIZE, victim, NULL, NULL)));
  tell (report, "be traced", RESULT (ptrace (PTRACE_TRACEME, 0, NULL, NULL)));
  tell (report, "read another", RESULT (process_vm_readv ((pid_t)victim, &local, 1, &remote, 1, 0)));
  tell (report, "write another", RESULT (process_vm_writev ((pid_t)victim, &local, 1, &remote, 1, 0)));
  tell (report, "take a descriptor of another", RESULT (syscall (SYS_pidfd_getfd, CONNECTION_FD, 0, 0)));
  tell (report, "limit another", RESULT (prlimit ((pid_t)victim, RLIMIT_CPU, &none, NULL)));
  tell (report, "slow another down", RESULT (setpriority (PRIO_PROCESS, victim, 19)));
  tell (report, "bind another", RESULT (sched_setaffinity ((pid_t)victim, sizeof cpus, &cpus)));
  tell (report, "compare another", RESULT (syscall (SYS_kcmp, victim, getpid (), 0, 0, 0)));
}

static void
try_rights (HapReport *report)
{
  struct perf_event_attr event = { .size = sizeof event };
  const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };
  const char *const argv[] = { "sh", NULL };

  tell (report, "become root", make_ids ());
  tell (report, "have a namespace", RESULT (unshare (CLONE_NEWUSER)));
  tell (report, "enter a namespace", RESULT (setns (CONNECTION_FD, 0)));
  tell (report, "run a program", RESULT (execv ("/bin/sh", (char *const *)argv)));
  tell (report, "fork", fork_by_clone (SIGCHLD));
  tell (report, "fork with its memory", fork_by_clone (CLONE_VM | CLONE_VFORK | SIGCHLD));
  tell (report, "fork into a namespace", fork_by_clone (CLONE_NEWUSER | SIGCHLD));
  tell (report, "be dumpable", RESULT (prctl (PR_SET_DUMPABLE, 1)));
  tell (report, "outlive the service", RESULT (prctl (PR_SET_PDEATHSIG, 0)));
  tell (report, "have more memory", RESULT (setrlimit (RLIMIT_DATA, &more)));
  tell (report, "load code", load_code ());
  tell (report, "make code of data", make_code_of_data ());
  tell (report, "have a BPF program", RESULT (syscall (SYS_bpf, 0, NULL, 0)));
  tell (report, "watch events", RESULT (syscall (SYS_perf_event_open, &event, 0, -1, -1, 0)));
  tell (report, "have a ring", RESULT (syscall (SYS_io_uring_setup, 1, NULL)));
  tell (report, "handle faults", RESULT (syscall (SYS_userfaultfd, 0)));
  tell (report, "see keys", RESULT (syscall (SYS_keyctl, 0, -3, 0)));
}

static void
try_network (HapReport *report)
{
  int pair[2];

  tell (report, "connect locally", RESULT (socket (AF_UNIX, SOCK_STREAM, 0)));
  tell (report, "connect by TCP", RESULT (socket (AF_INET, SOCK_STREAM, 0)));
  tell (report, "connect by IPv6", RESULT (socket (AF_INET6, SOCK_DGRAM, 0)));
  tell (report, "ask the kernel", RESULT (socket (AF_NETLINK, SOCK_RAW, 0)));
  tell (report, "have two sockets", RESULT (socketpair (AF_UNIX, SOCK_STREAM, 0, pair)));
  tell (report, "listen", RESULT (listen (CONNECTION_FD, 1)));
  tell (report, "type into the terminal", RESULT (ioctl (STDERR_FILENO, TIOCSTI, "x")));
}

/* How many bytes it gets; none is written to. */
static gint64
take_memory (void)
{
  gint64 size = 0;

  while (mmap (NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
         != MAP_FAILED)
    size += CHUNK;
  return size;
}

static void *
wait_for_ever (void *data)
{
  while (TRUE)
    pause ();
  return NULL;
}

static gint64
start_threads (void)
{
  pthread_t thread;
  pthread_attr_t attributes;
  gint64 n = 0;

  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, 64 * 1024);
  while (n < MAX_THREADS && pthread_create (&thread, &attributes, wait_for_ever, NULL) == 0)
    n++;
  return n;
}

/* A call past the worker's own code. @method: with its interface's last words */
static void
send_call (const char *path, const char *method, GVariant *body, guint serial)
{
  g_auto (GStrv) words = g_strsplit (method, "/", 2);
  g_autofree char *interface = g_strconcat ("org.homeassistant.Profiler.", words[0], NULL);
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (NULL, path, interface, words[1]);
  g_autofree guchar *blob = NULL;
  gsize size = 0;

  g_dbus_message_set_body (message, body);
  g_dbus_message_set_serial (message, serial);
  blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  if (blob == NULL || write (CONNECTION_FD, blob, size) < 0)
    _exit (42);
}

static void
flood (void)
{
  for (guint i = 1; TRUE; i++)
    send_call ("/", "Private.Job/Entry", g_variant_new_parsed ("('forged', @a{sv} {})"), 1000000 + i);
}

static void
ask_for_another (guint victim)
{
  send_call ("/", "Private.Job/OpenThreads", g_variant_new ("(uu)", victim, 0), 1000000);
  while (TRUE)
    pause ();
}

/* What it says of its own job, in the name of another. */
static void
forge (const char *job)
{
  static const struct
  {
    const char *method, *body;
    gboolean own; /* of its own job, too, so that it is seen to be said */
  } calls[] = {
    { "Private.Job/Notify", "('forged', 'forged', 'forged')", TRUE },
    { "Private.Job/Summarize", "({'forged': <true>},)", TRUE },
    { "Private.Job/Progress", "(1.0,)", TRUE },
    { "Private.Job/CreateArtifact", "('forged', 'text/plain', 'forged')", FALSE },
    { "Job/Cancel", "()", FALSE },
  };
  g_autoptr (GVariant) entries = g_variant_ref_sink (g_variant_new_parsed ("[{'message': <'forged'>}]"));
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (entries);
  const char *const paths[] = { job, "/" };
  guint serial = 1000000;

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      GVariant *packed = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);

      send_call (paths[i], "Private.Job/Entries", g_variant_new ("(@ay)", packed), serial++);
      for (guint j = 0; j < G_N_ELEMENTS (calls); j++)
        {
          if (paths[i] == job || calls[j].own)
            send_call (paths[i], calls[j].method, g_variant_new_parsed (calls[j].body), serial++);
        }
    }
}

static gboolean
run (HapAction *action, HapTarget *target, HapReport *report, GCancellable *cancellable, GError **error)
{
  TakenOver *self = (TakenOver *)action;

  if (g_strcmp0 (self->attempt, "memory") == 0)
    {
      gint64 size = take_memory ();

      /* The report needs some, too. */
      _exit (size <= sysconf (_SC_PHYS_PAGES) / 2 * sysconf (_SC_PAGESIZE) && size > 0 ? 41 : 42);
    }
  else if (g_strcmp0 (self->attempt, "threads") == 0)
    _exit (start_threads () < 1000 ? 41 : 42);
  else if (g_strcmp0 (self->attempt, "garbage") == 0)
    {
      if (write (CONNECTION_FD, "l\1garbage of some length", 24) > 0)
        pause ();
    }
  else if (g_strcmp0 (self->attempt, "flood") == 0)
    flood ();
  else if (g_strcmp0 (self->attempt, "another") == 0)
    ask_for_another (self->victim);
  else if (g_strcmp0 (self->attempt, "forge") == 0 && self->job != NULL)
    forge (self->job);
  else
    {
      try_files (report, self->victim);
      try_others (report, self->victim);
      try_rights (report);
      try_network (report);
    }
  return TRUE;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TakenOver *self = (TakenOver *)object;

  if (id == 1)
    self->victim = g_value_get_uint (value);
  else if (id == 2)
    self->attempt = g_value_dup_string (value);
  else
    self->job = g_value_dup_string (value);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  const TakenOver *self = (TakenOver *)object;

  if (id == 1)
    g_value_set_uint (value, self->victim);
  else
    g_value_set_string (value, id == 2 ? self->attempt : self->job);
}

static void
finalize (GObject *object)
{
  g_free (((TakenOver *)object)->attempt);
  g_free (((TakenOver *)object)->job);
  G_OBJECT_CLASS (taken_over_parent_class)->finalize (object);
}

static void
taken_over_class_init (TakenOverClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  klass->method = "TakenOver";
  klass->summary = "Do what a worker must not be able to do";
  klass->authority = "modify";
  klass->reply = HAP_REPLY_REPORT;
  klass->run = run;
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  g_object_class_install_property (
      object_class, 1,
      g_param_spec_uint ("victim", NULL, "Another process", 0, G_MAXUINT, 0, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, 2,
                                   g_param_spec_string ("attempt", NULL, "What to do", NULL, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, 3,
                                   g_param_spec_string ("job", NULL, "Another's job", NULL, HAP_PARAM_DATA));
}

static void
taken_over_init (TakenOver *self)
{
}

HAP_DEFINE_PLUGIN (TakenOverPlugin, taken_over_plugin, taken_over_get_type ())
