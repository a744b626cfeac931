/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ServiceQuota: how many of something there are, in all and of each user.
 */
typedef struct _ServiceQuota ServiceQuota;

/* @what: for messages, as in "jobs run". @max, @max_per_user: 0: no limit */
ServiceQuota *service_quota_new (const char *what, guint max, guint max_per_user);
void service_quota_free (ServiceQuota *self);

/* Errors: HAP_ERROR_BUSY: there are too many */
gboolean service_quota_take (ServiceQuota *self, guint uid, GError **error);
void service_quota_release (ServiceQuota *self, guint uid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceQuota, service_quota_free)

G_END_DECLS
