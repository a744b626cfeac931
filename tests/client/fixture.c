/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the command share: the bus, the fake service on it, checks of what was printed.
 */
#include "fixture.h"

#include <glib/gstdio.h>
#include <locale.h>

GTestDBus *client_bus;

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->service = fake_service_new (g_test_dbus_get_bus_address (client_bus));
  fixture->setup.bus = g_test_dbus_get_bus_address (client_bus);
  fixture->directory = g_dir_make_tmp ("client-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_directory (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  fake_service_free (fixture->service);
  remove_directory (fixture->directory);
  g_free (fixture->directory);
}

ClientRun *
fixture_run (Fixture *fixture, int status, const char *const *arguments)
{
  ClientRun *result = client_run_start (&fixture->setup, arguments);
  int reached = client_run_finish (result);

  if (reached != status)
    g_error ("Exit status %d, not %d:\n%s\n%s", reached, status, result->out->str, result->err->str);
  return result;
}

void
assert_has (const GString *text, const char *part)
{
  if (strstr (text->str, part) == NULL)
    g_error ("No “%s” in:\n%s", part, text->str);
}

void
assert_lacks (const GString *text, const char *part)
{
  if (strstr (text->str, part) != NULL)
    g_error ("“%s” in:\n%s", part, text->str);
}

JsonNode *
parse_json (const ClientRun *result)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (result->out->str, &error);

  g_assert_no_error (error);
  return node;
}

int
fixture_main (int argc, char **argv, void (*add) (void))
{
  int status;

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  client_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (client_bus);
  add ();
  status = g_test_run ();
  g_test_dbus_stop (client_bus);
  g_object_unref (client_bus);
  return status;
}
