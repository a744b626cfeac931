/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* write-samples DIRECTORY [NAME...]: writes the sample profiles in all formats, each into a directory of its
 * name. In the language of the locale, from catalogues in HAP_LOCALES. */
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>

#include "config.h"
#include "hap-heap-page.h"
#include "hap-hpy.h"
#include "sample-heap.h"
#include "sample-profile.h"

static GOutputStream *
open_file (const char *directory, const char *name)
{
  g_autoptr (GFile) file = g_file_new_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  GFileOutputStream *stream = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, &error);

  if (stream == NULL)
    g_error ("%s: %s", name, error->message);
  return G_OUTPUT_STREAM (stream);
}

static void
write_heap (const char *directory, const char *name)
{
  g_autoptr (HapHeapProfile) profile = sample_heap_new (name);
  g_autoptr (HapCensus) census = sample_census_new (name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GOutputStream) page = NULL;
  g_autoptr (GOutputStream) hpy = NULL;

  if (profile == NULL)
    return;
  page = open_file (directory, "heap_profile.html");
  hpy = open_file (directory, "heap_profile.hpy");
  if (!hap_heap_page_write (page, profile, NULL, &error)
      || !hap_hpy_write (hpy, census, profile->start_time_us, NULL, &error)
      || !g_output_stream_close (page, NULL, &error) || !g_output_stream_close (hpy, NULL, &error))
    g_error ("heap_profile: %s", error->message);
}

static void
write_sample (const char *directory, const char *name)
{
  g_autoptr (HapProfile) profile = sample_profile_new (name);
  g_autofree char *into = g_build_filename (directory, name, NULL);

  if (profile == NULL)
    g_error ("no sample profile is called %s", name);
  g_mkdir_with_parents (into, 0755);
  for (guint i = 0; sample_formats[i].file != NULL; i++)
    {
      g_autoptr (GOutputStream) stream = open_file (into, sample_formats[i].file);
      g_autoptr (GError) error = NULL;

      if (!sample_formats[i].write (stream, profile, NULL, &error)
          || !g_output_stream_close (stream, NULL, &error))
        g_error ("%s: %s", sample_formats[i].file, error->message);
    }
  write_heap (into, name);
  g_print ("%s %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", name,
           hap_call_tree_get_n_samples (profile->tree), profile->interval_ns);
}

int
main (int argc, char **argv)
{
  if (argc < 2)
    {
      g_printerr ("Usage: %s DIRECTORY [NAME...]\n", argv[0]);
      return EXIT_FAILURE;
    }
  setlocale (LC_MESSAGES, "");
  if (g_getenv ("HAP_LOCALES") != NULL)
    bindtextdomain (HAP_GETTEXT_DOMAIN, g_getenv ("HAP_LOCALES"));
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);
  for (int i = 2; i < argc; i++)
    write_sample (argv[1], argv[i]);
  for (guint i = 0; argc == 2 && sample_profile_names[i] != NULL; i++)
    write_sample (argv[1], sample_profile_names[i]);
  return EXIT_SUCCESS;
}
