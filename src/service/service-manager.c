/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Manager interface: what is asked of the service itself. Callers were authorised before; each answer is
 * another file's.
 */

#include "service-manager.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>

#include "config.h"
#include "hap-error.h"
#include "service-fd.h"

struct _ServiceManager
{
  GObject parent_instance;

  GVariant *actions;
  ServiceBus *bus;
  ServiceAuthority *authority;
  ServiceTargets *targets;
  ServiceJobs *jobs;
  ServiceArtifacts *artifacts;
  ServiceSubscribers *subscribers;
};

G_DEFINE_FINAL_TYPE (ServiceManager, service_manager, G_TYPE_OBJECT)

/* Answers with @value (transfer floating), or with @error when it is NULL. */
static void
answer (GDBusMethodInvocation *invocation, GVariant *value, GError *error)
{
  if (error != NULL)
    service_bus_return_error (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation, value);
}

static void
on_targets_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  GVariant *targets = service_targets_list_finish (SERVICE_TARGETS (source), result, &error);

  answer (data, targets != NULL ? g_variant_new ("(@aa{sv})", targets) : NULL, error);
}

static void
handle_list_targets (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 0);

  if (g_variant_n_children (options) > 0)
    answer (invocation, NULL,
            g_error_new (HAP_ERROR, HAP_ERROR_INVALID_DATA, _ ("ListTargets knows no options yet")));
  else
    service_targets_list (self->targets, on_targets_listed, invocation);
}

/* A call of Subscribe on its way to its answer. */
typedef struct
{
  ServiceManager *self;
  GDBusMethodInvocation *invocation;
  ServiceCall listening; /* the same caller's, to hear entries */
} Subscription;

static void
on_audience_known (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Subscription *subscription = data;
  g_autoptr (ServiceManager) self = subscription->self;
  GDBusMethodInvocation *invocation = subscription->invocation;
  gboolean inspects = service_authority_check_finish (SERVICE_AUTHORITY (source), result, NULL);
  g_autofree char *name = g_strdup (g_dbus_method_invocation_get_sender (invocation));
  const ServiceCall *call = &subscription->listening;
  guint uid = service_caller_get_uid (call->caller);
  ServiceAudience audience = SERVICE_AUDIENCE_OBSERVERS;
  GError *error = NULL;
  gboolean added;

  if (call->only_own)
    audience = SERVICE_AUDIENCE_OWNERS;
  else if (inspects)
    audience = SERVICE_AUDIENCE_INSPECTORS;
  added = service_subscribers_add (self->subscribers, call->caller, audience, &error);

  answer (invocation, NULL, error);
  /* Who comes late has missed nothing that still stands. */
  if (added)
    service_jobs_tell (self->jobs, name, audience == SERVICE_AUDIENCE_OWNERS ? &uid : NULL);
}

/* Who may not inspect is told of what goes on, without its contents; who may not even observe, of their own
 * jobs. */
static void
handle_subscribe (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  Subscription *subscription = g_new (Subscription, 1);

  *subscription = (Subscription){ .self = g_object_ref (self), .invocation = invocation };
  subscription->listening = *service_call_get (invocation);
  subscription->listening.interface = "org.homeassistant.Profiler";
  subscription->listening.member = "LogEntry";
  /* Nobody is asked for a password twice for one call. */
  subscription->listening.interactive = FALSE;
  service_authority_check (self->authority, &subscription->listening, on_audience_known, subscription);
}

static void
handle_unsubscribe (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  service_subscribers_remove (self->subscribers, g_dbus_method_invocation_get_sender (invocation));
  answer (invocation, NULL, NULL);
}

static void
handle_set_locale (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  GError *error = NULL;
  const char *locale;

  g_variant_get (parameters, "(&s)", &locale);
  service_bus_set_language (self->bus, service_call_get (invocation)->caller, service_language_find (locale),
                            &error);
  answer (invocation, NULL, error);
}

static void
handle_list_artifacts (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const ServiceCall *call = service_call_get (invocation);
  guint uid = service_caller_get_uid (call->caller);
  GError *error = NULL;
  GVariant *artifacts = service_artifacts_list (self->artifacts, call->only_own ? &uid : NULL, &error);

  answer (invocation, artifacts != NULL ? g_variant_new ("(@aa{sv})", artifacts) : NULL, error);
}

/* Whose artifact the caller was authorised for: one that there was not, nobody's. NULL: anybody's */
static const guint *
get_authorised_owner (GDBusMethodInvocation *invocation)
{
  static const guint nobody = G_MAXUINT;
  const ServiceCall *call = service_call_get (invocation);

  if (call->trusted)
    return NULL;
  return call->has_owner ? &call->owner : &nobody;
}

static void
handle_open_artifact (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  service_autofd int fd = -1;
  GError *error = NULL;
  const char *name;

  g_variant_get (parameters, "(&s)", &name);
  fd = service_artifacts_open (self->artifacts, name, get_authorised_owner (invocation), &error);
  if (fd < 0 || g_unix_fd_list_append (fds, fd, &error) < 0)
    answer (invocation, NULL, error);
  else
    g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0), fds);
}

static void
handle_remove_artifact (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  GError *error = NULL;
  const char *name;

  g_variant_get (parameters, "(&s)", &name);
  service_artifacts_remove (self->artifacts, name, get_authorised_owner (invocation), &error);
  answer (invocation, NULL, error);
}

/* Whose the artifacts are. One that is not there is nobody's, so that only who may have others' learns it. */
static void
consider_manager (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceManager *self = owner;
  ServiceCall *call = service_call_get (invocation);
  guint uid = service_caller_get_uid (call->caller);
  const char *name;

  if (g_str_equal (call->member, "ListArtifacts"))
    {
      if (call->trusted || !service_artifacts_has_others (self->artifacts, uid))
        service_call_add_owner (call, uid);
    }
  else if (g_str_has_suffix (call->member, "Artifact"))
    {
      g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s)", &name);
      if (service_artifacts_get_owner (self->artifacts, name, &uid))
        service_call_add_owner (call, uid);
    }
  service_bus_considered (invocation, NULL);
}

static void
call_manager (gpointer owner, GDBusMethodInvocation *invocation)
{
  static const struct
  {
    const char *method;
    void (*handle) (ServiceManager *self, GDBusMethodInvocation *invocation, GVariant *parameters);
  } methods[] = {
    { "ListTargets", handle_list_targets },   { "Subscribe", handle_subscribe },
    { "Unsubscribe", handle_unsubscribe },    { "ListArtifacts", handle_list_artifacts },
    { "OpenArtifact", handle_open_artifact }, { "RemoveArtifact", handle_remove_artifact },
    { "SetLocale", handle_set_locale },
  };
  const char *method = g_dbus_method_invocation_get_method_name (invocation);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      if (g_str_equal (methods[i].method, method))
        {
          methods[i].handle (owner, invocation, g_dbus_method_invocation_get_parameters (invocation));
          return;
        }
    }
  g_assert_not_reached ();
}

static GVariant *
get_manager_property (gpointer owner, const char *name)
{
  ServiceManager *self = owner;

  if (g_str_equal (name, "Version"))
    return g_variant_new_string (HAP_VERSION);
  g_return_val_if_fail (g_str_equal (name, "Actions"), NULL);
  return self->actions;
}

const ServiceInterface *
service_manager_get_interface (void)
{
  static const ServiceInterface interface = { consider_manager, call_manager, get_manager_property };

  return &interface;
}

static void
service_manager_finalize (GObject *object)
{
  ServiceManager *self = SERVICE_MANAGER (object);

  g_variant_unref (self->actions);
  g_clear_object (&self->bus);
  g_clear_object (&self->authority);
  g_clear_object (&self->targets);
  g_clear_object (&self->jobs);
  g_clear_object (&self->artifacts);
  g_clear_object (&self->subscribers);
  G_OBJECT_CLASS (service_manager_parent_class)->finalize (object);
}

static void
service_manager_class_init (ServiceManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_manager_finalize;
}

static void
service_manager_init (ServiceManager *self)
{
}

ServiceManager *
service_manager_new (GVariant *actions,
                     ServiceBus *bus,
                     ServiceAuthority *authority,
                     ServiceTargets *targets,
                     ServiceJobs *jobs,
                     ServiceArtifacts *artifacts,
                     ServiceSubscribers *subscribers)
{
  ServiceManager *self = g_object_new (SERVICE_TYPE_MANAGER, NULL);

  self->actions = g_variant_ref_sink (actions);
  self->bus = g_object_ref (bus);
  self->authority = g_object_ref (authority);
  self->targets = g_object_ref (targets);
  self->jobs = g_object_ref (jobs);
  self->artifacts = g_object_ref (artifacts);
  self->subscribers = g_object_ref (subscribers);
  return self;
}
