/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names of targets, and the choice among them. Finding them is service-discovery.c's; holding one,
 * service-process.c's. What is chosen by name is the very process that was looked at, never its pid opened
 * again.
 */

#include "service-targets.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-error.h"
#include "service-discovery.h"
#include "service-language.h"
#include "service-text.h"

#define HOME_ASSISTANT "home-assistant"
#define MAX_CANDIDATES 10
#define MAX_WAITING 64
#define FORGET_SECONDS 300

struct _ServiceTargets
{
  GObject parent_instance;

  ServiceLauncher *launcher;
  char *configured;
  GPtrArray *looking;  /* tasks that wait for the look that is under way; NULL: none is */
  GPtrArray *waiting;  /* tasks that came too late for it */
  GPtrArray *left_out; /* see service-discovery */
  gint64 forgotten;    /* when that was emptied, since a process may have been slow but once; monotonic */
};

G_DEFINE_FINAL_TYPE (ServiceTargets, service_targets, G_TYPE_OBJECT)

static gboolean
fail_parse (GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
               _ ("“target” must be the number of a process, or a name that ListTargets shows"));
  return FALSE;
}

static gboolean
parse_number (GVariant *target, gint64 *number)
{
  switch (g_variant_classify (target))
    {
    case G_VARIANT_CLASS_BYTE:
      *number = g_variant_get_byte (target);
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      *number = g_variant_get_int16 (target);
      return TRUE;
    case G_VARIANT_CLASS_UINT16:
      *number = g_variant_get_uint16 (target);
      return TRUE;
    case G_VARIANT_CLASS_INT32:
      *number = g_variant_get_int32 (target);
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      *number = g_variant_get_uint32 (target);
      return TRUE;
    case G_VARIANT_CLASS_INT64:
      *number = g_variant_get_int64 (target);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      *number = (gint64)MIN (g_variant_get_uint64 (target), (guint64)G_MAXINT64);
      return TRUE;
    case G_VARIANT_CLASS_STRING:
      return g_ascii_string_to_signed (g_variant_get_string (target, NULL), 10, G_MININT64, G_MAXINT64,
                                       number, NULL);
    default:
      return FALSE;
    }
}

gboolean
service_targets_parse (GVariant *target, guint *pid, char **name, GError **error)
{
  gint64 number;
  const char *text;

  if (parse_number (target, &number))
    {
      if (number <= 0 || number > G_MAXINT32)
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                       _ ("“target”: %lld is not the number of a process"), (long long)number);
          return FALSE;
        }
      *pid = (guint)number;
      *name = NULL;
      return TRUE;
    }

  if (!g_variant_is_of_type (target, G_VARIANT_TYPE_STRING))
    return fail_parse (error);
  text = g_variant_get_string (target, NULL);
  /* Digits that are no number are no name either: service_targets_make_unique() gives none such. */
  if (!service_text_is_name (text, 80) || strspn (text, "0123456789") == strlen (text))
    return fail_parse (error);
  *pid = 0;
  *name = g_strdup (text);
  return TRUE;
}

/* What people call it, whatever else is called so. */
static const char *
get_base_name (const ServiceTarget *target)
{
  if (target->home_assistant)
    return HOME_ASSISTANT;
  if (g_str_has_prefix (target->name, HOME_ASSISTANT)
      || strspn (target->name, "0123456789") == strlen (target->name))
    return "python";
  return target->name;
}

void
service_targets_make_unique (GPtrArray *targets)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < targets->len; i++)
    {
      const char *base = get_base_name (targets->pdata[i]);
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, base));

      g_hash_table_insert (counts, g_strdup (base), GUINT_TO_POINTER (n + 1));
    }

  for (guint i = 0; i < targets->len; i++)
    {
      ServiceTarget *target = targets->pdata[i];
      const char *base = get_base_name (target);
      gboolean alone = GPOINTER_TO_UINT (g_hash_table_lookup (counts, base)) == 1;
      g_autofree char *name = alone ? g_strdup (base) : g_strdup_printf ("%s-%u", base, target->pid);

      g_free (target->name);
      target->name = g_steal_pointer (&name);
    }
}

static void on_discovered (GObject *source, GAsyncResult *result, gpointer data);

static void
start_look (ServiceTargets *self)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting);
  const ServiceLanguage *language = g_task_get_task_data (waiting->pdata[0]);
  gint64 now = g_get_monotonic_time ();
  SERVICE_SPEAKS (language);

  if (now - self->forgotten > FORGET_SECONDS * G_USEC_PER_SEC)
    {
      g_ptr_array_set_size (self->left_out, 0);
      self->forgotten = now;
    }
  self->looking = g_ptr_array_new_with_free_func (g_object_unref);
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    g_ptr_array_add (g_task_get_task_data (waiting->pdata[i]) == language ? self->looking : self->waiting,
                     g_object_ref (waiting->pdata[i]));
  service_discover (self->launcher, self->left_out, on_discovered, g_object_ref (self));
}

static void
on_discovered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (ServiceTargets) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) targets = service_discover_finish (result, &error);
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->looking);

  if (targets != NULL)
    service_targets_make_unique (targets);
  for (guint i = 0; i < tasks->len; i++)
    {
      if (targets != NULL)
        g_task_return_pointer (tasks->pdata[i], g_ptr_array_ref (targets), (GDestroyNotify)g_ptr_array_unref);
      else
        g_task_return_error (tasks->pdata[i], g_error_copy (error));
    }
  if (self->waiting->len > 0)
    start_look (self);
}

/* Returns all targets. Callers of one language share looks, but nobody gets the result of one that began
 * before they asked. The task's data is the language. */
static void
look (ServiceTargets *self, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (self, NULL, callback, data);

  g_task_set_source_tag (task, look);
  g_task_set_task_data (task, (gpointer)service_language_get_current (), NULL);
  if (self->waiting->len >= MAX_WAITING)
    {
      g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_BUSY,
                               _ ("Too many callers wait for the targets: call again later"));
      g_object_unref (task);
      return;
    }
  g_ptr_array_add (self->waiting, task);
  if (self->looking == NULL)
    start_look (self);
}

static GPtrArray *
look_finish (ServiceTargets *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
add_text (GVariantBuilder *builder, const char *key, const char *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (text));
}

static GVariant *
describe (const ServiceTarget *target)
{
  ServiceProcess *process = target->process;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "pid", g_variant_new_uint32 (service_process_get_pid (process)));
  g_variant_builder_add (&builder, "{sv}", "uid", g_variant_new_uint32 (service_process_get_uid (process)));
  add_text (&builder, "name", target->name);
  add_text (&builder, "command", target->command != NULL ? target->command : "");
  add_text (&builder, "python", target->python);
  g_variant_builder_add (&builder, "{sv}", "supported", g_variant_new_boolean (target->supported));
  if (!target->supported)
    add_text (&builder, "reason", target->reason);
  g_variant_builder_add (&builder, "{sv}", "home_assistant", g_variant_new_boolean (target->home_assistant));
  add_text (&builder, "home_assistant_version", target->home_assistant_version);
  g_variant_builder_add (&builder, "{sv}", "container",
                         g_variant_new_boolean (service_process_is_contained (process)));
  return g_variant_builder_end (&builder);
}

static void
on_looked_for_list (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GPtrArray) targets = look_finish (SERVICE_TARGETS (source), result, &error);
  GVariantBuilder builder;

  if (targets == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < targets->len; i++)
    g_variant_builder_add_value (&builder, describe (targets->pdata[i]));
  g_task_return_pointer (task, g_variant_builder_end (&builder), (GDestroyNotify)g_variant_unref);
}

void
service_targets_list (ServiceTargets *self, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (self, NULL, callback, data);

  g_task_set_source_tag (task, service_targets_list);
  look (self, on_looked_for_list, task);
}

GVariant *
service_targets_list_finish (ServiceTargets *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* "3 Python processes run here: home-assistant (12), worker (14), python (15)" */
static char *
enumerate (GPtrArray *targets)
{
  GString *text = g_string_new (NULL);

  if (targets->len == 0)
    g_string_append (text, _ ("No Python process runs here that the service may see"));
  else
    g_string_append_printf (
        text, ngettext ("One Python process runs here:", "%u Python processes run here:", targets->len),
        targets->len);

  for (guint i = 0; i < MIN (targets->len, MAX_CANDIDATES); i++)
    {
      const ServiceTarget *target = targets->pdata[i];

      g_string_append_printf (text, "%s %s (%u)", i > 0 ? "," : "", target->name, target->pid);
    }
  if (targets->len > MAX_CANDIDATES)
    g_string_append_printf (text, _ (" and %u more"), targets->len - MAX_CANDIDATES);
  return g_string_free (text, FALSE);
}

/* Those that are called @name, with their pid behind it. */
static GPtrArray *
find_namesakes (GPtrArray *targets, const char *name)
{
  GPtrArray *namesakes = g_ptr_array_new ();

  for (guint i = 0; i < targets->len; i++)
    {
      const ServiceTarget *target = targets->pdata[i];
      g_autofree char *full = g_strdup_printf ("%s-%u", name, target->pid);

      if (g_str_equal (target->name, full))
        g_ptr_array_add (namesakes, targets->pdata[i]);
    }
  return namesakes;
}

static ServiceTarget *
choose_by_name (GPtrArray *targets, const char *name, GError **error)
{
  g_autoptr (GPtrArray) namesakes = find_namesakes (targets, name);
  g_autofree char *there = NULL;

  for (guint i = 0; i < targets->len; i++)
    {
      ServiceTarget *target = targets->pdata[i];

      if (g_str_equal (target->name, name))
        return target;
    }

  there = enumerate (namesakes->len > 0 ? namesakes : targets);
  if (namesakes->len > 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_AMBIGUOUS_TARGET,
                   _ ("More than one process is called “%s”: say which one by “target”. %s"), name, there);
      return NULL;
    }
  g_set_error (error, HAP_ERROR, HAP_ERROR_NO_TARGET, _ ("There is no target “%s”. %s"), name, there);
  return NULL;
}

static ServiceTarget *
choose_home_assistant (GPtrArray *targets, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autofree char *there = NULL;

  for (guint i = 0; i < targets->len; i++)
    {
      const ServiceTarget *target = targets->pdata[i];

      if (target->home_assistant)
        g_ptr_array_add (found, targets->pdata[i]);
    }
  if (found->len == 1)
    return found->pdata[0];

  there = enumerate (found->len > 1 ? found : targets);
  if (found->len > 1)
    g_set_error (error, HAP_ERROR, HAP_ERROR_AMBIGUOUS_TARGET,
                 _ ("More than one Home Assistant runs here: say which one by “target”. %s"), there);
  else
    g_set_error (error, HAP_ERROR, HAP_ERROR_NO_TARGET,
                 _ ("No Home Assistant runs here: say what is meant by “target”. %s"), there);
  return NULL;
}

/* @task's data: the name, or NULL */
static void
on_looked_for_one (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const char *name = g_task_get_task_data (task);
  SERVICE_SPEAKS (g_task_get_task_data (G_TASK (result)));
  GError *error = NULL;
  g_autoptr (GPtrArray) targets = look_finish (SERVICE_TARGETS (source), result, &error);
  ServiceTarget *target = NULL;

  if (targets != NULL && name != NULL)
    target = choose_by_name (targets, name, &error);
  else if (targets != NULL)
    target = choose_home_assistant (targets, &error);

  if (target == NULL)
    g_task_return_error (task, error);
  else if (!target->supported)
    g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                             _ (_ ("%s (%u) cannot be profiled: %s")), target->name, target->pid,
                             target->reason);
  else
    g_task_return_pointer (task, service_process_ref (target->process),
                           (GDestroyNotify)service_process_unref);
}

static void
resolve_pid (ServiceTargets *self, GTask *task, guint pid)
{
  GError *error = NULL;
  ServiceProcess *process;

  if (service_launcher_owns (self->launcher, pid))
    {
      g_task_return_new_error (task, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                               _ ("Process %u is the profiler itself: it does not profile itself"), pid);
      return;
    }
  process = service_process_open (pid, &error);
  if (process != NULL)
    g_task_return_pointer (task, process, (GDestroyNotify)service_process_unref);
  else
    g_task_return_error (task, error);
}

void
service_targets_resolve (ServiceTargets *self, GVariant *target, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, data);
  g_autoptr (GVariant) meant = NULL;
  GError *error = NULL;
  guint pid = 0;
  char *name = NULL;

  g_task_set_source_tag (task, service_targets_resolve);
  if (target != NULL)
    meant = g_variant_ref_sink (target);
  else if (self->configured != NULL)
    meant = g_variant_ref_sink (g_variant_new_string (self->configured));

  if (meant != NULL && !service_targets_parse (meant, &pid, &name, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (pid != 0)
    {
      resolve_pid (self, task, pid);
      return;
    }
  g_task_set_task_data (task, name, g_free);
  look (self, on_looked_for_one, g_steal_pointer (&task));
}

ServiceProcess *
service_targets_resolve_finish (ServiceTargets *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
service_targets_finalize (GObject *object)
{
  ServiceTargets *self = SERVICE_TARGETS (object);

  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  g_clear_pointer (&self->left_out, g_ptr_array_unref);
  g_clear_object (&self->launcher);
  g_free (self->configured);
  G_OBJECT_CLASS (service_targets_parent_class)->finalize (object);
}

static void
service_targets_class_init (ServiceTargetsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = service_targets_finalize;
}

static void
service_targets_init (ServiceTargets *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  self->left_out = g_ptr_array_new_with_free_func ((GDestroyNotify)service_process_unref);
}

ServiceTargets *
service_targets_new (ServiceLauncher *launcher, const char *configured)
{
  ServiceTargets *self = g_object_new (SERVICE_TYPE_TARGETS, NULL);

  self->launcher = g_object_ref (launcher);
  self->configured = g_strdup (configured);
  return self;
}
