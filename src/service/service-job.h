/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-action.h"
#include "service-artifacts.h"
#include "service-caller.h"
#include "service-launcher.h"
#include "service-limits.h"
#include "service-subscribers.h"

G_BEGIN_DECLS

/* What all jobs share; outlives them. */
typedef struct
{
  ServiceBus *bus;
  ServiceLauncher *launcher;
  ServiceArtifacts *artifacts;
  ServiceSubscribers *subscribers;
  const ServiceLimits *limits;
} ServiceContext;

/**
 * ServiceJob: one running action, and then what came of it.
 *
 * Signal "ended": once, when it is not running any more.
 */
#define SERVICE_TYPE_JOB (service_job_get_type ())
G_DECLARE_FINAL_TYPE (ServiceJob, service_job, SERVICE, JOB, GObject)

/**
 * service_job_new:
 * @plugin: the module that has the action
 * @caller: who started it
 * @start_time: microseconds since 1970, unique
 * @path: (nullable): its object path; NULL: it is not on the bus, and keeps its entries for the reply
 */
ServiceJob *service_job_new (const ServiceContext *context,
                             HapAction *action,
                             const char *plugin,
                             ServiceProcess *process,
                             ServiceCaller *caller,
                             gint64 start_time,
                             const char *path);

gboolean service_job_start (ServiceJob *self, GError **error);

/* Brings it to an early end, with what it has: as "cancelled". */
void service_job_cancel (ServiceJob *self);

/* The same as "finished", for an action that runs until it is told to stop; its notifications are dismissed.
 */
void service_job_stop (ServiceJob *self);

/* @name, a subscriber, is told the job's notifications. */
void service_job_tell (ServiceJob *self, const char *name);

gboolean service_job_is_running (ServiceJob *self);
const char *service_job_get_state (ServiceJob *self);
const char *service_job_get_path (ServiceJob *self);
const char *service_job_get_caller (ServiceJob *self); /* its unique bus name */
guint service_job_get_uid (ServiceJob *self);          /* the caller's */
guint service_job_get_pid (ServiceJob *self);
HapActionClass *service_job_get_action_class (ServiceJob *self);

/* Microseconds until it should end by itself; -1: unknown. */
gint64 service_job_get_remaining (ServiceJob *self);

/* Returns: (nullable): why it failed, or was cancelled */
const GError *service_job_get_error (ServiceJob *self);
GVariant *service_job_get_entries (ServiceJob *self); /* (transfer floating): `aa{sv}` */

/* @name: of org.homeassistant.Profiler.Job. Returns: (transfer floating) */
GVariant *service_job_get_dbus_property (ServiceJob *self, const char *name);

G_END_DECLS
