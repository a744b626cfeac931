/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who calls. Uid and groups are the bus's word, which is the kernel's of the moment when the caller
 * connected; the process is looked at besides, never instead. What the caller may do is decided elsewhere.
 */

#include "service-caller.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-mark.h"

struct _ServiceCaller
{
  char *name;
  guint uid;
  GVariant *groups; /* `au`; NULL: the bus does not tell */
  int pidfd;        /* -1: the process is not to be seen from here */
  int dir_fd;
  int mark; /* see service-mark */
};

static void
service_caller_clear (ServiceCaller *self)
{
  g_free (self->name);
  g_clear_pointer (&self->groups, g_variant_unref);
  service_fd_clear (&self->pidfd);
  service_fd_clear (&self->dir_fd);
  service_fd_clear (&self->mark);
}

ServiceCaller *
service_caller_ref (ServiceCaller *self)
{
  return g_rc_box_acquire (self);
}

void
service_caller_unref (ServiceCaller *self)
{
  g_rc_box_release_full (self, (GDestroyNotify)service_caller_clear);
}

static gboolean
is_running (ServiceCaller *self)
{
  struct pollfd end = { .fd = self->pidfd, .events = POLLIN };

  return self->pidfd >= 0 && poll (&end, 1, 0) == 0;
}

/* Buses that know it hand over a descriptor of the process; of others there is the number alone. */
static int
get_pidfd (GVariant *credentials, GUnixFDList *fds, guint32 pid)
{
  gint32 handle;

  if (fds != NULL && g_variant_lookup (credentials, "ProcessFD", "h", &handle))
    return g_unix_fd_list_get (fds, handle, NULL);
  return (int)syscall (SYS_pidfd_open, (pid_t)pid, 0);
}

static void
open_process (ServiceCaller *self, GVariant *credentials, GUnixFDList *fds)
{
  g_autofree char *path = NULL;
  guint32 pid = 0;

  if (!g_variant_lookup (credentials, "ProcessID", "u", &pid) || pid == 0)
    return;
  self->pidfd = get_pidfd (credentials, fds, pid);
  path = g_strdup_printf ("/proc/%u", pid);
  self->dir_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->dir_fd >= 0)
    self->mark = service_mark_open (self->dir_fd);
  /* The pidfd came first: if its process still runs, what was opened by number is its. */
  if (!is_running (self))
    service_fd_clear (&self->pidfd);
}

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (ServiceCaller) self = g_rc_box_new0 (ServiceCaller);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) credentials = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), &fds, result, NULL);

  self->pidfd = self->dir_fd = self->mark = -1;
  self->name = g_strdup (g_task_get_task_data (task));
  if (reply != NULL)
    credentials = g_variant_get_child_value (reply, 0);
  if (credentials == NULL || !g_variant_lookup (credentials, "UnixUserID", "u", &self->uid))
    {
      g_task_return_new_error (
          task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
          _ ("The bus does not say whose this call is: its caller has left, or is not of "
             "this machine"));
      return;
    }
  self->groups = g_variant_lookup_value (credentials, "UnixGroupIDs", G_VARIANT_TYPE ("au"));
  open_process (self, credentials, fds);
  g_task_return_pointer (task, g_steal_pointer (&self), (GDestroyNotify)service_caller_unref);
}

void
service_caller_identify (GDBusConnection *bus, const char *name, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);

  g_task_set_source_tag (task, service_caller_identify);
  g_task_set_task_data (task, g_strdup (name), g_free);
  g_dbus_connection_call_with_unix_fd_list (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                            "org.freedesktop.DBus", "GetConnectionCredentials",
                                            g_variant_new ("(s)", name), G_VARIANT_TYPE ("(a{sv})"),
                                            G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_credentials, task);
}

ServiceCaller *
service_caller_identify_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

const char *
service_caller_get_name (ServiceCaller *self)
{
  return self->name;
}

guint
service_caller_get_uid (ServiceCaller *self)
{
  return self->uid;
}

static gboolean
shares_namespace (ServiceCaller *self, const char *name)
{
  g_autofree char *theirs = g_strdup_printf ("ns/%s", name);
  g_autofree char *ours = g_strdup_printf ("/proc/self/ns/%s", name);
  struct stat a, b;

  return fstatat (self->dir_fd, theirs, &a, 0) == 0 && stat (ours, &b) == 0 && a.st_ino == b.st_ino
         && a.st_dev == b.st_dev;
}

gboolean
service_caller_is_at_home (ServiceCaller *self)
{
  return self->pidfd >= 0 && self->dir_fd >= 0 && shares_namespace (self, "user")
         && shares_namespace (self, "pid");
}

gboolean
service_caller_is_same (ServiceCaller *self)
{
  return is_running (self) && service_mark_holds (self->mark);
}

gboolean
service_caller_get_groups (ServiceCaller *self, guint *gid, const guint32 **groups, gsize *n_groups)
{
  struct stat status;

  if (self->groups == NULL || self->dir_fd < 0 || fstat (self->dir_fd, &status) != 0
      || status.st_uid != self->uid)
    return FALSE;
  *groups = g_variant_get_fixed_array (self->groups, n_groups, sizeof **groups);
  for (gsize i = 0; i < *n_groups; i++)
    {
      if ((*groups)[i] == status.st_gid)
        {
          *gid = status.st_gid;
          return TRUE;
        }
    }
  return FALSE;
}
