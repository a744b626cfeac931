/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-artifacts.h"
#include "service-limits.h"

G_BEGIN_DECLS

/**
 * ServiceIntake: what a worker tells of its job, checked: the results that the job has so far.
 */
typedef struct _ServiceIntake ServiceIntake;

/**
 * ServiceIntakeFuncs: what becomes of it at once.
 * @changed: the property @name of the job has a new value
 * @entry: @fields is `a{sv}`, with the message among them
 * @notify: the texts are escaped. FALSE: there are too many
 * @overrun: (transfer full): its artifacts have become too large: the worker must be ended
 */
typedef struct
{
  void (*changed) (gpointer owner, const char *name);
  void (*entry) (gpointer owner, const char *message, GVariant *fields);
  gboolean (*notify) (gpointer owner, const char *id, const char *title, const char *message);
  void (*overrun) (gpointer owner, GError *error);
} ServiceIntakeFuncs;

/* @limits: borrowed. @info: what is kept with each artifact, but for mime and title. @keep_entries: for
 * service_intake_get_entries() */
ServiceIntake *service_intake_new (ServiceArtifacts *artifacts,
                                   const ServiceLimits *limits,
                                   const ServiceArtifactInfo *info,
                                   gboolean keep_entries,
                                   const ServiceIntakeFuncs *funcs,
                                   gpointer owner);
void service_intake_free (ServiceIntake *self);

/**
 * service_intake_take:
 * @invocation: (transfer full): answered
 *
 * Returns: NULL, or which rule the worker broke: then it must be ended
 */
const char *service_intake_take (ServiceIntake *self, GDBusMethodInvocation *invocation);

/* The worker is gone: what it did not commit is dropped, and so is what it let grow beyond the limits
 * afterwards. */
void service_intake_close (ServiceIntake *self);

double service_intake_get_progress (ServiceIntake *self);
GVariant *service_intake_get_summary (ServiceIntake *self);   /* (transfer none): `a{sv}` */
GVariant *service_intake_get_artifacts (ServiceIntake *self); /* (transfer floating): `aa{sv}` */
GVariant *service_intake_get_entries (ServiceIntake *self);   /* (transfer floating): `aa{sv}` */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceIntake, service_intake_free)

G_END_DECLS
