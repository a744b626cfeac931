/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a process can call itself and its parts: the kernel's texts about it (maps, smaps, stat, schedstat,
 * cmdline, comm), with anything in them. Built with sanitizers. HAP_TEST_ROUNDS: how many rounds (2000).
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hap-maps.h"
#include "hap-residency.h"
#include "hap-test-lies.h"
#include "hap-thread-private.h"
#include "service-text.h"
#include "worker-discover.h"

#define DEFAULT_ROUNDS 20000 /* without sanitizers */
#define SEED 20261122
#define MAX_TEXT 4096

static const char maps[] =
    "00400000-00452000 r-xp 00000000 08:02 173521                             /usr/bin/python3.11\n"
    "00e03000-00e24000 rw-p 00000000 00:00 0                                  [heap]\n"
    "7f0000000000-7f0000001000 r--s 00000000 00:01 4242                       /tmp/a\\012b (deleted)\n"
    "7f0000001000-7f0000801000 rw-p 00000000 00:00 0 \n";

static const char smaps[] =
    "00400000-00452000 r-xp 00000000 08:02 173521                             /usr/bin/python3.11\n"
    "Size:                328 kB\n"
    "Rss:                 100 kB\n"
    "Swap:                  0 kB\n"
    "VmFlags: rd ex mr mw me \n"
    "00e03000-00e24000 rw-p 00000000 00:00 0                                  [heap]\n"
    "Rss:                  64 kB\n";

static const char stat[] = "1234 (a) R 1 (b\n) S 1 1234 1234 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n";
static const char schedstat[] = "123456 789 42\n";
static const char cmdline[] = "/usr/bin/python3.14\0-X\0dev\0-m\0homeassistant\0--config\0/config\0";

/* Words that mean something somewhere. */
static const char *const words[] = { "\n",
                                     "\033[2J",
                                     "\xe2\x80\xae",
                                     " (deleted)",
                                     "-",
                                     "0",
                                     ") R ",
                                     "18446744073709551616",
                                     "-m",
                                     "$(id)",
                                     "\xff",
                                     "00400000-00452000 rwxp 0 0:0 0 /x\n",
                                     "../x",
                                     "%n",
                                     ":",
                                     "Rss: 99999999999999999999 kB\n" };

typedef void (*Read) (const char *text, gsize length);

static int
make_file (const char *text, gsize length)
{
  int fd = memfd_create ("text", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, length), ==, (gssize)length);
  return fd;
}

static void
read_maps (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapMaps) list = hap_maps_parse (text, length, &error);

  g_assert_true ((list == NULL) == (error != NULL));
  for (guint i = 0; list != NULL && i < hap_maps_get_length (list); i++)
    {
      const HapMapping *mapping = hap_maps_get (list, i);

      g_assert_true (g_utf8_validate (mapping->path, -1, NULL));
      g_assert_true (hap_maps_find (list, mapping->end - 1) == mapping);
    }
}

static void
read_smaps (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapResidency) residency = hap_residency_parse (text, length, &error);

  g_assert_true ((residency == NULL) == (error != NULL));
  for (guint i = 0; residency != NULL && i < residency->mappings->len; i++)
    {
      const HapResident *resident = &g_array_index (residency->mappings, HapResident, i);

      g_assert_cmpuint (resident->resident, <=, resident->mapping.end - resident->mapping.start);
    }
}

static void
read_stat (const char *text, gsize length)
{
  HapThread thread = { 1, 1, make_file (text, length), make_file (schedstat, strlen (schedstat)) };
  HapThreadActivity activity;

  hap_thread_read_state (&thread);
  hap_thread_read_activity (&thread, &activity);
  hap_thread_clear (&thread);
}

static void
read_schedstat (const char *text, gsize length)
{
  HapThread thread = { 1, 1, make_file (stat, strlen (stat)), make_file (text, length) };
  HapThreadActivity activity;

  hap_thread_read_activity (&thread, &activity);
  hap_thread_clear (&thread);
}

static void
read_cmdline (const char *text, gsize length)
{
  int fd = make_file (text, length);
  g_auto (GStrv) arguments = worker_read_arguments (fd);
  g_autofree char *name = worker_name_command ((const char *const *)arguments);

  close (fd);
  for (guint i = 0; arguments[i] != NULL; i++)
    g_assert_true (g_utf8_validate (arguments[i], -1, NULL));
  g_assert_cmpuint (g_strv_length (arguments), <=, MAX_TEXT);
  if (name != NULL)
    g_assert_cmpuint (strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-"), ==, strlen (name));
}

/* Prompts, errors and logs show it. */
static void
read_comm (const char *text, gsize length)
{
  g_autofree char *whole = g_strndup (text, length);
  g_autofree char *shown = service_text_escape (whole, 64, FALSE);

  g_assert_true (g_utf8_validate (shown, -1, NULL));
  /* Each character can become "\\u{10ffff}", and at the end is an ellipsis. */
  g_assert_cmpint (g_utf8_strlen (shown, -1), <=, 64 * 10 + 1);
  for (const char *at = shown; *at != '\0'; at = g_utf8_next_char (at))
    g_assert_true (g_unichar_isprint (g_utf8_get_char (at)));
}

static const struct
{
  const char *name, *text;
  gsize length;
  Read read;
} texts[] = {
  { "maps", maps, sizeof maps - 1, read_maps },
  { "smaps", smaps, sizeof smaps - 1, read_smaps },
  { "stat", stat, sizeof stat - 1, read_stat },
  { "schedstat", schedstat, sizeof schedstat - 1, read_schedstat },
  { "cmdline", cmdline, sizeof cmdline - 1, read_cmdline },
  { "comm", "python3.14 [main]", 17, read_comm },
};

static void
mutate (GRand *rand, GString *text)
{
  for (guint n = (guint)g_rand_int_range (rand, 1, 6); n > 0; n--)
    {
      gssize at = g_rand_int_range (rand, 0, (gint)text->len + 1);
      gssize length = g_rand_int_range (rand, 0, 16);
      const char *word = words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))];

      switch (g_rand_int_range (rand, 0, 5))
        {
        case 0:
          g_string_truncate (text, (gsize)at);
          break;
        case 1:
          g_string_erase (text, at, MIN (length, (gssize)text->len - at));
          break;
        case 2:
          g_string_insert_c (text, at, (char)g_rand_int_range (rand, 0, 256));
          break;
        case 3:
          g_string_insert (text, at, word);
          break;
        default:
          if ((gsize)at < text->len)
            text->str[at] = (char)g_rand_int_range (rand, 0, 256);
          break;
        }
    }
}

static void
test_text (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data), n_rounds = hap_test_get_rounds (DEFAULT_ROUNDS);
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED + index);

  for (guint round = 0; round < n_rounds; round++)
    {
      g_autoptr (GString) text = g_string_new_len (texts[index].text, (gssize)texts[index].length);
      g_autofree char *exact = NULL;

      mutate (rand, text);
      g_string_truncate (text, MAX_TEXT);
      /* Of its very size, so that a byte too many is noticed. */
      exact = g_memdup2 (text->str, text->len);
      texts[index].read (exact != NULL ? exact : "", text->len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/fuzz/names/%s", texts[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_text);
    }
  return g_test_run ();
}
