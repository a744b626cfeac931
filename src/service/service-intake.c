/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a worker tells. A worker may be in the hands of its target, so that every text, number, size and rate
 * is checked here, and the first that cannot come from an honest worker ends it. A plain failure (a full
 * disk, a name that is taken) is answered as an error.
 */

#include "service-intake.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "hap-error.h"
#include "service-language.h"
#include "service-text.h"

#define MAX_ARTIFACTS 32

/* How often what a worker writes is looked at. */
#define SIZE_INTERVAL_MS 1000

#define MAX_ENTRY_BYTES (256 * 1024)
#define MAX_SUMMARY_BYTES (512 * 1024)
#define MAX_TITLE 256
#define MAX_MESSAGE 4096
/* An entry costs some bytes besides its length. */
#define ENTRY_COST 256

typedef struct
{
  ServiceArtifact *file; /* NULL once the worker is gone */
  char *name;
  char *mime;
  char *title;
  guint64 size; /* when it was committed */
  gboolean committed;
} Artifact;

struct _ServiceIntake
{
  ServiceArtifacts *store;
  const ServiceLimits *limits;
  char *action;
  guint target;
  guint owner_uid;
  gboolean keep_entries;
  const ServiceIntakeFuncs *funcs;
  gpointer owner;

  double progress;
  GVariant *summary;
  GPtrArray *artifacts;            /* of Artifact */
  GPtrArray *entries;              /* of GVariant, `a{sv}` */
  guint size_timer;                /* 0: there are none */
  const ServiceLanguage *language; /* of whom it is made for */
  double entry_credit;             /* bytes */
  gint64 credited_at;
};

static void
artifact_free (Artifact *artifact)
{
  g_clear_pointer (&artifact->file, service_artifact_free);
  g_free (artifact->name);
  g_free (artifact->mime);
  g_free (artifact->title);
  g_free (artifact);
}

static const char *
take_progress (ServiceIntake *self, GVariant *parameters)
{
  double fraction;

  g_variant_get (parameters, "(d)", &fraction);
  /* Also FALSE for NaN. */
  if (!(fraction >= 0.0 && fraction <= 1.0))
    return "its progress is not between 0 and 1";
  if (fraction != self->progress)
    {
      self->progress = fraction;
      self->funcs->changed (self->owner, "Progress");
    }
  return NULL;
}

/* A report is as long as that at most, a log as fast; an honest action may come to it, and is told. */
static gboolean
spend_entry_credit (ServiceIntake *self, gsize size, GError **error)
{
  gint64 now = g_get_monotonic_time ();

  if (!self->keep_entries)
    self->entry_credit +=
        (double)(now - self->credited_at) / G_USEC_PER_SEC * self->limits->entry_bytes_per_second;
  self->entry_credit = MIN (self->entry_credit, (double)self->limits->entry_burst_bytes);
  self->credited_at = now;
  if (self->entry_credit < size + ENTRY_COST)
    {
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_NO_SPACE,
          _ ("The report is too long, or grows too fast: ask for less at once, or raise EntryBurstBytes "
             "in ha-profilerd.conf"));
      return FALSE;
    }
  self->entry_credit -= size + ENTRY_COST;
  return TRUE;
}

/* @entry: `a{sv}` */
static const char *
take_entry (ServiceIntake *self, GVariant *entry, GError **error)
{
  gsize size = g_variant_get_size (entry);
  const char *message;

  if (!g_variant_lookup (entry, "message", "&s", &message))
    return "an entry has no message";
  if (size > MAX_ENTRY_BYTES)
    return "an entry is too long";
  if (service_text_has_handle (entry))
    return "an entry has a handle in it";
  if (!spend_entry_credit (self, size, error))
    return NULL;
  /* As it came: a part of the bytes of them all. */
  if (self->keep_entries)
    g_ptr_array_add (self->entries, g_variant_ref (entry));
  self->funcs->entry (self->owner, message, entry);
  return NULL;
}

static const char *
take_entries (ServiceIntake *self, GVariant *parameters, GError **error)
{
  g_autoptr (GVariant) packed = g_variant_get_child_value (parameters, 0);
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (packed);
  g_autoptr (GVariant) entries =
      g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("aa{sv}"), bytes, FALSE));
  const char *broken = NULL;
  GError *failure = NULL;

  if (!g_variant_is_normal_form (entries))
    return "its entries are malformed";
  for (gsize i = 0; i < g_variant_n_children (entries) && broken == NULL && failure == NULL; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (entries, i);

      broken = take_entry (self, entry, &failure);
    }
  if (failure != NULL)
    g_propagate_error (error, failure);
  return broken;
}

static const char *
take_summary (ServiceIntake *self, GVariant *parameters)
{
  g_autoptr (GVariant) summary = g_variant_get_child_value (parameters, 0);

  if (g_variant_get_size (summary) > MAX_SUMMARY_BYTES)
    return "its summary is too long";
  if (service_text_has_handle (summary))
    return "its summary has a handle in it";
  g_variant_unref (self->summary);
  self->summary = g_steal_pointer (&summary);
  self->funcs->changed (self->owner, "Summary");
  return NULL;
}

static const char *
take_notification (ServiceIntake *self, GVariant *parameters)
{
  const char *id, *title, *message;
  g_autofree char *shown_title = NULL;
  g_autofree char *shown_message = NULL;

  g_variant_get (parameters, "(&s&s&s)", &id, &title, &message);
  if (!service_text_is_name (id, 128))
    return "the id of a notification is none";
  shown_title = service_text_escape (title, MAX_TITLE, FALSE);
  shown_message = service_text_escape (message, MAX_MESSAGE, TRUE);
  if (!self->funcs->notify (self->owner, id, shown_title, shown_message))
    return "it sends too many notifications";
  return NULL;
}

static Artifact *
find_artifact (ServiceIntake *self, const char *name)
{
  for (guint i = 0; i < self->artifacts->len; i++)
    {
      Artifact *artifact = self->artifacts->pdata[i];

      if (g_str_equal (artifact->name, name))
        return artifact;
    }
  return NULL;
}

static guint64
sum_sizes (ServiceIntake *self)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->artifacts->len; i++)
    {
      const Artifact *artifact = self->artifacts->pdata[i];

      sum += service_artifact_get_size (artifact->file);
    }
  return sum;
}

/* A worker writes as it likes once it has a descriptor. */
static gboolean
check_size (ServiceIntake *self, GError **error)
{
  g_autofree char *most = NULL;

  if (sum_sizes (self) <= self->limits->job_artifact_bytes)
    return TRUE;
  most = g_format_size_full (self->limits->job_artifact_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_NO_SPACE,
      _ ("The artifacts are larger than %s together: ask for less at once, or raise JobArtifactBytes in "
         "ha-profilerd.conf"),
      most);
  return FALSE;
}

static gboolean
on_size_time (gpointer data)
{
  ServiceIntake *self = data;
  SERVICE_SPEAKS (self->language);
  GError *error = NULL;

  if (check_size (self, &error))
    return G_SOURCE_CONTINUE;
  self->size_timer = 0;
  self->funcs->overrun (self->owner, error);
  return G_SOURCE_REMOVE;
}

static const char *
create_artifact (ServiceIntake *self,
                 GVariant *parameters,
                 GVariant **answer,
                 GUnixFDList *fds,
                 GError **error)
{
  const char *name, *mime, *title;
  g_autofree char *shown_title = NULL;
  ServiceArtifactInfo info = { .action = self->action, .target = self->target, .owner = self->owner_uid };
  ServiceArtifact *file;
  Artifact *artifact;
  gint handle;

  g_variant_get (parameters, "(&s&s&s)", &name, &mime, &title);
  if (!service_text_is_name (name, 128) || !service_text_is_mime (mime))
    return "the name or the type of an artifact is none";
  if (self->artifacts->len >= MAX_ARTIFACTS)
    return "its artifacts are too many";
  if (find_artifact (self, name) != NULL)
    return "it creates an artifact twice";
  if (!check_size (self, error))
    return NULL;

  shown_title = service_text_escape (title, MAX_TITLE - 1, FALSE);
  info.mime = mime;
  info.title = shown_title;
  file = service_artifacts_create (self->store, name, &info, error);
  if (file == NULL)
    return NULL;

  artifact = g_new0 (Artifact, 1);
  artifact->file = file;
  artifact->name = g_strdup (name);
  artifact->mime = g_strdup (mime);
  artifact->title = g_steal_pointer (&shown_title);
  g_ptr_array_add (self->artifacts, artifact);
  if (self->size_timer == 0)
    self->size_timer = g_timeout_add (SIZE_INTERVAL_MS, on_size_time, self);
  handle = g_unix_fd_list_append (fds, service_artifact_get_fd (file), error);
  if (handle >= 0)
    *answer = g_variant_new ("(h)", handle);
  return NULL;
}

static const char *
commit_artifact (ServiceIntake *self, GVariant *parameters, GError **error)
{
  const char *name;
  Artifact *artifact;

  g_variant_get (parameters, "(&s)", &name);
  artifact = find_artifact (self, name);
  if (artifact == NULL || artifact->committed)
    return "it commits an artifact that it does not write";
  if (!check_size (self, error))
    return NULL;

  artifact->size = service_artifact_get_size (artifact->file);
  if (!service_artifact_commit (artifact->file, error))
    {
      g_ptr_array_remove (self->artifacts, artifact);
      return NULL;
    }
  artifact->committed = TRUE;
  self->funcs->changed (self->owner, "Artifacts");
  return NULL;
}

const char *
service_intake_take (ServiceIntake *self, GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GVariant *answer = NULL;
  GError *error = NULL;
  const char *broken;

  if (g_str_equal (method, "Progress"))
    broken = take_progress (self, parameters);
  else if (g_str_equal (method, "Entries"))
    broken = take_entries (self, parameters, &error);
  else if (g_str_equal (method, "Summarize"))
    broken = take_summary (self, parameters);
  else if (g_str_equal (method, "Notify"))
    broken = take_notification (self, parameters);
  else if (g_str_equal (method, "CreateArtifact"))
    broken = create_artifact (self, parameters, &answer, fds, &error);
  else if (g_str_equal (method, "CommitArtifact"))
    broken = commit_artifact (self, parameters, &error);
  else
    broken = "it calls what there is not";

  if (broken != NULL)
    error = g_error_new_literal (HAP_ERROR, HAP_ERROR_FAILED, broken);
  if (error != NULL)
    {
      hap_error_convert (&error);
      g_dbus_method_invocation_take_error (invocation, error);
    }
  else
    g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, answer, fds);
  return broken;
}

void
service_intake_close (ServiceIntake *self)
{
  g_clear_handle_id (&self->size_timer, g_source_remove);
  for (guint i = self->artifacts->len; i > 0; i--)
    {
      Artifact *artifact = self->artifacts->pdata[i - 1];

      gboolean sound = artifact->committed && service_artifact_get_size (artifact->file) == artifact->size;

      if (artifact->committed && !sound)
        service_artifacts_remove (self->store, artifact->name, NULL, NULL);
      g_clear_pointer (&artifact->file, service_artifact_free);
      if (!sound)
        g_ptr_array_remove_index (self->artifacts, i - 1);
    }
}

double
service_intake_get_progress (ServiceIntake *self)
{
  return self->progress;
}

GVariant *
service_intake_get_summary (ServiceIntake *self)
{
  return self->summary;
}

GVariant *
service_intake_get_artifacts (ServiceIntake *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < self->artifacts->len; i++)
    {
      const Artifact *artifact = self->artifacts->pdata[i];

      if (!artifact->committed)
        continue;
      g_variant_builder_open (&builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&builder, "{sv}", "name", g_variant_new_string (artifact->name));
      g_variant_builder_add (&builder, "{sv}", "size", g_variant_new_uint64 (artifact->size));
      g_variant_builder_add (&builder, "{sv}", "mime", g_variant_new_string (artifact->mime));
      g_variant_builder_add (&builder, "{sv}", "title", g_variant_new_string (artifact->title));
      g_variant_builder_close (&builder);
    }
  return g_variant_builder_end (&builder);
}

GVariant *
service_intake_get_entries (ServiceIntake *self)
{
  return g_variant_new_array (G_VARIANT_TYPE_VARDICT, (GVariant *const *)self->entries->pdata,
                              self->entries->len);
}

ServiceIntake *
service_intake_new (ServiceArtifacts *artifacts,
                    const ServiceLimits *limits,
                    const ServiceArtifactInfo *info,
                    gboolean keep_entries,
                    const ServiceIntakeFuncs *funcs,
                    gpointer owner)
{
  ServiceIntake *self = g_new0 (ServiceIntake, 1);

  self->store = g_object_ref (artifacts);
  self->limits = limits;
  self->action = g_strdup (info->action);
  self->target = info->target;
  self->owner_uid = info->owner;
  self->keep_entries = keep_entries;
  self->funcs = funcs;
  self->owner = owner;
  self->summary = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  self->artifacts = g_ptr_array_new_with_free_func ((GDestroyNotify)artifact_free);
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  self->entry_credit = (double)limits->entry_burst_bytes;
  self->credited_at = g_get_monotonic_time ();
  self->language = service_language_get_current ();
  return self;
}

void
service_intake_free (ServiceIntake *self)
{
  g_clear_handle_id (&self->size_timer, g_source_remove);
  g_ptr_array_unref (self->artifacts);
  g_ptr_array_unref (self->entries);
  g_variant_unref (self->summary);
  g_object_unref (self->store);
  g_free (self->action);
  g_free (self);
}
