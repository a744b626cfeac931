/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose a process is, is the kernel's to say: it knows of set-uid programs, hidden memory, namespaces and
 * security modules what no comparison of uids does. A child becomes the caller and tries to open the memory;
 * what it opened ends with it.
 */

#include "service-own.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 2
#define MAX_CHILDREN 16

static guint n_children;

typedef struct
{
  GPid child;
  guint timer;
} Question;

static void
question_free (Question *question)
{
  g_clear_handle_id (&question->timer, g_source_remove);
  g_free (question);
}

/* In the child: only what is safe in a signal handler. Whom it becomes may be able to look into it: by then
 * it has nothing of ours. */
static G_NORETURN void
try_to_open (int dir_fd, uid_t uid, gid_t gid, const gid_t *groups, gsize n_groups)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

  if ((dir_fd > 0 && syscall (SYS_close_range, 0, dir_fd - 1, 0) != 0)
      || syscall (SYS_close_range, dir_fd + 1, ~0U, 0) != 0 || setgroups (n_groups, groups) != 0
      || setresgid (gid, gid, gid) != 0 || setresuid (uid, uid, uid) != 0
      || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || syscall (SYS_capset, &header, none) != 0)
    _exit (2);
  _exit (openat (dir_fd, "mem", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1);
}

static void
on_child_ended (GPid pid, gint status, gpointer data)
{
  g_autoptr (GTask) task = data;
  Question *question = g_task_get_task_data (task);

  n_children--;
  g_clear_handle_id (&question->timer, g_source_remove);
  g_task_return_boolean (task, WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static gboolean
on_timer (gpointer data)
{
  Question *question = data;

  question->timer = 0;
  kill (question->child, SIGKILL);
  return G_SOURCE_REMOVE;
}

void
service_own_ask (ServiceCaller *caller, ServiceProcess *process, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  Question *question;
  const guint32 *groups;
  gsize n_groups;
  guint gid;
  pid_t child = -1;

  G_STATIC_ASSERT (sizeof (gid_t) == sizeof (guint32));
  g_task_set_source_tag (task, service_own_ask);
  if (n_children < MAX_CHILDREN && service_caller_get_uid (caller) != 0
      && service_caller_get_groups (caller, &gid, &groups, &n_groups))
    {
      int dir_fd = service_process_get_dir_fd (process);
      uid_t uid = service_caller_get_uid (caller);

      child = fork ();
      if (child == 0)
        try_to_open (dir_fd, uid, gid, groups, n_groups);
    }
  if (child < 0)
    {
      g_task_return_boolean (task, FALSE);
      return;
    }

  n_children++;
  question = g_new0 (Question, 1);
  question->child = child;
  question->timer = g_timeout_add_seconds (CHILD_SECONDS, on_timer, question);
  g_task_set_task_data (task, question, (GDestroyNotify)question_free);
  g_child_watch_add (child, on_child_ended, g_steal_pointer (&task));
}

gboolean
service_own_ask_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  return g_task_propagate_boolean (G_TASK (result), NULL);
}
