/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* write-samples DIRECTORY [NAME...]: writes the sample profiles in all formats, each into a directory of its
 * name. */
#include <stdlib.h>

#include "sample-profile.h"

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
      g_autoptr (GFile) file = g_file_new_build_filename (into, sample_formats[i].file, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GFileOutputStream) stream =
          g_file_replace (file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, &error);

      if (stream == NULL || !sample_formats[i].write (G_OUTPUT_STREAM (stream), profile, NULL, &error)
          || !g_output_stream_close (G_OUTPUT_STREAM (stream), NULL, &error))
        g_error ("%s: %s", sample_formats[i].file, error->message);
    }
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
  for (int i = 2; i < argc; i++)
    write_sample (argv[1], argv[i]);
  for (guint i = 0; argc == 2 && sample_profile_names[i] != NULL; i++)
    write_sample (argv[1], sample_profile_names[i]);
  return EXIT_SUCCESS;
}
