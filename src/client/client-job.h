/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* A job of the service, as far as this process saw it. */
typedef struct _ClientJob ClientJob;

/* Calls the action; Ctrl-C meanwhile is remembered and cancels the job as soon as there is one. */
ClientJob *client_job_start (Client *client, const char *method, GVariant *data, GError **error);

/* @name: the number of a job, or its object path. */
ClientJob *client_job_new (Client *client, const char *name, GError **error);
void client_job_free (ClientJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClientJob, client_job_free)

/**
 * client_job_follow:
 * @cancels: whether Ctrl-C cancels the job; else it only ends the waiting
 *
 * Shows the progress until the job is at its end, however it ends: its state tells. FALSE when it was lost
 * from sight.
 */
gboolean client_job_follow (ClientJob *self, gboolean cancels, GError **error);

gboolean client_job_cancel (ClientJob *self, GError **error);

const char *client_job_get_path (ClientJob *self);
/* Returns: (transfer full) (nullable): a property, when the service sent it in this type. */
GVariant *client_job_get (ClientJob *self, const char *property, const char *type);
/* Returns: (transfer full): a text property; "" without. */
char *client_job_get_text (ClientJob *self, const char *property);
/* Returns: (transfer full) (nullable): what it failed of; NULL for a job that finished. */
GError *client_job_get_failure (ClientJob *self);
/* Returns: (transfer full): `a{sv}`: all of the job, with keys for scripts ("started_at"). */
GVariant *client_job_describe (ClientJob *self);
/* The same of a job that is only listed. */
GVariant *client_job_describe_properties (const char *path, GVariant *properties);

/* The number at the end of a job's path, or the path itself where it is of another form. */
const char *client_job_path_to_name (const char *path);

G_END_DECLS
