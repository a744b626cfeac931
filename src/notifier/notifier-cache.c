/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The copies of artifacts that a person has opened: in their cache, for them alone, and not for ever. What is
 * opened with them is left to notifier-opener.c.
 */

#include "notifier-cache.h"

#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notifier-text.h"

#define MAX_FILE_BYTES ((guint64)1024 * 1024 * 1024)
#define MAX_BYTES ((guint64)512 * 1024 * 1024)
#define MAX_AGE_SECONDS (7 * 24 * 60 * 60)
#define CHUNK (256 * 1024)

typedef struct
{
  char *name;
  guint64 size;
  gint64 changed; /* seconds since 1970 */
} Copy;

typedef struct
{
  char *name;
  GInputStream *source;
} Order;

static void
order_free (Order *order)
{
  g_free (order->name);
  g_object_unref (order->source);
  g_free (order);
}

static void
copy_free (Copy *copy)
{
  g_free (copy->name);
  g_free (copy);
}

char *
notifier_cache_get_directory (void)
{
  return g_build_filename (g_get_user_cache_dir (), "ha-profiler", "artifacts", NULL);
}

static int
compare_copies (gconstpointer a, gconstpointer b)
{
  const Copy *first = *(Copy *const *)a;
  const Copy *second = *(Copy *const *)b;

  return (first->changed < second->changed) - (first->changed > second->changed);
}

/* The newest first. */
static GPtrArray *
list_copies (const char *directory)
{
  GPtrArray *copies = g_ptr_array_new_with_free_func ((GDestroyNotify)copy_free);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      GStatBuf status;
      Copy *copy;

      if (g_lstat (path, &status) != 0 || !S_ISREG (status.st_mode))
        continue;
      copy = g_new0 (Copy, 1);
      copy->name = g_strdup (name);
      copy->size = (guint64)status.st_size;
      copy->changed = status.st_mtime;
      g_ptr_array_add (copies, copy);
    }
  g_ptr_array_sort (copies, compare_copies);
  return copies;
}

void
notifier_cache_clean (const char *kept)
{
  g_autofree char *directory = notifier_cache_get_directory ();
  g_autoptr (GPtrArray) copies = list_copies (directory);
  gint64 oldest = g_get_real_time () / G_USEC_PER_SEC - MAX_AGE_SECONDS;
  guint64 total = 0;

  for (guint i = 0; i < copies->len; i++)
    {
      const Copy *copy = copies->pdata[i];
      g_autofree char *path = g_build_filename (directory, copy->name, NULL);

      total += copy->size;
      if (g_strcmp0 (copy->name, kept) != 0 && (total > MAX_BYTES || copy->changed < oldest))
        {
          g_unlink (path);
          total -= copy->size;
        }
    }
}

static gboolean
copy_bytes (GInputStream *source, GOutputStream *destination, GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (CHUNK);
  guint64 total = 0;
  gssize n;

  while ((n = g_input_stream_read (source, buffer, CHUNK, cancellable, error)) > 0)
    {
      total += (guint64)n;
      if (total > MAX_FILE_BYTES)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, _ ("The file is too large"));
          return FALSE;
        }
      if (!g_output_stream_write_all (destination, buffer, (gsize)n, NULL, cancellable, error))
        return FALSE;
    }
  return n == 0 && g_output_stream_close (destination, cancellable, error);
}

static void
set_errno_error (GError **error, int number)
{
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (number), g_strerror (number));
}

/* Beside it and renamed, so that a file of its name is whole. */
static GFile *
store (const Order *order, GCancellable *cancellable, GError **error)
{
  g_autofree char *directory = notifier_cache_get_directory ();
  g_autofree char *filename = notifier_text_make_filename (order->name);
  g_autofree char *partial = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GOutputStream) destination = NULL;
  int fd;

  if (filename == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME, _ ("“%s” is not the name of a file"),
                   order->name);
      return NULL;
    }
  if (g_mkdir_with_parents (directory, 0700) != 0 || chmod (directory, 0700) != 0)
    {
      set_errno_error (error, errno);
      return NULL;
    }
  path = g_build_filename (directory, filename, NULL);
  partial = g_strconcat (directory, "/.", filename, ".XXXXXX", NULL);
  fd = g_mkstemp_full (partial, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      set_errno_error (error, errno);
      return NULL;
    }

  destination = g_unix_output_stream_new (fd, TRUE);
  if (!copy_bytes (order->source, destination, cancellable, error))
    {
      g_unlink (partial);
      return NULL;
    }
  if (g_rename (partial, path) != 0)
    {
      set_errno_error (error, errno);
      g_unlink (partial);
      return NULL;
    }
  notifier_cache_clean (filename);
  return g_file_new_for_path (path);
}

static void
run_store (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GFile *file = store (data, cancellable, &error);

  if (file != NULL)
    g_task_return_pointer (task, file, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
notifier_cache_store (const char *name,
                      GInputStream *source,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  Order *order = g_new0 (Order, 1);

  order->name = g_strdup (name);
  order->source = g_object_ref (source);
  g_task_set_task_data (task, order, (GDestroyNotify)order_free);
  g_task_run_in_thread (task, run_store);
}

GFile *
notifier_cache_store_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
