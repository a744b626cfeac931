/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who our children are: the uids that they get, and how a child changes to one without keeping a right. What
 * limits it besides is service-launcher.c's.
 */

#include "service-rights.h"

#include <glib/gi18n.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hap-error.h"

/*
 * Numbers that systemd's table of uids calls unused ("Users, Groups, UIDs and GIDs on systemd Systems"):
 * between those of containers and those that are not valid. Each child has the next one to itself, for as
 * long as it lives: who has a uid in common can stop, limit and end each other.
 */
#define FIRST_UID 0x7A000000u
#define N_UIDS 0x10000u

/* In a container that maps no such numbers all our children share the user that sysusers.d makes for them. */
#define SHARED_USER "ha-profiler-worker"

static gboolean
get_capabilities (struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3])
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

  return syscall (SYS_capget, &header, sets) == 0;
}

gboolean
service_rights_can_change (void)
{
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  const guint32 needed = 1u << CAP_SETUID | 1u << CAP_SETGID;

  return get_capabilities (sets) && (sets[0].effective & needed) == needed;
}

/* The uids of our user namespace, as lines of: first, first outside, how many. */
static gboolean
maps_uids (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/uid_map", &text, NULL, NULL))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint64 first, count;

      if (sscanf (lines[i], "%" G_GUINT64_FORMAT "%*u%" G_GUINT64_FORMAT, &first, &count) == 2
          && first <= FIRST_UID && first + count >= (guint64)FIRST_UID + N_UIDS)
        return TRUE;
    }
  return FALSE;
}

gboolean
service_rights_choose (ServiceRights *rights, GError **error)
{
  static guint next;
  const struct passwd *user;

  rights->change = service_rights_can_change ();
  rights->uid = (guint32)getuid ();
  if (!rights->change)
    return TRUE;
  if (maps_uids ())
    {
      /* Two services can run on one machine. */
      if (next == 0)
        next = g_random_int ();
      rights->uid = FIRST_UID + next++ % N_UIDS;
      return TRUE;
    }

  user = getpwnam (SHARED_USER);
  if (user == NULL || user->pw_uid == 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
                   _ ("There is no uid to run a worker as: this container maps none above 65535, and has no "
                      "user “%s”: create it, as a system user"),
                   SHARED_USER);
      return FALSE;
    }
  rights->uid = (guint32)user->pw_uid;
  return TRUE;
}

/* The bounding set is what exec could give back. It needs a capability itself, which who is not root lacks,
 * and no_new_privs closes that way, too. */
static void
drop_bounding_set (int capability)
{
  for (int other = 0; other <= CAP_LAST_CAP; other++)
    {
      if (other != capability)
        prctl (PR_CAPBSET_DROP, other, 0, 0, 0);
    }
}

/* Nobody's who has none; it is not the child's fault, and what it cannot do it will say. */
static gboolean
keep_capability (int capability)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
  struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3];

  if (!get_capabilities (had))
    return FALSE;
  if (capability >= 0)
    sets[0].permitted = had[0].permitted & 1u << capability;
  sets[0].effective = sets[0].inheritable = sets[0].permitted;
  if (syscall (SYS_capset, &header, sets) != 0)
    return FALSE;
  return sets[0].permitted == 0 || prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0;
}

void
service_rights_take_on (const ServiceRights *rights, int capability)
{
  drop_bounding_set (capability);
  if (prctl (PR_SET_KEEPCAPS, capability >= 0, 0, 0, 0) != 0
      || (rights->change
          && (setgroups (0, NULL) != 0 || setresgid (rights->uid, rights->uid, rights->uid) != 0
              || setresuid (rights->uid, rights->uid, rights->uid) != 0))
      || !keep_capability (capability) || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    _exit (126);
}
