/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose a job is, and what of it: who made it needs nobody's leave for it, another user has no part in it;
 * who may observe hears that it goes on, and of its contents nothing. In polkit-world.
 */

#include "world.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define DENIED "error org.homeassistant.Profiler.Error.NotAuthorized "
#define MANAGER "call 0 " PROFILER_PATH " org.homeassistant.Profiler.Manager "
#define OWNER 64324
#define OBSERVER 64322
#define INSPECTOR 64323

static World world;

/* Ordinary users who are not the owner, in a session and in none. */
static const guint others[] = { 64322, 64323, 65534 };

static const char *const calls[] = {
  "org.homeassistant.Profiler.Job Cancel ()",
  "org.freedesktop.DBus.Properties GetAll ('org.homeassistant.Profiler.Job',)",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Action')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Target')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'State')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Progress')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'StartedAt')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Artifacts')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Error')",
  "org.freedesktop.DBus.Properties Get ('org.homeassistant.Profiler.Job', 'Summary')",
};

/* Without a password. */
static void
assert_told (Caller *caller, const char *line, const char *prefix)
{
  g_autofree char *answer = world_tell (&world, caller, line);

  if (!g_str_has_prefix (answer, prefix))
    g_error ("user %u, %s: expected %s: %s", caller->uid, line, prefix, answer);
}

static gboolean
has_begun (gpointer data)
{
  g_autoptr (GVariant) progress = fixture_get (&world.fixture, data, "Progress");

  return g_variant_get_double (progress) > 0;
}

/* Of the owner's, on a process of theirs. */
static char *
start_own_job (Caller *owner)
{
  g_autofree char *line = g_strdup_printf ("call 0 %s org.homeassistant.Profiler FakeJob ({'target': <uint32 "
                                           "%u>, 'script': <'wait'>},)",
                                           PROFILER_PATH, world_add_target (&world, OWNER));
  g_autofree char *answer = world_tell (&world, owner, line);
  g_auto (GStrv) parts = g_strsplit (answer, "'", 3);

  if (!g_str_has_prefix (answer, "ok ('" PROFILER_PATH "/jobs/"))
    g_error ("%s: %s", line, answer);
  fixture_wait (has_begun, parts[1]);
  return g_strdup (parts[1]);
}

static void
assert_refused_to_others (const char *line)
{
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (Caller) other = world_add_caller (&world, others[i]);

      assert_told (other, line, DENIED);
    }
}

static void
test_job (void)
{
  g_autoptr (Caller) owner = world_add_caller (&world, OWNER);
  g_autofree char *job = start_own_job (owner);

  /* Cancel among them. */
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autofree char *line = g_strdup_printf ("call 0 %s %s", job, calls[i]);

      assert_refused_to_others (line);
    }
  fixture_wait_for_state (&world.fixture, job, "running");
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autofree char *line = g_strdup_printf ("call 0 %s %s", job, calls[i]);

      assert_told (owner, line, "ok ");
    }
  fixture_wait_for_state (&world.fixture, job, "cancelled");
}

static char *
get_artifact_name (const char *job)
{
  g_autoptr (GVariant) artifacts = fixture_get (&world.fixture, job, "Artifacts");
  g_autoptr (GVariant) artifact = NULL;
  char *name = NULL;

  g_assert_cmpuint (g_variant_n_children (artifacts), ==, 1);
  artifact = g_variant_get_child_value (artifacts, 0);
  g_assert_true (g_variant_lookup (artifact, "name", "s", &name));
  return name;
}

static void
test_artifact (void)
{
  g_autoptr (Caller) owner = world_add_caller (&world, OWNER);
  g_autofree char *job = start_own_job (owner);
  g_autofree char *cancel = g_strdup_printf ("call 0 %s %s", job, calls[0]);
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *open = NULL;
  g_autofree char *remove = NULL;

  assert_told (owner, cancel, "ok ");
  fixture_wait_for_state (&world.fixture, job, "cancelled");
  name = get_artifact_name (job);
  path = g_build_filename (world.fixture.state_dir, name, NULL);
  open = g_strdup_printf (MANAGER "OpenArtifact ('%s',)", name);
  remove = g_strdup_printf (MANAGER "RemoveArtifact ('%s',)", name);

  assert_refused_to_others (open);
  assert_refused_to_others (remove);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  if (getxattr (path, "user.ha-profiler.owner", NULL, 0) < 0 && errno == ENOTSUP)
    {
      g_test_skip ("the file system keeps no extended attributes: artifacts are root's");
      return;
    }
  assert_told (owner, open, "ok fake");
  assert_told (owner, remove, "ok ");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static Caller *
add_subscriber (guint uid)
{
  Caller *caller = world_add_caller (&world, uid);

  assert_told (caller, "monitor", "ok ");
  assert_told (caller, MANAGER "Subscribe ()", "ok ");
  return caller;
}

/* What a subscriber heard of a job of root's that gave a line, a summary and an artifact, and of one that
 * failed. */
static const struct
{
  const char *text;
  gboolean contents; /* for who may inspect */
} heard[] = {
  { "\tInterfacesAdded\t", FALSE },   { "'Progress': <", FALSE },   { "'State': <'finished'>", FALSE },
  { "'State': <'failed'>", FALSE },   { "'name': <'fake.", FALSE }, { "\tNotification\t", FALSE },
  { "\tLogEntry\t", TRUE },           { "31mline", TRUE },          { "'Summary': <{", TRUE },
  { "'samples': <uint64 42>", TRUE }, { "'Error': <('org.", TRUE },       { "The process went away", TRUE },
};

static void
assert_heard (Caller *caller, gboolean inspects)
{
  g_autofree char *all = world_tell (&world, caller, "heard");

  for (guint i = 0; i < G_N_ELEMENTS (heard); i++)
    {
      if ((strstr (all, heard[i].text) != NULL) != (inspects || !heard[i].contents))
        g_error ("user %u, “%s”: %s", caller->uid, heard[i].text, all);
    }
}

/* Entries, summaries and errors are for who may inspect; who may observe hears the rest, and no list has
 * them. */
static void
test_subscribers (void)
{
  static const char *const scripts[][2] = { { "notify", "finished" }, { "notify-fail", "failed" } };
  guint target = world_add_target (&world, 0);
  g_autoptr (Caller) observer = NULL;
  g_autoptr (Caller) inspector = NULL;
  g_autofree char *list = NULL;

  world_set_rule (&world,
                  "polkit.addRule(function (action, subject) {"
                  " return action.id == 'org.homeassistant.Profiler.observe'"
                  " || action.id == 'org.homeassistant.Profiler.inspect' && subject.user == 'hap-remote'"
                  " ? polkit.Result.YES : polkit.Result.NO; });");
  observer = add_subscriber (OBSERVER);
  inspector = add_subscriber (INSPECTOR);
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autofree char *job = fixture_start_job (&world.fixture, target, scripts[i][0]);

      fixture_wait_for_state (&world.fixture, job, scripts[i][1]);
    }
  assert_heard (inspector, TRUE);
  assert_heard (observer, FALSE);
  list = world_tell (&world, observer,
                     "call 0 " PROFILER_PATH " org.freedesktop.DBus.ObjectManager GetManagedObjects ()");
  g_assert_nonnull (strstr (list, "'State': <'failed'>"));
  g_assert_null (strstr (list, "'samples'"));
  g_assert_null (strstr (list, "went away"));
  world_set_rule (&world, NULL);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!world_set_up (&world, "PolkitSeconds=20\nJobsPerUser=8\n", TRUE))
    {
      g_print ("1..0 # SKIP the fixture cannot be set up\n");
      return 0;
    }
  g_test_add_func ("/security/whose/job", test_job);
  g_test_add_func ("/security/whose/artifact", test_artifact);
  g_test_add_func ("/security/whose/subscribers", test_subscribers);
  status = g_test_run ();
  world_tear_down (&world);
  return status;
}
