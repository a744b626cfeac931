/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration file. A key that is misspelt would leave a limit as it was, unnoticed: what is not known
 * is an error.
 */

#include "service-configuration.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-error.h"

#define GROUP_SERVICE "Service"
#define GROUP_LIMITS "Limits"
#define DAY (24 * 60 * 60)

typedef enum
{
  COUNT,
  SIZE, /* bytes: a guint64; K, M and G may follow */
  DAYS, /* seconds: a guint64 */
} Kind;

typedef struct
{
  const char *group, *key;
  Kind kind;
  gsize offset;
  guint64 minimum, maximum;
} Setting;

#define OFFSET(member) G_STRUCT_OFFSET (ServiceConfiguration, member)

static const Setting settings[] = {
  { GROUP_SERVICE, "IdleSeconds", COUNT, OFFSET (idle_seconds), 0, DAY },
  { GROUP_SERVICE, "RetentionSeconds", COUNT, OFFSET (retention_seconds), 0, DAY },
  { GROUP_LIMITS, "Jobs", COUNT, OFFSET (limits.jobs), 1, 1000 },
  { GROUP_LIMITS, "JobsPerUser", COUNT, OFFSET (limits.jobs_per_user), 1, 1000 },
  { GROUP_LIMITS, "Calls", COUNT, OFFSET (limits.calls), 1, 10000 },
  { GROUP_LIMITS, "CallsPerUser", COUNT, OFFSET (limits.calls_per_user), 1, 10000 },
  { GROUP_LIMITS, "Subscribers", COUNT, OFFSET (limits.subscribers), 0, 10000 },
  { GROUP_LIMITS, "SubscribersPerUser", COUNT, OFFSET (limits.subscribers_per_user), 0, 10000 },
  { GROUP_LIMITS, "EntryBytesPerSecond", SIZE, OFFSET (limits.entry_bytes_per_second), 1024, G_MAXINT64 },
  { GROUP_LIMITS, "EntryBurstBytes", SIZE, OFFSET (limits.entry_burst_bytes), 4096, 64 * 1024 * 1024 },
  { GROUP_LIMITS, "JobArtifactBytes", SIZE, OFFSET (limits.job_artifact_bytes), 4096, G_MAXINT64 },
  { GROUP_LIMITS, "ArtifactBytes", SIZE, OFFSET (limits.artifact_bytes), 0, G_MAXINT64 },
  { GROUP_LIMITS, "ArtifactDays", DAYS, OFFSET (limits.artifact_age_seconds), 0, 36500 },
  { GROUP_LIMITS, "Artifacts", COUNT, OFFSET (limits.artifacts), 0, G_MAXINT32 },
  { GROUP_LIMITS, "PolkitSeconds", COUNT, OFFSET (limits.polkit_seconds), 1, 600 },
  { GROUP_LIMITS, "PasswordSeconds", COUNT, OFFSET (limits.password_seconds), 1, 3600 },
};

static const Setting *
find_setting (const char *group, const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (g_str_equal (settings[i].group, group) && g_str_equal (settings[i].key, key))
        return &settings[i];
    }
  return NULL;
}

static gboolean
parse_number (const Setting *setting, const char *text, guint64 *number)
{
  static const char suffixes[] = "KMG";
  const char *suffix = NULL;
  guint shift = 0;
  char *end;

  if (!g_ascii_isdigit (text[0]))
    return FALSE;
  *number = g_ascii_strtoull (text, &end, 10);
  if (setting->kind == SIZE && *end != '\0')
    suffix = strchr (suffixes, *end);
  if (suffix != NULL)
    {
      shift = 10 * (guint)(suffix - suffixes + 1);
      end++;
    }
  if (*end != '\0' || *number > setting->maximum >> shift)
    return FALSE;
  *number <<= shift;
  return *number >= setting->minimum;
}

static gboolean
set_number (ServiceConfiguration *self, const Setting *setting, const char *text, GError **error)
{
  gpointer field = G_STRUCT_MEMBER_P (self, setting->offset);
  guint64 number;

  if (!parse_number (setting, text, &number))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
                   setting->kind == SIZE
                       ? _ ("%s: “%s” is not a number from %llu to %llu, with or without K, M or G behind it")
                       : _ ("%s: “%s” is not a number from %llu to %llu"),
                   setting->key, text, (unsigned long long)setting->minimum,
                   (unsigned long long)setting->maximum);
      return FALSE;
    }
  if (setting->kind == COUNT)
    *(guint *)field = (guint)number;
  else
    *(guint64 *)field = setting->kind == DAYS ? number * DAY : number;
  return TRUE;
}

static gboolean
take_key (ServiceConfiguration *self, GKeyFile *file, const char *group, const char *key, GError **error)
{
  const Setting *setting = find_setting (group, key);
  g_autofree char *text = g_key_file_get_string (file, group, key, error);

  if (text == NULL)
    return FALSE;
  if (setting != NULL)
    return set_number (self, setting, text, error);
  if (!g_str_equal (group, GROUP_SERVICE) || !g_str_equal (key, "Target"))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("[%s] %s is not known"), group, key);
      return FALSE;
    }
  g_free (self->target);
  self->target = text[0] != '\0' ? g_steal_pointer (&text) : NULL;
  return TRUE;
}

static gboolean
take_all (ServiceConfiguration *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (guint i = 0; groups[i] != NULL; i++)
    {
      g_auto (GStrv) keys = g_key_file_get_keys (file, groups[i], NULL, error);

      for (guint k = 0; keys != NULL && keys[k] != NULL; k++)
        {
          if (!take_key (self, file, groups[i], keys[k], error))
            return FALSE;
        }
      if (keys == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
service_configuration_load (ServiceConfiguration *self, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  ServiceConfiguration loaded = *self;

  loaded.target = g_strdup (self->target);
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error) || !take_all (&loaded, file, error))
    {
      g_prefix_error (error, "%s: ", path);
      service_configuration_clear (&loaded);
      return FALSE;
    }
  service_configuration_clear (self);
  *self = loaded;
  return TRUE;
}

void
service_configuration_init (ServiceConfiguration *self)
{
  *self = (ServiceConfiguration){ .idle_seconds = 60,
                                  .retention_seconds = 10 * 60,
                                  .limits = SERVICE_LIMITS_DEFAULT };
}

void
service_configuration_clear (ServiceConfiguration *self)
{
  g_clear_pointer (&self->target, g_free);
}
