/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An action of a third party: LogMappings says which files a process has mapped, the largest first. Built
 * against the installed headers alone; README.md says how.
 */

#include <ha-profiler/hap-plugin.h>
#include <ha-profiler/hap-target.h>

#define MAPPINGS_TYPE_LOG (mappings_log_get_type ())
G_DECLARE_FINAL_TYPE (MappingsLog, mappings_log, MAPPINGS, LOG, HapAction)

struct _MappingsLog
{
  HapAction parent_instance;

  guint limit;
};

enum
{
  PROP_LIMIT = 1,
};

G_DEFINE_FINAL_TYPE (MappingsLog, mappings_log, HAP_TYPE_ACTION)

typedef struct
{
  const char *path;
  guint64 size;
} File;

static int
compare_files (gconstpointer a, gconstpointer b)
{
  const File *first = a;
  const File *second = b;

  return (first->size < second->size) - (first->size > second->size);
}

/* Returns: (transfer full) (element-type File): each file once; its path is the maps' */
static GArray *
sum_up (HapMaps *maps)
{
  g_autoptr (GHashTable) indices = g_hash_table_new (g_str_hash, g_str_equal);
  GArray *files = g_array_new (FALSE, FALSE, sizeof (File));

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      File file = { mapping->path, mapping->end - mapping->start };
      gpointer index;

      if (mapping->path[0] != '/')
        continue;
      if (g_hash_table_lookup_extended (indices, mapping->path, NULL, &index))
        {
          g_array_index (files, File, GPOINTER_TO_UINT (index)).size += file.size;
          continue;
        }
      g_hash_table_insert (indices, (gpointer)mapping->path, GUINT_TO_POINTER (files->len));
      g_array_append_val (files, file);
    }
  g_array_sort (files, compare_files);
  return files;
}

/* Runs in a worker, which has no right but to read this one process. */
static gboolean
mappings_log_run (HapAction *action,
                  HapTarget *target,
                  HapReport *report,
                  GCancellable *cancellable,
                  GError **error)
{
  MappingsLog *self = MAPPINGS_LOG (action);
  HapMaps *maps = hap_target_get_maps (target, error);
  g_autoptr (GArray) files = maps != NULL ? sum_up (maps) : NULL;

  for (guint i = 0; files != NULL && i < MIN (files->len, self->limit); i++)
    {
      const File *file = &g_array_index (files, File, i);
      g_autofree char *message =
          g_strdup_printf ("%" G_GUINT64_FORMAT " KiB: %s", file->size / 1024, file->path);
      GVariantDict fields;

      g_variant_dict_init (&fields, NULL);
      g_variant_dict_insert (&fields, "path", "s", file->path);
      g_variant_dict_insert (&fields, "size", "t", file->size);
      if (!hap_report_entry (report, message, g_variant_dict_end (&fields), error))
        return FALSE;
    }
  return files != NULL;
}

static void
mappings_log_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  MAPPINGS_LOG (object)->limit = g_value_get_uint (value);
}

static void
mappings_log_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, MAPPINGS_LOG (object)->limit);
}

static void
mappings_log_class_init (MappingsLogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->set_property = mappings_log_set_property;
  object_class->get_property = mappings_log_get_property;
  action_class->method = "LogMappings";
  action_class->summary = "List the files that a process has mapped, the largest first";
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = mappings_log_run;

  /* A data attribute: a key of the D-Bus method, an option of the command, a line of the manual. */
  g_object_class_install_property (
      object_class, PROP_LIMIT,
      g_param_spec_uint ("limit", "Limit", "How many files to list at most", 1, 1000, 10, HAP_PARAM_DATA));
}

static void
mappings_log_init (MappingsLog *self)
{
}

HAP_DEFINE_PLUGIN (MappingsPlugin, mappings_plugin, MAPPINGS_TYPE_LOG)
