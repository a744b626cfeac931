/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths in a root directory, by the kernel and, with openat2 taken away as systemd does, by ourselves: the
 * same answers, and none from outside.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service-beneath.h"

/* The directory that is a root: its links. "inside" is a file in it and "outside" one beside it. */
static const struct
{
  const char *name, *target;
} links[] = {
  { "absolute", "/folder/inside" },
  { "relative", "folder/inside" },
  { "up", "folder/../folder/inside" },
  { "far-up", "../../../../../../folder/inside" },
  { "escape", "../outside" },
  { "escape-absolute", "/../outside" },
  { "loop", "loop" },
  { "folder/back", ".." },
  { "proc", "/proc/self/root" },
};

static const struct
{
  const char *path;
  gboolean opens;
} cases[] = {
  { "/folder/inside", TRUE },
  { "//folder/./inside", TRUE },
  { "/absolute", TRUE },
  { "/relative", TRUE },
  { "/up", TRUE },
  { "/far-up", TRUE },
  { "/../../folder/inside", TRUE },
  { "/folder/back/folder/back/absolute", TRUE },
  { "/escape", FALSE },
  { "/escape-absolute", FALSE },
  { "/../outside", FALSE },
  { "/folder/../../outside", FALSE },
  { "/loop", FALSE },
  { "/missing", FALSE },
  { "/folder/inside/more", FALSE },
  { "/proc/folder/inside", FALSE },
};

static void
check_all (const char *top)
{
  g_autofree char *path = g_build_filename (top, "root", NULL);
  g_autofree char *inside = g_build_filename (path, "folder", "inside", NULL);
  int root = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  GStatBuf wanted;

  g_assert_cmpint (root, >=, 0);
  g_assert_cmpint (g_stat (inside, &wanted), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int fd = service_beneath_open (root, cases[i].path);
      struct stat status;

      if (cases[i].opens != (fd >= 0))
        g_error ("%s: %s", cases[i].path, fd >= 0 ? "opens" : g_strerror (errno));
      if (fd < 0)
        continue;
      g_assert_cmpint (fstat (fd, &status), ==, 0);
      g_assert_cmpuint (status.st_ino, ==, wanted.st_ino);
      close (fd);
    }
  close (root);
}

static char *
make_tree (void)
{
  char *top = g_dir_make_tmp (NULL, NULL);
  g_autofree char *root = g_build_filename (top, "root", NULL);
  g_autofree char *folder = g_build_filename (root, "folder", NULL);
  g_autofree char *inside = g_build_filename (folder, "inside", NULL);
  g_autofree char *outside = g_build_filename (top, "outside", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (inside, "", 0, NULL) && g_file_set_contents (outside, "", 0, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *path = g_build_filename (root, links[i].name, NULL);

      g_assert_cmpint (symlink (links[i].target, path), ==, 0);
    }
  return top;
}

static void
remove_tree (const char *top)
{
  static const char *const rest[] = { "root/folder/inside", "root/folder", "root", "outside", "", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *path = g_build_filename (top, "root", links[i].name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  for (guint i = 0; rest[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (top, rest[i], NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
}

static void
test_kernel (void)
{
  g_autofree char *top = make_tree ();

  check_all (top);
  remove_tree (top);
}

static void
test_ourselves (void)
{
  g_autofree char *top = NULL;
  scmp_filter_ctx filter;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }
  filter = seccomp_init (SCMP_ACT_ALLOW);
  g_assert_cmpint (seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (openat2), 0), ==, 0);
  g_assert_cmpint (seccomp_load (filter), ==, 0);
  seccomp_release (filter);
  top = make_tree ();
  check_all (top);
  remove_tree (top);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/service/beneath/kernel", test_kernel);
  g_test_add_func ("/service/beneath/ourselves", test_ourselves);
  return g_test_run ();
}
