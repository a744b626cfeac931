/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what: one table; what is not in it is denied, to root as well. Methods of actions have the row
 * that their class names. On the system bus polkit decides, but for root, for what is one's own, and for
 * processes that the kernel lets the caller look into anyway. How polkit is asked is service-polkit.c's.
 */

#include "service-authority.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "hap-action.h"
#include "service-own.h"
#include "service-polkit.h"

#define ACTIONS_INTERFACE "org.homeassistant.Profiler"
#define MANAGER_INTERFACE "org.homeassistant.Profiler.Manager"
#define JOB_INTERFACE "org.homeassistant.Profiler.Job"
#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

#define PREFIX "org.homeassistant.Profiler."
#define OBSERVE PREFIX "observe"
#define INSPECT PREFIX "inspect"
#define INSPECT_SECRETS PREFIX "inspect-secrets"
#define MANAGE PREFIX "manage"
#define MODIFY PREFIX "modify"
#define ANYBODY SERVICE_AUTHORITY_ANYBODY

typedef enum
{
  ALL = 0,       /* the action is needed */
  OF_OTHERS = 1, /* only for what somebody else made */
  LISTED = 2,    /* the same, and who is refused gets their own alone */
} Scope;

/* observe: see what runs here. inspect: see what can hold secrets of a target. manage: end or remove what
 * others made. */
static const struct
{
  const char *interface, *member, *action;
  Scope scope;
} table[] = {
  { MANAGER_INTERFACE, "ListTargets", OBSERVE, ALL },
  { MANAGER_INTERFACE, "Subscribe", OBSERVE, LISTED },
  { MANAGER_INTERFACE, "Unsubscribe", ANYBODY, ALL },
  { MANAGER_INTERFACE, "SetLocale", ANYBODY, ALL },
  { MANAGER_INTERFACE, "ListArtifacts", OBSERVE, LISTED },
  { MANAGER_INTERFACE, "OpenArtifact", INSPECT, OF_OTHERS },
  { MANAGER_INTERFACE, "RemoveArtifact", MANAGE, OF_OTHERS },
  { MANAGER_INTERFACE, "Version", ANYBODY, ALL },
  { MANAGER_INTERFACE, "Actions", ANYBODY, ALL },
  { MANAGER_INTERFACE, "*", ANYBODY, ALL },
  { ACTIONS_INTERFACE, "*", ANYBODY, ALL },
  /* What a subscriber needs to hear it. */
  { ACTIONS_INTERFACE, "LogEntry", INSPECT, ALL },
  { OBJECT_MANAGER_INTERFACE, "GetManagedObjects", OBSERVE, LISTED },
  { OBJECT_MANAGER_INTERFACE, "*", ANYBODY, ALL },
  { JOB_INTERFACE, "Cancel", MANAGE, OF_OTHERS },
  { JOB_INTERFACE, "Action", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "Target", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "State", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "Progress", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "StartedAt", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "Artifacts", OBSERVE, OF_OTHERS },
  { JOB_INTERFACE, "Error", INSPECT, OF_OTHERS },
  { JOB_INTERFACE, "Summary", INSPECT, OF_OTHERS },
  { JOB_INTERFACE, "*", INSPECT, OF_OTHERS },
};

/* What an action's class may name; a plugin that names another is denied, not trusted. @own: who may look
 * into a process without us needs nobody's permission. */
static const struct
{
  const char *name;
  gboolean own;
} authorities[] = {
  { "observe", TRUE },
  { "profile", TRUE },
  { "inspect", FALSE },
  { "modify", FALSE },
};

struct _ServiceAuthority
{
  GObject parent_instance;

  GDBusConnection *bus;
  GBusType bus_type;
  HapPluginEngine *engine;
  const ServiceLimits *limits;
};

G_DEFINE_FINAL_TYPE (ServiceAuthority, service_authority, G_TYPE_OBJECT)

/* Returns: (transfer full) (nullable) */
static char *
lookup_action (ServiceAuthority *self, const ServiceCall *call, gboolean *own)
{
  GType type = hap_plugin_engine_find_action (self->engine, call->member);
  g_autoptr (GTypeClass) klass = type != G_TYPE_INVALID ? g_type_class_ref (type) : NULL;
  const char *named = klass != NULL ? HAP_ACTION_CLASS (klass)->authority : NULL;

  if (call->ends && klass != NULL)
    return g_strdup (MANAGE);
  for (guint i = 0; i < G_N_ELEMENTS (authorities); i++)
    {
      if (g_strcmp0 (authorities[i].name, named) != 0)
        continue;
      *own = authorities[i].own && !call->secrets && !call->contents && !call->modifies;
      /* Who may run code there may see what is there. */
      if (call->modifies)
        return g_strdup (MODIFY);
      if (!call->secrets)
        return g_strconcat (PREFIX, call->contents ? "inspect" : named, NULL);
      /* Secrets of more than objects are provided for nowhere. */
      return g_str_equal (named, "inspect") ? g_strdup (INSPECT_SECRETS) : NULL;
    }
  return NULL;
}

/* Returns: (transfer full) (nullable) */
static char *
lookup (ServiceAuthority *self, const ServiceCall *call, Scope *scope, gboolean *own)
{
  *own = FALSE;
  *scope = call->ends ? OF_OTHERS : ALL;
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      if (g_str_equal (table[i].interface, call->interface) && g_str_equal (table[i].member, call->member))
        {
          *scope = table[i].scope;
          return g_strdup (table[i].action);
        }
    }
  return g_str_equal (call->interface, ACTIONS_INTERFACE) ? lookup_action (self, call, own) : NULL;
}

char *
service_authority_lookup (ServiceAuthority *self, const ServiceCall *call)
{
  Scope scope;
  gboolean own;

  return lookup (self, call, &scope, &own);
}

gboolean
service_authority_admit (ServiceAuthority *self, ServiceCall *call, GError **error)
{
  guint uid = service_caller_get_uid (call->caller);
  const char *why = NULL;

  if (self->bus_type != G_BUS_TYPE_SYSTEM && uid != geteuid ())
    why = _ ("This service is another user's: only they may use it");
  else if (self->bus_type == G_BUS_TYPE_SYSTEM && !service_caller_is_at_home (call->caller))
    why = _ ("The caller has ended, or runs in a container: only who is in the user and the pid namespace of "
             "the service may use it");
  if (why != NULL)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, "%s", why);
      return FALSE;
    }
  call->trusted = self->bus_type != G_BUS_TYPE_SYSTEM || uid == 0;
  return TRUE;
}

typedef struct
{
  ServiceCall *call;
  char *action_id;
  Scope scope;
} Check;

static void
check_free (Check *check)
{
  g_free (check->action_id);
  g_free (check);
}

/* Time has passed since the call came: it must be the same caller's still, and about the same process. */
static void
allow (GTask *task)
{
  const Check *check = g_task_get_task_data (task);
  ServiceCall *call = check->call;

  if (!service_caller_is_same (call->caller))
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
                             _ ("The caller has ended, or become another program, since it called"));
  else if (call->process != NULL && !service_process_is_same (call->process))
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                             _ ("Process %u has ended, or become another program, since it was asked for"),
                             service_process_get_pid (call->process));
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_polkit_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Check *check = g_task_get_task_data (task);
  SERVICE_SPEAKS (check->call->language);
  g_autoptr (GError) error = NULL;

  if (service_polkit_ask_finish (result, &error))
    allow (task);
  else if (check->scope == LISTED)
    {
      check->call->only_own = TRUE;
      allow (task);
    }
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
ask_polkit (GTask *task)
{
  ServiceAuthority *self = g_task_get_source_object (task);
  const Check *check = g_task_get_task_data (task);
  const ServiceCall *call = check->call;
  g_autofree char *owner = call->has_owner ? g_strdup_printf ("%u", call->owner) : NULL;
  const ServicePolkitQuestion question = {
    .bus = self->bus,
    .sender = service_caller_get_name (call->caller),
    .action_id = check->action_id,
    .member = call->member,
    .owner = owner,
    .process = call->process,
    .interactive = call->interactive,
    .patience = call->interactive ? self->limits->password_seconds : self->limits->polkit_seconds,
  };

  service_polkit_ask (&question, on_polkit_answered, g_object_ref (task));
}

static void
on_kernel_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Check *check = g_task_get_task_data (task);
  SERVICE_SPEAKS (check->call->language);

  if (service_own_ask_finish (result))
    allow (task);
  else
    ask_polkit (task);
}

void
service_authority_check (ServiceAuthority *self,
                         ServiceCall *call,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, data);
  Check *check = g_new0 (Check, 1);
  gboolean own;

  g_task_set_source_tag (task, service_authority_check);
  g_task_set_task_data (task, check, (GDestroyNotify)check_free);
  check->call = call;
  check->action_id = lookup (self, call, &check->scope, &own);
  if (check->action_id == NULL)
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED, _ ("Nobody may call %s.%s"),
                             call->interface, call->member);
  else if (call->trusted || g_str_equal (check->action_id, ANYBODY))
    g_task_return_boolean (task, TRUE);
  else if (check->scope != ALL && call->has_owner && call->owner == service_caller_get_uid (call->caller))
    {
      /* What others make from now on was not asked about. */
      call->only_own = check->scope == LISTED;
      allow (task);
    }
  else if (own && call->process != NULL)
    service_own_ask (call->caller, call->process, on_kernel_answered, g_steal_pointer (&task));
  else
    ask_polkit (task);
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
service_authority_new (GDBusConnection *bus,
                       GBusType bus_type,
                       HapPluginEngine *engine,
                       const ServiceLimits *limits)
{
  ServiceAuthority *self = g_object_new (SERVICE_TYPE_AUTHORITY, NULL);

  g_set_object (&self->bus, bus);
  self->bus_type = bus_type;
  self->engine = g_object_ref (engine);
  self->limits = limits;
  return self;
}
