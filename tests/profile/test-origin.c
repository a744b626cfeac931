/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of attribution, as a table of paths seen on real installations, and of paths made to confuse. */
#include "hap-origin.h"

#include <string.h>

static const struct
{
  const char *file, *kind, *name;
} cases[] = {
  /* in a virtual environment, in the container, in a checkout, in the tests */
  { "/srv/ha/lib/python3.13/site-packages/homeassistant/components/zha/core/device.py", "integration",
    "zha" },
  { "/usr/src/homeassistant/homeassistant/components/zha/__init__.py", "integration", "zha" },
  { "/workspaces/core/homeassistant/components/recorder/core.py", "integration", "recorder" },
  { "homeassistant/components/slow/__init__.py", "integration", "slow" },
  { "./x/../homeassistant//components/slow/./sensor.py", "integration", "slow" },
  { "/tmp/app.pyz/homeassistant/components/slow/__init__.py", "integration", "slow" },
  { "/config/custom_components/hacs/base.py", "custom", "hacs" },
  { "/home/me/custom_components/hacs/custom_components/hacs/base.py", "custom", "hacs" },
  { "/config/custom_components/foo/vendor/homeassistant/components/bar/x.py", "custom", "foo" },
  { "/v/lib/python3.12/site-packages/custom_components/test/light.py", "custom", "test" },
  /* the rest of the package */
  { "/srv/ha/lib/python3.13/site-packages/homeassistant/core.py", "core", "Home Assistant" },
  { "/usr/src/homeassistant/homeassistant/helpers/entity.py", "core", "Home Assistant" },
  { "/usr/src/homeassistant/homeassistant/components/__init__.py", "core", "Home Assistant" },
  { "homeassistant/core.py", "core", "Home Assistant" },
  /* libraries */
  { "/srv/ha/lib/python3.13/site-packages/aiohttp/client.py", "library", "aiohttp" },
  { "/home/homeassistant/.local/lib/python3.11/site-packages/zigpy/zcl/__init__.py", "library", "zigpy" },
  { "/usr/lib/python3/dist-packages/six.py", "library", "six" },
  { "/x/site-packages/_cffi.cpython-313-x86_64-linux-gnu.so", "library", "_cffi" },
  { "/x/site-packages/foo-1.0-py3.11.egg/foo/bar.py", "library", "foo" },
  { "/config/deps/lib/python3.13/site-packages/a/site-packages/b/c.py", "library", "b" },
  { "/x/site-packages/pytest_homeassistant_custom_component/plugins.py", "library",
    "pytest_homeassistant_custom_component" },
  { "/x/site-packages/vendor/homeassistant/components/zha/x.py", "library", "vendor" },
  /* Python's own */
  { "/usr/lib/python3.11/asyncio/base_events.py", "stdlib", "Python" },
  { "/opt/py/lib/python3.14t/selectors.py", "stdlib", "Python" },
  { "/usr/lib64/python3.12/json/decoder.py", "stdlib", "Python" },
  { "/usr/lib/python311.zip/os.py", "stdlib", "Python" },
  { "/srv/homeassistant/lib/python3.11/threading.py", "stdlib", "Python" },
  { "/a/homeassistant/lib/python3.11/threading.py", "stdlib", "Python" },
  { "<frozen importlib._bootstrap>", "stdlib", "Python" },
  { "<built-in>", "stdlib", "Python" },
  { "~", "stdlib", "Python" },
  /* none of these */
  { "/home/homeassistant/tool.py", "application", "Application" },
  { "/srv/homeassistant/bin/hass", "application", "Application" },
  { "/var/lib/homeassistant/x.py", "application", "Application" },
  { "/usr/bin/homeassistant", "application", "Application" },
  { "/opt/python3.11/tool.py", "application", "Application" },
  { "/opt/lib/pythonic/tool.py", "application", "Application" },
  { "/config/custom_components/single.py", "application", "Application" },
  { "custom_components", "application", "Application" },
  { "/x/site-packages", "application", "Application" },
  { "<string>", "application", "Application" },
  { "", "application", "Application" },
  { "/", "application", "Application" },
  { "../../..", "application", "Application" },
};

static void
test_rules (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HapOrigin *origin = hap_origin_of_file (cases[i].file);

      g_test_message ("%s", cases[i].file);
      g_assert_cmpstr (hap_origin_kind_to_string (origin->kind), ==, cases[i].kind);
      g_assert_cmpstr (origin->name, ==, cases[i].name);
    }
}

static void
test_interned (void)
{
  g_assert_true (hap_origin_of_file ("/a/custom_components/x/a.py")
                 == hap_origin_of_file ("/b/custom_components/x/sub/b.py"));
  g_assert_true (hap_origin_of_file ("/a/custom_components/x/a.py")
                 != hap_origin_of_file ("/a/homeassistant/components/x/a.py"));
}

static void
test_hostile (void)
{
  g_autofree char *dots = g_strnfill (100000, '/');
  g_autofree char *name = g_strnfill (100000, 'n');
  g_autofree char *path = g_strconcat ("/custom_components/", name, "/\xff\xfe", dots, NULL);
  const HapOrigin *origin = hap_origin_of_file (path);

  g_assert_cmpint (origin->kind, ==, HAP_ORIGIN_CUSTOM);
  g_assert_cmpuint (strlen (origin->name), <, 500);
  g_assert_true (g_utf8_validate (hap_origin_of_file ("/custom_components/\xff\xc3/x.py")->name, -1, NULL));
}

static void
test_modules (void)
{
  static const struct
  {
    const char *module, *name;
  } modules[] = {
    { "homeassistant.components.zha.core.device", "zha" },
    { "homeassistant.components.zha", "zha" },
    { "custom_components.hacs", "hacs" },
    { "custom_components.hacs.homeassistant.components.zha", "hacs" },
    { "homeassistant.components", "Home Assistant" },
    { "homeassistant", "Home Assistant" },
    { "homeassistant.helpers.entity", "Home Assistant" },
    { "homeassistant.components.", "Home Assistant" },
    { "custom_components", NULL },
    { "homeassistant_x", NULL },
    { "aiohttp.client", NULL },
    { "", NULL },
    { "...", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      const HapOrigin *origin = hap_origin_of_module (modules[i].module);

      g_assert_cmpstr (origin != NULL ? origin->name : NULL, ==, modules[i].name);
    }
  g_assert_cmpint (hap_origin_of_module ("custom_components.hacs")->kind, ==, HAP_ORIGIN_CUSTOM);
}

/* Last: it fills the table. */
static void
test_bounded (void)
{
  const HapOrigin *origin = NULL;

  for (guint i = 0; i < 6000; i++)
    {
      g_autofree char *path = g_strdup_printf ("/custom_components/flood%u/x.py", i);
      origin = hap_origin_of_file (path);
    }
  g_assert_cmpstr (origin->name, ==, "(others)");
  g_assert_cmpint (origin->kind, ==, HAP_ORIGIN_CUSTOM);
  g_assert_cmpstr (hap_origin_of_file ("/x/site-packages/new_after_flood/x.py")->name, ==, "(others)");
  g_assert_cmpstr (hap_origin_of_file ("/custom_components/flood1/x.py")->name, ==, "flood1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/origin/rules", test_rules);
  g_test_add_func ("/profile/origin/interned", test_interned);
  g_test_add_func ("/profile/origin/hostile", test_hostile);
  g_test_add_func ("/profile/origin/modules", test_modules);
  g_test_add_func ("/profile/origin/bounded", test_bounded);
  return g_test_run ();
}
