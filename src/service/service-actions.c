/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One call of an action: its data is validated, its target found, its job started, and it is answered as the
 * action's class says. Which process it is about is found out before the gate lets it through.
 */

#include "service-actions.h"

#include <glib/gi18n.h>

#include "hap-action.h"

struct _ServiceActions
{
  GObject parent_instance;

  HapPluginEngine *engine;
  ServiceTargets *targets;
  ServiceJobs *jobs;
};

/* A call on its way to its answer. While the gate has the invocation, it is attached to that. */
typedef struct
{
  ServiceActions *self;
  GDBusMethodInvocation *invocation; /* NULL while it is attached */
  HapAction *action;
  GVariant *target; /* NULL: the caller gave none */
  ServiceJob *job;  /* that is started, or to be stopped */
  guint watch;      /* of a caller that waits for the job's end */
} Call;

#define KEY "service-action"

G_DEFINE_FINAL_TYPE (ServiceActions, service_actions, G_TYPE_OBJECT)

static void
call_free (Call *call)
{
  g_clear_handle_id (&call->watch, g_bus_unwatch_name);
  g_clear_object (&call->job);
  g_clear_pointer (&call->target, g_variant_unref);
  g_clear_object (&call->action);
  g_clear_object (&call->invocation);
  g_object_unref (call->self);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* Takes "target" out of the data, which is no attribute of any action. */
static GVariant *
take_target (GVariant **data)
{
  GVariant *target = g_variant_lookup_value (*data, "target", NULL);
  GVariantDict dict;

  if (target != NULL)
    {
      g_variant_dict_init (&dict, *data);
      g_variant_dict_remove (&dict, "target");
      g_variant_unref (*data);
      *data = g_variant_ref_sink (g_variant_dict_end (&dict));
    }
  return target;
}

static Call *
call_new (ServiceActions *self, GDBusMethodInvocation *invocation, GError **error)
{
  g_autoptr (Call) call = g_new0 (Call, 1);
  g_autoptr (GVariant) data =
      g_variant_get_child_value (g_dbus_method_invocation_get_parameters (invocation), 0);
  GType type =
      hap_plugin_engine_find_action (self->engine, g_dbus_method_invocation_get_method_name (invocation));

  call->self = g_object_ref (self);
  call->target = take_target (&data);
  call->action = hap_action_new (type, data, error);
  return call->action != NULL ? g_steal_pointer (&call) : NULL;
}

static void
return_error (Call *call, GError *error)
{
  service_bus_return_error (g_steal_pointer (&call->invocation), error);
}

static void
on_job_ended (ServiceJob *job, gpointer data)
{
  g_autoptr (Call) call = data;
  const GError *error = service_job_get_error (job);
  HapReply reply = HAP_ACTION_GET_CLASS (call->action)->reply;

  g_signal_handlers_disconnect_by_data (job, call);
  if (error != NULL)
    return_error (call, g_error_copy (error));
  else if (reply == HAP_REPLY_REPORT)
    g_dbus_method_invocation_return_value (g_steal_pointer (&call->invocation),
                                           g_variant_new ("(@aa{sv})", service_job_get_entries (job)));
  else
    g_dbus_method_invocation_return_value (g_steal_pointer (&call->invocation), NULL);
}

/* What it was called for is done, and the job goes on. */
static void
on_job_settled (ServiceJob *job, gpointer data)
{
  g_autoptr (Call) call = data;

  g_signal_handlers_disconnect_by_data (job, call);
  g_dbus_method_invocation_return_value (g_steal_pointer (&call->invocation), NULL);
}

static void
on_caller_left (GDBusConnection *connection, const char *name, gpointer data)
{
  Call *call = data;

  service_job_cancel (call->job);
}

/* Nobody would get the answer once its caller has left: then the job is cancelled. (A job that is on the bus
 * goes on: busctl leaves at once.) */
static void
wait_for_end (Call *call)
{
  GDBusConnection *bus = g_dbus_method_invocation_get_connection (call->invocation);
  const char *caller = g_dbus_method_invocation_get_sender (call->invocation);

  g_signal_connect (call->job, "ended", G_CALLBACK (on_job_ended), call);
  if (HAP_ACTION_GET_CLASS (call->action)->lasts)
    g_signal_connect (call->job, "settled", G_CALLBACK (on_job_settled), call);
  call->watch = g_bus_watch_name_on_connection (bus, caller, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                on_caller_left, call, NULL);
}

static void
start_job (Call *owned_call)
{
  g_autoptr (Call) call = owned_call;
  HapPluginEngine *engine = call->self->engine;
  const ServiceCall *facts = service_call_get (call->invocation);
  GError *error = NULL;

  call->job = service_jobs_start (call->self->jobs, call->action,
                                  hap_plugin_engine_get_plugin_name (engine, G_OBJECT_TYPE (call->action)),
                                  facts->process, facts->caller, &error);
  if (call->job == NULL)
    return_error (call, error);
  else if (HAP_ACTION_GET_CLASS (call->action)->reply == HAP_REPLY_JOB)
    g_dbus_method_invocation_return_value (g_steal_pointer (&call->invocation),
                                           g_variant_new ("(o)", service_job_get_path (call->job)));
  else
    wait_for_end (g_steal_pointer (&call));
}

static ServiceJob *
find_job_to_stop (Call *call, guint pid, GError **error)
{
  return service_jobs_find_in_slot (call->self->jobs, HAP_ACTION_GET_CLASS (call->action)->stops, pid, error);
}

static void
stop_job (Call *owned_call)
{
  g_autoptr (Call) call = owned_call;
  GError *error = NULL;

  /* It may have ended, and another begun, while the caller was asked for a password. */
  if (find_job_to_stop (call, service_job_get_pid (call->job), &error) != call->job)
    {
      return_error (call, error != NULL ? error
                                        : g_error_new (HAP_ERROR, HAP_ERROR_NOT_RUNNING,
                                                       _ ("The job has ended by itself meanwhile")));
      return;
    }
  g_signal_connect (call->job, "ended", G_CALLBACK (on_job_ended), call);
  service_job_stop (call->job);
  g_steal_pointer (&call);
}

/* Back to the gate, which hands it to call_action() if it may be. */
static void
hand_over (Call *call, GError *error)
{
  GDBusMethodInvocation *invocation = g_steal_pointer (&call->invocation);

  g_object_set_data_full (G_OBJECT (invocation), KEY, call, (GDestroyNotify)call_free);
  service_bus_considered (invocation, error);
}

static void
consider_stop (Call *call, guint pid)
{
  GError *error = NULL;
  ServiceJob *job = find_job_to_stop (call, pid, &error);

  if (job != NULL)
    {
      call->job = g_object_ref (job);
      service_call_add_owner (service_call_get (call->invocation), service_job_get_uid (job));
    }
  hand_over (call, error);
}

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  SERVICE_SPEAKS (service_call_get (call->invocation)->language);
  GError *error = NULL;
  g_autoptr (ServiceProcess) process =
      service_targets_resolve_finish (SERVICE_TARGETS (source), result, &error);

  if (process != NULL && HAP_ACTION_GET_CLASS (call->action)->stops != NULL)
    {
      consider_stop (call, service_process_get_pid (process));
      return;
    }
  service_call_get (call->invocation)->process = g_steal_pointer (&process);
  hand_over (call, error);
}

static void
consider_action (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceActions *self = owner;
  ServiceCall *facts = service_call_get (invocation);
  GError *error = NULL;
  Call *call;

  /* Reading all properties of an interface that has none. */
  if (g_str_equal (facts->member, "*"))
    {
      service_bus_considered (invocation, NULL);
      return;
    }
  call = call_new (self, invocation, &error);
  if (call == NULL)
    {
      service_bus_considered (invocation, error);
      return;
    }
  call->invocation = invocation;
  facts->secrets = hap_action_asks_for_secrets (call->action);
  facts->contents = hap_action_asks_for_contents (call->action);
  facts->modifies = hap_action_modifies (call->action);
  facts->ends = HAP_ACTION_GET_CLASS (call->action)->stops != NULL;
  /* What is to be stopped says by itself which target is meant. */
  if (facts->ends && call->target == NULL)
    consider_stop (call, 0);
  else
    service_targets_resolve (self->targets, call->target, on_resolved, call);
}

static void
call_action (gpointer owner, GDBusMethodInvocation *invocation)
{
  Call *call = g_object_steal_data (G_OBJECT (invocation), KEY);

  call->invocation = invocation;
  if (HAP_ACTION_GET_CLASS (call->action)->stops != NULL)
    stop_job (call);
  else
    start_job (call);
}

const ServiceInterface *
service_actions_get_interface (void)
{
  static const ServiceInterface interface = { consider_action, call_action, NULL };

  return &interface;
}

static void
service_actions_finalize (GObject *object)
{
  ServiceActions *self = SERVICE_ACTIONS (object);

  g_clear_object (&self->engine);
  g_clear_object (&self->targets);
  g_clear_object (&self->jobs);
  G_OBJECT_CLASS (service_actions_parent_class)->finalize (object);
}

static void
service_actions_class_init (ServiceActionsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_actions_finalize;
}

static void
service_actions_init (ServiceActions *self)
{
}

ServiceActions *
service_actions_new (HapPluginEngine *engine, ServiceTargets *targets, ServiceJobs *jobs)
{
  ServiceActions *self = g_object_new (SERVICE_TYPE_ACTIONS, NULL);

  self->engine = g_object_ref (engine);
  self->targets = g_object_ref (targets);
  self->jobs = g_object_ref (jobs);
  return self;
}
