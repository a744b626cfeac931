/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * call METHOD PID: calls a method of the service that answers with a report, and prints how many milliseconds
 * that took, from the call to the whole reply, how many entries there are, how many milliseconds the target
 * was paused, and how it was read. For tests/bench/reports: a client that prints a long reply takes longer
 * for that than the service.
 */

#include <gio/gio.h>
#include <stdlib.h>

static GDBusConnection *
connect_to_bus (GError **error)
{
  return g_dbus_connection_new_for_address_sync (g_getenv ("DBUS_SYSTEM_BUS_ADDRESS"),
                                                 G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                     | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                 NULL, NULL, error);
}

static GVariant *
call (GDBusConnection *bus, const char *method, guint pid, GError **error)
{
  GVariantBuilder data;

  g_variant_builder_init (&data, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&data, "{sv}", "target", g_variant_new_uint32 (pid));
  return g_dbus_connection_call_sync (bus, "org.homeassistant.Profiler", "/org/homeassistant/Profiler",
                                      "org.homeassistant.Profiler", method, g_variant_new ("(a{sv})", &data),
                                      G_VARIANT_TYPE ("(aa{sv})"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL,
                                      error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = argc == 3 ? connect_to_bus (&error) : NULL;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GVariant) reply = bus != NULL ? call (bus, argv[1], strtoul (argv[2], NULL, 10), &error) : NULL;
  double milliseconds = (g_get_monotonic_time () - start) / 1e3;
  g_autoptr (GVariant) entries = NULL;
  g_autoptr (GVariant) last = NULL;
  double pause = 0;
  const char *way = "live";

  if (reply == NULL)
    {
      g_printerr ("call: %s\n", error != NULL ? error->message : "usage: call METHOD PID");
      return EXIT_FAILURE;
    }
  entries = g_variant_get_child_value (reply, 0);
  last = g_variant_get_child_value (entries, g_variant_n_children (entries) - 1);
  g_variant_lookup (last, "pause_us", "d", &pause);
  g_variant_lookup (last, "way", "&s", &way);
  g_print ("%.0f %" G_GSIZE_FORMAT " %.1f %s\n", milliseconds, g_variant_n_children (entries), pause / 1e3,
           way);
  return EXIT_SUCCESS;
}
