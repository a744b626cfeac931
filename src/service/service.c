/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The life of the service: it comes up on the bus, with its parts tied together, and goes without leaving a
 * process behind. What it does between is the parts'.
 */

#include "service.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "hap-error.h"
#include "service-actions.h"
#include "service-interfaces.h"
#include "service-introspection.h"
#include "service-manager.h"

/* Longer than any of our children has to end by itself, and be ended. */
#define STOP_SECONDS 15

/* Of org.freedesktop.DBus.RequestName. */
#define FLAG_DO_NOT_QUEUE 4
#define ANSWER_PRIMARY_OWNER 1
#define ANSWER_ALREADY_OWNER 4

typedef struct
{
  const ServiceOptions *options;
  GMainLoop *loop;
  GDBusConnection *connection;
  ServiceHold *hold;
  HapPluginEngine *engine;
  ServiceContext context;
  ServiceTargets *targets;
  ServiceJobs *jobs;
  ServiceActions *actions;
  ServiceManager *manager;
  guint exports[3];
  gboolean stopping;
} Service;

static void
quit_when_quiet (Service *self)
{
  if (self->stopping && service_launcher_is_quiet (self->context.launcher))
    g_main_loop_quit (self->loop);
}

static gboolean
on_patience_over (gpointer data)
{
  Service *self = data;

  g_message ("A worker does not end: going without it");
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

/* Jobs keep what they have, and their workers and tracers end; then the loop does. What the kernel does not
 * let end, it ends when it can: we are not there any more by then. */
static void
stop (Service *self)
{
  if (self->stopping)
    return;
  self->stopping = TRUE;
  g_timeout_add_seconds (STOP_SECONDS, on_patience_over, self);
  service_bus_close (self->context.bus);
  service_jobs_cancel_all (self->jobs);
  quit_when_quiet (self);
}

static void
on_quiet (ServiceLauncher *launcher, Service *self)
{
  quit_when_quiet (self);
}

static gboolean
on_signal (gpointer data)
{
  Service *self = data;

  /* Told a second time, it does not wait. */
  if (self->stopping)
    service_launcher_kill_all (self->context.launcher);
  stop (self);
  return G_SOURCE_CONTINUE;
}

static void
on_bus_closed (GDBusConnection *connection, gboolean vanished, GError *error, Service *self)
{
  g_message ("The bus is gone: stopping");
  stop (self);
  service_launcher_kill_all (self->context.launcher);
}

static gboolean
change_name (Service *self, const char *method, GVariant *parameters, guint32 *answer, GError **error)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
      parameters, G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(u)", answer);
  return TRUE;
}

static gboolean
request_name (Service *self, GError **error)
{
  guint32 answer = 0;

  if (!change_name (self, "RequestName", g_variant_new ("(su)", SERVICE_BUS_NAME, FLAG_DO_NOT_QUEUE), &answer,
                    error))
    return FALSE;
  if (answer == ANSWER_PRIMARY_OWNER || answer == ANSWER_ALREADY_OWNER)
    return TRUE;
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               _ ("The name %s is taken on this bus: another ha-profilerd runs"), SERVICE_BUS_NAME);
  return FALSE;
}

/*
 * Without its name no new call can come, and those that came before the bus took it are here by the time it
 * has answered: nobody's call is lost, since the next one starts the service again.
 */
static void
on_idle (gpointer data)
{
  Service *self = data;
  guint32 answer;

  if (self->stopping
      || !change_name (self, "ReleaseName", g_variant_new ("(s)", SERVICE_BUS_NAME), &answer, NULL))
    return;
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  if (!service_hold_is_taken (self->hold))
    {
      g_debug ("Idle: going");
      stop (self);
    }
  else if (!request_name (self, NULL))
    stop (self);
}

static gboolean
export_all (Service *self, GVariant *actions, GError **error)
{
  GDBusInterfaceInfo *actions_info = service_introspection_make (actions);
  gboolean exported = TRUE;
  const struct
  {
    const GDBusInterfaceInfo *info;
    const ServiceInterface *interface;
    gpointer owner;
  } interfaces[] = {
    { actions_info, service_actions_get_interface (), self->actions },
    { &org_homeassistant_profiler_manager_interface, service_manager_get_interface (), self->manager },
    { &org_freedesktop_dbus_object_manager_interface, service_jobs_get_interface (), self->jobs },
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (interfaces) == G_N_ELEMENTS (self->exports));
  for (guint i = 0; exported && i < G_N_ELEMENTS (interfaces); i++)
    {
      self->exports[i] =
          service_bus_export (self->context.bus, SERVICE_PATH, (GDBusInterfaceInfo *)interfaces[i].info,
                              interfaces[i].interface, interfaces[i].owner, error);
      exported = self->exports[i] != 0;
    }
  g_dbus_interface_info_unref (actions_info);
  return exported;
}

static gboolean
connect_to_bus (Service *self, GError **error)
{
  /* The process's shared connection, by which libpolkit asks, too: so what the bus says of a caller's leaving
   * and what polkit says of the caller come in their order. */
  self->connection = g_bus_get_sync (self->options->bus_type, NULL, error);
  if (self->connection == NULL)
    return FALSE;
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_bus_closed), self);
  return TRUE;
}

static void
make_parts (Service *self, GVariant *actions)
{
  const ServiceOptions *options = self->options;
  const ServiceLimits *limits = &options->configuration->limits;
  g_autoptr (ServiceAuthority) authority =
      service_authority_new (self->connection, options->bus_type, self->engine, limits);
  ServiceContext *context = &self->context;

  context->bus = service_bus_new (self->connection, authority, self->hold, limits);
  context->artifacts = service_artifacts_new (options->state_dir);
  service_artifacts_set_limits (context->artifacts, limits->artifact_bytes, limits->artifact_age_seconds,
                                limits->artifacts);
  context->subscribers = service_subscribers_new (context->bus, limits);
  context->limits = limits;
  self->targets = service_targets_new (context->launcher, options->configuration->target);
  self->jobs = service_jobs_new (context, self->hold, options->configuration->retention_seconds);
  self->actions = service_actions_new (self->engine, self->targets, self->jobs);
  self->manager = service_manager_new (actions, context->bus, authority, self->targets, self->jobs,
                                       context->artifacts, context->subscribers);
}

static gboolean
bring_up (Service *self, GError **error)
{
  const ServiceOptions *options = self->options;
  g_autoptr (GVariant) actions = NULL;

  /* Registers our errors, so that a worker's are known when they come. */
  hap_error_quark ();
  self->loop = g_main_loop_new (NULL, FALSE);
  self->hold = service_hold_new (options->configuration->idle_seconds, on_idle, self);
  self->context.launcher = service_launcher_new (options->worker, options->tracer, options->plugin_dirs);
  g_signal_connect (self->context.launcher, "quiet", G_CALLBACK (on_quiet), self);
  self->engine = hap_plugin_engine_new (options->plugin_dirs);
  actions = g_variant_ref_sink (service_introspection_describe_actions (self->engine));

  if (!connect_to_bus (self, error))
    return FALSE;
  make_parts (self, actions);
  return export_all (self, actions, error) && request_name (self, error);
}

static void
take_down (Service *self)
{
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  if (self->jobs != NULL)
    service_jobs_close (self->jobs);
  for (guint i = 0; i < G_N_ELEMENTS (self->exports); i++)
    {
      if (self->exports[i] != 0)
        service_bus_unexport (self->context.bus, self->exports[i]);
    }
  /* What was answered last must have left. */
  if (self->connection != NULL)
    g_dbus_connection_close_sync (self->connection, NULL, NULL);
  if (self->context.subscribers != NULL)
    g_object_run_dispose (G_OBJECT (self->context.subscribers));

  g_clear_object (&self->manager);
  g_clear_object (&self->actions);
  g_clear_object (&self->jobs);
  g_clear_object (&self->targets);
  g_clear_object (&self->context.subscribers);
  g_clear_object (&self->context.artifacts);
  g_clear_object (&self->context.bus);
  g_signal_handlers_disconnect_by_data (self->context.launcher, self);
  g_clear_object (&self->context.launcher);
  g_clear_object (&self->engine);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->hold, service_hold_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
}

gboolean
service_run (const ServiceOptions *options, GError **error)
{
  Service self = { .options = options };
  guint on_term, on_int;
  gboolean up = bring_up (&self, error);

  if (up)
    {
      on_term = g_unix_signal_add (SIGTERM, on_signal, &self);
      on_int = g_unix_signal_add (SIGINT, on_signal, &self);
      g_main_loop_run (self.loop);
      g_source_remove (on_term);
      g_source_remove (on_int);
    }
  take_down (&self);
  return up;
}
