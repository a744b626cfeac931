/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is kept with an artifact, and what it is worth when it is not. */
typedef struct
{
  const char *mime;
  const char *title;
  const char *action;
  guint target;
  guint owner; /* the uid of who made it; root's when it is not known */
} ServiceArtifactInfo;

/* How long a title may be, in characters. */
#define SERVICE_ARTIFACT_MAX_TITLE 256

/* Keeps it with the file; where that cannot be, the file's name says enough. */
void service_artifact_info_keep (int fd, const ServiceArtifactInfo *info);

/* @fd: -1: the file cannot be read */
guint service_artifact_info_read_owner (int fd);

/* Returns: (transfer floating): `a{sv}` as service_artifacts_list() has it; @created: microseconds */
GVariant *service_artifact_info_describe (int fd, const char *name, guint64 size, gint64 created);

G_END_DECLS
