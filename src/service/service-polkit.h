/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-process.h"

G_BEGIN_DECLS

/**
 * ServicePolkitQuestion: what polkit is asked, and what its rules can decide on.
 * @sender: the unique bus name of the caller; nothing else says who it is
 * @interactive: whether the caller's agent may ask for a password
 * @member: the method or property: the detail "action"
 * @process: (nullable): details target-pid, target-uid and target-command, and a prompt that names them
 * @patience: seconds
 * @owner: (nullable): the uid of who made the job or artifact, as text: the detail "owner-uid"
 */
typedef struct
{
  GDBusConnection *bus;
  const char *sender;
  const char *action_id;
  const char *member;
  const char *owner;
  ServiceProcess *process;
  gboolean interactive;
  guint patience;
} ServicePolkitQuestion;

/**
 * service_polkit_ask:
 *
 * No answer in time, no polkit, or a caller that leaves meanwhile, is a no.
 * service_polkit_ask_finish() is TRUE for a yes. Errors: HAP_ERROR_NOT_AUTHORIZED
 */
void service_polkit_ask (const ServicePolkitQuestion *question, GAsyncReadyCallback callback, gpointer data);
gboolean service_polkit_ask_finish (GAsyncResult *result, GError **error);

G_END_DECLS
