/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-job.h"

G_BEGIN_DECLS

/* What an ended job came to, as the result of the run: printed, saved, and FALSE where it failed. */
gboolean client_outcome_conclude (Client *client, ClientJob *job, GError **error);

/* Follows a job that somebody started, then concludes it. */
gboolean client_outcome_watch (Client *client, const char *name, GError **error);

G_END_DECLS
