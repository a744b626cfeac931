/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A World on a machine that booted: its own bus, polkitd and service; sessions that logind is asked for, as
 * its PAM module would. Who calls, and what is asked, is as elsewhere.
 */

#include "world.h"

#include <gio/gunixfdlist.h>

#define STATE_DIR "/var/lib/ha-profiler"

/* In the order in which they sit down: without virtual terminals the last at a seat is the active one. */
static const struct
{
  guint user; /* of World's session_ids */
  const char *seat;
  gboolean remote;
} sessions[] = {
  { 1, "seat0", FALSE },
  { 0, "seat0", FALSE },
  { 2, "", TRUE },
};

/* A process that the session can begin with. */
static guint
start_leader (World *self, guint uid)
{
  g_autofree char *reuid = g_strdup_printf ("--reuid=%u", uid);
  g_autoptr (GError) error = NULL;
  GSubprocess *leader = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "setpriv", "--pdeathsig=KILL",
                                          reuid, "--clear-groups", "sleep", "1000", NULL);

  g_assert_no_error (error);
  g_ptr_array_add (self->fixture.targets, leader);
  return (guint)g_ascii_strtoull (g_subprocess_get_identifier (leader), NULL, 10);
}

static void
make_session (World *self, guint i)
{
  guint uid = 64321 + sessions[i].user;
  GUnixFDList *fds = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync (
      self->fixture.connection, "org.freedesktop.login1", "/org/freedesktop/login1",
      "org.freedesktop.login1.Manager", "CreateSession",
      g_variant_new ("(uusssssussbssa(sv))", uid, start_leader (self, uid), "hap", "x11", "user", "",
                     sessions[i].seat, 0, "", "", sessions[i].remote, "", sessions[i].remote ? "afar" : "",
                     NULL),
      NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &fds, NULL, &error);

  g_assert_no_error (error);
  g_variant_get (reply, "(soshusub)", &self->session_ids[sessions[i].user], NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL);
  g_ptr_array_add (self->sessions, fds);
}

void
world_boot (World *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) started = NULL;

  self->fixture.address = g_strdup ("unix:path=/run/dbus/system_bus_socket");
  self->fixture.connection = fixture_connect (&self->fixture);
  self->fixture.state_dir = g_strdup (STATE_DIR);
  self->fixture.targets = g_ptr_array_new_with_free_func (g_object_unref);
  self->sessions = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < G_N_ELEMENTS (sessions); i++)
    make_session (self, i);
  started = g_dbus_connection_call_sync (self->fixture.connection, "org.freedesktop.DBus",
                                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "StartServiceByName", g_variant_new ("(su)", PROFILER_NAME, 0), NULL,
                                         G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
}
