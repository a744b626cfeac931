/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a process is in memory: the kernel's text, hostile text, and our own process. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-error.h"
#include "hap-residency.h"

static const char text[] =
    "00400000-00452000 r-xp 00000000 08:02 173521                             /usr/bin/python3.11\n"
    "Size:                328 kB\n"
    "Rss:                 100 kB\n"
    "Pss:                   1 kB\n"
    "Swap:                  0 kB\n"
    "VmFlags: rd ex mr mw me \n"
    "00e03000-00e24000 rw-p 00000000 00:00 0                                  [heap]\n"
    "Rss:                  64 kB\n"
    "Swap:                  8 kB\n"
    "7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
    "Rss:                   0 kB\n"
    "7f0000001000-7f0000801000 rw-p 00000000 00:00 0 \n"
    "Rss:                  12 kB\n"
    "7f0001000000-7f0001100000 rw-p 00000000 00:00 0 \n"
    "Rss:     18446744073709551615 kB\n";

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapResidency) residency = hap_residency_parse (text, strlen (text), &error);
  const HapResident *resident;

  g_assert_no_error (error);
  g_assert_cmpuint (residency->mappings->len, ==, 5);
  resident = hap_residency_find (residency, 0x400010);
  g_assert_true (resident->file && !resident->heap && !resident->stack);
  g_assert_cmpuint (resident->resident, ==, 100 * 1024);
  resident = hap_residency_find (residency, 0xe03000);
  g_assert_true (resident->heap && !resident->file && !resident->stack);
  g_assert_cmpuint (resident->swapped, ==, 8 * 1024);
  resident = hap_residency_find (residency, 0x7f0000001000);
  g_assert_true (resident->stack);
  resident = hap_residency_find (residency, 0x7f00010fffff);
  g_assert_false (resident->stack);
  /* No more than the mapping has. */
  g_assert_cmpuint (resident->resident, ==, 0x100000);
  g_assert_cmpuint (residency->resident, ==, (100 + 64 + 12 + 1024) * 1024);
  g_assert_null (hap_residency_find (residency, 0x7f0001100000));
}

static void
test_hostile (void)
{
  static const char *const texts[] = {
    "0040z000-00452000 r-xp 00000000 08:02 173521 /usr/bin/python3.11\n",
    "00452000-00400000 r-xp 00000000 08:02 173521 /usr/bin/python3.11\n",
    "00400000-00452000 r-xp 00000000 08:02 173521 /a\n00400000-00452000 r-xp 00000000 08:02 173521 /a\n",
    "00400000-00452000",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (hap_residency_parse (texts[i], strlen (texts[i]), &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
}

static void
test_own (void)
{
  const gsize size = 8 * 1024 * 1024;
  g_autoptr (GError) error = NULL;
  g_autoptr (HapResidency) residency = NULL;
  char *memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = open ("/proc/self/smaps", O_RDONLY | O_CLOEXEC);

  g_assert_true (memory != MAP_FAILED && fd >= 0);
  memset (memory, 1, size);
  residency = hap_residency_read (fd, &error);
  close (fd);
  g_assert_no_error (error);
  g_assert_cmpuint (hap_residency_find (residency, (gsize)memory)->resident, >=, size);
  g_assert_true (hap_residency_find (residency, (gsize)&residency)->stack);
  munmap (memory, size);
}

/* A descriptor that was opened before the process ended. */
static void
test_gone (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  pid_t child = fork ();
  int fd;

  if (child == 0)
    {
      pause ();
      _exit (0);
    }
  path = g_strdup_printf ("/proc/%d/smaps", child);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  g_assert_null (hap_residency_read (fd, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE);
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/target/residency/parse", test_parse);
  g_test_add_func ("/target/residency/hostile", test_hostile);
  g_test_add_func ("/target/residency/own", test_own);
  g_test_add_func ("/target/residency/gone", test_gone);
  return g_test_run ();
}
