/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds for every writer: the same bytes for the same profile, valid UTF-8, errors of the stream and
 * cancellation. Whether the files mean the same is for their readers: test-readers.py. */
#include "sample-profile.h"

#include <locale.h>
#include <string.h>

#include "hap-collapsed.h"
#include "hap-flamegraph.h"

static GBytes *
write_to_memory (SampleWriter write, const HapProfile *profile)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr (GError) error = NULL;

  g_assert_true (write (stream, profile, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (g_output_stream_is_closed (stream));
  g_output_stream_close (stream, NULL, NULL);
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
}

/* Two trees of the same samples have different hash seeds. */
static void
test_deterministic (void)
{
  for (guint n = 0; sample_profile_names[n] != NULL; n++)
    {
      g_autoptr (HapProfile) a = sample_profile_new (sample_profile_names[n]);
      g_autoptr (HapProfile) b = sample_profile_new (sample_profile_names[n]);

      for (guint i = 0; sample_formats[i].file != NULL; i++)
        {
          g_autoptr (GBytes) first = write_to_memory (sample_formats[i].write, a);
          g_autoptr (GBytes) again = write_to_memory (sample_formats[i].write, a);
          g_autoptr (GBytes) other = write_to_memory (sample_formats[i].write, b);

          g_assert_true (g_bytes_equal (first, again));
          g_assert_true (g_bytes_equal (first, other));
        }
    }
}

static void
test_utf8 (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("hostile");

  for (guint i = 1; sample_formats[i].file != NULL; i++)
    {
      g_autoptr (GBytes) bytes = write_to_memory (sample_formats[i].write, profile);

      g_assert_true (
          g_utf8_validate (g_bytes_get_data (bytes, NULL), (gssize)g_bytes_get_size (bytes), NULL));
    }
}

static void
test_cancelled (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("home-assistant");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  for (guint i = 0; sample_formats[i].file != NULL; i++)
    {
      g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
      g_autoptr (GError) error = NULL;

      g_assert_false (sample_formats[i].write (stream, profile, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_no_space (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("big");

  for (guint i = 0; sample_formats[i].file != NULL; i++)
    {
      static char room[1000];
      g_autoptr (GOutputStream) stream = g_memory_output_stream_new (room, sizeof room, NULL, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_false (sample_formats[i].write (stream, profile, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
    }
}

/* Nothing of a target can end the script element, or be a mark of the template. */
static void
test_page_is_sealed (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("hostile");
  g_autoptr (GBytes) bytes = write_to_memory (hap_flamegraph_write, profile);
  g_autofree char *page = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  const char *begin = strstr (page, "id=\"profile\">"), *end = strstr (begin, "</script>");
  g_auto (GStrv) closings = g_strsplit (page, "</script", -1);

  g_assert_cmpuint (g_strv_length (closings), ==, 5);
  g_assert_null (
      memchr (begin + strlen ("id=\"profile\">"), '<', (gsize)(end - begin) - strlen ("id=\"profile\">")));
  g_assert_nonnull (g_strstr_len (begin, end - begin, "@DATA@"));
  g_assert_nonnull (strstr (page, "default-src 'none'"));
}

static void
test_locale (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("home-assistant");
  g_autoptr (GBytes) before = write_to_memory (hap_flamegraph_write, profile);
  g_autoptr (GBytes) after = NULL;

  if (setlocale (LC_ALL, "de_DE.UTF-8") == NULL)
    {
      g_test_skip ("no locale de_DE.UTF-8");
      return;
    }
  after = write_to_memory (hap_flamegraph_write, profile);
  setlocale (LC_ALL, "C");
  g_assert_true (g_bytes_equal (before, after));
}

static void
test_collapsed_lines (void)
{
  g_autoptr (HapProfile) profile = sample_profile_new ("hostile");
  g_autoptr (GBytes) bytes = write_to_memory (hap_collapsed_write, profile);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint64 samples = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *count = strrchr (lines[i], ' ');

      samples += g_ascii_strtoull (count + 1, NULL, 10);
      *count = '\0';
      g_assert_true (g_hash_table_add (seen, lines[i]));
    }
  g_assert_cmpuint (samples, ==, hap_call_tree_get_n_samples (profile->tree));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/writers/deterministic", test_deterministic);
  g_test_add_func ("/formats/writers/utf8", test_utf8);
  g_test_add_func ("/formats/writers/cancelled", test_cancelled);
  g_test_add_func ("/formats/writers/no-space", test_no_space);
  g_test_add_func ("/formats/writers/locale", test_locale);
  g_test_add_func ("/formats/flamegraph/sealed", test_page_is_sealed);
  g_test_add_func ("/formats/collapsed/lines", test_collapsed_lines);
  return g_test_run ();
}
