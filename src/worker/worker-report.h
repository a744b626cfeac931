/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-report.h"

G_BEGIN_DECLS

/* A HapReport that hands everything to the service. Calls block until the service answered. */
#define WORKER_TYPE_REPORT (worker_report_get_type ())
G_DECLARE_FINAL_TYPE (WorkerReport, worker_report, WORKER, REPORT, GObject)

/* @start_time: the job's, in microseconds since 1970 */
HapReport *worker_report_new (GDBusConnection *service, gint64 start_time);

/* Sends the entries that were not sent yet: they are gathered for some milliseconds at most. */
void worker_report_flush (HapReport *report);

G_END_DECLS
