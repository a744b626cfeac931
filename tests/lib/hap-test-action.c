/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Actions of the built plugins, run as a worker runs them, in the test's own process and without a service.
 */

#include "hap-test-action.h"

#include "hap-plugin-engine.h"

HapAction *
hap_test_action_new (const char *plugin, const char *method, const char *data)
{
  static HapPluginEngine *engine;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) variant = NULL;
  HapAction *action;
  GType type;

  if (engine == NULL)
    engine = hap_plugin_engine_new ((const char *const[]){ HAP_TEST_BUILD_DIR "/plugins", NULL });
  type = hap_plugin_engine_load (engine, plugin, method, &error);
  g_assert_no_error (error);
  variant = g_variant_parse (G_VARIANT_TYPE_VARDICT, data != NULL ? data : "{}", NULL, NULL, &error);
  g_assert_no_error (error);
  action = hap_action_new (type, variant, &error);
  g_assert_no_error (error);
  return action;
}

HapTestReport *
hap_test_run_action (HapTarget *target,
                     const char *plugin,
                     const char *method,
                     const char *data,
                     GError **error)
{
  g_autoptr (HapAction) action = hap_test_action_new (plugin, method, data);
  g_autoptr (HapTestReport) report = hap_test_report_new ();

  return hap_action_run (action, target, HAP_REPORT (report), NULL, error) ? g_steal_pointer (&report) : NULL;
}
