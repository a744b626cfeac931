/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One job: started, followed by its signals until it ends, cancelled. What comes out of it is printed by
 * client-result.c.
 */
#include "client-job.h"

#include <glib/gi18n.h>

#include "client-bus.h"
#include "client-progress.h"
#include "client-text.h"

#define N_SUBSCRIPTIONS 3

struct _ClientJob
{
  Client *client;
  char *path;
  char *label; /* of its progress */
  char *owner;
  GHashTable *properties; /* name: GVariant */
  ClientProgress *progress;
  guint subscriptions[N_SUBSCRIPTIONS];
  gulong closed_handler;
  GCancellable *life; /* cancelled with the job, for answers that come after it */
  gboolean cancel_wanted;
  gboolean cancels;
  gboolean done;
  GError *error;
};

static ClientJob *
new_job (Client *client)
{
  ClientJob *self = g_new0 (ClientJob, 1);

  self->client = client;
  self->life = g_cancellable_new ();
  self->properties = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  return self;
}

void
client_job_free (ClientJob *self)
{
  if (self->client->interrupt_data == self)
    client_bus_set_interrupt (self->client, NULL, NULL);
  g_cancellable_cancel (self->life);
  g_object_unref (self->life);
  g_free (self->path);
  g_free (self->label);
  g_free (self->owner);
  g_hash_table_unref (self->properties);
  g_clear_pointer (&self->progress, client_progress_free);
  g_clear_error (&self->error);
  g_free (self);
}

static void
on_start_interrupt (gpointer user_data)
{
  ClientJob *self = user_data;

  self->cancel_wanted = TRUE;
}

ClientJob *
client_job_start (Client *client, const char *method, GVariant *data, GError **error)
{
  const ClientCall call = { .interface = CLIENT_ACTIONS_INTERFACE, .method = method, .reply = "(o)" };
  g_autoptr (ClientJob) self = new_job (client);
  g_autoptr (GVariant) reply = NULL;

  client_bus_set_interrupt (client, on_start_interrupt, self);
  reply = client_bus_call (client, &call, g_variant_new ("(@a{sv})", data), NULL, error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(o)", &self->path);
  self->label = g_strdup (method);
  return g_steal_pointer (&self);
}

ClientJob *
client_job_new (Client *client, const char *name, GError **error)
{
  g_autofree char *path = name[0] == '/' ? g_strdup (name) : g_strconcat (CLIENT_JOBS_PATH, name, NULL);
  ClientJob *self;

  if (!g_variant_is_object_path (path))
    {
      g_set_error (error, CLIENT_ERROR, CLIENT_ERROR_USAGE,
                   _ ("“%s” is no job: “ha-profiler jobs” lists them."), name);
      return NULL;
    }
  self = new_job (client);
  self->path = g_steal_pointer (&path);
  self->label = g_strdup_printf (_ ("Job %s"), client_job_path_to_name (self->path));
  return self;
}

const char *
client_job_path_to_name (const char *path)
{
  return g_str_has_prefix (path, CLIENT_JOBS_PATH) ? path + strlen (CLIENT_JOBS_PATH) : path;
}

const char *
client_job_get_path (ClientJob *self)
{
  return self->path;
}

GVariant *
client_job_get (ClientJob *self, const char *property, const char *type)
{
  GVariant *value = g_hash_table_lookup (self->properties, property);

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (type)) ? g_variant_ref (value) : NULL;
}

char *
client_job_get_text (ClientJob *self, const char *property)
{
  g_autoptr (GVariant) value = client_job_get (self, property, "s");

  return g_strdup (value != NULL ? g_variant_get_string (value, NULL) : "");
}

/* @newer: than what is known */
static void
merge (ClientJob *self, GVariant *properties, gboolean newer)
{
  gsize n = g_variant_n_children (properties);

  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *name = NULL;
      GVariant *value;

      g_variant_get_child (properties, i, "{sv}", &name, &value);
      if (newer || !g_hash_table_contains (self->properties, name))
        g_hash_table_replace (self->properties, g_steal_pointer (&name), value);
      else
        g_variant_unref (value);
    }
}

/* A job of an unknown state is one of a newer service that goes on. */
static gboolean
has_ended (ClientJob *self)
{
  g_autofree char *state = client_job_get_text (self, "State");

  return g_str_equal (state, "finished") || g_str_equal (state, "failed") || g_str_equal (state, "cancelled");
}

static void
update (ClientJob *self)
{
  g_autoptr (GVariant) fraction = client_job_get (self, "Progress", "d");

  if (has_ended (self))
    self->done = TRUE;
  else if (fraction != NULL && !self->done)
    client_progress_set (self->progress, g_variant_get_double (fraction));
}

static gboolean
read_properties (ClientJob *self, gboolean newer, GError **error)
{
  const ClientCall call = { .destination = self->owner,
                            .path = self->path,
                            .interface = CLIENT_PROPERTIES_INTERFACE,
                            .method = "GetAll",
                            .reply = "(a{sv})" };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;

  reply = client_bus_call (self->client, &call, g_variant_new ("(s)", CLIENT_JOB_INTERFACE), NULL, error);
  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(@a{sv})", &properties);
  merge (self, properties, newer);
  return TRUE;
}

static void
on_properties_changed (GDBusConnection *connection,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  ClientJob *self = user_data;
  g_autoptr (GVariant) changed = NULL;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(s@a{sv}as)", NULL, &changed, NULL);
  merge (self, changed, TRUE);
  update (self);
}

static void
on_job_removed (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *signal,
                GVariant *parameters,
                gpointer user_data)
{
  ClientJob *self = user_data;
  const char *job, *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(os)")))
    return;
  g_variant_get (parameters, "(&o&s)", &job, &result);
  if (!g_str_equal (job, self->path))
    return;
  if (!has_ended (self))
    g_hash_table_replace (self->properties, g_strdup ("State"),
                          g_variant_ref_sink (g_variant_new_string (result)));
  self->done = TRUE;
}

static void
lose (ClientJob *self, const char *message)
{
  if (!self->done)
    g_set_error_literal (&self->error, CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE, message);
  self->done = TRUE;
}

static void
on_owner_changed (GDBusConnection *connection,
                  const char *sender,
                  const char *path,
                  const char *interface,
                  const char *signal,
                  GVariant *parameters,
                  gpointer user_data)
{
  lose (user_data, _ ("The service left while the job ran; the job is lost."));
}

static void
on_closed (GDBusConnection *connection, gboolean vanished, GError *reason, gpointer user_data)
{
  lose (user_data, _ ("The bus left while the job ran; the job may go on."));
}

static void
subscribe (ClientJob *self)
{
  GDBusConnection *connection = self->client->connection;

  self->subscriptions[0] = g_dbus_connection_signal_subscribe (
      connection, self->owner, CLIENT_PROPERTIES_INTERFACE, "PropertiesChanged", self->path,
      CLIENT_JOB_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, self, NULL);
  self->subscriptions[1] = g_dbus_connection_signal_subscribe (
      connection, self->owner, CLIENT_MANAGER_INTERFACE, "JobRemoved", CLIENT_PATH, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, self, NULL);
  self->subscriptions[2] = g_dbus_connection_signal_subscribe (
      connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus",
      self->owner, G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, self, NULL);
  self->closed_handler = g_signal_connect (connection, "closed", G_CALLBACK (on_closed), self);
}

static void
unsubscribe (ClientJob *self)
{
  for (guint i = 0; i < N_SUBSCRIPTIONS; i++)
    g_dbus_connection_signal_unsubscribe (self->client->connection, self->subscriptions[i]);
  g_clear_signal_handler (&self->closed_handler, self->client->connection);
}

static void
on_cancel_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ClientJob *self = user_data;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  /* A job that ended by itself at this moment is no longer there to cancel: its end is what counts. */
  client_error_convert (&error);
  if (self->done || g_error_matches (error, CLIENT_ERROR, CLIENT_ERROR_NOT_RUNNING))
    return;
  self->error = g_steal_pointer (&error);
  self->done = TRUE;
}

static void
on_follow_interrupt (gpointer user_data)
{
  ClientJob *self = user_data;

  if (!self->cancels)
    {
      g_set_error_literal (&self->error, CLIENT_ERROR, CLIENT_ERROR_CANCELLED, _ ("Left; the job goes on."));
      self->done = TRUE;
      return;
    }
  client_progress_set_cancelling (self->progress);
  g_dbus_connection_call (self->client->connection, self->owner, self->path, CLIENT_JOB_INTERFACE, "Cancel",
                          NULL, NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, self->life,
                          on_cancel_answered, self);
}

/* The service tells of a job's progress only who started it, and subscribers. Without, there is still its
 * end. */
static void
ask_for_signals (ClientJob *self)
{
  const ClientCall call = {
    .destination = self->owner, .interface = CLIENT_MANAGER_INTERFACE, .method = "Subscribe", .reply = "()"
  };
  g_autoptr (GVariant) reply = client_bus_call (self->client, &call, NULL, NULL, NULL);
}

static gboolean
wait_for_end (ClientJob *self, GError **error)
{
  self->progress = client_progress_new (self->client, self->label);
  if (!self->cancels)
    ask_for_signals (self);
  /* Signals that are here before the answer is looked at tell what happened after it. */
  if (!read_properties (self, FALSE, error))
    return FALSE;
  update (self);
  if (self->cancel_wanted && !self->done)
    on_follow_interrupt (self);
  client_bus_wait (self->client, &self->done);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

gboolean
client_job_follow (ClientJob *self, gboolean cancels, GError **error)
{
  gboolean ended;

  self->owner = client_bus_get_owner (self->client, error);
  if (self->owner == NULL)
    return FALSE;
  self->cancels = cancels;
  client_bus_set_interrupt (self->client, on_follow_interrupt, self);
  subscribe (self);
  ended = wait_for_end (self, error);
  unsubscribe (self);
  g_clear_pointer (&self->progress, client_progress_free);
  client_bus_set_interrupt (self->client, NULL, NULL);
  /* The signals may have told the end before the results; where the job is gone, they are what there is. */
  if (ended)
    read_properties (self, TRUE, NULL);
  return ended;
}

gboolean
client_job_cancel (ClientJob *self, GError **error)
{
  const ClientCall call = {
    .path = self->path, .interface = CLIENT_JOB_INTERFACE, .method = "Cancel", .reply = "()"
  };
  g_autoptr (GVariant) reply = client_bus_call (self->client, &call, NULL, NULL, error);

  return reply != NULL;
}

GError *
client_job_get_failure (ClientJob *self)
{
  g_autofree char *state = client_job_get_text (self, "State");
  g_autoptr (GVariant) pair = client_job_get (self, "Error", "(ss)");
  const char *name = "", *message = "";

  if (g_str_equal (state, "finished"))
    return NULL;
  if (g_str_equal (state, "cancelled"))
    return g_error_new_literal (CLIENT_ERROR, CLIENT_ERROR_CANCELLED, _ ("The job was cancelled."));
  if (pair != NULL)
    g_variant_get (pair, "(&s&s)", &name, &message);
  return client_error_new_remote (name, message[0] != '\0' ? message : _ ("The job failed."));
}

/* "StartedAt": "started_at". */
static char *
make_key (const char *property)
{
  GString *key = g_string_new (NULL);

  for (const char *p = property; *p != '\0'; p++)
    {
      if (g_ascii_isupper (*p) && p > property)
        g_string_append_c (key, '_');
      g_string_append_c (key, g_ascii_tolower (*p));
    }
  return g_string_free (key, FALSE);
}

GVariant *
client_job_describe_properties (const char *path, GVariant *properties)
{
  GVariantBuilder builder;
  GVariantIter iterator;
  const char *name;
  GVariant *value;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "job", g_variant_new_string (path));
  g_variant_iter_init (&iterator, properties);
  while (g_variant_iter_loop (&iterator, "{&sv}", &name, &value))
    {
      g_autofree char *key = make_key (name);

      g_variant_builder_add (&builder, "{sv}", key, value);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
client_job_describe (ClientJob *self)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (self->properties), (GCompareFunc)strcmp);
  g_autoptr (GVariant) properties = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (GList *item = names; item != NULL; item = item->next)
    g_variant_builder_add (&builder, "{sv}", item->data, g_hash_table_lookup (self->properties, item->data));
  properties = g_variant_ref_sink (g_variant_builder_end (&builder));
  return client_job_describe_properties (self->path, properties);
}
