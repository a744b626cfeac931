/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Symbols and sections of ELF objects: in memory and in files, however they were built, and when they lie.
 * HAP_TEST_ROUNDS: how many lies of each kind (3000).
 */

#include "hap-test-lies.h"
#include "hap-test.h"

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hap-image.h"

#define SYMBOL "hap_test_symbol"
#define SIZE 32
#define MUTATIONS 3000

/* One way to build the target, and what may be found in it. */
typedef struct
{
  const char *name;
  const char *program;
  gboolean in_memory, in_file;
} Build;

static const Build builds[] = {
  { "pie", BUILD_DIR "/elf-pie", TRUE, TRUE },
  { "fixed", BUILD_DIR "/elf-fixed", TRUE, TRUE },
  { "sysv-hash", BUILD_DIR "/elf-sysv-hash", TRUE, TRUE },
  { "shared", BUILD_DIR "/elf-shared", TRUE, TRUE },
  { "stripped", BUILD_DIR "/elf-stripped", TRUE, TRUE },
  { "hidden", BUILD_DIR "/elf-hidden", FALSE, TRUE },
  { "hidden-stripped", BUILD_DIR "/elf-hidden-stripped", FALSE, FALSE },
  { "static", BUILD_DIR "/elf-static", FALSE, TRUE },
};

static HapTestProcess *
spawn (const char *program, guint64 *address)
{
  const HapTestPython python = { .path = (char *)program };
  const char *argv[] = { NULL };
  HapTestProcess *process = hap_test_spawn (&python, argv);
  g_autofree char *line = hap_test_process_read_line (process);

  *address = g_ascii_strtoull (line, NULL, 16);
  return process;
}

static HapTarget *
attach (HapTestProcess *process)
{
  g_autoptr (GError) error = NULL;
  HapTarget *target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);

  g_assert_no_error (error);
  return target;
}

/* The ELF object that @address belongs to, and the mapping of its header. */
static HapElf *
find_elf (HapTarget *target, guint64 address, const HapMapping **mapping)
{
  HapMaps *maps = hap_target_get_maps (target, NULL);
  const HapMapping *inner = hap_maps_find (maps, address);
  g_autoptr (GError) error = NULL;
  HapElf *elf;
  guint i = 0;

  g_assert_nonnull (inner);
  while (hap_maps_get (maps, i)->inode != inner->inode || hap_maps_get (maps, i)->offset != 0)
    i++;
  *mapping = hap_maps_get (maps, i);
  elf = hap_elf_new (hap_target_get_memory (target), (*mapping)->start, &error);
  g_assert_no_error (error);
  return elf;
}

static void
assert_file (const Build *build, HapElf *elf, int fd, guint64 address)
{
  guint64 found, size;

  g_assert_true (hap_elf_file_find_section (fd, ".HapTest", &found, &size));
  g_assert_cmphex (found + hap_elf_get_bias (elf), ==, address);
  g_assert_cmpuint (size, ==, SIZE);
  g_assert_false (hap_elf_file_find_section (fd, ".HapTes", &found, &size));

  g_assert_cmpint (hap_elf_file_find_symbol (fd, SYMBOL, &found, &size), ==, build->in_file);
  if (build->in_file)
    {
      g_assert_cmphex (found + hap_elf_get_bias (elf), ==, address);
      g_assert_cmpuint (size, ==, SIZE);
    }
  g_assert_false (hap_elf_file_find_symbol (fd, SYMBOL "2", &found, NULL));
}

static void
assert_memory (const Build *build, HapElf *elf, guint64 address)
{
  guint64 found = 0, size = 0;

  g_assert_cmpint (hap_elf_find_symbol (elf, SYMBOL, &found, &size), ==, build->in_memory);
  if (build->in_memory)
    {
      g_assert_cmphex (found, ==, address);
      g_assert_cmpuint (size, ==, SIZE);
    }
  g_assert_false (hap_elf_find_symbol (elf, SYMBOL "2", &found, NULL));
  g_assert_false (hap_elf_find_symbol (elf, "", &found, NULL));
  g_assert_false (hap_elf_find_symbol (elf, "puts", &found, NULL)); /* a reference */
}

static void
test_build (gconstpointer data)
{
  const Build *build = data;
  guint64 address;
  g_autoptr (HapTestProcess) process = spawn (build->program, &address);
  g_autoptr (HapTarget) target = attach (process);
  const HapMapping *mapping;
  g_autoptr (HapElf) elf = find_elf (target, address, &mapping);
  g_autoptr (GError) error = NULL;
  int fd = hap_broker_open_mapping (hap_target_get_broker (target), mapping->start, mapping->end, &error);

  g_assert_no_error (error);
  assert_memory (build, elf, address);
  assert_file (build, elf, fd, address);
  close (fd);
}

/* The program's file is gone, and another is in its place. */
static void
test_deleted (void)
{
  g_autofree char *directory = g_dir_make_tmp ("hap-test-XXXXXX", NULL);
  g_autofree char *copy = g_build_filename (directory, "program", NULL);
  g_autofree char *contents = NULL;
  gsize length;
  guint64 address;
  g_autoptr (HapTestProcess) process = NULL;
  g_autoptr (HapTarget) target = NULL;
  g_autoptr (HapElf) elf = NULL;
  const HapMapping *mapping;
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_true (g_file_get_contents (builds[0].program, &contents, &length, NULL));
  g_assert_true (g_file_set_contents_full (copy, contents, length, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
  process = spawn (copy, &address);
  g_assert_cmpint (g_unlink (copy), ==, 0);
  g_assert_true (g_file_set_contents (copy, "another", -1, NULL));

  target = attach (process);
  elf = find_elf (target, address, &mapping);
  g_assert_true (mapping->deleted);
  g_assert_cmpstr (mapping->path, ==, copy);
  assert_memory (&builds[0], elf, address);
  fd = hap_broker_open_mapping (hap_target_get_broker (target), mapping->start, mapping->end, &error);
  g_assert_no_error (error);
  assert_file (&builds[0], elf, fd, address);

  close (fd);
  g_unlink (copy);
  g_rmdir (directory);
}

/* The kernel's own object, whose dynamic section nobody relocates. */
static void
test_vdso (void)
{
  guint64 address, found;
  g_autoptr (HapTestProcess) process = spawn (builds[0].program, &address);
  g_autoptr (HapTarget) target = attach (process);
  HapMaps *maps = hap_target_get_maps (target, NULL);

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      g_autoptr (HapElf) elf = NULL;

      if (!g_str_equal (mapping->path, "[vdso]"))
        continue;
      elf = hap_elf_new (hap_target_get_memory (target), mapping->start, NULL);
      g_assert_nonnull (elf);
      g_assert_true (hap_elf_find_symbol (elf, VDSO_SYMBOL, &found, NULL));
      g_assert_true (hap_maps_find (maps, found) == mapping);
      return;
    }
  g_test_skip ("this kernel maps no vDSO");
}

static void
test_python (gconstpointer data)
{
  static const char *const argv[] = { "idle.py", NULL };
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, argv);
  g_autoptr (HapTarget) target = attach (process);
  HapMaps *maps = hap_target_get_maps (target, NULL);
  guint64 symbol, section, size;

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      g_autoptr (HapElf) elf = NULL;
      g_autoptr (GError) error = NULL;
      int fd;

      if (mapping->offset != 0 || mapping->inode == 0)
        continue;
      elf = hap_elf_new (hap_target_get_memory (target), mapping->start, NULL);
      if (elf == NULL || !hap_elf_find_symbol (elf, "_PyRuntime", &symbol, NULL))
        continue;
      fd = hap_broker_open_mapping (hap_target_get_broker (target), mapping->start, mapping->end, &error);
      g_assert_no_error (error);
      g_assert_true (hap_elf_file_find_section (fd, ".PyRuntime", &section, &size));
      g_assert_cmphex (section + hap_elf_get_bias (elf), ==, symbol);
      close (fd);
      return;
    }
  g_assert_not_reached ();
}

static void
test_no_file (void)
{
  int fds[2];
  guint64 address;
  int directory = open ("/", O_RDONLY | O_CLOEXEC);
  int device = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
  int huge = memfd_create ("huge", MFD_CLOEXEC);

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_cmpint (ftruncate (huge, G_MAXINT32 * 4LL), ==, 0);
  for (guint i = 0; i < 4; i++)
    {
      int fd = ((int[]){ fds[0], directory, device, huge })[i];

      g_assert_false (hap_elf_file_find_section (fd, ".text", &address, NULL));
      g_assert_false (hap_elf_file_find_symbol (fd, "main", &address, NULL));
      close (fd);
    }
  close (fds[1]);
  g_assert_false (hap_elf_file_find_symbol (-1, "main", &address, NULL));
}

/* Overwrites a few bytes, with a liking for the headers and for values that overflow. */
static void
mutate (GRand *random, guint8 *bytes, gsize size)
{
  static const guint64 values[] = { 0,           1,          0x7f,        0xffff, G_MAXINT32,
                                    G_MAXUINT32, G_MAXINT64, G_MAXUINT64, 0x1000 };

  for (guint i = g_rand_int_range (random, 1, 8); i > 0; i--)
    {
      gsize limit = g_rand_boolean (random) ? MIN (size, 1024) : size;
      gsize at = g_rand_int_range (random, 0, limit - 8);

      if (g_rand_boolean (random))
        bytes[at] = g_rand_int_range (random, 0, 256);
      else
        memcpy (bytes + at, &values[g_rand_int_range (random, 0, G_N_ELEMENTS (values))],
                1 << g_rand_int_range (random, 0, 4));
    }
}

static void
test_file_mutations (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (13);
  guint found = 0;

  for (guint k = 0; k < 2; k++)
    {
      g_autofree char *contents = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (builds[k * 4].program, &contents, &size, NULL));
      for (guint round = 0; round < hap_test_get_rounds (MUTATIONS); round++)
        {
          g_autofree guint8 *copy = g_memdup2 (contents, size);
          gsize length = round % 10 == 0 ? (gsize)g_rand_int_range (random, 0, size) : size;
          guint64 address, ignored;
          int fd = memfd_create ("elf", MFD_CLOEXEC);

          mutate (random, copy, size);
          /* The table of sections is at the end. */
          mutate (random, copy + size - 4096, 4096);
          g_assert_cmpint (write (fd, copy, length), ==, length);
          found += hap_elf_file_find_section (fd, ".HapTest", &address, &ignored);
          found += hap_elf_file_find_symbol (fd, SYMBOL, &address, &ignored);
          hap_elf_file_find_symbol (fd, "none", &address, &ignored);
          close (fd);
        }
    }
  g_assert_cmpuint (found, >, hap_test_get_rounds (MUTATIONS) / 30);
}

/* Where the last mapping of the same file ends. */
static guint64
get_end (HapTarget *target, const HapMapping *first)
{
  HapMaps *maps = hap_target_get_maps (target, NULL);
  guint64 end = 0;

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    if (hap_maps_get (maps, i)->inode == first->inode)
      end = hap_maps_get (maps, i)->end;
  return end;
}

/* What a process shows as an ELF object is its own choice. */
static void
test_memory_mutations (gconstpointer data)
{
  const Build *build = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (17);
  guint64 address;
  g_autoptr (HapTestProcess) process = spawn (build->program, &address);
  g_autoptr (HapTarget) target = attach (process);
  const HapMapping *mapping;
  g_autoptr (HapElf) real = find_elf (target, address, &mapping);
  gsize size = get_end (target, mapping) - mapping->start;
  g_autofree guint8 *memory = g_malloc0 (size);
  guint found = 0;

  for (gsize at = 0; at < size; at += 4096)
    hap_memory_read_some (hap_target_get_memory (target), mapping->start + at, memory + at,
                          MIN (4096, size - at));
  for (guint round = 0; round < hap_test_get_rounds (MUTATIONS); round++)
    {
      g_autofree guint8 *copy = g_memdup2 (memory, size);
      g_autoptr (HapImage) image = hap_image_new ();
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (HapElf) elf = NULL;
      guint64 where, ignored;

      mutate (random, copy, MIN (size, round % 2 ? 2048 : size));
      bytes = g_bytes_new_take (g_steal_pointer (&copy), size);
      hap_image_add (image, mapping->start, bytes);
      elf = hap_elf_new (HAP_MEMORY (image), mapping->start, &error);
      g_assert_true ((elf == NULL) == (error != NULL));
      if (elf == NULL)
        g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
      else
        found += hap_elf_find_symbol (elf, SYMBOL, &where, &ignored) && where == address;
    }
  g_assert_cmpuint (found, >, hap_test_get_rounds (MUTATIONS) / 20);
}

static void
test_not_elf (void)
{
  g_autoptr (HapImage) image = hap_image_new ();
  g_autoptr (GBytes) bytes = NULL;
  Elf64_Ehdr header = {
    .e_ident = ELFMAG, .e_phentsize = sizeof (Elf64_Phdr), .e_phnum = 1, .e_type = ET_DYN
  };

  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  bytes = g_bytes_new (&header, sizeof header);
  hap_image_add (image, 4096, bytes);
  for (guint64 base = 4095; base <= 4097; base++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (hap_elf_new (HAP_MEMORY (image), base, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (builds); i++)
    {
      g_autofree char *path = g_strdup_printf ("/target/elf/build/%s", builds[i].name);

      g_test_add_data_func (path, &builds[i], test_build);
    }
  g_test_add_func ("/target/elf/deleted", test_deleted);
  g_test_add_func ("/target/elf/vdso", test_vdso);
  g_test_add_func ("/target/elf/no-file", test_no_file);
  g_test_add_func ("/target/elf/not-elf", test_not_elf);
  g_test_add_func ("/target/elf/file-mutations", test_file_mutations);
  g_test_add_data_func ("/target/elf/memory-mutations/gnu-hash", &builds[0], test_memory_mutations);
  g_test_add_data_func ("/target/elf/memory-mutations/sysv-hash", &builds[2], test_memory_mutations);
  hap_test_add ("/target/elf/python", test_python);
  return g_test_run ();
}
