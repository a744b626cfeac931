/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The gate of the service. GDBus's skeletons answer property reads and GetManagedObjects by themselves and at
 * once; here they come as calls like any other, so that nothing passes without the authority. What is behind
 * an interface is its owner's.
 */

#include "service-bus.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "service-quota.h"

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* No call has a use for more, and who waits for a password keeps it in our memory. */
#define MAX_PARAMETERS (64 * 1024)

struct _ServiceBus
{
  GObject parent_instance;

  GDBusConnection *connection;
  ServiceAuthority *authority;
  ServiceHold *hold;
  ServiceQuota *quota; /* of unanswered calls */
  ServiceLanguages *languages;
  gboolean closed;
};

/* One interface of one object. Outlives its registration while calls to it are under way. */
typedef struct
{
  ServiceBus *bus;
  GDBusInterfaceInfo *info;
  const ServiceInterface *interface;
  GObject *owner;
} Export;

/* A call with what the gate keeps for it; lives as long as its invocation. */
typedef struct
{
  ServiceCall call;
  Export *export;
  GError *error; /* what it fails with once it is authorised */
} Gate;

G_DEFINE_FINAL_TYPE (ServiceBus, service_bus, G_TYPE_OBJECT)

static void
export_clear (Export *export)
{
  g_object_unref (export->bus);
  g_dbus_interface_info_unref (export->info);
  g_object_unref (export->owner);
}

static void
export_release (gpointer export)
{
  g_rc_box_release_full (export, (GDestroyNotify)export_clear);
}

void
service_bus_return_error (GDBusMethodInvocation *invocation, GError *error)
{
  hap_error_convert (&error);
  g_dbus_method_invocation_take_error (invocation, error);
}

/* Runs when the invocation is gone, which is when it was answered. */
static void
gate_free (gpointer data)
{
  Gate *gate = data;
  ServiceBus *self = gate->export->bus;

  if (gate->call.caller != NULL)
    service_quota_release (self->quota, service_caller_get_uid (gate->call.caller));
  g_clear_pointer (&gate->call.caller, service_caller_unref);
  g_clear_pointer (&gate->call.process, service_process_unref);
  g_clear_error (&gate->error);
  service_hold_release (self->hold);
  export_release (gate->export);
  g_free (gate);
}

static Gate *
get_gate (GDBusMethodInvocation *invocation)
{
  return (Gate *)service_call_get (invocation);
}

static GVariant *
get_all_properties (Export *export)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (GDBusPropertyInfo **info = export->info->properties; info != NULL && *info != NULL; info++)
    g_variant_builder_add (&builder, "{sv}", (*info)->name,
                           export->interface->get_property (export->owner, (*info)->name));
  return g_variant_builder_end (&builder);
}

/* GDBus has checked the property's name already. */
static void
return_property (Export *export, GDBusMethodInvocation *invocation)
{
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  const char *name;
  GVariant *value;

  if (g_str_equal (g_dbus_method_invocation_get_method_name (invocation), "GetAll"))
    {
      value = g_variant_new ("(@a{sv})", get_all_properties (export));
    }
  else
    {
      g_variant_get_child (parameters, 1, "&s", &name);
      value = g_variant_new ("(v)", export->interface->get_property (export->owner, name));
    }
  g_dbus_method_invocation_return_value (invocation, value);
}

static GError *
make_closed_error (void)
{
  return g_error_new (HAP_ERROR, HAP_ERROR_BUSY,
                      _ ("The service is stopping: call it again, and it is started again"));
}

static gboolean
is_property_call (GDBusMethodInvocation *invocation)
{
  return g_str_equal (g_dbus_method_invocation_get_interface_name (invocation), PROPERTIES_INTERFACE);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GDBusMethodInvocation) invocation = data;
  Gate *gate = get_gate (invocation);
  SERVICE_SPEAKS (gate->call.language);
  GError *error = NULL;

  if (!service_authority_check_finish (SERVICE_AUTHORITY (source), result, &error))
    service_bus_return_error (g_steal_pointer (&invocation), error);
  else if (gate->error != NULL)
    service_bus_return_error (g_steal_pointer (&invocation), g_steal_pointer (&gate->error));
  else if (gate->export->bus->closed)
    service_bus_return_error (g_steal_pointer (&invocation), make_closed_error ());
  else if (is_property_call (invocation))
    return_property (gate->export, g_steal_pointer (&invocation));
  else
    gate->export->interface->call (gate->export->owner, g_steal_pointer (&invocation));
}

/* What is wrong with the data alone, or true of nothing that runs here. */
static gboolean
is_harmless (const GError *error)
{
  return g_error_matches (error, HAP_ERROR, HAP_ERROR_INVALID_DATA)
         || g_error_matches (error, HAP_ERROR, HAP_ERROR_NOT_RUNNING);
}

void
service_bus_considered (GDBusMethodInvocation *invocation, GError *error)
{
  Gate *gate = get_gate (invocation);

  if (error != NULL && is_harmless (error))
    {
      service_bus_return_error (invocation, error);
      return;
    }
  gate->error = error;
  service_authority_check (gate->export->bus->authority, &gate->call, on_checked, invocation);
}

static void
on_identified (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GDBusMethodInvocation) invocation = data;
  Gate *gate = get_gate (invocation);
  Export *export = gate->export;
  SERVICE_SPEAKS (gate->call.language);
  GError *error = NULL;
  g_autoptr (ServiceCaller) caller = service_caller_identify_finish (result, &error);

  if (caller != NULL && service_quota_take (export->bus->quota, service_caller_get_uid (caller), &error))
    {
      gate->call.caller = g_steal_pointer (&caller);
      service_authority_admit (export->bus->authority, &gate->call, &error);
    }
  if (error != NULL)
    service_bus_return_error (g_steal_pointer (&invocation), error);
  else if (export->interface->consider != NULL)
    export->interface->consider (export->owner, g_steal_pointer (&invocation));
  else
    service_bus_considered (g_steal_pointer (&invocation), NULL);
}

/* The row of the authority's table that a call falls under. */
static const char *
get_member (GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  const char *property;

  if (!is_property_call (invocation))
    return method;
  if (g_str_equal (method, "GetAll"))
    return "*";
  g_variant_get_child (g_dbus_method_invocation_get_parameters (invocation), 1, "&s", &property);
  return property;
}

static void
on_call (GDBusConnection *connection,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer data)
{
  Export *export = data;
  ServiceBus *self = export->bus;
  GDBusMessageFlags flags = g_dbus_message_get_flags (g_dbus_method_invocation_get_message (invocation));
  const ServiceLanguage *language = sender != NULL ? service_languages_get (self->languages, sender) : NULL;
  SERVICE_SPEAKS (language);
  Gate *gate;

  if (self->closed)
    {
      service_bus_return_error (invocation, make_closed_error ());
      return;
    }
  if (sender == NULL)
    {
      g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
                                             "There is no bus that says whose this call is");
      return;
    }
  if (g_variant_get_size (parameters) > MAX_PARAMETERS)
    {
      g_dbus_method_invocation_return_error (invocation, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                                             _ ("The call is too long: more than %u bytes"), MAX_PARAMETERS);
      return;
    }

  gate = g_new0 (Gate, 1);
  gate->export = g_rc_box_acquire (export);
  gate->call.interface = export->info->name;
  gate->call.member = get_member (invocation);
  gate->call.language = language;
  gate->call.interactive = (flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
  service_hold_take (self->hold);
  service_call_attach (invocation, &gate->call, gate_free);
  service_caller_identify (self->connection, sender, on_identified, invocation);
}

guint
service_bus_export (ServiceBus *self,
                    const char *path,
                    GDBusInterfaceInfo *info,
                    const ServiceInterface *interface,
                    gpointer owner,
                    GError **error)
{
  /* Without get_property GDBus hands property calls to method_call. */
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  Export *export = g_rc_box_new0 (Export);
  guint id;

  export->bus = g_object_ref (self);
  export->info = g_dbus_interface_info_ref (info);
  export->interface = interface;
  export->owner = g_object_ref (owner);
  id = g_dbus_connection_register_object (self->connection, path, info, &vtable, export, export_release,
                                          error);
  if (id == 0)
    export_release (export);
  return id;
}

void
service_bus_unexport (ServiceBus *self, guint id)
{
  g_dbus_connection_unregister_object (self->connection, id);
}

void
service_bus_emit (ServiceBus *self,
                  const char *destination,
                  const char *path,
                  const char *interface,
                  const char *signal,
                  GVariant *parameters)
{
  g_autoptr (GError) error = NULL;

  if (!g_dbus_connection_emit_signal (self->connection, destination, path, interface, signal, parameters,
                                      &error))
    g_debug ("The signal %s was not sent: %s", signal, error->message);
}

gboolean
service_bus_set_language (ServiceBus *self,
                          ServiceCaller *caller,
                          const ServiceLanguage *language,
                          GError **error)
{
  return service_languages_set (self->languages, service_caller_get_name (caller),
                                service_caller_get_uid (caller), language, error);
}

void
service_bus_close (ServiceBus *self)
{
  self->closed = TRUE;
}

GDBusConnection *
service_bus_get_connection (ServiceBus *self)
{
  return self->connection;
}

static void
service_bus_finalize (GObject *object)
{
  ServiceBus *self = SERVICE_BUS (object);

  g_clear_object (&self->connection);
  g_clear_object (&self->authority);
  service_quota_free (self->quota);
  service_languages_free (self->languages);
  G_OBJECT_CLASS (service_bus_parent_class)->finalize (object);
}

static void
service_bus_class_init (ServiceBusClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_bus_finalize;
}

static void
service_bus_init (ServiceBus *self)
{
}

ServiceBus *
service_bus_new (GDBusConnection *connection,
                 ServiceAuthority *authority,
                 ServiceHold *hold,
                 const ServiceLimits *limits)
{
  ServiceBus *self = g_object_new (SERVICE_TYPE_BUS, NULL);

  self->connection = g_object_ref (connection);
  self->authority = g_object_ref (authority);
  self->hold = hold;
  self->quota = service_quota_new (N_ ("calls wait"), limits->calls, limits->calls_per_user);
  self->languages = service_languages_new (connection);
  return self;
}
