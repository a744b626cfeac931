/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The artifact store: whole or not at all, private, bounded.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-error.h"
#include "service-artifacts.h"

static const ServiceArtifactInfo info = { "text/html", "A <title> ü", "Start", 42, 1000 };

typedef struct
{
  char *dir, *path;
  ServiceArtifacts *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = g_dir_make_tmp ("ha-profiler-test-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->dir, "state", NULL);
  fixture->store = service_artifacts_new (fixture->path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", fixture->dir);

  g_clear_object (&fixture->store);
  g_assert_cmpint (system (command), ==, 0);
  g_free (fixture->path);
  g_free (fixture->dir);
}

static void
make (Fixture *fixture, const char *name, const char *content)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ServiceArtifact) artifact = service_artifacts_create (fixture->store, name, &info, &error);

  g_assert_no_error (error);
  g_assert_cmpint (write (service_artifact_get_fd (artifact), content, strlen (content)), ==,
                   strlen (content));
  service_artifact_commit (artifact, &error);
  g_assert_no_error (error);
}

static GVariant *
list (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GVariant *artifacts = service_artifacts_list (fixture->store, NULL, &error);

  g_assert_no_error (error);
  return g_variant_ref_sink (artifacts);
}

static void
assert_names (Fixture *fixture, const char *expected)
{
  g_autoptr (GVariant) artifacts = list (fixture);
  g_autoptr (GString) names = g_string_new (NULL);

  for (gsize i = 0; i < g_variant_n_children (artifacts); i++)
    {
      g_autoptr (GVariant) artifact = g_variant_get_child_value (artifacts, i);
      const char *name;

      g_variant_lookup (artifact, "name", "&s", &name);
      g_string_append_printf (names, "%s ", name);
    }
  g_assert_cmpstr (names->str, ==, expected);
}

static void
set_age (Fixture *fixture, const char *name, time_t seconds)
{
  g_autofree char *path = g_build_filename (fixture->path, name, NULL);
  const struct timespec times[] = { { time (NULL) - seconds, 0 }, { time (NULL) - seconds, 0 } };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) artifacts = NULL;
  g_autoptr (GVariant) artifact = NULL;
  struct stat status;
  char content[16] = "";
  const char *text;
  guint64 number;
  guint target;
  int fd;

  make (fixture, "flamegraph.1.html", "<html>");
  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0700);

  fd = service_artifacts_open (fixture->store, "flamegraph.1.html", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (fd, content, sizeof content), ==, 6);
  g_assert_cmpstr (content, ==, "<html>");
  g_assert_cmpint (write (fd, "x", 1), ==, -1);
  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  close (fd);

  artifacts = list (fixture);
  g_assert_cmpuint (g_variant_n_children (artifacts), ==, 1);
  artifact = g_variant_get_child_value (artifacts, 0);
  g_assert_true (g_variant_lookup (artifact, "size", "t", &number));
  g_assert_cmpuint (number, ==, 6);
  g_assert_true (g_variant_lookup (artifact, "mime", "&s", &text));
  g_assert_cmpstr (text, ==, "text/html");
  g_assert_true (g_variant_lookup (artifact, "created", "t", &number));
  /* Where the file system keeps what is known of a file. */
  if (g_variant_lookup (artifact, "target", "u", &target))
    {
      g_assert_cmpuint (target, ==, 42);
      g_assert_true (g_variant_lookup (artifact, "title", "&s", &text));
      g_assert_cmpstr (text, ==, info.title);
      g_assert_true (g_variant_lookup (artifact, "action", "&s", &text));
      g_assert_cmpstr (text, ==, "Start");
    }
}

static void
test_whole_or_not_at_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ServiceArtifact *artifact = service_artifacts_create (fixture->store, "a", &info, &error);
  g_autoptr (GDir) directory = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (write (service_artifact_get_fd (artifact), "half", 4), ==, 4);
  assert_names (fixture, "");
  service_artifact_free (artifact);

  directory = g_dir_open (fixture->path, 0, NULL);
  g_assert_null (g_dir_read_name (directory));
}

static void
test_collision (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ServiceArtifact) first = service_artifacts_create (fixture->store, "a", &info, &error);
  g_autoptr (ServiceArtifact) second = service_artifacts_create (fixture->store, "a", &info, &error);

  g_assert_no_error (error);
  g_assert_cmpint (write (service_artifact_get_fd (first), "first", 5), ==, 5);
  g_assert_true (service_artifact_commit (first, &error));
  g_assert_false (service_artifact_commit (second, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "already"));
  g_clear_error (&error);

  g_assert_null (service_artifacts_create (fixture->store, "a", &info, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_cmpuint (service_artifact_get_size (first), ==, 5);
  assert_names (fixture, "a ");
}

static void
test_bad_names (Fixture *fixture, gconstpointer data)
{
  const char *const names[] = { "", ".", "..", "../a", "/etc/passwd", "a/b", ".hidden", "a\nb", "\033" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (service_artifacts_create (fixture->store, names[i], &info, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
      g_clear_error (&error);
      g_assert_cmpint (service_artifacts_open (fixture->store, names[i], NULL, &error), ==, -1);
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
      g_clear_error (&error);
      g_assert_false (service_artifacts_remove (fixture->store, names[i], NULL, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (service_artifacts_open (fixture->store, "a", NULL, &error), ==, -1);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_assert_false (service_artifacts_remove (fixture->store, "a", NULL, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  make (fixture, "a", "1");
  make (fixture, "b", "2");
  g_assert_true (service_artifacts_remove (fixture->store, "a", NULL, &error));
  g_assert_no_error (error);
  assert_names (fixture, "b ");
}

/* Between the question and the answer an artifact can have become somebody else's. */
static void
test_another_owner (Fixture *fixture, gconstpointer data)
{
  const guint owner = info.owner, another = info.owner + 1;
  g_autoptr (GError) error = NULL;
  guint kept = another;
  int fd;

  make (fixture, "a", "1");
  g_assert_true (service_artifacts_get_owner (fixture->store, "a", &kept));
  if (kept != owner)
    {
      g_test_skip ("the file system keeps no extended attributes");
      return;
    }
  g_assert_cmpint (service_artifacts_open (fixture->store, "a", &another, &error), ==, -1);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_false (service_artifacts_remove (fixture->store, "a", &another, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);
  fd = service_artifacts_open (fixture->store, "a", &owner, &error);
  g_assert_no_error (error);
  close (fd);
  g_assert_true (service_artifacts_remove (fixture->store, "a", &owner, &error));
  g_assert_no_error (error);
}

/* Things in the directory that are no artifacts are neither shown nor handed out. */
static void
test_strange_files (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *link = g_build_filename (fixture->path, "link", NULL);
  g_autofree char *fifo = g_build_filename (fixture->path, "fifo", NULL);
  g_autofree char *directory = g_build_filename (fixture->path, "directory", NULL);
  const char *const names[] = { "link", "fifo", "directory" };

  make (fixture, "a", "1");
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (mkdir (directory, 0700), ==, 0);
  assert_names (fixture, "a ");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_cmpint (service_artifacts_open (fixture->store, names[i], NULL, &error), ==, -1);
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
      g_clear_error (&error);
    }
}

static void
test_age_limit (Fixture *fixture, gconstpointer data)
{
  service_artifacts_set_limits (fixture->store, 0, 30 * 24 * 60 * 60, 0);
  make (fixture, "old", "1");
  make (fixture, "young", "2");
  set_age (fixture, "old", 31 * 24 * 60 * 60);
  set_age (fixture, "young", 29 * 24 * 60 * 60);
  assert_names (fixture, "young ");
}

static void
test_size_limit (Fixture *fixture, gconstpointer data)
{
  service_artifacts_set_limits (fixture->store, 10, 0, 0);
  make (fixture, "first", "1234");
  set_age (fixture, "first", 300);
  make (fixture, "second", "1234");
  set_age (fixture, "second", 200);
  make (fixture, "third", "123");
  assert_names (fixture, "third second ");
  set_age (fixture, "third", 100);

  /* What is just made is there, even if it is too large. */
  make (fixture, "fourth", "123456789012");
  {
    g_autofree char *path = g_build_filename (fixture->path, "fourth", NULL);

    g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  }
}

static void
test_count_limit (Fixture *fixture, gconstpointer data)
{
  service_artifacts_set_limits (fixture->store, 0, 0, 2);
  make (fixture, "first", "1");
  set_age (fixture, "first", 300);
  make (fixture, "second", "2");
  set_age (fixture, "second", 200);
  make (fixture, "third", "3");
  assert_names (fixture, "third second ");
}

/* Whose an artifact is outlives the service; of what is not known to be somebody's, root is the owner. */
static void
test_owner (Fixture *fixture, gconstpointer data)
{
  g_autofree char *stray = g_build_filename (fixture->path, "stray", NULL);
  g_autoptr (GVariant) listed = NULL;
  const guint somebody = 1000, nobody = 65534;
  guint owner = 1;

  make (fixture, "made", "1");
  g_file_set_contents (stray, "x", 1, NULL);
  g_clear_object (&fixture->store);
  fixture->store = service_artifacts_new (fixture->path);

  g_assert_true (service_artifacts_get_owner (fixture->store, "stray", &owner));
  g_assert_cmpuint (owner, ==, 0);
  g_assert_false (service_artifacts_get_owner (fixture->store, "missing", &owner));
  g_assert_false (service_artifacts_get_owner (fixture->store, "../made", &owner));
  g_assert_true (service_artifacts_get_owner (fixture->store, "made", &owner));
  if (owner == 0)
    {
      g_test_skip ("the file system of temporary files has no extended attributes");
      return;
    }
  g_assert_cmpuint (owner, ==, somebody);
  g_assert_true (service_artifacts_has_others (fixture->store, somebody));

  listed = g_variant_ref_sink (service_artifacts_list (fixture->store, &somebody, NULL));
  g_assert_cmpuint (g_variant_n_children (listed), ==, 1);
  g_variant_unref (listed);
  listed = g_variant_ref_sink (service_artifacts_list (fixture->store, &nobody, NULL));
  g_assert_cmpuint (g_variant_n_children (listed), ==, 0);
}

/* What a killed process left, where there are no nameless files. */
static void
test_old_partials (Fixture *fixture, gconstpointer data)
{
  g_autofree char *old = g_build_filename (fixture->path, ".partial-1", NULL);
  g_autofree char *young = g_build_filename (fixture->path, ".partial-2", NULL);

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_file_set_contents (old, "x", 1, NULL);
  g_file_set_contents (young, "x", 1, NULL);
  set_age (fixture, ".partial-1", 3 * 24 * 60 * 60);
  assert_names (fixture, "");
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (young, G_FILE_TEST_EXISTS));
}

static void
assert_unusable (Fixture *fixture, HapError code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (service_artifacts_create (fixture->store, "a", &info, &error));
  g_assert_error (error, HAP_ERROR, (gint)code);
  if (strstr (error->message, text) == NULL)
    g_error ("expected “%s” in: %s", text, error->message);
}

static void
test_linked_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->dir, "other", NULL);

  g_assert_cmpint (g_mkdir (other, 0700), ==, 0);
  g_assert_cmpint (symlink (other, fixture->path), ==, 0);
  assert_unusable (fixture, HAP_ERROR_FAILED, "symbolic link");
}

static void
test_no_directory (Fixture *fixture, gconstpointer data)
{
  g_file_set_contents (fixture->path, "x", 1, NULL);
  assert_unusable (fixture, HAP_ERROR_FAILED, "no directory");
}

static void
test_foreign_directory (Fixture *fixture, gconstpointer data)
{
  if (geteuid () != 0)
    {
      g_test_skip ("only root can make another user's directory");
      return;
    }
  g_assert_cmpint (g_mkdir (fixture->path, 0777), ==, 0);
  g_assert_cmpint (chown (fixture->path, 65534, 65534), ==, 0);
  assert_unusable (fixture, HAP_ERROR_FAILED, "belongs to uid 65534");
}

static void
test_open_directory (Fixture *fixture, gconstpointer data)
{
  struct stat status;

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_assert_cmpint (chmod (fixture->path, 0777), ==, 0);
  make (fixture, "a", "1");
  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0700);
}

/* Runs @test in a child with a file system of 64 KiB at the fixture's directory, which ends with it. */
static void
run_on_full_disk (Fixture *fixture, const char *options, void (*test) (Fixture *fixture))
{
  int status;
  pid_t child;

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  child = fork ();
  if (child == 0)
    {
      if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
          || mount ("none", fixture->path, "tmpfs", 0, options) != 0)
        _exit (77);
      test (fixture);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("no right to mount a small file system");
  else
    g_assert_cmpint (status, ==, 0);
}

static void
write_until_full (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ServiceArtifact) artifact = service_artifacts_create (fixture->store, "a", &info, &error);
  char block[4096] = "";

  g_assert_no_error (error);
  while (write (service_artifact_get_fd (artifact), block, sizeof block) > 0)
    continue;
  g_assert_cmpint (errno, ==, ENOSPC);
  g_clear_pointer (&artifact, service_artifact_free);

  /* What was not committed is not there any more, nor does it take space. */
  assert_names (fixture, "");
  make (fixture, "b", "1");
}

static void
create_without_inodes (Fixture *fixture)
{
  make (fixture, "a", "1");
  assert_unusable (fixture, HAP_ERROR_FAILED, "already");
  {
    g_autoptr (GError) error = NULL;

    g_assert_null (service_artifacts_create (fixture->store, "b", &info, &error));
    g_assert_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE);
  }
}

static void
write_read_only (Fixture *fixture)
{
  assert_unusable (fixture, HAP_ERROR_FAILED, "Read-only");
}

static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  run_on_full_disk (fixture, "size=64k,mode=0700", write_until_full);
}

static void
test_no_inodes (Fixture *fixture, gconstpointer data)
{
  /* The root directory's and one file's. */
  run_on_full_disk (fixture, "nr_inodes=2,mode=0700", create_without_inodes);
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  run_on_full_disk (fixture, "ro,mode=0700", write_read_only);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/service/artifacts/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("round-trip", test_round_trip);
  ADD ("whole-or-not-at-all", test_whole_or_not_at_all);
  ADD ("collision", test_collision);
  ADD ("bad-names", test_bad_names);
  ADD ("missing", test_missing);
  ADD ("remove", test_remove);
  ADD ("another-owner", test_another_owner);
  ADD ("strange-files", test_strange_files);
  ADD ("age-limit", test_age_limit);
  ADD ("size-limit", test_size_limit);
  ADD ("count-limit", test_count_limit);
  ADD ("owner", test_owner);
  ADD ("old-partials", test_old_partials);
  ADD ("linked-directory", test_linked_directory);
  ADD ("no-directory", test_no_directory);
  ADD ("foreign-directory", test_foreign_directory);
  ADD ("open-directory", test_open_directory);
  ADD ("full-disk", test_full_disk);
  ADD ("no-inodes", test_no_inodes);
  ADD ("read-only", test_read_only);
  return g_test_run ();
}
