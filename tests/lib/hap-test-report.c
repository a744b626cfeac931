/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The report of a test: it stands where the worker's connection to the service is.
 */

#include "hap-test-report.h"

#include <glib/gstdio.h>

struct _HapTestReport
{
  GObject parent_instance;

  char *directory;
  GHashTable *created; /* names of artifacts that were begun */
  GPtrArray *committed;
  GPtrArray *notifications;
  GPtrArray *entries;
  GVariant *summary;
  double progress;
  HapTestReportFunc on_entry, on_progress;
  gpointer on_entry_data, on_progress_data;
};

static void hap_test_report_iface_init (HapReportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapTestReport,
                               hap_test_report,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_REPORT, hap_test_report_iface_init))

static gint64
get_start_time (HapReport *report)
{
  return 1700000000000000;
}

static gboolean
entry (HapReport *report, const char *message, GVariant *fields, GError **error)
{
  HapTestReport *self = HAP_TEST_REPORT (report);
  g_auto (GVariantDict) dict;

  g_variant_dict_init (&dict, fields);
  g_variant_dict_insert (&dict, "message", "s", message);
  g_ptr_array_add (self->entries, g_variant_ref_sink (g_variant_dict_end (&dict)));
  if (self->on_entry != NULL)
    self->on_entry (self, self->on_entry_data);
  return TRUE;
}

static gboolean
progress (HapReport *report, double fraction, GError **error)
{
  HapTestReport *self = HAP_TEST_REPORT (report);

  g_assert_cmpfloat (fraction, >=, self->progress);
  self->progress = fraction;
  if (self->on_progress != NULL)
    self->on_progress (self, self->on_progress_data);
  return TRUE;
}

static gboolean
summarize (HapReport *report, GVariant *summary, GError **error)
{
  HapTestReport *self = HAP_TEST_REPORT (report);

  g_clear_pointer (&self->summary, g_variant_unref);
  self->summary = g_variant_ref (summary);
  return TRUE;
}

static gboolean
notify (HapReport *report, const char *id, const char *title, const char *message, GError **error)
{
  g_ptr_array_add (HAP_TEST_REPORT (report)->notifications, g_strdup_printf ("%s|%s|%s", id, title, message));
  return TRUE;
}

static GOutputStream *
create_artifact (HapReport *report, const char *name, const char *mime, const char *title, GError **error)
{
  HapTestReport *self = HAP_TEST_REPORT (report);
  g_autofree char *path = hap_test_report_get_path (self, name);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  g_assert_true (g_hash_table_add (self->created, g_strdup (name)));
  return G_OUTPUT_STREAM (g_file_create (file, G_FILE_CREATE_PRIVATE, NULL, error));
}

static gboolean
commit_artifact (HapReport *report, const char *name, GError **error)
{
  HapTestReport *self = HAP_TEST_REPORT (report);

  g_assert_true (g_hash_table_contains (self->created, name));
  g_ptr_array_add (self->committed, g_strdup (name));
  return TRUE;
}

static void
hap_test_report_finalize (GObject *object)
{
  HapTestReport *self = HAP_TEST_REPORT (object);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->created);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autofree char *path = hap_test_report_get_path (self, name);

      g_unlink (path);
    }
  g_rmdir (self->directory);
  g_free (self->directory);
  g_hash_table_unref (self->created);
  g_ptr_array_unref (self->committed);
  g_ptr_array_unref (self->notifications);
  g_ptr_array_unref (self->entries);
  g_clear_pointer (&self->summary, g_variant_unref);
  G_OBJECT_CLASS (hap_test_report_parent_class)->finalize (object);
}

static void
hap_test_report_iface_init (HapReportInterface *iface)
{
  iface->get_start_time = get_start_time;
  iface->entry = entry;
  iface->progress = progress;
  iface->summarize = summarize;
  iface->notify = notify;
  iface->create_artifact = create_artifact;
  iface->commit_artifact = commit_artifact;
}

static void
hap_test_report_class_init (HapTestReportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_test_report_finalize;
}

static void
hap_test_report_init (HapTestReport *self)
{
  g_autoptr (GError) error = NULL;

  self->directory = g_dir_make_tmp ("hap-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->created = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->committed = g_ptr_array_new_with_free_func (g_free);
  self->notifications = g_ptr_array_new_with_free_func (g_free);
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
}

HapTestReport *
hap_test_report_new (void)
{
  return g_object_new (HAP_TEST_TYPE_REPORT, NULL);
}

GVariant *
hap_test_report_get_summary (HapTestReport *self)
{
  return self->summary;
}

double
hap_test_report_get_progress (HapTestReport *self)
{
  return self->progress;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GStrv
hap_test_report_list_artifacts (HapTestReport *self)
{
  GStrv names = g_new0 (char *, self->committed->len + 1);

  g_ptr_array_sort (self->committed, compare_names);
  for (guint i = 0; i < self->committed->len; i++)
    names[i] = g_strdup (self->committed->pdata[i]);
  return names;
}

char *
hap_test_report_get_path (HapTestReport *self, const char *name)
{
  return g_build_filename (self->directory, name, NULL);
}

GPtrArray *
hap_test_report_get_notifications (HapTestReport *self)
{
  return self->notifications;
}

GPtrArray *
hap_test_report_get_entries (HapTestReport *self)
{
  return self->entries;
}

void
hap_test_report_set_on_entry (HapTestReport *self, HapTestReportFunc func, gpointer data)
{
  self->on_entry = func;
  self->on_entry_data = data;
}

void
hap_test_report_set_on_progress (HapTestReport *self, HapTestReportFunc func, gpointer data)
{
  self->on_progress = func;
  self->on_progress_data = data;
}
