/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How much memory is left, by what the kernel says: to the machine, and to each group that a process is in.
 * The test shows other words than the kernel's, in a mount namespace of its own.
 */

#include "service-headroom.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "hap-error.h"

#define GROUPS "/sys/fs/cgroup"
#define MIB G_GUINT64_CONSTANT (1048576)

static gboolean shown;

static void
write_number (const char *group, const char *name, guint64 mib)
{
  g_autofree char *path = g_build_filename (GROUPS, group, name, NULL);
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *text =
      mib > 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT "\n", mib * MIB) : g_strdup ("max\n");

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
write_memory (guint64 total_mib, guint64 left_mib)
{
  g_autofree char *text = g_strdup_printf ("MemTotal: %" G_GUINT64_FORMAT
                                           " kB\nMemFree: 0 kB\nMemAvailable: %" G_GUINT64_FORMAT " kB\n",
                                           total_mib * 1024, left_mib * 1024);

  g_assert_true (g_file_set_contents_full ("/proc/meminfo", text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
}

static void
assert_left (const char *cgroup, guint64 mib)
{
  g_autoptr (ServiceHeadroom) headroom = service_headroom_new (cgroup);
  g_autoptr (GError) error = NULL;

  g_assert_true (service_headroom_has (headroom, mib * MIB, &error));
  g_assert_no_error (error);
  g_assert_false (service_headroom_is_low (headroom));
  g_assert_false (service_headroom_has (headroom, mib * MIB + 1, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE);
}

static gboolean
is_shown (void)
{
  if (!shown)
    g_test_skip ("no mount namespace can be had here");
  return shown;
}

static void
test_machine (void)
{
  if (!is_shown ())
    return;
  write_memory (8000, 3000);
  assert_left (NULL, 3000);
  assert_left ("0::/\n", 3000);
  assert_left ("0::/nowhere\n", 3000);
  assert_left ("0::/../../etc\n", 3000);
  assert_left ("4:memory:/group\n", 3000);
}

/* The least of all levels counts; files that can be dropped are no use of memory. */
static void
test_groups (void)
{
  if (!is_shown ())
    return;
  write_memory (8000, 3000);
  write_number ("outer", "memory.max", 2000);
  write_number ("outer", "memory.current", 500);
  write_number ("outer/inner", "memory.max", 0);
  write_number ("outer/inner", "memory.current", 400);
  assert_left ("0::/outer/inner\n", 1500);
  write_number ("outer/inner", "memory.max", 1000);
  assert_left ("0::/outer/inner\n", 600);
  g_assert_true (
      g_file_set_contents (GROUPS "/outer/inner/memory.stat", "anon 1\ninactive_file 104857600\n", -1, NULL));
  assert_left ("0::/outer/inner\n", 700);
}

static void
test_low (void)
{
  g_autoptr (ServiceHeadroom) headroom = service_headroom_new ("0::/low\n");
  g_autoptr (GError) error = NULL;

  if (!is_shown ())
    return;
  write_memory (8000, 3000);
  write_number ("low", "memory.max", 1000);
  write_number ("low", "memory.current", 960);
  g_assert_true (service_headroom_is_low (headroom));
  g_assert_false (service_headroom_has (headroom, 1, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE);
  write_number ("low", "memory.current", 900);
  g_assert_false (service_headroom_is_low (headroom));
  write_memory (8000, 200);
  g_assert_true (service_headroom_is_low (headroom));
}

/* Before there is another thread, which would stay where it is. */
static gboolean
show_other_words (const char *directory)
{
  g_autofree char *memory = g_build_filename (directory, "meminfo", NULL);
  g_autofree char *groups = g_build_filename (directory, "groups", NULL);

  return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
         && g_mkdir (groups, 0755) == 0 && g_file_set_contents (memory, "", 0, NULL)
         && mount (memory, "/proc/meminfo", NULL, MS_BIND, NULL) == 0
         && mount (groups, GROUPS, NULL, MS_BIND, NULL) == 0;
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = NULL;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("hap-headroom-XXXXXX", NULL);
  shown = geteuid () == 0 && show_other_words (directory);
  g_test_add_func ("/service/headroom/machine", test_machine);
  g_test_add_func ("/service/headroom/groups", test_groups);
  g_test_add_func ("/service/headroom/low", test_low);
  return g_test_run ();
}
