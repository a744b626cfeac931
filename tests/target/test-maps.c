/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of mappings: real lines, and such as a hostile process or a bad descriptor may give. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hap-error.h"
#include "hap-maps.h"

static const char text[] =
    "00400000-00452000 r-xp 00000000 08:02 173521                             /usr/bin/python3.11\n"
    "00651000-00652000 r--p 00051000 08:02 173521                             /usr/bin/python3.11\n"
    "00e03000-00e24000 rw-p 00000000 00:00 0                                  [heap]\n"
    "35b1a21000-35b1a22000 rw-s 0001f000 fe:01 18446744073709551615           /tmp/a b (deleted)\n"
    "7fff24ca2000-7fff24cc3000 rw-p 00000000 00:00 0 \n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapMaps) maps = hap_maps_parse (text, strlen (text), &error);
  const HapMapping *mapping;

  g_assert_no_error (error);
  g_assert_cmpuint (hap_maps_get_length (maps), ==, 6);

  mapping = hap_maps_get (maps, 1);
  g_assert_cmphex (mapping->start, ==, 0x651000);
  g_assert_cmphex (mapping->end, ==, 0x652000);
  g_assert_cmphex (mapping->offset, ==, 0x51000);
  g_assert_cmphex (mapping->major, ==, 8);
  g_assert_cmphex (mapping->minor, ==, 2);
  g_assert_cmpuint (mapping->inode, ==, 173521);
  g_assert_true (mapping->readable && !mapping->writable && !mapping->executable && !mapping->shared);
  g_assert_false (mapping->deleted);
  g_assert_cmpstr (mapping->path, ==, "/usr/bin/python3.11");

  mapping = hap_maps_get (maps, 3);
  g_assert_true (mapping->readable && mapping->writable && mapping->shared && mapping->deleted);
  g_assert_cmpstr (mapping->path, ==, "/tmp/a b");
  g_assert_cmpuint (mapping->inode, ==, G_MAXUINT64);

  mapping = hap_maps_get (maps, 4);
  g_assert_cmpstr (mapping->path, ==, "");
  g_assert_true (hap_maps_get (maps, 0)->executable);
}

static void
test_find (void)
{
  g_autoptr (HapMaps) maps = hap_maps_parse (text, strlen (text), NULL);

  g_assert_null (hap_maps_find (maps, 0));
  g_assert_null (hap_maps_find (maps, 0x3fffff));
  g_assert_true (hap_maps_find (maps, 0x400000) == hap_maps_get (maps, 0));
  g_assert_true (hap_maps_find (maps, 0x451fff) == hap_maps_get (maps, 0));
  g_assert_null (hap_maps_find (maps, 0x452000));
  g_assert_true (hap_maps_find (maps, 0x35b1a21800) == hap_maps_get (maps, 3));
  g_assert_true (hap_maps_find (maps, 0xffffffffff600fff) == hap_maps_get (maps, 5));
  g_assert_null (hap_maps_find (maps, G_MAXUINT64));
}

static void
test_names (void)
{
  static const char line[] = "1000-2000 r--p 0 0:0 5 /x\377\\012 \033[2J\n";
  g_autoptr (HapMaps) maps = hap_maps_parse (line, strlen (line), NULL);

  g_assert_nonnull (maps);
  g_assert_true (g_utf8_validate (hap_maps_get (maps, 0)->path, -1, NULL));
}

/* A mapping that grew while the list was written is listed twice. */
static void
test_grown (void)
{
  static const char lines[] = "1000-2000 r--p 00000000 08:02 5 /x\n"
                              "1000-4000 r--p 00000000 08:02 5 /x\n"
                              "5000-6000 rw-p 00000000 00:00 0 \n";
  g_autoptr (HapMaps) maps = hap_maps_parse (lines, strlen (lines), NULL);

  g_assert_nonnull (maps);
  g_assert_cmpuint (hap_maps_get_length (maps), ==, 3);
  g_assert_cmphex (hap_maps_get (maps, 1)->start, ==, 0x2000);
  g_assert_cmphex (hap_maps_get (maps, 1)->end, ==, 0x4000);
  g_assert_cmphex (hap_maps_get (maps, 1)->offset, ==, 0x1000);
}

static void
test_refuse (void)
{
  static const char *const lines[] = {
    "\n",
    "nonsense\n",
    "1000-2000 r--p 0 0:0 5 /without-end",
    "1000-1000 r--p 0 0:0 5 /empty\n",
    "2000-1000 r--p 0 0:0 5 /backwards\n",
    "1000-2000 r--p 0 0:0 5 /x\n1000-2000 r--p 0 0:0 5 /twice\n",
    "3000-4000 r--p 0 0:0 5 /x\n1000-2000 r--p 0 0:0 5 /unsorted\n",
    "10000000000000000-20000000000000000 r--p 0 0:0 5 /too-large\n",
    "1000-2000 r--p 0 0:0 18446744073709551616 /inode\n",
    "1000-2000 r--p 0 100000000:0 5 /device\n",
    "1000-2000 r--p 0 0:0 5a /inode-in-hex\n",
    "1000-2000 r-\n",
    "1000-2000 r--p 0 0:0\n",
    "-1000-2000 r--p 0 0:0 5 /sign\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (hap_maps_parse (lines[i], strlen (lines[i]), &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
}

static void
test_too_many (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= 1000000; i++)
    g_string_append_printf (lines, "%x-%x r--p 0 0:0 0 \n", i * 16, i * 16 + 8);
  g_assert_null (hap_maps_parse (lines->str, lines->len, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
}

/* Any text gives an error or a list that is sorted and does not overlap. */
static void
test_mutations (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  guint parsed = 0;

  for (guint round = 0; round < 50000; round++)
    {
      char copy[sizeof text];
      gsize length = strlen (text);
      g_autoptr (HapMaps) maps = NULL;
      g_autoptr (GError) error = NULL;
      guint64 last = 0;

      memcpy (copy, text, sizeof text);
      for (guint i = g_rand_int_range (random, 1, 5); i > 0; i--)
        copy[g_rand_int_range (random, 0, length)] =
            round % 2 ? "0123456789abcdef-: \n"[g_rand_int_range (random, 0, 20)]
                      : g_rand_int_range (random, 0, 256);
      if (round % 5 == 0)
        length = g_rand_int_range (random, 0, length);

      maps = hap_maps_parse (copy, length, &error);
      g_assert_true ((maps == NULL) == (error != NULL));
      for (guint i = 0; maps != NULL && i < hap_maps_get_length (maps); i++)
        {
          const HapMapping *mapping = hap_maps_get (maps, i);

          g_assert_cmpuint (mapping->start, >=, last);
          g_assert_cmpuint (mapping->end, >, mapping->start);
          g_assert_true (g_utf8_validate (mapping->path, -1, NULL));
          g_assert_true (hap_maps_find (maps, mapping->start) == mapping);
          last = mapping->end;
        }
      parsed += maps != NULL;
    }
  g_assert_cmpuint (parsed, >, 1000);
}

static void
test_read (void)
{
  int fd = open ("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapMaps) maps = hap_maps_read (fd, &error);
  g_autoptr (HapMaps) again = NULL;
  const HapMapping *own;

  g_assert_no_error (error);
  own = hap_maps_find (maps, (guintptr)&fd);
  g_assert_nonnull (own);
  g_assert_cmpstr (own->path, ==, "[stack]");
  own = hap_maps_find (maps, (guintptr)text);
  g_assert_true (g_str_has_suffix (own->path, "/test-maps"));

  again = hap_maps_read (fd, &error);
  g_assert_no_error (error);
  g_assert_nonnull (hap_maps_find (again, (guintptr)text));
  close (fd);
}

static void
test_read_bad_descriptor (void)
{
  int empty = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int endless = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
  g_autoptr (GError) error = NULL;

  g_assert_null (hap_maps_read (empty, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  g_clear_error (&error);
  g_assert_null (hap_maps_read (endless, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_assert_null (hap_maps_read (-1, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  close (empty);
  close (endless);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/target/maps/parse", test_parse);
  g_test_add_func ("/target/maps/find", test_find);
  g_test_add_func ("/target/maps/names", test_names);
  g_test_add_func ("/target/maps/grown", test_grown);
  g_test_add_func ("/target/maps/refuse", test_refuse);
  g_test_add_func ("/target/maps/too-many", test_too_many);
  g_test_add_func ("/target/maps/mutations", test_mutations);
  g_test_add_func ("/target/maps/read", test_read);
  g_test_add_func ("/target/maps/bad-descriptor", test_read_bad_descriptor);
  return g_test_run ();
}
