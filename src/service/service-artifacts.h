/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-artifact-info.h"

G_BEGIN_DECLS

/**
 * ServiceArtifacts: the store of what actions made: a private directory, opened and checked at its first use.
 * An artifact is in it whole or not at all.
 */
#define SERVICE_TYPE_ARTIFACTS (service_artifacts_get_type ())
G_DECLARE_FINAL_TYPE (ServiceArtifacts, service_artifacts, SERVICE, ARTIFACTS, GObject)

/* ServiceArtifact: one that is being written. */
typedef struct _ServiceArtifact ServiceArtifact;

/* @directory: made if it is missing, with mode 0700 */
ServiceArtifacts *service_artifacts_new (const char *directory);

/* @max_bytes of all artifacts together, @max_age_seconds of each, and @max_count; what is beyond goes, the
 * oldest first. 0: no limit */
void service_artifacts_set_limits (ServiceArtifacts *self,
                                   guint64 max_bytes,
                                   guint64 max_age_seconds,
                                   guint max_count);

/**
 * service_artifacts_create:
 * @name: checked: 1 to 128 of [A-Za-z0-9._-]
 *
 * Errors: HAP_ERROR_INVALID_DATA: the name or what is said of it; HAP_ERROR_FAILED: the name is taken, or the
 * directory is not private to us; HAP_ERROR_NO_SPACE
 */
ServiceArtifact *service_artifacts_create (ServiceArtifacts *self,
                                           const char *name,
                                           const ServiceArtifactInfo *info,
                                           GError **error);

/* Where to write: owned by @artifact. */
int service_artifact_get_fd (ServiceArtifact *artifact);
const char *service_artifact_get_name (ServiceArtifact *artifact);
guint64 service_artifact_get_size (ServiceArtifact *artifact);

/* Nothing is left of an artifact that was not committed. */
void service_artifact_free (ServiceArtifact *artifact);

/**
 * service_artifact_commit:
 *
 * Publishes it under its name, and removes what is beyond the limits.
 * Errors: HAP_ERROR_FAILED: the name was taken meanwhile; HAP_ERROR_NO_SPACE
 */
gboolean service_artifact_commit (ServiceArtifact *artifact, GError **error);

/* The owner's uid; FALSE when there is no such artifact. */
gboolean service_artifacts_get_owner (ServiceArtifacts *self, const char *name, guint *uid);

/* TRUE when there is any of another owner than @uid. */
gboolean service_artifacts_has_others (ServiceArtifacts *self, guint uid);

/* @only: (nullable): the uid of the one owner whose are wanted
 * Returns: (transfer floating): `aa{sv}`, the newest first: name s, size t, mime s, title s, created t,
 * action s, target u, uid u */
GVariant *service_artifacts_list (ServiceArtifacts *self, const guint *only, GError **error);

/* A descriptor of its own, for reading; -1 with HAP_ERROR_INVALID_DATA when there is no such artifact, with
 * HAP_ERROR_NOT_AUTHORIZED when it is of another owner than @owner (nullable): by that name there can be
 * another than somebody was asked about. */
int service_artifacts_open (ServiceArtifacts *self, const char *name, const guint *owner, GError **error);

/* Errors: the same */
gboolean
service_artifacts_remove (ServiceArtifacts *self, const char *name, const guint *owner, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceArtifact, service_artifact_free)

G_END_DECLS
