/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what: one table; what is not in it is denied, to root as well. Methods of actions have the row
 * that their class names. Callers are known by their unique bus name alone, and the bus says whose it is: a
 * pid is never asked for.
 */

#include "service-authority.h"

#include <unistd.h>

#include "hap-action.h"

#define ACTIONS_INTERFACE "org.homeassistant.Profiler"
#define MANAGER_INTERFACE "org.homeassistant.Profiler.Manager"
#define JOB_INTERFACE "org.homeassistant.Profiler.Job"
#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

#define PREFIX "org.homeassistant.Profiler."
#define OBSERVE PREFIX "observe"
#define INSPECT PREFIX "inspect"
#define MANAGE PREFIX "manage"

/* observe: see what runs here. inspect: see what can hold secrets of a target. manage: touch what others
 * made. */
static const struct
{
  const char *interface, *member, *action;
} table[] = {
  { MANAGER_INTERFACE, "ListTargets", OBSERVE },
  { MANAGER_INTERFACE, "Subscribe", OBSERVE },
  { MANAGER_INTERFACE, "Unsubscribe", OBSERVE },
  { MANAGER_INTERFACE, "ListArtifacts", OBSERVE },
  { MANAGER_INTERFACE, "OpenArtifact", INSPECT },
  { MANAGER_INTERFACE, "RemoveArtifact", MANAGE },
  { MANAGER_INTERFACE, "Version", OBSERVE },
  { MANAGER_INTERFACE, "Actions", OBSERVE },
  { MANAGER_INTERFACE, "*", OBSERVE },
  { ACTIONS_INTERFACE, "*", OBSERVE },
  /* What a subscriber needs to hear it. */
  { ACTIONS_INTERFACE, "LogEntry", INSPECT },
  { OBJECT_MANAGER_INTERFACE, "GetManagedObjects", INSPECT },
  { OBJECT_MANAGER_INTERFACE, "*", OBSERVE },
  { JOB_INTERFACE, "Cancel", MANAGE },
  { JOB_INTERFACE, "Action", OBSERVE },
  { JOB_INTERFACE, "Target", OBSERVE },
  { JOB_INTERFACE, "State", OBSERVE },
  { JOB_INTERFACE, "Progress", OBSERVE },
  { JOB_INTERFACE, "StartedAt", OBSERVE },
  { JOB_INTERFACE, "Artifacts", OBSERVE },
  { JOB_INTERFACE, "Error", INSPECT },
  { JOB_INTERFACE, "Summary", INSPECT },
  { JOB_INTERFACE, "*", INSPECT },
};

/* What an action's class may name; a plugin that names another is denied, not trusted. */
static const char *const authorities[] = { "observe", "profile", "inspect", "modify", NULL };

struct _ServiceAuthority
{
  GObject parent_instance;

  GDBusConnection *bus;
  GBusType bus_type;
  HapPluginEngine *engine;
};

G_DEFINE_FINAL_TYPE (ServiceAuthority, service_authority, G_TYPE_OBJECT)

static char *
lookup_action (ServiceAuthority *self, const char *member)
{
  GType type = hap_plugin_engine_find_action (self->engine, member);
  g_autoptr (GTypeClass) klass = type != G_TYPE_INVALID ? g_type_class_ref (type) : NULL;

  if (klass == NULL || !g_strv_contains (authorities, HAP_ACTION_CLASS (klass)->authority))
    return NULL;
  return g_strconcat (PREFIX, HAP_ACTION_CLASS (klass)->authority, NULL);
}

char *
service_authority_lookup (ServiceAuthority *self, const char *interface, const char *member)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      if (g_str_equal (table[i].interface, interface) && g_str_equal (table[i].member, member))
        return g_strdup (table[i].action);
    }
  return g_str_equal (interface, ACTIONS_INTERFACE) ? lookup_action (self, member) : NULL;
}

static void
return_denied (GTask *task, const char *why)
{
  g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, "%s", why);
}

/* The decision, once the bus has said whose the caller is. */
static void
decide (GTask *task, guint32 uid)
{
  ServiceAuthority *self = g_task_get_source_object (task);

  if (uid == (self->bus_type == G_BUS_TYPE_SYSTEM ? 0 : geteuid ()))
    g_task_return_boolean (task, TRUE);
  else if (self->bus_type == G_BUS_TYPE_SYSTEM)
    return_denied (task,
                   "Only root may use the profiler on the system bus: call it by sudo, or run a service for "
                   "your own processes with “ha-profilerd --bus=session”");
  else
    return_denied (task, "This service is another user's: only they may use it");
}

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) credentials = NULL;
  guint32 uid;

  if (reply != NULL)
    credentials = g_variant_get_child_value (reply, 0);
  if (credentials != NULL && g_variant_lookup (credentials, "UnixUserID", "u", &uid))
    decide (task, uid);
  else
    return_denied (task, "The bus does not say whose this call is");
}

void
service_authority_check (ServiceAuthority *self,
                         const char *sender,
                         const char *interface,
                         const char *member,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, data);
  g_autofree char *action = service_authority_lookup (self, interface, member);

  g_task_set_source_tag (task, service_authority_check);
  if (action == NULL || sender == NULL)
    {
      g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, "Nobody may call %s.%s", interface,
                               member);
      return;
    }
  g_dbus_connection_call (self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "GetConnectionCredentials", g_variant_new ("(s)", sender),
                          G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_credentials,
                          g_steal_pointer (&task));
}

gboolean
service_authority_check_finish (ServiceAuthority *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
service_authority_finalize (GObject *object)
{
  ServiceAuthority *self = SERVICE_AUTHORITY (object);

  g_clear_object (&self->bus);
  g_clear_object (&self->engine);
  G_OBJECT_CLASS (service_authority_parent_class)->finalize (object);
}

static void
service_authority_class_init (ServiceAuthorityClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_authority_finalize;
}

static void
service_authority_init (ServiceAuthority *self)
{
}

ServiceAuthority *
service_authority_new (GDBusConnection *bus, GBusType bus_type, HapPluginEngine *engine)
{
  ServiceAuthority *self = g_object_new (SERVICE_TYPE_AUTHORITY, NULL);

  g_set_object (&self->bus, bus);
  self->bus_type = bus_type;
  self->engine = g_object_ref (engine);
  return self;
}
