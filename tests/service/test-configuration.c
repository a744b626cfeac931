/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration file: the one that is installed, what it may say, and what it may not.
 */

#include "service-configuration.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  ServiceConfiguration configuration;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  gint fd = g_file_open_tmp ("ha-profiler-test-XXXXXX.conf", &fixture->path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  service_configuration_init (&fixture->configuration);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_free (fixture->path);
  service_configuration_clear (&fixture->configuration);
}

static gboolean
load (Fixture *fixture, const char *text, GError **error)
{
  g_assert_true (g_file_set_contents (fixture->path, text, -1, NULL));
  return service_configuration_load (&fixture->configuration, fixture->path, error);
}

/* What is commented out in the installed file is what holds without it. */
static void
test_installed (Fixture *fixture, gconstpointer data)
{
  ServiceConfiguration defaults;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) live = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  service_configuration_init (&defaults);
  g_assert_true (service_configuration_load (&fixture->configuration, HAP_TEST_CONFIGURATION, &error));
  g_assert_cmpmem (&fixture->configuration, sizeof defaults, &defaults, sizeof defaults);

  g_file_get_contents (HAP_TEST_CONFIGURATION, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      gboolean key = g_str_has_prefix (lines[i], "#") && g_ascii_isupper (lines[i][1]);

      g_string_append_printf (live, "%s\n", key ? lines[i] + 1 : lines[i]);
    }
  g_assert_true (load (fixture, live->str, &error));
  g_assert_cmpstr (fixture->configuration.target, ==, "home-assistant");
  g_clear_pointer (&fixture->configuration.target, g_free);
  g_assert_cmpmem (&fixture->configuration, sizeof defaults, &defaults, sizeof defaults);
}

static void
test_taken (Fixture *fixture, gconstpointer data)
{
  const ServiceConfiguration *configuration = &fixture->configuration;
  g_autoptr (GError) error = NULL;

  g_assert_true (load (fixture,
                       "[Service]\nTarget=hass\nIdleSeconds=0\n"
                       "[Limits]\nJobs=2\nEntryBurstBytes=64M\nArtifactBytes=0\nJobArtifactBytes=3G\n"
                       "EntryBytesPerSecond=2048\nArtifactDays=2\n",
                       &error));
  g_assert_no_error (error);
  g_assert_cmpstr (configuration->target, ==, "hass");
  g_assert_cmpuint (configuration->idle_seconds, ==, 0);
  g_assert_cmpuint (configuration->limits.jobs, ==, 2);
  g_assert_cmpuint (configuration->limits.jobs_per_user, ==, 4);
  g_assert_cmpuint (configuration->limits.entry_burst_bytes, ==, 64 * 1024 * 1024);
  g_assert_cmpuint (configuration->limits.artifact_bytes, ==, 0);
  g_assert_cmpuint (configuration->limits.job_artifact_bytes, ==, G_GUINT64_CONSTANT (3) << 30);
  g_assert_cmpuint (configuration->limits.entry_bytes_per_second, ==, 2048);
  g_assert_cmpuint (configuration->limits.artifact_age_seconds, ==, 2 * 24 * 60 * 60);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *text, *named;
  } cases[] = {
    { "[Limits]\nJobz=2\n", "Jobz" },
    { "[Limit]\nJobs=2\n", "[Limit]" },
    { "[Service]\nJobs=2\n", "Jobs" },
    { "[Limits]\nJobs=0\n", "Jobs" },
    { "[Limits]\nJobs=-1\n", "Jobs" },
    { "[Limits]\nJobs=1K\n", "Jobs" },
    { "[Limits]\nJobs=\n", "Jobs" },
    { "[Limits]\nJobs=two\n", "Jobs" },
    { "[Limits]\nJobs=99999999999999999999\n", "Jobs" },
    { "[Limits]\nArtifactBytes=1T\n", "ArtifactBytes" },
    { "[Limits]\nArtifactBytes=1KK\n", "ArtifactBytes" },
    { "[Limits]\nArtifactBytes=17179869184G\n", "ArtifactBytes" },
    { "[Limits]\nEntryBurstBytes=1G\n", "EntryBurstBytes" },
    { "Jobs=2\n", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (load (fixture, cases[i].text, &error));
      if (strstr (error->message, cases[i].named) == NULL || strstr (error->message, fixture->path) == NULL)
        g_error ("%s: %s", cases[i].text, error->message);
      g_assert_cmpuint (fixture->configuration.limits.jobs, ==, 16);
    }
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (service_configuration_load (&fixture->configuration, "/nonexistent.conf", &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent.conf"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/service/configuration/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("installed", test_installed);
  ADD ("taken", test_taken);
  ADD ("refused", test_refused);
  ADD ("missing", test_missing);
  return g_test_run ();
}
