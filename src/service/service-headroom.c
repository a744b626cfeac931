/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Memory that is left: /proc/meminfo's, and of the unified hierarchy's control groups from a process's
 * upwards. What is done about it is for others to say.
 */

#include "service-headroom.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-error.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define MAX_DEPTH 32

/* What is low: this part of all, but no more than that. */
#define LOW_PART 20
#define LOW_MOST ((guint64)256 * 1024 * 1024)

struct _ServiceHeadroom
{
  char *group; /* the path of the innermost group; NULL: none is known */
};

/* @path: relative to the root of the hierarchy. G_MAXUINT64: there is no such number, or "max". */
static guint64
read_number (const char *group, const char *name)
{
  g_autofree char *path = g_build_filename (CGROUP_ROOT, group, name, NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !g_ascii_isdigit (*text))
    return G_MAXUINT64;
  return g_ascii_strtoull (text, NULL, 10);
}

/* What the line @name of a file of such lines says; 0: it is not there. */
static guint64
find_line (const char *text, const char *name)
{
  const char *line = strstr (text, name);

  return line != NULL ? g_ascii_strtoull (line + strlen (name), NULL, 10) : 0;
}

/* What can be had within a group's limit: its files' pages, too. */
static void
measure_group (const char *group, guint64 *left, guint64 *limit)
{
  guint64 used = read_number (group, "memory.current");
  g_autofree char *path = g_build_filename (CGROUP_ROOT, group, "memory.stat", NULL);
  g_autofree char *stat = NULL;

  *limit = read_number (group, "memory.max");
  if (*limit == G_MAXUINT64 || used == G_MAXUINT64)
    {
      *left = *limit = G_MAXUINT64;
      return;
    }
  if (g_file_get_contents (path, &stat, NULL, NULL))
    used -= MIN (used, find_line (stat, "inactive_file "));
  *left = *limit > used ? *limit - used : 0;
}

static void
measure_machine (guint64 *left, guint64 *limit)
{
  g_autofree char *text = NULL;

  *left = *limit = G_MAXUINT64;
  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    return;
  *limit = find_line (text, "MemTotal:") * 1024;
  *left = find_line (text, "MemAvailable:") * 1024;
}

static gboolean
is_low (guint64 left, guint64 limit)
{
  return left != G_MAXUINT64 && left < MIN (limit / LOW_PART, LOW_MOST);
}

/* The least that is left anywhere; @low: (out): somewhere that is little. */
static guint64
measure (ServiceHeadroom *self, gboolean *low)
{
  g_autofree char *group = g_strdup (self->group);
  guint64 least, limit;

  measure_machine (&least, &limit);
  *low = is_low (least, limit);
  for (guint depth = 0; group != NULL && depth < MAX_DEPTH && strlen (group) > 1; depth++)
    {
      g_autofree char *inner = group;
      guint64 left;

      measure_group (inner, &left, &limit);
      least = MIN (least, left);
      *low = *low || is_low (left, limit);
      group = g_path_get_dirname (inner);
    }
  return least;
}

gboolean
service_headroom_has (ServiceHeadroom *self, guint64 size, GError **error)
{
  gboolean low;
  guint64 left = measure (self, &low);

  if (left >= size && !low)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE,
               _ ("There is not enough memory for a copy of the process: %llu MiB are left, to it or to the "
                  "machine, and it can come to need %llu MiB"),
               (unsigned long long)left >> 20, (unsigned long long)size >> 20);
  return FALSE;
}

gboolean
service_headroom_is_low (ServiceHeadroom *self)
{
  gboolean low;

  measure (self, &low);
  return low;
}

/* The line of the unified hierarchy: "0::/PATH". The name of a group is its maker's: one that leads elsewhere
 * is none. */
static char *
find_group (const char *cgroup)
{
  const char *line = g_str_has_prefix (cgroup, "0::/") ? cgroup : strstr (cgroup, "\n0::/");
  g_autofree char *group = NULL;

  if (line == NULL)
    return NULL;
  line = strchr (line, '/');
  group = g_strndup (line, strcspn (line, "\n"));
  if (strstr (group, "/..") != NULL)
    return NULL;
  return g_steal_pointer (&group);
}

ServiceHeadroom *
service_headroom_new (const char *cgroup)
{
  ServiceHeadroom *self = g_new0 (ServiceHeadroom, 1);

  self->group = cgroup != NULL ? find_group (cgroup) : NULL;
  return self;
}

void
service_headroom_free (ServiceHeadroom *self)
{
  g_free (self->group);
  g_free (self);
}
