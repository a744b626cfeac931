/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-report.h"

G_BEGIN_DECLS

/* A HapReport that keeps what an action reports; artifacts become files in a directory that goes with it. */
#define HAP_TEST_TYPE_REPORT (hap_test_report_get_type ())
G_DECLARE_FINAL_TYPE (HapTestReport, hap_test_report, HAP_TEST, REPORT, GObject)

HapTestReport *hap_test_report_new (void);

/* Called after each entry, or whenever progress is told, in the thread that runs the action: the target can
 * be given something to do between two of them. */
typedef void (*HapTestReportFunc) (HapTestReport *self, gpointer data);
void hap_test_report_set_on_entry (HapTestReport *self, HapTestReportFunc func, gpointer data);
void hap_test_report_set_on_progress (HapTestReport *self, HapTestReportFunc func, gpointer data);

/* Returns: (transfer none) (element-type GVariant): `a{sv}` of each entry, its message among them */
GPtrArray *hap_test_report_get_entries (HapTestReport *self);

GVariant *hap_test_report_get_summary (HapTestReport *self); /* (transfer none) (nullable) */
double hap_test_report_get_progress (HapTestReport *self);   /* the greatest that was told */

/* Returns: (transfer full): the names of the committed artifacts, sorted */
GStrv hap_test_report_list_artifacts (HapTestReport *self);

/* Returns: (transfer full): the path of an artifact */
char *hap_test_report_get_path (HapTestReport *self, const char *name);

/* Returns: (transfer none) (element-type utf8): "id|title|message" of each notification */
GPtrArray *hap_test_report_get_notifications (HapTestReport *self);

G_END_DECLS
