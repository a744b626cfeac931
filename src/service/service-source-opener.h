/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define SERVICE_SOURCE_MAX_GROUPS 256

/**
 * ServiceSourceOpener: what the child that opens files of a target needs; made before the fork.
 * @change: whether it becomes @uid, @gid and @groups; without it stays who it is
 */
typedef struct
{
  int socket; /* SOCK_SEQPACKET: gets a guint32, the index of a path, with a descriptor for each that is
                 opened */
  int root;   /* of the target */
  const char *const *paths;
  gboolean change;
  uid_t uid;
  gid_t gid;
  gid_t groups[SERVICE_SOURCE_MAX_GROUPS];
  gsize n_groups;
} ServiceSourceOpener;

/* Does the work, in a forked child: only what is safe in a signal handler. */
G_NORETURN void service_source_opener_run (const ServiceSourceOpener *self);

G_END_DECLS
