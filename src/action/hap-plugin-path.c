/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether a plugin is root's word: it is code that the service loads. What is checked cannot be changed
 * between this and the loading, but by those who may.
 */

#include "hap-plugin-path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hap-error.h"

/* libpeas looks into the folders of a directory, too. */
#define DEPTH 1

#define MODE (O_CLOEXEC | O_NOFOLLOW)

/* @on_the_way: in a sticky directory nobody can put something else in the place of what is another's, but
 * they can add something. */
static gboolean
is_safe (const struct stat *status, gboolean on_the_way)
{
  gboolean group = (status->st_mode & S_IWGRP) != 0 && status->st_gid != 0 && status->st_gid != getegid ();
  gboolean others = group || (status->st_mode & S_IWOTH) != 0;

  return (status->st_uid == 0 || status->st_uid == geteuid ())
         && (!others || S_ISLNK (status->st_mode) || (on_the_way && (status->st_mode & S_ISVTX) != 0));
}

static gboolean
check (int fd, const char *path, gboolean on_the_way, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && is_safe (&status, on_the_way))
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
               _ ("%s can be changed by others than root: plugins are loaded from where only root can write"),
               path);
  return FALSE;
}

/* What is in the directory @fd (transfer full). */
static gboolean
check_entries (int fd, const char *path, guint depth, GError **error)
{
  DIR *directory = fdopendir (fd);
  const struct dirent *entry;
  gboolean safe = directory != NULL;

  if (directory == NULL)
    close (fd);
  while (safe && (entry = readdir (directory)) != NULL)
    {
      g_autofree char *inner = g_strdup_printf ("%s/%s", path, entry->d_name);
      int entry_fd = -1;

      if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, ".."))
        continue;
      entry_fd = openat (fd, entry->d_name, O_PATH | MODE);
      /* What has gone meanwhile is not loaded. */
      if (entry_fd < 0)
        continue;
      safe = check (entry_fd, inner, FALSE, error);
      close (entry_fd);
      entry_fd = safe && depth > 0 ? openat (fd, entry->d_name, O_RDONLY | O_DIRECTORY | MODE) : -1;
      if (entry_fd >= 0)
        safe = check_entries (entry_fd, inner, depth - 1, error);
    }
  if (directory != NULL)
    closedir (directory);
  return safe;
}

char *
hap_plugin_path_check (const char *directory, GError **error)
{
  g_autofree char *path = realpath (directory, NULL);
  g_auto (GStrv) names = g_strsplit (path != NULL ? path : "", "/", -1); /* the first is empty */
  int fd = path != NULL ? open ("/", O_RDONLY | O_DIRECTORY | MODE) : -1;
  gboolean safe = fd >= 0 && check (fd, "/", TRUE, error);

  if (fd < 0)
    g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("%s cannot be opened: %s"), directory,
                 g_strerror (errno));
  for (guint i = 1; safe && names[i] != NULL; i++)
    {
      int parent = fd;

      fd = openat (parent, names[i], (names[i + 1] != NULL ? O_PATH : O_RDONLY) | O_DIRECTORY | MODE);
      close (parent);
      safe = fd >= 0 && check (fd, path, names[i + 1] != NULL, error);
      if (fd < 0)
        g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("%s cannot be opened: %s"), directory,
                     g_strerror (errno));
    }
  if (safe && check_entries (fd, path, DEPTH, error))
    return g_steal_pointer (&path);
  if (!safe && fd >= 0)
    close (fd);
  return NULL;
}
