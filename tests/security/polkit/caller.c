/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * caller UID CGROUP|- ADDRESS: a user on the bus who does as it is told, line by line; each line has one line
 * for an answer ("ok ..." or "error NAME ..."): call INTERACTIVE PATH INTERFACE METHOD PARAMETERS    the
 * answer is the reply as text; a file's is its content post INTERACTIVE PATH INTERFACE METHOD PARAMETERS the
 * same without waiting: "ok" when it has left monitor     match rules on everything; "heard" then answers
 * with all that came so far exec        becomes another program, with the connection to the bus kept open
 *   leave       closes the connection
 */

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static GDBusConnection *bus;
static GString *heard;

static void
become (const char *uid_text, const char *cgroup)
{
  uid_t uid = (uid_t)atoi (uid_text);
  g_autofree char *pid = g_strdup_printf ("%d\n", getpid ());
  int fd;

  if (!g_str_equal (cgroup, "-"))
    {
      fd = open (cgroup, O_WRONLY);
      if (fd < 0 || write (fd, pid, strlen (pid)) < 0)
        g_error ("%s: %s", cgroup, g_strerror (errno));
      close (fd);
    }
  if (uid == 0)
    return;
  if (setgroups (1, &uid) != 0 || setresgid (uid, uid, uid) != 0 || setresuid (uid, uid, uid) != 0)
    g_error ("cannot become %d", uid);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_DUMPABLE, 1);
}

static GDBusMessage *
make_message (char **words)
{
  GDBusMessage *message =
      g_dbus_message_new_method_call ("org.homeassistant.Profiler", words[2], words[3], words[4]);
  g_autoptr (GError) error = NULL;
  GVariant *parameters = g_variant_parse (NULL, words[5], NULL, NULL, &error);

  g_assert_no_error (error);
  g_dbus_message_set_body (message, parameters);
  if (g_str_equal (words[1], "1"))
    g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
  return message;
}

static char *
read_file (GUnixFDList *fds)
{
  char content[256] = "";
  int fd = g_unix_fd_list_get (fds, 0, NULL);
  gssize length = read (fd, content, sizeof content - 1);

  close (fd);
  return g_strdelimit (g_strndup (content, (gsize)MAX (length, 0)), "\n", ' ');
}

static char *
call (char **words)
{
  g_autoptr (GDBusMessage) message = make_message (words);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusMessage) reply = g_dbus_connection_send_message_with_reply_sync (
      bus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, 60 * 1000, NULL, NULL, &error);
  g_autofree char *text = NULL;
  GVariant *body;

  if (reply != NULL && g_dbus_message_to_gerror (reply, &error))
    {
      g_autofree char *name = g_dbus_error_get_remote_error (error);

      g_dbus_error_strip_remote_error (error);
      return g_strdup_printf ("error %s %s", name, error->message);
    }
  g_assert_no_error (error);
  body = g_dbus_message_get_body (reply);
  if (g_dbus_message_get_unix_fd_list (reply) != NULL)
    text = read_file (g_dbus_message_get_unix_fd_list (reply));
  else
    text = body != NULL ? g_variant_print (body, FALSE) : g_strdup ("");
  return g_strdup_printf ("ok %s", text);
}

static char *
post (char **words)
{
  g_autoptr (GDBusMessage) message = make_message (words);

  g_dbus_connection_send_message (bus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_dbus_connection_flush_sync (bus, NULL, NULL);
  return g_strdup ("ok");
}

/* What came to it: SENDER TAB KIND TAB MEMBER TAB BODY, parted by "|"; "answer": of its own calls */
static GDBusMessage *
on_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  static const char *const kinds[] = { "", "call", "answer", "error", "signal" };
  GVariant *body = g_dbus_message_get_body (message);
  g_autofree char *text = body != NULL ? g_variant_print (body, TRUE) : g_strdup ("");
  const char *member = g_dbus_message_get_member (message);
  const char *name = g_dbus_connection_get_unique_name (connection);
  guint kind = MIN ((guint)g_dbus_message_get_message_type (message), 4);

  if (kind != 4 && g_strcmp0 (g_dbus_message_get_destination (message), name) == 0)
    kind = 2;
  /* In the thread of the connection. */
  if (incoming)
    g_string_append_printf (heard, "%s\t%s\t%s\t%s|", g_dbus_message_get_sender (message), kinds[kind],
                            member != NULL ? member : "", g_strdelimit (text, "|\t", ' '));
  return message;
}

static char *
monitor (void)
{
  static const char *const rules[] = { "type='signal'", "type='method_call',eavesdrop='true'",
                                       "type='method_return',eavesdrop='true'", "eavesdrop='true'" };
  guint n = 0;

  heard = g_string_new (NULL);
  g_dbus_connection_add_filter (bus, on_message, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
          bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
          g_variant_new ("(s)", rules[i]), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

      n += reply != NULL;
    }
  return g_strdup_printf ("ok %u", n);
}

static char *
tell_heard (void)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", NULL, NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  g_autofree char *text = g_strdelimit (g_strdup (heard->str), "\n", ' ');

  return g_strdup_printf ("ok %s", text);
}

/* The connection's socket stays open in the new program, which says nothing on it. */
static void
become_another_program (void)
{
  for (int fd = 3; fd < 64; fd++)
    fcntl (fd, F_SETFD, 0);
  puts ("ok");
  fflush (stdout);
  execlp ("sleep", "sleep", "1000", NULL);
}

static char *
obey (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 6);

  if (g_str_equal (words[0], "call"))
    return call (words);
  if (g_str_equal (words[0], "post"))
    return post (words);
  if (g_str_equal (words[0], "monitor"))
    return monitor ();
  if (g_str_equal (words[0], "heard"))
    return tell_heard ();
  if (g_str_equal (words[0], "exec"))
    become_another_program ();
  g_dbus_connection_close_sync (bus, NULL, NULL);
  return g_strdup ("ok");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  size_t size = 0;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  become (argv[1], argv[2]);
  bus = g_dbus_connection_new_for_address_sync (
      argv[3], G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  printf ("ok %s\n", g_dbus_connection_get_unique_name (bus));
  fflush (stdout);
  while (getline (&line, &size, stdin) > 0)
    {
      g_autofree char *answer = obey (g_strchomp (line));

      printf ("%s\n", answer);
      fflush (stdout);
    }
  return 0;
}
