/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading memory: our own as a live process's, and recorded. */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hap-error.h"
#include "hap-image.h"
#include "hap-live-memory.h"

#define MODEL 512

/* Two pages of which only the first is there. */
static guint8 *
map_edge (void)
{
  gsize page = sysconf (_SC_PAGESIZE);
  guint8 *pages = mmap (NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  g_assert_true (pages != MAP_FAILED);
  g_assert_cmpint (munmap (pages + page, page), ==, 0);
  memset (pages, 'x', page);
  return pages;
}

static HapMemory *
open_own_memory (void)
{
  int fd = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return hap_live_memory_new (fd);
}

static void
test_live_read (void)
{
  g_autoptr (HapMemory) memory = open_own_memory ();
  const guint64 number = 0x1122334455667788;
  guint64 address = (guintptr)&number;
  guint64 u64;
  guint32 u32;
  guint8 u8;

  g_assert_true (hap_memory_read_u64 (memory, address, &u64));
  g_assert_cmphex (u64, ==, number);
  g_assert_true (hap_memory_read_u32 (memory, address, &u32));
  g_assert_cmphex (u32, ==, 0x55667788);
  g_assert_true (hap_memory_read_u8 (memory, address, &u8));
  g_assert_cmphex (u8, ==, 0x88);
  g_assert_true (hap_memory_read (memory, address, NULL, 0));
}

/* At the end of what is mapped a read is short; a typed one fails and leaves its output alone. */
static void
test_live_edge (void)
{
  g_autoptr (HapMemory) memory = open_own_memory ();
  gsize page = sysconf (_SC_PAGESIZE);
  guint8 *pages = map_edge ();
  guint64 end = (guintptr)pages + page;
  guint64 u64 = 7;
  guint32 u32 = 7;
  guint8 buffer[64];

  g_assert_cmpuint (hap_memory_read_some (memory, end - 5, buffer, sizeof buffer), ==, 5);
  g_assert_cmpuint (hap_memory_read_some (memory, end, buffer, sizeof buffer), ==, 0);
  g_assert_false (hap_memory_read (memory, end - 5, buffer, sizeof buffer));
  g_assert_true (hap_memory_read (memory, end - 5, buffer, 5));
  g_assert_false (hap_memory_read_u64 (memory, end - 7, &u64));
  g_assert_false (hap_memory_read_u32 (memory, end - 3, &u32));
  g_assert_cmpuint (u64, ==, 7);
  g_assert_cmpuint (u32, ==, 7);
  munmap (pages, page);
}

static void
test_live_nowhere (void)
{
  static const guint64 addresses[] = {
    0, 1, G_MAXUINT64, G_MAXUINT64 - 7, G_MAXINT64, (guint64)G_MAXINT64 + 1
  };
  g_autoptr (HapMemory) memory = open_own_memory ();
  guint8 buffer[64];

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_assert_cmpuint (hap_memory_read_some (memory, addresses[i], buffer, sizeof buffer), ==, 0);
      g_assert_null (hap_memory_read_string (memory, addresses[i], sizeof buffer));
    }
}

static void
test_string (void)
{
  g_autoptr (HapMemory) memory = open_own_memory ();
  gsize page = sysconf (_SC_PAGESIZE);
  guint8 *pages = map_edge ();
  guint64 end = (guintptr)pages + page;
  g_autofree char *string = NULL;
  g_autofree char *invalid = NULL;
  g_autofree char *empty = NULL;

  /* Up to the end of the memory and without an end. */
  g_assert_null (hap_memory_read_string (memory, end - 300, 4096));
  pages[page - 1] = '\0';
  string = hap_memory_read_string (memory, end - 300, 4096);
  g_assert_cmpuint (strlen (string), ==, 299);

  /* The NUL has to be among the bytes that may be looked at. */
  g_assert_null (hap_memory_read_string (memory, end - 300, 299));
  g_assert_null (hap_memory_read_string (memory, end - 300, 0));
  empty = hap_memory_read_string (memory, end - 1, 1);
  g_assert_cmpstr (empty, ==, "");

  pages[page - 3] = 0xff;
  invalid = hap_memory_read_string (memory, end - 4, 4096);
  g_assert_cmpstr (invalid, ==, "x\357\277\275x");
  munmap (pages, page);
}

static void
test_string_limit (void)
{
  g_autoptr (HapImage) image = hap_image_new ();
  g_autofree char *text = g_strnfill (70000, 'x');
  g_autoptr (GBytes) bytes = g_bytes_new (text, 70001);

  hap_image_add (image, 4096, bytes);
  g_assert_null (hap_memory_read_string (HAP_MEMORY (image), 4096, G_MAXSIZE));
}

static void
add (HapImage *image, guint64 address, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  hap_image_add (image, address, bytes);
}

/* Whatever is added in whatever order, it reads as one array to which it was copied. */
static void
test_image_model (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  const guint64 base = G_MAXUINT64 - MODEL; /* also at the end of the address space */

  for (guint round = 0; round < 200; round++)
    {
      g_autoptr (HapImage) image = hap_image_new ();
      g_autoptr (HapImage) loaded = NULL;
      g_autoptr (GBytes) saved = NULL;
      guint8 model[MODEL];
      gboolean there[MODEL] = { FALSE };

      for (guint i = 0; i < 40; i++)
        {
          gsize at = g_rand_int_range (random, 0, MODEL);
          gsize size = g_rand_int_range (random, 0, MIN (MODEL - at, 60) + 1);
          g_autofree guint8 *data = g_malloc0 (size + 1);
          g_autoptr (GBytes) bytes = NULL;

          memset (data, i, size);
          bytes = g_bytes_new (data, size);
          hap_image_add (image, base + at, bytes);
          for (gsize k = at; k < at + size; k++)
            {
              model[k] = i;
              there[k] = TRUE;
            }
        }

      saved = hap_image_save (image);
      loaded = hap_image_load (saved, NULL);
      g_assert_nonnull (loaded);
      for (gsize at = 0; at < MODEL; at++)
        {
          guint8 buffer[MODEL];
          gsize n = 0;

          while (at + n < MODEL && there[at + n])
            n++;
          g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (loaded), base + at, buffer, MODEL - at), ==, n);
          g_assert_cmpmem (buffer, n, model + at, n);
        }
    }
}

static void
test_image_record (void)
{
  g_autoptr (HapImage) source = hap_image_new ();
  g_autoptr (HapImage) recorder = NULL;
  g_autoptr (HapImage) copy = NULL;
  g_autoptr (GBytes) saved = NULL;
  char buffer[16];

  add (source, 100, "abcdefgh");
  recorder = hap_image_record (HAP_MEMORY (source));
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (recorder), 102, buffer, 3), ==, 3);
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (recorder), 106, buffer, 10), ==, 2);
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (recorder), 500, buffer, 10), ==, 0);

  saved = hap_image_save (recorder);
  copy = hap_image_load (saved, NULL);
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (copy), 102, buffer, 10), ==, 3);
  g_assert_cmpmem (buffer, 3, "cde", 3);
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (copy), 106, buffer, 10), ==, 2);
  g_assert_cmpuint (hap_memory_read_some (HAP_MEMORY (copy), 100, buffer, 10), ==, 0);
}

static void
assert_refused (gconstpointer data, gsize size)
{
  g_autoptr (GBytes) file = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;

  g_assert_null (hap_image_load (file, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
}

static void
test_image_refuse (void)
{
  g_autoptr (HapImage) image = hap_image_new ();
  g_autoptr (GBytes) saved = NULL;
  guint64 wrapping[] = { 0, G_MAXUINT64 - 2, 8, 0 };
  guint64 endless[] = { 0, 4096, G_MAXUINT64, 0 };
  const guint8 *data;
  gsize size;

  add (image, 4096, "abcdefgh");
  saved = hap_image_save (image);
  data = g_bytes_get_data (saved, &size);
  for (gsize cut = 0; cut < size; cut++)
    if (cut != 8) /* an empty one */
      assert_refused (data, cut);

  memcpy (wrapping, data, 8);
  assert_refused (wrapping, sizeof wrapping);
  memcpy (endless, data, 8);
  assert_refused (endless, sizeof endless);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/target/live-memory/read", test_live_read);
  g_test_add_func ("/target/live-memory/edge", test_live_edge);
  g_test_add_func ("/target/live-memory/nowhere", test_live_nowhere);
  g_test_add_func ("/target/memory/string", test_string);
  g_test_add_func ("/target/memory/string-limit", test_string_limit);
  g_test_add_func ("/target/image/model", test_image_model);
  g_test_add_func ("/target/image/record", test_image_record);
  g_test_add_func ("/target/image/refuse", test_image_refuse);
  return g_test_run ();
}
