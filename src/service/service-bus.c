/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The gate of the service. GDBus's skeletons answer property reads and GetManagedObjects by themselves and at
 * once; here they come as calls like any other, so that nothing passes without the authority. What is behind
 * an interface is its owner's.
 */

#include "service-bus.h"

#include "hap-error.h"

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define MAX_CALLS 128

struct _ServiceBus
{
  GObject parent_instance;

  GDBusConnection *connection;
  ServiceAuthority *authority;
  ServiceHold *hold;
  guint n_calls; /* unanswered */
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

/* A call on its way through the authority. */
typedef struct
{
  Export *export;
  GDBusMethodInvocation *invocation;
} Call;

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

static void
call_free (Call *call)
{
  export_release (call->export);
  g_clear_object (&call->invocation);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

void
service_bus_return_error (GDBusMethodInvocation *invocation, GError *error)
{
  hap_error_convert (&error);
  g_dbus_method_invocation_take_error (invocation, error);
}

/* Runs when an invocation is gone, which is when it was answered. */
static void
on_answered (gpointer data)
{
  ServiceBus *self = data;

  self->n_calls--;
  service_hold_release (self->hold);
  g_object_unref (self);
}

static void
count_call (ServiceBus *self, GDBusMethodInvocation *invocation)
{
  self->n_calls++;
  service_hold_take (self->hold);
  g_object_set_data_full (G_OBJECT (invocation), "service-call", g_object_ref (self), on_answered);
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

static gboolean
is_property_call (GDBusMethodInvocation *invocation)
{
  return g_str_equal (g_dbus_method_invocation_get_interface_name (invocation), PROPERTIES_INTERFACE);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Call) call = data;
  g_autoptr (GError) error = NULL;

  if (!service_authority_check_finish (SERVICE_AUTHORITY (source), result, &error))
    service_bus_return_error (g_steal_pointer (&call->invocation), g_steal_pointer (&error));
  else if (is_property_call (call->invocation))
    return_property (call->export, g_steal_pointer (&call->invocation));
  else
    call->export->interface->call (call->export->owner, g_steal_pointer (&call->invocation));
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
  Call *call;

  if (self->closed || self->n_calls >= MAX_CALLS)
    {
      g_dbus_method_invocation_return_error (
          invocation, HAP_ERROR, HAP_ERROR_BUSY, "%s",
          self->closed ? "The service is stopping: call it again, and it is started again"
                       : "Too many calls wait: call again later");
      return;
    }

  count_call (self, invocation);
  call = g_new0 (Call, 1);
  call->export = g_rc_box_acquire (export);
  call->invocation = invocation;
  service_authority_check (self->authority, sender, export->info->name, get_member (invocation), on_checked,
                           call);
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
service_bus_new (GDBusConnection *connection, ServiceAuthority *authority, ServiceHold *hold)
{
  ServiceBus *self = g_object_new (SERVICE_TYPE_BUS, NULL);

  self->connection = g_object_ref (connection);
  self->authority = g_object_ref (authority);
  self->hold = hold;
  return self;
}
