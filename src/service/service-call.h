/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-caller.h"
#include "service-language.h"
#include "service-process.h"

G_BEGIN_DECLS

/**
 * ServiceCall: one call on its way through the gate, attached to its invocation.
 * @interface, @member: a method; a property; "*" for all properties at once
 * @interactive: whether somebody may be asked for a password
 * @language: (nullable): the caller's
 *
 * What it is about, said by the owner of the interface before it is authorised:
 * @process: (nullable): the process that it looks into
 * @has_owner, @owner: the uid of who made what it concerns; of several things, somebody else's first
 * @ends: it ends what somebody made, whatever its method may do otherwise
 * @secrets: it asks for what is kept back otherwise
 * @contents: it asks for what objects hold, whatever its method shows otherwise
 * @modifies: it runs code in the process
 *
 * What came out:
 * @trusted: the caller may do everything: root, or on a session bus its user
 * @only_own: nothing of other users may be in the answer
 */
typedef struct
{
  ServiceCaller *caller;
  const char *interface;
  const char *member;
  gboolean interactive;
  const ServiceLanguage *language;

  ServiceProcess *process;
  gboolean has_owner;
  guint owner;
  gboolean ends;
  gboolean secrets;
  gboolean contents;
  gboolean modifies;

  gboolean trusted;
  gboolean only_own;
} ServiceCall;

/* @free: called with @self when the invocation is gone, which is when it was answered */
void service_call_attach (GDBusMethodInvocation *invocation, ServiceCall *self, GDestroyNotify free);

/* The call that @invocation is; lives as long as it. */
ServiceCall *service_call_get (GDBusMethodInvocation *invocation);

/* @uid: of who made something that the call concerns */
void service_call_add_owner (ServiceCall *self, guint uid);

G_END_DECLS
