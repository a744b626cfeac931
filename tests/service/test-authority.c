/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of who may do what: complete, and closed to the rest.
 */

#include "service-authority.h"
#include "documented-authorities.h"
#include "hap-action.h"
#include "hap-error.h"
#include "service-interfaces.h"
#include "service-quota.h"

#include <string.h>

typedef struct
{
  HapPluginEngine *engine;
  ServiceAuthority *authority;
} Fixture;

static const ServiceLimits limits = SERVICE_LIMITS_DEFAULT;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const char *const directories[] = { HAP_TEST_PLUGINS, NULL };

  fixture->engine = hap_plugin_engine_new (directories);
  fixture->authority = service_authority_new (NULL, G_BUS_TYPE_SYSTEM, fixture->engine, &limits);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->authority);
  g_clear_object (&fixture->engine);
}

static char *
look_up (Fixture *fixture, const char *interface, const char *member)
{
  const ServiceCall call = { .interface = interface, .member = member };

  return service_authority_lookup (fixture->authority, &call);
}

static void
assert_action (Fixture *fixture, const char *interface, const char *member, const char *expected)
{
  g_autofree char *action = look_up (fixture, interface, member);

  g_assert_cmpstr (action, ==, expected);
}

static void
assert_has_row (Fixture *fixture, const char *interface, const char *member)
{
  g_autofree char *action = look_up (fixture, interface, member);

  if (action == NULL)
    g_error ("%s.%s has no row", interface, member);
  if (!g_str_equal (action, SERVICE_AUTHORITY_ANYBODY))
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

/* Nothing of a job or of a target is for anybody. */
static void
test_open (Fixture *fixture, gconstpointer data)
{
  const GDBusInterfaceInfo *info = &org_homeassistant_profiler_job_interface;

  for (guint i = 0; info->properties[i] != NULL; i++)
    {
      g_autofree char *action = look_up (fixture, info->name, info->properties[i]->name);

      g_assert_cmpstr (action, !=, SERVICE_AUTHORITY_ANYBODY);
    }
  assert_action (fixture, "org.homeassistant.Profiler.Manager", "Unsubscribe", SERVICE_AUTHORITY_ANYBODY);
  assert_action (fixture, "org.homeassistant.Profiler.Manager", "Subscribe",
                 "org.homeassistant.Profiler.observe");
  assert_action (fixture, "org.homeassistant.Profiler", "LogEntry", "org.homeassistant.Profiler.inspect");
}

static void
test_special (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *member;
    gboolean ends, secrets, modifies;
    const char *expected;
    gboolean contents;
  } cases[] = {
    { "StartFakeLogging", FALSE, TRUE, FALSE, "org.homeassistant.Profiler.inspect-secrets" },
    { "FakeReport", FALSE, TRUE, FALSE, NULL },
    { "FakeNone", FALSE, TRUE, FALSE, NULL },
    { "StopFakeLogging", TRUE, FALSE, FALSE, "org.homeassistant.Profiler.manage" },
    { "FakeJob", FALSE, FALSE, TRUE, "org.homeassistant.Profiler.modify" },
    { "FakeDump", FALSE, TRUE, TRUE, "org.homeassistant.Profiler.modify" },
    { "FakeReport", FALSE, FALSE, FALSE, "org.homeassistant.Profiler.inspect", TRUE },
    { "FakeNone", FALSE, FALSE, TRUE, "org.homeassistant.Profiler.modify", TRUE },
    { "FakeDenied", FALSE, FALSE, FALSE, NULL, TRUE },
    { "FakeDenied", FALSE, FALSE, TRUE, NULL },
    { "Missing", TRUE, FALSE, TRUE, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const ServiceCall call = { .interface = "org.homeassistant.Profiler",
                                 .member = cases[i].member,
                                 .ends = cases[i].ends,
                                 .secrets = cases[i].secrets,
                                 .modifies = cases[i].modifies,
                                 .contents = cases[i].contents };
      g_autofree char *action = service_authority_lookup (fixture->authority, &call);

      g_assert_cmpstr (action, ==, cases[i].expected);
    }
}

/* What an attribute of the action asks for besides. */
static void
assert_attribute (Fixture *fixture, HapActionClass *klass, GParamSpec *pspec, const char *more)
{
  const ServiceCall call = { .interface = "org.homeassistant.Profiler",
                             .member = klass->method,
                             .secrets = (pspec->flags & HAP_PARAM_SECRET) != 0,
                             .modifies = (pspec->flags & HAP_PARAM_MODIFY) != 0,
                             .contents = (pspec->flags & HAP_PARAM_INSPECT) != 0 };
  g_autofree char *action = service_authority_lookup (fixture->authority, &call);
  g_autofree char *expected = g_strconcat ("org.homeassistant.Profiler.", more, NULL);

  if (g_strcmp0 (action, expected) != 0)
    g_error ("%s with %s takes %s, and not %s", klass->method, pspec->name, action, expected);
}

static void
assert_documented (Fixture *fixture, GType type)
{
  g_autoptr (HapActionClass) klass = g_type_class_ref (type);
  const ServiceCall call = { .interface = "org.homeassistant.Profiler",
                             .member = klass->method,
                             .ends = klass->stops != NULL };
  g_autofree char *action = service_authority_lookup (fixture->authority, &call);
  g_autofree GParamSpec **pspecs = NULL;
  const struct DocumentedAuthority *row = documented_authorities;
  g_autofree char *expected = NULL;
  guint n_pspecs;

  while (row < documented_authorities + G_N_ELEMENTS (documented_authorities)
         && !g_str_equal (row->method, klass->method))
    row++;
  if (row == documented_authorities + G_N_ELEMENTS (documented_authorities))
    g_error ("nobody has written down what %s takes", klass->method);
  expected = g_strconcat ("org.homeassistant.Profiler.", row->authority, NULL);
  if (g_strcmp0 (action, expected) != 0)
    g_error ("%s takes %s, and not %s", klass->method, action, expected);
  pspecs = g_object_class_list_properties (G_OBJECT_CLASS (klass), &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    assert_attribute (fixture, klass, pspecs[i],
                      g_strcmp0 (row->attribute, pspecs[i]->name) == 0
                          ? row->more
                          : action + strlen ("org.homeassistant.Profiler."));
}

/* The plugins that are installed say what is written down, each of them and of each attribute. */
static void
test_documented (void)
{
  const char *const directories[] = { HAP_TEST_INSTALLED_PLUGINS, NULL };
  g_autoptr (HapPluginEngine) engine = hap_plugin_engine_new (directories);
  g_autoptr (ServiceAuthority) authority = service_authority_new (NULL, G_BUS_TYPE_SYSTEM, engine, &limits);
  Fixture fixture = { engine, authority };
  GPtrArray *actions = hap_plugin_engine_list_actions (engine);

  g_assert_cmpuint (actions->len, ==, G_N_ELEMENTS (documented_authorities));
  for (guint i = 0; i < actions->len; i++)
    assert_documented (&fixture, GPOINTER_TO_SIZE (actions->pdata[i]));
}

/* Each action of the table, and no other, is one that polkit knows. */
static void
test_policy (Fixture *fixture, gconstpointer data)
{
  static const char *const actions[] = { "observe",         "profile", "inspect",
                                         "inspect-secrets", "modify",  "manage" };
  g_autofree char *policy = NULL;
  g_autoptr (GError) error = NULL;
  const char *at;
  guint n = 0;

  g_file_get_contents (HAP_TEST_POLICY_FILE, &policy, NULL, &error);
  g_assert_no_error (error);
  for (at = policy; (at = strstr (at, "<action id=")) != NULL; at++)
    n++;
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (actions));
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      g_autofree char *element =
          g_strdup_printf ("<action id=\"org.homeassistant.Profiler.%s\">", actions[i]);

      if (strstr (policy, element) == NULL)
        g_error ("the policy has no %s", element);
    }
}

static void
test_quota (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ServiceQuota) quota = service_quota_new ("things run", 3, 2);
  g_autoptr (GError) error = NULL;

  g_assert_true (service_quota_take (quota, 0, NULL));
  g_assert_true (service_quota_take (quota, 0, NULL));
  g_assert_false (service_quota_take (quota, 0, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "2 things run for user 0 already"));
  g_clear_error (&error);

  g_assert_true (service_quota_take (quota, 1000, NULL));
  g_assert_false (service_quota_take (quota, 1001, &error));
  g_assert_nonnull (strstr (error->message, "3 things run already"));
  service_quota_release (quota, 0);
  g_assert_true (service_quota_take (quota, 1001, NULL));
  service_quota_release (quota, 1001);
  g_assert_true (service_quota_take (quota, 0, NULL));
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
  ADD ("open", test_open);
  ADD ("special", test_special);
  g_test_add_func ("/service/authority/documented", test_documented);
  ADD ("policy", test_policy);
  ADD ("quota", test_quota);
  return g_test_run ();
}
