/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All jobs, running and ended, and the ObjectManager that lists them. What one job does is service-job.c's.
 */

#include "service-jobs.h"

#include <glib/gi18n.h>

#include "hap-error.h"
#include "service-interfaces.h"
#include "service-quota.h"

#define JOB_INTERFACE "org.homeassistant.Profiler.Job"
#define MANAGER_INTERFACE "org.homeassistant.Profiler.Manager"
#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"
#define MAX_ENDED 32

/* A job with what we keep for it. */
typedef struct
{
  ServiceJobs *jobs;
  ServiceJob *job;
  guint export;
  guint timer; /* of its removal, once it has ended */
  gboolean counted;
} Item;

struct _ServiceJobs
{
  GObject parent_instance;

  const ServiceContext *context;
  ServiceHold *hold;
  guint retention_seconds;
  GPtrArray *items; /* of Item, the oldest first */
  ServiceQuota *quota;
  guint n_made;
  gint64 last_start_time;
};

G_DEFINE_FINAL_TYPE (ServiceJobs, service_jobs, G_TYPE_OBJECT)

static void
uncount (Item *item)
{
  if (item->counted)
    service_quota_release (item->jobs->quota, service_job_get_uid (item->job));
  item->counted = FALSE;
}

static void
item_free (Item *item)
{
  uncount (item);
  g_signal_handlers_disconnect_by_data (item->job, item);
  g_clear_handle_id (&item->timer, g_source_remove);
  if (item->export != 0)
    service_bus_unexport (item->jobs->context->bus, item->export);
  service_hold_release (item->jobs->hold);
  g_object_unref (item->job);
  g_free (item);
}

/* Each start has its own, since artifacts are named by it. */
static gint64
make_start_time (ServiceJobs *self)
{
  self->last_start_time = MAX (g_get_real_time (), self->last_start_time + 1);
  return self->last_start_time;
}

/* What cannot hold a secret of the target. */
static gboolean
is_discreet (const char *property)
{
  static const char *const telling[] = { "Error", "Summary", NULL };

  return !g_strv_contains (telling, property);
}

/* @fully: with what is for its owner alone */
static GVariant *
describe_interfaces (ServiceJob *job, gboolean fully)
{
  const GDBusInterfaceInfo *info = &org_homeassistant_profiler_job_interface;
  GVariantBuilder interfaces;

  g_variant_builder_init (&interfaces, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_open (&interfaces, G_VARIANT_TYPE ("{sa{sv}}"));
  g_variant_builder_add (&interfaces, "s", JOB_INTERFACE);
  g_variant_builder_open (&interfaces, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; info->properties[i] != NULL; i++)
    {
      const char *name = info->properties[i]->name;

      if (fully || is_discreet (name))
        g_variant_builder_add (&interfaces, "{sv}", name, service_job_get_dbus_property (job, name));
    }
  g_variant_builder_close (&interfaces);
  g_variant_builder_close (&interfaces);
  return g_variant_builder_end (&interfaces);
}

static void
remove_item (ServiceJobs *self, Item *item)
{
  g_autofree char *path = g_strdup (service_job_get_path (item->job));
  const char *const interfaces[] = { JOB_INTERFACE, NULL };

  g_ptr_array_remove (self->items, item);
  if (path != NULL)
    service_bus_emit (self->context->bus, NULL, SERVICE_PATH, OBJECT_MANAGER_INTERFACE, "InterfacesRemoved",
                      g_variant_new ("(o^as)", path, interfaces));
}

static gboolean
on_retention_over (gpointer data)
{
  Item *item = data;

  item->timer = 0;
  remove_item (item->jobs, item);
  return G_SOURCE_REMOVE;
}

static void
remove_oldest_ended (ServiceJobs *self)
{
  Item *oldest = NULL;
  guint n_ended = 0;

  for (guint i = self->items->len; i > 0; i--)
    {
      Item *item = self->items->pdata[i - 1];

      if (service_job_is_running (item->job))
        continue;
      oldest = item;
      n_ended++;
    }
  if (n_ended > MAX_ENDED)
    remove_item (self, oldest);
}

static void
on_job_ended (ServiceJob *job, Item *item)
{
  ServiceJobs *self = item->jobs;

  uncount (item);
  if (service_job_get_path (job) == NULL)
    {
      remove_item (self, item);
      return;
    }
  service_bus_emit (self->context->bus, NULL, SERVICE_PATH, MANAGER_INTERFACE, "JobRemoved",
                    g_variant_new ("(os)", service_job_get_path (job), service_job_get_state (job)));
  item->timer = g_timeout_add_seconds (self->retention_seconds, on_retention_over, item);
  remove_oldest_ended (self);
}

/* Cancel is answered when the job has ended. */
static void
on_cancelled_job_ended (ServiceJob *job, GDBusMethodInvocation *invocation)
{
  g_signal_handlers_disconnect_by_data (job, invocation);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
consider_job (gpointer owner, GDBusMethodInvocation *invocation)
{
  service_call_add_owner (service_call_get (invocation), service_job_get_uid (owner));
  service_bus_considered (invocation, NULL);
}

static void
call_job (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceJob *job = owner;

  if (!service_job_is_running (job))
    {
      service_bus_return_error (
          invocation, g_error_new (HAP_ERROR, HAP_ERROR_NOT_RUNNING, _ ("The job has ended already")));
      return;
    }
  g_signal_connect (job, "ended", G_CALLBACK (on_cancelled_job_ended), invocation);
  service_job_cancel (job);
}

static GVariant *
get_job_property (gpointer owner, const char *name)
{
  return service_job_get_dbus_property (owner, name);
}

static gboolean
export_job (ServiceJobs *self, Item *item, GError **error)
{
  static const ServiceInterface interface = { consider_job, call_job, get_job_property };
  const char *path = service_job_get_path (item->job);

  item->export = service_bus_export (self->context->bus, path,
                                     (GDBusInterfaceInfo *)&org_homeassistant_profiler_job_interface,
                                     &interface, item->job, error);
  if (item->export == 0)
    return FALSE;
  service_subscribers_send (self->context->subscribers, SERVICE_AUDIENCE_OBSERVERS,
                            service_job_get_uid (item->job), service_job_get_caller (item->job), SERVICE_PATH,
                            OBJECT_MANAGER_INTERFACE, "InterfacesAdded",
                            g_variant_new ("(o@a{sa{sv}})", path, describe_interfaces (item->job, TRUE)));
  return TRUE;
}

static gboolean
is_in_slot (const Item *item, const char *slot, guint pid)
{
  return service_job_is_running (item->job)
         && g_strcmp0 (service_job_get_action_class (item->job)->slot, slot) == 0
         && (pid == 0 || service_job_get_pid (item->job) == pid);
}

static ServiceJob *
find_first_in_slot (ServiceJobs *self, const char *slot, guint pid)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = self->items->pdata[i];

      if (is_in_slot (item, slot, pid))
        return item->job;
    }
  return NULL;
}

/* "object-logging" -> "Object logging", unless there is a translation of it */
static char *
make_slot_title (const char *slot)
{
  const char *translated = gettext (slot);
  char *title;

  if (translated != slot)
    return g_strdup (translated);
  title = g_strdelimit (g_strdup (slot), "-_", ' ');
  title[0] = g_ascii_toupper (title[0]);
  return title;
}

static void
set_busy_error (ServiceJob *job, const char *slot, GError **error)
{
  gint64 remaining = service_job_get_remaining (job);
  g_autofree char *title = make_slot_title (slot);
  const char *path = service_job_get_path (job);

  if (remaining < 0)
    g_set_error (error, HAP_ERROR, HAP_ERROR_ALREADY_STARTED, _ ("%s already started"), title);
  else
    g_set_error (
        error, HAP_ERROR, HAP_ERROR_BUSY,
        _ ("%s runs on process %u already, until about %lld s from now: wait for it, or cancel it (%s)"),
        service_job_get_action_class (job)->method, service_job_get_pid (job),
        (long long)((remaining + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC),
        path != NULL ? path : _ ("by leaving the bus"));
}

static gboolean
slot_is_free (ServiceJobs *self, const char *slot, guint pid, GError **error)
{
  ServiceJob *first = slot != NULL ? find_first_in_slot (self, slot, pid) : NULL;

  if (first != NULL)
    set_busy_error (first, slot, error);
  return first == NULL;
}

ServiceJob *
service_jobs_start (ServiceJobs *self,
                    HapAction *action,
                    const char *plugin,
                    ServiceProcess *process,
                    ServiceCaller *caller,
                    GError **error)
{
  HapActionClass *klass = HAP_ACTION_GET_CLASS (action);
  g_autofree char *path = NULL;
  Item *item;

  if (!slot_is_free (self, klass->slot, service_process_get_pid (process), error)
      || !service_quota_take (self->quota, service_caller_get_uid (caller), error))
    return NULL;

  if (klass->reply == HAP_REPLY_JOB || klass->lasts)
    path = g_strdup_printf (SERVICE_PATH "/jobs/%u", ++self->n_made);
  item = g_new0 (Item, 1);
  item->jobs = self;
  item->counted = TRUE;
  item->job = service_job_new (self->context, action, plugin, process, caller, make_start_time (self), path);
  service_hold_take (self->hold);
  g_ptr_array_add (self->items, item);
  g_signal_connect (item->job, "ended", G_CALLBACK (on_job_ended), item);

  if (!service_job_start (item->job, error))
    {
      g_ptr_array_remove (self->items, item);
      return NULL;
    }
  if (path != NULL && !export_job (self, item, error))
    {
      service_job_cancel (item->job);
      g_ptr_array_remove (self->items, item);
      return NULL;
    }
  return g_object_ref (item->job);
}

ServiceJob *
service_jobs_find_in_slot (ServiceJobs *self, const char *slot, guint pid, GError **error)
{
  ServiceJob *found = NULL;
  g_autofree char *title = make_slot_title (slot);
  g_autoptr (GString) pids = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = self->items->pdata[i];

      if (!is_in_slot (item, slot, pid))
        continue;
      found = item->job;
      g_string_append_printf (pids, "%s%u", n++ > 0 ? ", " : "", service_job_get_pid (found));
    }
  if (n == 1)
    return found;

  if (n == 0)
    g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_RUNNING, _ ("%s not running"), title);
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_AMBIGUOUS_TARGET,
                 _ ("%s runs on more than one process: say which by “target”: %s"), title, pids->str);
  return NULL;
}

void
service_jobs_tell (ServiceJobs *self, const char *name, const guint *owner)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      ServiceJob *job = ((Item *)self->items->pdata[i])->job;

      if (service_job_is_running (job) && (owner == NULL || service_job_get_uid (job) == *owner))
        service_job_tell (job, name);
    }
}

void
service_jobs_cancel_all (ServiceJobs *self)
{
  for (guint i = 0; i < self->items->len; i++)
    service_job_cancel (((Item *)self->items->pdata[i])->job);
}

void
service_jobs_close (ServiceJobs *self)
{
  g_ptr_array_set_size (self->items, 0);
}

static void
consider_object_manager (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceJobs *self = owner;
  ServiceCall *call = service_call_get (invocation);

  service_call_add_owner (call, service_caller_get_uid (call->caller));
  for (guint i = 0; i < self->items->len; i++)
    service_call_add_owner (call, service_job_get_uid (((Item *)self->items->pdata[i])->job));
  service_bus_considered (invocation, NULL);
}

static void
call_object_manager (gpointer owner, GDBusMethodInvocation *invocation)
{
  ServiceJobs *self = owner;
  const ServiceCall *call = service_call_get (invocation);
  guint uid = service_caller_get_uid (call->caller);
  GVariantBuilder objects;

  g_variant_builder_init (&objects, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = self->items->pdata[i];
      gboolean own = service_job_get_uid (item->job) == uid;

      if (item->export != 0 && (own || !call->only_own))
        g_variant_builder_add (&objects, "{o@a{sa{sv}}}", service_job_get_path (item->job),
                               describe_interfaces (item->job, own || call->trusted));
    }
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(a{oa{sa{sv}}})", &objects));
}

const ServiceInterface *
service_jobs_get_interface (void)
{
  static const ServiceInterface interface = { consider_object_manager, call_object_manager, NULL };

  return &interface;
}

static void
service_jobs_finalize (GObject *object)
{
  ServiceJobs *self = SERVICE_JOBS (object);

  g_ptr_array_unref (self->items);
  service_quota_free (self->quota);
  G_OBJECT_CLASS (service_jobs_parent_class)->finalize (object);
}

static void
service_jobs_class_init (ServiceJobsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_jobs_finalize;
}

static void
service_jobs_init (ServiceJobs *self)
{
  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)item_free);
}

ServiceJobs *
service_jobs_new (const ServiceContext *context, ServiceHold *hold, guint retention_seconds)
{
  ServiceJobs *self = g_object_new (SERVICE_TYPE_JOBS, NULL);

  self->context = context;
  self->hold = hold;
  self->retention_seconds = retention_seconds;
  self->quota = service_quota_new (N_ ("jobs run"), context->limits->jobs, context->limits->jobs_per_user);
  return self;
}
