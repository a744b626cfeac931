/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-launcher.h"

G_BEGIN_DECLS

/**
 * ServiceTargets: what can be profiled here, and which of it a caller means.
 */
#define SERVICE_TYPE_TARGETS (service_targets_get_type ())
G_DECLARE_FINAL_TYPE (ServiceTargets, service_targets, SERVICE, TARGETS, GObject)

/* @configured: (nullable): what is meant when a caller says nothing: a pid or a name */
ServiceTargets *service_targets_new (ServiceLauncher *launcher, const char *configured);

/* service_targets_list_finish() returns: (transfer floating): `aa{sv}`, as Manager.ListTargets answers it */
void service_targets_list (ServiceTargets *self, GAsyncReadyCallback callback, gpointer data);
GVariant *service_targets_list_finish (ServiceTargets *self, GAsyncResult *result, GError **error);

/**
 * service_targets_resolve:
 * @target: (nullable): the caller's: a pid in any integer type or as decimal digits, or a name
 *
 * service_targets_resolve_finish() returns: (transfer full)
 * Errors: HAP_ERROR_INVALID_DATA, HAP_ERROR_NO_TARGET, HAP_ERROR_AMBIGUOUS_TARGET, HAP_ERROR_TARGET_GONE,
 *   HAP_ERROR_UNSUPPORTED_TARGET, HAP_ERROR_NOT_AUTHORIZED
 */
void
service_targets_resolve (ServiceTargets *self, GVariant *target, GAsyncReadyCallback callback, gpointer data);
ServiceProcess *service_targets_resolve_finish (ServiceTargets *self, GAsyncResult *result, GError **error);

/**
 * service_targets_parse:
 * @pid: (out): 0 when it is a name
 * @name: (out) (transfer full): NULL when it is a pid
 *
 * Errors: HAP_ERROR_INVALID_DATA
 */
gboolean service_targets_parse (GVariant *target, guint *pid, char **name, GError **error);

/* Gives each of @targets (element-type ServiceTarget) a name that no other has, nor will have: where several
 * have the same, all get their pid with it, so that no name passes from one process to another unnoticed.
 * "home-assistant" is kept for Home Assistant. */
void service_targets_make_unique (GPtrArray *targets);

G_END_DECLS
