/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "service-launcher.h"

G_BEGIN_DECLS

/**
 * ServiceWorker: one worker process and the private connection to it. Whatever it says is hostile: what
 * breaks the rules of the connection ends it.
 */
#define SERVICE_TYPE_WORKER (service_worker_get_type ())
G_DECLARE_FINAL_TYPE (ServiceWorker, service_worker, SERVICE, WORKER, GObject)

/* Answers a call of org.homeassistant.Profiler.Private.Job. @invocation: (transfer full) */
typedef void (*ServiceWorkerFunc) (gpointer owner, GDBusMethodInvocation *invocation);

/* @plugin: (nullable): the one that it runs an action of. @handle: not called after service_worker_dismiss()
 */
ServiceWorker *service_worker_new (ServiceLauncher *launcher,
                                   const char *plugin,
                                   ServiceWorkerFunc handle,
                                   gpointer owner,
                                   GError **error);

/**
 * service_worker_call:
 * @parameters: floating references are taken
 * @timeout_seconds: 0: none
 *
 * Calls a method of org.homeassistant.Profiler.Private.Worker, one at a time. The worker is ended when it
 * does not answer in time. Errors: the worker's own (HAP_ERROR); HAP_ERROR_FAILED: it ended, and how;
 * HAP_ERROR_TIMED_OUT
 */
void service_worker_call (ServiceWorker *self,
                          const char *method,
                          GVariant *parameters,
                          GUnixFDList *fds,
                          const char *reply_type,
                          guint timeout_seconds,
                          GAsyncReadyCallback callback,
                          gpointer data);
GVariant *service_worker_call_finish (ServiceWorker *self, GAsyncResult *result, GError **error);

/* What is left of the time of the call under way is @seconds from now on. */
void service_worker_set_time (ServiceWorker *self, guint seconds);

/* Asks it to come to its end; after a time of grace it is killed, and the call under way fails. */
void service_worker_cancel (ServiceWorker *self);

/* Kills it for breaking the rules: the call under way fails with @why. */
void service_worker_break (ServiceWorker *self, const char *why);

/* Kills it: the call under way fails with @why. @why: (transfer full) */
void service_worker_end (ServiceWorker *self, GError *why);

/* No more is wanted of it: closes the connection, at which it exits; after a time of grace it is killed. */
void service_worker_dismiss (ServiceWorker *self);

G_END_DECLS
