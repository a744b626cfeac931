/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the bus and calls over it, with the main context running meanwhile so that signals of the
 * terminal and of the bus are answered. What is called, and what the answers mean, is left to the others.
 */
#include "client-bus.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "client-agent.h"
#include "client-remote.h"

/* Who waits for a shell to complete a word does not wait long. */
#define UNATTENDED_MSEC 2000

typedef struct
{
  gboolean done;
  GVariant *reply;
  GUnixFDList *fds;
  GError *error;
} Answer;

static gboolean
on_terminal_signal (gpointer user_data)
{
  Client *client = user_data;

  client->n_interrupts++;
  if (client->n_interrupts > 1)
    {
      /* The line of a progress bar may be unfinished. */
      if (isatty (STDERR_FILENO))
        fputc ('\n', stderr);
      fflush (NULL);
      _exit (CLIENT_STATUS_CANCELLED);
    }
  if (client->interrupt != NULL)
    client->interrupt (client->interrupt_data);
  else
    g_cancellable_cancel (client->cancellable);
  return G_SOURCE_CONTINUE;
}

static void
catch_signals (Client *client)
{
  if (client->signals[0] != 0)
    return;
  client->signals[0] = g_unix_signal_add (SIGINT, on_terminal_signal, client);
  client->signals[1] = g_unix_signal_add (SIGTERM, on_terminal_signal, client);
}

static void
release_signals (Client *client)
{
  for (guint i = 0; i < G_N_ELEMENTS (client->signals); i++)
    g_clear_handle_id (&client->signals[i], g_source_remove);
}

void
client_bus_set_interrupt (Client *client, ClientInterruptFunc interrupt, gpointer data)
{
  client->interrupt = interrupt;
  client->interrupt_data = data;
  if (interrupt != NULL)
    catch_signals (client);
  else
    release_signals (client);
}

void
client_bus_wait (Client *client, const gboolean *done)
{
  catch_signals (client);
  while (!*done)
    g_main_context_iteration (NULL, TRUE);
  /* Nobody looks after them outside of the main context. */
  if (client->interrupt == NULL)
    release_signals (client);
}

static GDBusConnection *
open_connection (Client *client, GError **error)
{
  const char *address = client->bus;
  g_autofree char *found = NULL;

  if (client->host != NULL)
    return client_remote_connect (client, error);
  if (strchr (address, ':') == NULL)
    {
      GBusType type = g_str_equal (address, "session") ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM;

      found = g_dbus_address_get_for_bus_sync (type, client->cancellable, error);
      if (found == NULL)
        return NULL;
      address = found;
    }
  return g_dbus_connection_new_for_address_sync (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, client->cancellable, error);
}

/* The service's errors are for the person here. One that does not know languages speaks its own. */
static void
tell_language (Client *client)
{
  const ClientCall call = { .interface = CLIENT_MANAGER_INTERFACE, .method = "SetLocale", .reply = "()" };
  g_autoptr (GVariant) reply =
      client_bus_call (client, &call, g_variant_new ("(s)", setlocale (LC_MESSAGES, NULL)), NULL, NULL);
}

static gboolean
ensure_connection (Client *client, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (client->connection != NULL)
    return TRUE;
  client->connection = open_connection (client, &local_error);
  /* Elsewhere nobody could ask: there the rules decide. */
  if (client->connection != NULL && client->host == NULL && !client->unattended
      && g_str_equal (client->bus, "system"))
    client->agent = client_agent_start ();
  if (client->connection != NULL)
    {
      tell_language (client);
      return TRUE;
    }
  if (g_error_matches (local_error, CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  g_dbus_error_strip_remote_error (local_error);
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE, _ ("The bus cannot be reached: %s"),
               local_error->message);
  return FALSE;
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->reply = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), &answer->fds,
                                                                   result, &answer->error);
  answer->done = TRUE;
}

GVariant *
client_bus_call (Client *client,
                 const ClientCall *call,
                 GVariant *parameters,
                 GUnixFDList **fds,
                 GError **error)
{
  g_autoptr (GVariant) taken = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  Answer answer = { 0 };

  if (!ensure_connection (client, error))
    return NULL;
  g_dbus_connection_call_with_unix_fd_list (
      client->connection, call->destination != NULL ? call->destination : CLIENT_BUS_NAME,
      call->path != NULL ? call->path : CLIENT_PATH, call->interface, call->method, taken,
      G_VARIANT_TYPE (call->reply),
      client->unattended ? G_DBUS_CALL_FLAGS_NONE : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
      client->unattended ? UNATTENDED_MSEC : G_MAXINT, NULL, client->cancellable, on_answer, &answer);
  client_bus_wait (client, &answer.done);

  if (answer.error != NULL)
    {
      client_error_convert (&answer.error);
      g_propagate_error (error, answer.error);
      return NULL;
    }
  if (fds != NULL)
    *fds = g_steal_pointer (&answer.fds);
  g_clear_object (&answer.fds);
  return answer.reply;
}

GVariant *
client_bus_get_property (Client *client, const char *name, const char *type, GError **error)
{
  const ClientCall call = { .interface = CLIENT_PROPERTIES_INTERFACE, .method = "Get", .reply = "(v)" };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) value = NULL;

  reply =
      client_bus_call (client, &call, g_variant_new ("(ss)", CLIENT_MANAGER_INTERFACE, name), NULL, error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE (type)))
    return g_steal_pointer (&value);
  g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_FAILED,
               _ ("The service is of another version: its property “%s” is of type “%s”."), name,
               g_variant_get_type_string (value));
  return NULL;
}

char *
client_bus_get_owner (Client *client, GError **error)
{
  const ClientCall call = { .destination = "org.freedesktop.DBus",
                            .path = "/org/freedesktop/DBus",
                            .interface = "org.freedesktop.DBus",
                            .method = "GetNameOwner",
                            .reply = "(s)" };
  g_autoptr (GVariant) reply = NULL;
  char *owner = NULL;

  reply = client_bus_call (client, &call, g_variant_new ("(s)", CLIENT_BUS_NAME), NULL, error);
  if (reply != NULL)
    g_variant_get (reply, "(s)", &owner);
  return owner;
}
