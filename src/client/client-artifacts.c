/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Artifacts: listed, opened as a private copy in the user's viewer, saved, removed. They come as descriptors;
 * the service's files themselves are never seen.
 */
#include "client-artifacts.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <unistd.h>

#include "client-bus.h"
#include "client-format.h"
#include "client-json.h"
#include "client-output.h"
#include "client-remote.h"
#include "client-rows.h"

static char *
format_opener (GVariant *row, const char *key)
{
  g_autofree char *name = client_lookup_text (row, "name");
  g_autofree char *mime = client_lookup_text (row, "mime");
  const char *opener = name != NULL ? client_format_opener (name, mime) : NULL;

  return opener != NULL ? g_strdup (opener) : g_steal_pointer (&mime);
}

static char *
format_size (GVariant *row, const char *key)
{
  double size;

  return client_lookup_number (row, key, &size) && size >= 0 && size < 0x1p63
             ? client_format_size ((guint64)size)
             : NULL;
}

static const ClientField result_fields[] = {
  { "name", NULL, { N_ ("ARTIFACT"), FALSE, 34, CLIENT_CUT_START, 0, CLIENT_STYLE_PLAIN } },
  { "size", format_size, { N_ ("SIZE"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_FAINT } },
  { "mime", format_opener, { N_ ("OPENS WITH"), FALSE, 11, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { NULL },
};

static const ClientField list_fields[] = {
  { "name", NULL, { N_ ("ARTIFACT"), FALSE, 34, CLIENT_CUT_START, 0, CLIENT_STYLE_PLAIN } },
  { "size", format_size, { N_ ("SIZE"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_FAINT } },
  { "title", NULL, { N_ ("WHAT IT IS"), FALSE, 12, CLIENT_CUT_END, 3, CLIENT_STYLE_PLAIN } },
  { "mime", format_opener, { N_ ("OPENS WITH"), FALSE, 11, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { NULL },
};

void
client_artifacts_print (Client *client, GVariant *artifacts, gboolean listing)
{
  client_rows_print (client, artifacts, listing ? list_fields : result_fields, NULL, 0);
}

static GVariant *
list_artifacts (Client *client, GError **error)
{
  const ClientCall call = { .interface = CLIENT_MANAGER_INTERFACE,
                            .method = "ListArtifacts",
                            .reply = "(aa{sv})" };
  g_autoptr (GVariant) reply = client_bus_call (client, &call, NULL, NULL, error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

gboolean
client_artifacts_list (Client *client, const char *argument, GError **error)
{
  g_autoptr (GVariant) artifacts = list_artifacts (client, error);

  if (artifacts == NULL)
    return FALSE;
  if (client->json)
    {
      g_autoptr (JsonNode) node = client_json_from_variant (artifacts);

      client_output_json (node);
    }
  else if (g_variant_n_children (artifacts) == 0)
    client_output_note (client, _ ("No artifacts are kept."));
  else
    client_artifacts_print (client, artifacts, TRUE);
  return TRUE;
}

/* A name becomes a file's name here, so it must be one and nothing else. */
static gboolean
check_name (const char *name, GError **error)
{
  if (name[0] != '\0' && name[0] != '.' && strchr (name, '/') == NULL && strlen (name) <= 255)
    return TRUE;
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_FAILED, _ ("“%s” is not the name of an artifact."), name);
  return FALSE;
}

static GInputStream *
open_artifact (Client *client, const char *name, GError **error)
{
  const ClientCall call = { .interface = CLIENT_MANAGER_INTERFACE, .method = "OpenArtifact", .reply = "(h)" };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  gint32 index;
  int fd;

  if (!check_name (name, error))
    return NULL;
  if (client->host != NULL)
    return client_remote_open_artifact (client, name, error);
  reply = client_bus_call (client, &call, g_variant_new ("(s)", name), &fds, error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(h)", &index);
  if (fds == NULL || index < 0 || index >= g_unix_fd_list_get_length (fds))
    {
      g_set_error_literal (error, CLIENT_ERROR, CLIENT_ERROR_FAILED, _ ("The service sent no file."));
      return NULL;
    }
  fd = g_unix_fd_list_get (fds, index, error);
  if (fd == -1)
    return NULL;
  /* What was handed over may have been read before. */
  if (lseek (fd, 0, SEEK_SET) == -1 && errno != ESPIPE)
    g_debug ("Cannot rewind an artifact: %s", g_strerror (errno));
  return g_unix_input_stream_new (fd, TRUE);
}

static gboolean
copy_to_stream (Client *client, const char *name, GOutputStream *output, GError **error)
{
  g_autoptr (GInputStream) input = open_artifact (client, name, error);
  gssize copied;

  if (input == NULL)
    return FALSE;
  copied = g_output_stream_splice (
      output, input, G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error);
  return copied >= 0;
}

/* Whole or not at all, readable by the user alone; replaces a file of that name. */
static gboolean
copy_to_file (Client *client, const char *name, GFile *file, GError **error)
{
  g_autoptr (GFileOutputStream) output = NULL;
  g_autoptr (GInputStream) input = open_artifact (client, name, error);
  g_autoptr (GCancellable) broken = g_cancellable_new ();

  if (input == NULL)
    return FALSE;
  output = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_PRIVATE | G_FILE_CREATE_REPLACE_DESTINATION, NULL,
                           error);
  if (output == NULL)
    return FALSE;
  if (g_output_stream_splice (G_OUTPUT_STREAM (output), input, G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE, NULL,
                              error)
      >= 0)
    return g_output_stream_close (G_OUTPUT_STREAM (output), NULL, error);
  /* Closing with a cancelled cancellable throws the half away and keeps what was there. */
  g_cancellable_cancel (broken);
  g_output_stream_close (G_OUTPUT_STREAM (output), broken, NULL);
  return FALSE;
}

gboolean
client_artifacts_save_all (Client *client, GVariant *artifacts, const char *directory, GError **error)
{
  gsize n = g_variant_n_children (artifacts);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) artifact = g_variant_get_child_value (artifacts, i);
      g_autofree char *name = client_lookup_text (artifact, "name");
      g_autoptr (GFile) file = NULL;

      if (!check_name (name != NULL ? name : "", error))
        return FALSE;
      file = g_file_new_build_filename (directory, name, NULL);
      if (!copy_to_file (client, name, file, error))
        return FALSE;
    }
  client_output_note (client, ngettext ("%u file saved in %s", "%u files saved in %s", n), (guint)n,
                      directory);
  return TRUE;
}

/* @part: a whole name, or what the newest artifact meant has in it: "flamegraph". */
static char *
find_artifact (Client *client, const char *part, GError **error)
{
  g_autoptr (GVariant) artifacts = list_artifacts (client, error);
  g_autofree char *found = NULL;
  double newest = -1;
  gsize n;

  if (artifacts == NULL)
    return NULL;
  n = g_variant_n_children (artifacts);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) artifact = g_variant_get_child_value (artifacts, i);
      g_autofree char *name = client_lookup_text (artifact, "name");
      double created = 0;

      if (g_strcmp0 (name, part) == 0)
        return g_steal_pointer (&name);
      client_lookup_number (artifact, "created", &created);
      if (name == NULL || strstr (name, part) == NULL || created <= newest)
        continue;
      newest = created;
      g_free (found);
      found = g_steal_pointer (&name);
    }
  if (found == NULL)
    g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_FAILED,
                 _ ("There is no artifact “%s”: “ha-profiler artifacts” lists them."), part);
  return g_steal_pointer (&found);
}

static gboolean
write_to_stdout (Client *client, const char *name, GError **error)
{
  g_autoptr (GOutputStream) output = NULL;

  if (isatty (STDOUT_FILENO))
    {
      g_set_error_literal (
          error, CLIENT_ERROR, CLIENT_ERROR_USAGE,
          _ ("An artifact is not for a terminal to read: name a file, or pipe it into a program."));
      return FALSE;
    }
  output = g_unix_output_stream_new (STDOUT_FILENO, FALSE);
  return copy_to_stream (client, name, output, error);
}

static gboolean
save (Client *client, const char *name, GError **error)
{
  g_autoptr (GFile) file = NULL;

  if (g_str_equal (client->output, "-"))
    return write_to_stdout (client, name, error);
  file = g_file_new_for_commandline_arg (client->output);
  if (g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_DIRECTORY)
    {
      g_autoptr (GFile) inside = g_file_get_child (file, name);

      return copy_to_file (client, name, inside, error);
    }
  return copy_to_file (client, name, file, error);
}

/* In the cache, where also viewers in a sandbox of their own may read, and nobody else. */
static gboolean
view (Client *client, const char *name, GError **error)
{
  g_autofree char *directory = g_build_filename (g_get_user_cache_dir (), "ha-profiler", "artifacts", NULL);
  g_autoptr (GFile) file = g_file_new_build_filename (directory, name, NULL);
  g_autofree char *path = g_file_get_path (file);
  g_autofree char *uri = g_file_get_uri (file);
  g_autofree char *shown = client_text_escape (path);

  if (g_mkdir_with_parents (directory, 0700) == -1)
    {
      g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_FAILED, _ ("“%s” cannot be made: %s"), directory,
                   g_strerror (errno));
      return FALSE;
    }
  if (!copy_to_file (client, name, file, error))
    return FALSE;
  client_output_note (client, _ ("Opening %s"), shown);
  if (g_app_info_launch_default_for_uri (uri, NULL, error))
    return TRUE;
  g_prefix_error (error, _ ("Nothing here opens it (it is saved as %s): "), shown);
  return FALSE;
}

/* For scripts: what was done to which artifact. */
static void
print_done (Client *client, const char *what, const char *name)
{
  g_autoptr (GVariant) done = NULL;
  g_autoptr (JsonNode) node = NULL;
  GVariantDict dictionary;

  if (!client->json || g_strcmp0 (client->output, "-") == 0)
    return;
  g_variant_dict_init (&dictionary, NULL);
  g_variant_dict_insert (&dictionary, what, "s", name);
  done = g_variant_ref_sink (g_variant_dict_end (&dictionary));
  node = client_json_from_variant (done);
  client_output_json (node);
}

gboolean
client_artifacts_open (Client *client, const char *argument, GError **error)
{
  g_autofree char *name = find_artifact (client, argument, error);

  if (name == NULL || !(client->output != NULL ? save (client, name, error) : view (client, name, error)))
    return FALSE;
  print_done (client, client->output != NULL ? "saved" : "opened", name);
  return TRUE;
}

gboolean
client_artifacts_remove (Client *client, const char *argument, GError **error)
{
  const ClientCall call = { .interface = CLIENT_MANAGER_INTERFACE,
                            .method = "RemoveArtifact",
                            .reply = "()" };
  g_autoptr (GVariant) reply = client_bus_call (client, &call, g_variant_new ("(s)", argument), NULL, error);

  if (reply == NULL)
    return FALSE;
  print_done (client, "removed", argument);
  return TRUE;
}
