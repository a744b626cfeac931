/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is known of a call while it is under way. Made by the gate, filled by the owner of the interface,
 * judged by the authority.
 */

#include "service-call.h"

#define KEY "service-call"

void
service_call_attach (GDBusMethodInvocation *invocation, ServiceCall *self, GDestroyNotify free)
{
  g_object_set_data_full (G_OBJECT (invocation), KEY, self, free);
}

ServiceCall *
service_call_get (GDBusMethodInvocation *invocation)
{
  return g_object_get_data (G_OBJECT (invocation), KEY);
}

void
service_call_add_owner (ServiceCall *self, guint uid)
{
  if (self->has_owner && self->owner != service_caller_get_uid (self->caller))
    return;
  self->has_owner = TRUE;
  self->owner = uid;
}
