/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The artifact store: files in one private directory that only this process enters, by names that it has
 * checked. Who may have what is decided elsewhere; who writes gets a descriptor and never learns a path.
 */

#include "service-artifacts.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-fd.h"
#include "service-text.h"

#define MAX_NAME 128
/* No artifact's name begins with '.'. */
#define PARTIAL_PREFIX ".partial-"
#define PARTIAL_MAX_AGE (24 * 60 * 60)

struct _ServiceArtifacts
{
  GObject parent_instance;

  char *path;
  int dir_fd; /* -1 until the first use */
  guint64 max_bytes;
  guint64 max_age;
  guint max_count;
};

struct _ServiceArtifact
{
  ServiceArtifacts *store;
  char *name;
  char *partial; /* its name until it is committed, where the file system has no nameless files */
  int fd;
};

/* One file of the store. */
typedef struct
{
  char *name;
  guint64 size;
  gint64 created; /* microseconds */
} Entry;

G_DEFINE_FINAL_TYPE (ServiceArtifacts, service_artifacts, G_TYPE_OBJECT)

static void
entry_clear (Entry *entry)
{
  g_free (entry->name);
}

static gboolean
fail (GError **error, const char *what, const char *name, int saved_errno)
{
  HapError code = HAP_ERROR_FAILED;

  if (saved_errno == ENOSPC || saved_errno == EDQUOT)
    code = HAP_ERROR_NO_SPACE;
  g_set_error (error, HAP_ERROR, code, "%s “%s”: %s%s", what, name, strerror (saved_errno),
               code == HAP_ERROR_NO_SPACE ? _ ("; remove artifacts that are not needed any more") : "");
  return FALSE;
}

/* Only we may have been able to put something there. */
static gboolean
check_directory (ServiceArtifacts *self, int fd, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return fail (error, _ ("Cannot look at the directory"), self->path, errno);
  if (status.st_uid != geteuid ())
    {
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_FAILED,
          _ ("The directory “%s” for artifacts belongs to uid %u and not to %u: remove it, or choose another "
             "with --state-dir"),
          self->path, status.st_uid, geteuid ());
      return FALSE;
    }
  if ((status.st_mode & 0077) != 0 && fchmod (fd, 0700) != 0)
    return fail (error, _ ("Cannot make private the directory"), self->path, errno);
  if (faccessat (fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
    return fail (error, _ ("Cannot write into the directory"), self->path, errno);
  return TRUE;
}

/* What a process that was killed left where it could not write nameless files. */
static void
remove_old_partials (ServiceArtifacts *self)
{
  int fd = openat (self->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *entry;
  struct stat status;

  while (directory != NULL && (entry = readdir (directory)) != NULL)
    {
      if (g_str_has_prefix (entry->d_name, PARTIAL_PREFIX)
          && fstatat (self->dir_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
          && status.st_mtime + PARTIAL_MAX_AGE < time (NULL))
        unlinkat (self->dir_fd, entry->d_name, 0);
    }
  if (directory != NULL)
    closedir (directory);
}

static gboolean
ensure_open (ServiceArtifacts *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->path);
  service_autofd int fd = -1;

  if (self->dir_fd >= 0)
    return TRUE;

  if (g_mkdir_with_parents (parent, 0755) != 0 || (mkdir (self->path, 0700) != 0 && errno != EEXIST))
    return fail (error, _ ("Cannot make the directory"), self->path, errno);
  fd = open (self->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    {
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_FAILED,
          _ ("“%s” for artifacts is a symbolic link or no directory: remove it, or choose another with "
             "--state-dir"),
          self->path);
      return FALSE;
    }
  if (fd < 0)
    return fail (error, _ ("Cannot open the directory"), self->path, errno);
  if (!check_directory (self, fd, error))
    return FALSE;

  self->dir_fd = g_steal_fd (&fd);
  remove_old_partials (self);
  return TRUE;
}

static gboolean
check_name (const char *name, GError **error)
{
  g_autofree char *shown = NULL;

  if (service_text_is_name (name, MAX_NAME))
    return TRUE;
  shown = service_text_escape (name, MAX_NAME, FALSE);
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("“%s” is not the name of an artifact"), shown);
  return FALSE;
}

static int
open_regular (ServiceArtifacts *self, const char *name)
{
  service_autofd int fd = openat (self->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) != 0)
    return -1;
  if (!S_ISREG (status.st_mode))
    {
      errno = EINVAL;
      return -1;
    }
  return g_steal_fd (&fd);
}

/* Without nameless files the name cannot be guessed, and is not an artifact's. */
static gboolean
open_partial (ServiceArtifact *artifact, GError **error)
{
  g_autofree char *uuid = g_uuid_string_random ();

  artifact->partial = g_strconcat (PARTIAL_PREFIX, uuid, NULL);
  artifact->fd =
      openat (artifact->store->dir_fd, artifact->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (artifact->fd < 0)
    {
      int saved_errno = errno;

      g_clear_pointer (&artifact->partial, g_free);
      return fail (error, _ ("Cannot create the artifact"), artifact->name, saved_errno);
    }
  return TRUE;
}

static gboolean
name_is_taken (ServiceArtifacts *self, const char *name)
{
  struct stat status;

  return fstatat (self->dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static gboolean
fail_taken (const char *name, GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               _ ("There is an artifact “%s” already, perhaps another job's: remove it first"), name);
  return FALSE;
}

ServiceArtifact *
service_artifacts_create (ServiceArtifacts *self,
                          const char *name,
                          const ServiceArtifactInfo *info,
                          GError **error)
{
  g_autoptr (ServiceArtifact) artifact = NULL;

  if (!check_name (name, error) || !ensure_open (self, error))
    return NULL;
  if (!service_text_is_mime (info->mime) || g_utf8_strlen (info->title, -1) > SERVICE_ARTIFACT_MAX_TITLE)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                   "The artifact “%s” has no proper MIME type or title", name);
      return NULL;
    }
  if (name_is_taken (self, name))
    {
      fail_taken (name, error);
      return NULL;
    }

  artifact = g_new0 (ServiceArtifact, 1);
  artifact->store = g_object_ref (self);
  artifact->name = g_strdup (name);
  artifact->fd = openat (self->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (artifact->fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
    {
      fail (error, _ ("Cannot create the artifact"), name, errno);
      return NULL;
    }
  if (artifact->fd < 0 && !open_partial (artifact, error))
    return NULL;
  service_artifact_info_keep (artifact->fd, info);
  return g_steal_pointer (&artifact);
}

int
service_artifact_get_fd (ServiceArtifact *artifact)
{
  return artifact->fd;
}

const char *
service_artifact_get_name (ServiceArtifact *artifact)
{
  return artifact->name;
}

guint64
service_artifact_get_size (ServiceArtifact *artifact)
{
  struct stat status;

  return fstat (artifact->fd, &status) == 0 ? (guint64)status.st_size : 0;
}

void
service_artifact_free (ServiceArtifact *artifact)
{
  if (artifact->partial != NULL)
    unlinkat (artifact->store->dir_fd, artifact->partial, 0);
  service_fd_clear (&artifact->fd);
  g_object_unref (artifact->store);
  g_free (artifact->partial);
  g_free (artifact->name);
  g_free (artifact);
}

/* Returns: (element-type Entry): the artifacts, in no order */
static GArray *
list_entries (ServiceArtifacts *self, GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  int fd = openat (self->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *item;
  struct stat status;

  g_array_set_clear_func (entries, (GDestroyNotify)entry_clear);
  if (directory == NULL)
    {
      fail (error, _ ("Cannot list the directory"), self->path, errno);
      service_fd_clear (&fd);
      return NULL;
    }
  while ((item = readdir (directory)) != NULL)
    {
      Entry entry;

      if (!service_text_is_name (item->d_name, MAX_NAME)
          || fstatat (self->dir_fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0
          || !S_ISREG (status.st_mode))
        continue;
      entry.name = g_strdup (item->d_name);
      entry.size = (guint64)status.st_size;
      entry.created = (gint64)status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000;
      g_array_append_val (entries, entry);
    }
  closedir (directory);
  return g_steal_pointer (&entries);
}

static gint
compare_newest_first (gconstpointer a, gconstpointer b)
{
  const Entry *first = a, *second = b;

  if (first->created != second->created)
    return first->created < second->created ? 1 : -1;
  return strcmp (first->name, second->name);
}

/* @kept: the name that stays whatever its size, as somebody waits for it */
static void
prune (ServiceArtifacts *self, const char *kept)
{
  g_autoptr (GArray) entries = list_entries (self, NULL);
  gint64 now = g_get_real_time ();
  guint64 total = 0;
  guint n = 0;

  if (entries == NULL)
    return;
  g_array_sort (entries, compare_newest_first);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      gboolean too_old = self->max_age != 0 && entry->created < now
                         && (guint64)(now - entry->created) / G_USEC_PER_SEC > self->max_age;

      total += entry->size;
      n++;
      if (g_strcmp0 (entry->name, kept) == 0
          || (!too_old && (self->max_bytes == 0 || total <= self->max_bytes)
              && (self->max_count == 0 || n <= self->max_count)))
        continue;
      if (unlinkat (self->dir_fd, entry->name, 0) == 0)
        {
          total -= entry->size;
          n--;
          g_info ("Removed the old artifact %s", entry->name);
        }
    }
}

gboolean
service_artifact_commit (ServiceArtifact *artifact, GError **error)
{
  ServiceArtifacts *self = artifact->store;
  g_autofree char *nameless = g_strdup_printf ("/proc/self/fd/%d", artifact->fd);
  int rc;

  /* A link, other than a renaming, never replaces. */
  if (artifact->partial == NULL)
    rc = linkat (AT_FDCWD, nameless, self->dir_fd, artifact->name, AT_SYMLINK_FOLLOW);
  else
    rc = linkat (self->dir_fd, artifact->partial, self->dir_fd, artifact->name, 0);

  if (rc != 0 && errno == EEXIST)
    return fail_taken (artifact->name, error);
  if (rc != 0)
    return fail (error, _ ("Cannot publish the artifact"), artifact->name, errno);
  prune (self, artifact->name);
  return TRUE;
}

gboolean
service_artifacts_get_owner (ServiceArtifacts *self, const char *name, guint *uid)
{
  service_autofd int fd = -1;

  if (!service_text_is_name (name, MAX_NAME) || !ensure_open (self, NULL))
    return FALSE;
  fd = open_regular (self, name);
  if (fd < 0)
    return FALSE;
  *uid = service_artifact_info_read_owner (fd);
  return TRUE;
}

gboolean
service_artifacts_has_others (ServiceArtifacts *self, guint uid)
{
  g_autoptr (GArray) entries = ensure_open (self, NULL) ? list_entries (self, NULL) : NULL;
  guint owner = uid;

  for (guint i = 0; owner == uid && entries != NULL && i < entries->len; i++)
    service_artifacts_get_owner (self, g_array_index (entries, Entry, i).name, &owner);
  return owner != uid;
}

GVariant *
service_artifacts_list (ServiceArtifacts *self, const guint *only, GError **error)
{
  g_autoptr (GArray) entries = NULL;
  GVariantBuilder builder;

  if (!ensure_open (self, error))
    return NULL;
  prune (self, NULL);
  entries = list_entries (self, error);
  if (entries == NULL)
    return NULL;

  g_array_sort (entries, compare_newest_first);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      service_autofd int fd = open_regular (self, entry->name);

      if (only == NULL || service_artifact_info_read_owner (fd) == *only)
        g_variant_builder_add_value (
            &builder, service_artifact_info_describe (fd, entry->name, entry->size, entry->created));
    }
  return g_variant_builder_end (&builder);
}

static gboolean
fail_missing (const char *name, GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("There is no artifact “%s”; see ListArtifacts"),
               name);
  return FALSE;
}

int
service_artifacts_open (ServiceArtifacts *self, const char *name, const guint *owner, GError **error)
{
  service_autofd int fd = -1;

  if (!check_name (name, error) || !ensure_open (self, error))
    return -1;
  fd = open_regular (self, name);
  if (fd < 0 && (errno == ENOENT || errno == EINVAL || errno == ELOOP))
    fail_missing (name, error);
  else if (fd < 0)
    fail (error, _ ("Cannot open the artifact"), name, errno);
  else if (owner != NULL && service_artifact_info_read_owner (fd) != *owner)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
                   _ ("The artifact “%s” is another than it was when it was asked for"), name);
      return -1;
    }
  return g_steal_fd (&fd);
}

gboolean
service_artifacts_remove (ServiceArtifacts *self, const char *name, const guint *owner, GError **error)
{
  service_autofd int fd = service_artifacts_open (self, name, owner, error);

  if (fd < 0)
    return FALSE;
  if (unlinkat (self->dir_fd, name, 0) == 0)
    return TRUE;
  return fail (error, _ ("Cannot remove the artifact"), name, errno);
}

static void
service_artifacts_finalize (GObject *object)
{
  ServiceArtifacts *self = SERVICE_ARTIFACTS (object);

  service_fd_clear (&self->dir_fd);
  g_free (self->path);
  G_OBJECT_CLASS (service_artifacts_parent_class)->finalize (object);
}

static void
service_artifacts_class_init (ServiceArtifactsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_artifacts_finalize;
}

static void
service_artifacts_init (ServiceArtifacts *self)
{
  self->dir_fd = -1;
}

ServiceArtifacts *
service_artifacts_new (const char *directory)
{
  ServiceArtifacts *self = g_object_new (SERVICE_TYPE_ARTIFACTS, NULL);

  self->path = g_strdup (directory);
  return self;
}

void
service_artifacts_set_limits (ServiceArtifacts *self,
                              guint64 max_bytes,
                              guint64 max_age_seconds,
                              guint max_count)
{
  self->max_bytes = max_bytes;
  self->max_age = max_age_seconds;
  self->max_count = max_count;
}
