/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which application opens an artifact. The name of a file, and what a worker says that it is, may come from a
 * target that took the worker over: no more than these kinds are ever opened, and none of them is run.
 */

#include "notifier-opener.h"

#include <glib/gi18n.h>

/* What tells most first. */
static const char *const types[] = { "text/html", "application/x-kcachegrind", "text/plain",
                                     "application/json" };

/* Returns: (nullable): the one of types that @name is by its form */
static const char *
find_type (const char *name)
{
  g_autofree char *guessed = g_content_type_guess (name, NULL, 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (g_content_type_equals (guessed, types[i]))
        return types[i];
    }
  /* Where the database of types does not know them. */
  if (g_str_has_prefix (name, "callgrind.out."))
    return "application/x-kcachegrind";
  return g_str_has_suffix (name, ".collapsed") || g_str_has_suffix (name, ".hpy") ? "text/plain" : NULL;
}

static GAppInfo *
find_application (const char *name)
{
  const char *type = find_type (name);

  return type != NULL ? g_app_info_get_default_for_type (type, FALSE) : NULL;
}

const char *
notifier_opener_choose (const char *const *names)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      for (const char *const *name = names; *name != NULL; name++)
        {
          const char *type = find_type (*name);
          g_autoptr (GAppInfo) application = NULL;

          if (type == NULL || !g_str_equal (type, types[i]))
            continue;
          application = find_application (*name);
          if (application != NULL)
            return *name;
        }
    }
  return NULL;
}

static GAppLaunchContext *
make_context (const char *token)
{
  GAppLaunchContext *context = g_app_launch_context_new ();

  if (token != NULL)
    {
      g_app_launch_context_setenv (context, "XDG_ACTIVATION_TOKEN", token);
      g_app_launch_context_setenv (context, "DESKTOP_STARTUP_ID", token);
    }
  return context;
}

static gboolean
launch (GAppInfo *application, GFile *file, const char *token, GError **error)
{
  g_autoptr (GAppLaunchContext) context = make_context (token);
  GList files = { .data = file };

  return g_app_info_launch (application, &files, context, error);
}

gboolean
notifier_opener_open (GFile *file, const char *token, GError **error)
{
  g_autofree char *name = g_file_get_basename (file);
  g_autoptr (GAppInfo) application = find_application (name);

  if (application == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _ ("No application is installed that opens “%s”"), name);
      return FALSE;
    }
  return launch (application, file, token, error);
}

typedef struct
{
  GFile *file;
  char *token;
} Folder;

/* Without a file manager on the bus. */
static void
on_items_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Folder *folder = data;
  g_autoptr (GFile) file = folder->file;
  g_autofree char *token = folder->token;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GFile) directory = g_file_get_parent (file);
  g_autoptr (GAppInfo) application = NULL;
  g_autoptr (GError) error = NULL;

  if (reply != NULL)
    return;
  application = g_app_info_get_default_for_type ("inode/directory", FALSE);
  if (application == NULL || !launch (application, directory, token, &error))
    g_message ("No file manager shows “%s”: %s", g_file_peek_path (directory),
               error != NULL ? error->message : "none is installed");
}

void
notifier_opener_show_in_folder (GDBusConnection *session, GFile *file, const char *token)
{
  g_autofree char *uri = g_file_get_uri (file);
  const char *const uris[] = { uri, NULL };
  Folder *folder = g_new (Folder, 1);

  *folder = (Folder){ g_object_ref (file), g_strdup (token) };
  g_dbus_connection_call (session, "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                          "org.freedesktop.FileManager1", "ShowItems",
                          g_variant_new ("(^ass)", uris, token != NULL ? token : ""), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_items_shown, folder);
}
