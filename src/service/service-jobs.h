/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-job.h"

G_BEGIN_DECLS

/**
 * ServiceJobs: all jobs: how many may run, which exclude each other, how long the ended ones can be read, and
 * what the bus sees.
 */
#define SERVICE_TYPE_JOBS (service_jobs_get_type ())
G_DECLARE_FINAL_TYPE (ServiceJobs, service_jobs, SERVICE, JOBS, GObject)

/* @hold: taken while there is any job. @retention_seconds: how long ended ones stay */
ServiceJobs *service_jobs_new (const ServiceContext *context, ServiceHold *hold, guint retention_seconds);

/**
 * service_jobs_start:
 *
 * Starts a job; one with HAP_REPLY_JOB is on the bus.
 * Returns: (transfer full)
 * Errors: HAP_ERROR_BUSY: too many run; HAP_ERROR_BUSY or HAP_ERROR_ALREADY_STARTED: one runs in its slot;
 * HAP_ERROR_FAILED
 */
ServiceJob *service_jobs_start (ServiceJobs *self,
                                HapAction *action,
                                const char *plugin,
                                ServiceProcess *process,
                                ServiceCaller *caller,
                                GError **error);

/**
 * service_jobs_find_in_slot:
 * @pid: 0: of any target
 *
 * Returns: (transfer none): the job that runs there
 * Errors: HAP_ERROR_NOT_RUNNING: there is none; HAP_ERROR_AMBIGUOUS_TARGET: more than one
 */
ServiceJob *service_jobs_find_in_slot (ServiceJobs *self, const char *slot, guint pid, GError **error);

/* @name, a subscriber, is told the notifications of the jobs that run; @owner: (nullable): of whose alone */
void service_jobs_tell (ServiceJobs *self, const char *name, const guint *owner);

void service_jobs_cancel_all (ServiceJobs *self);

/* Takes all jobs off the bus. */
void service_jobs_close (ServiceJobs *self);

/* The interface org.freedesktop.DBus.ObjectManager, whose owner this is. */
const ServiceInterface *service_jobs_get_interface (void);

G_END_DECLS
