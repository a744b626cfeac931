/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of who may do what: complete, and closed to the rest.
 */

#include "service-authority.h"
#include "hap-error.h"
#include "service-interfaces.h"

typedef struct
{
  HapPluginEngine *engine;
  ServiceAuthority *authority;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const char *const directories[] = { HAP_TEST_PLUGINS, NULL };

  fixture->engine = hap_plugin_engine_new (directories);
  fixture->authority = service_authority_new (NULL, G_BUS_TYPE_SYSTEM, fixture->engine);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->authority);
  g_clear_object (&fixture->engine);
}

static void
assert_action (Fixture *fixture, const char *interface, const char *member, const char *expected)
{
  g_autofree char *action = service_authority_lookup (fixture->authority, interface, member);

  g_assert_cmpstr (action, ==, expected);
}

static void
assert_has_row (Fixture *fixture, const char *interface, const char *member)
{
  g_autofree char *action = service_authority_lookup (fixture->authority, interface, member);

  if (action == NULL)
    g_error ("%s.%s has no row", interface, member);
  g_assert_true (g_str_has_prefix (action, "org.homeassistant.Profiler."));
}

static void
test_complete (Fixture *fixture, gconstpointer data)
{
  const GDBusInterfaceInfo *const interfaces[] = {
    &org_homeassistant_profiler_manager_interface,
    &org_homeassistant_profiler_job_interface,
    &org_freedesktop_dbus_object_manager_interface,
  };

  for (guint i = 0; i < G_N_ELEMENTS (interfaces); i++)
    {
      for (GDBusMethodInfo **method = interfaces[i]->methods; method != NULL && *method != NULL; method++)
        assert_has_row (fixture, interfaces[i]->name, (*method)->name);
      for (GDBusPropertyInfo **property = interfaces[i]->properties; property != NULL && *property != NULL;
           property++)
        assert_has_row (fixture, interfaces[i]->name, (*property)->name);
      assert_has_row (fixture, interfaces[i]->name, "*");
    }
}

static void
test_denied (Fixture *fixture, gconstpointer data)
{
  assert_action (fixture, "org.homeassistant.Profiler.Manager", "Reboot", NULL);
  assert_action (fixture, "org.homeassistant.Profiler.Manager", "listtargets", NULL);
  assert_action (fixture, "org.homeassistant.Profiler.Job", "ListTargets", NULL);
  assert_action (fixture, "org.homeassistant.Profiler", "ListTargets", NULL);
  assert_action (fixture, "org.homeassistant.Profiler", "Missing", NULL);
  assert_action (fixture, "org.example", "*", NULL);
  assert_action (fixture, "", "", NULL);
}

static void
test_actions (Fixture *fixture, gconstpointer data)
{
  assert_action (fixture, "org.homeassistant.Profiler", "FakeJob", "org.homeassistant.Profiler.profile");
  assert_action (fixture, "org.homeassistant.Profiler", "FakeReport", "org.homeassistant.Profiler.observe");
  assert_action (fixture, "org.homeassistant.Profiler", "FakeNone", "org.homeassistant.Profiler.modify");
  /* A plugin cannot make up an authority. */
  assert_action (fixture, "org.homeassistant.Profiler", "FakeDenied", NULL);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  GError **error = data;

  g_assert_false (service_authority_check_finish (SERVICE_AUTHORITY (source), result, error));
}

static void
test_check_denies (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  service_authority_check (fixture->authority, ":1.1", "org.homeassistant.Profiler.Manager", "Reboot",
                           on_checked, &error);
  while (error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);

  /* Without a sender there is nobody to be authorised. */
  service_authority_check (fixture->authority, NULL, "org.homeassistant.Profiler.Manager", "ListTargets",
                           on_checked, &error);
  while (error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/service/authority/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("complete", test_complete);
  ADD ("denied", test_denied);
  ADD ("actions", test_actions);
  ADD ("check-denies", test_check_denies);
  return g_test_run ();
}
