/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ServiceCaller: who is behind a unique bus name, as the bus says it. Immutable, reference-counted.
 */
typedef struct _ServiceCaller ServiceCaller;

/**
 * service_caller_identify:
 * @name: a unique bus name
 *
 * service_caller_identify_finish() returns: (transfer full)
 * Errors: HAP_ERROR_NOT_AUTHORIZED: the bus does not say whose it is, or it has gone already
 */
void
service_caller_identify (GDBusConnection *bus, const char *name, GAsyncReadyCallback callback, gpointer data);
ServiceCaller *service_caller_identify_finish (GAsyncResult *result, GError **error);

ServiceCaller *service_caller_ref (ServiceCaller *self);
void service_caller_unref (ServiceCaller *self);

const char *service_caller_get_name (ServiceCaller *self);
guint service_caller_get_uid (ServiceCaller *self);

/* TRUE when its process is in the user and the pid namespace that the service is in: elsewhere the same
 * numbers are other people's. */
gboolean service_caller_is_at_home (ServiceCaller *self);

/* TRUE while the process that connected to the bus runs on, and still the same program. */
gboolean service_caller_is_same (ServiceCaller *self);

/**
 * service_caller_get_groups:
 * @gid: (out): of its process
 * @groups: (out) (transfer none): all of its groups
 *
 * FALSE when they are not known for certain.
 */
gboolean service_caller_get_groups (ServiceCaller *self, guint *gid, const guint32 **groups, gsize *n_groups);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceCaller, service_caller_unref)

G_END_DECLS
