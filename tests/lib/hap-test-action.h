/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-test-report.h"
#include "hap-test.h"

G_BEGIN_DECLS

/* An action of a built plugin, as a worker makes it. @data: (nullable): `a{sv}` as text: "{'seconds': <2>}".
 * Aborts the test where it is refused. */
HapAction *hap_test_action_new (const char *plugin, const char *method, const char *data);

/* Runs such an action on an attached target; NULL with @error. */
HapTestReport *hap_test_run_action (HapTarget *target,
                                    const char *plugin,
                                    const char *method,
                                    const char *data,
                                    GError **error);

G_END_DECLS
