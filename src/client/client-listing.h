/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* Sub-commands that list what the service has; @argument: for jobs, (nullable): one job to follow and print.
 */
gboolean client_listing_targets (Client *client, const char *argument, GError **error);
gboolean client_listing_jobs (Client *client, const char *argument, GError **error);
gboolean client_listing_version (Client *client, const char *argument, GError **error);

/* Cancels one job, and does not wait for its end. */
gboolean client_listing_cancel (Client *client, const char *argument, GError **error);

G_END_DECLS
