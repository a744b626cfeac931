/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/* The worker while it runs its action. */
typedef struct
{
  GDBusMethodInvocation *run; /* what Cancel answers */
  gint64 start_time;
  guint pid;
  GVariant *target;
  GUnixFDList *fds;
} Worker;

/* Calls the service. @reply, @fds: (out) (optional) */
GError *fake_worker_call (GDBusConnection *service,
                          const char *method,
                          GVariant *parameters,
                          GVariant **reply,
                          GUnixFDList **fds);

/* Sends an entry. @fields: `a{sv}`, floating */
GError *fake_worker_tell (GDBusConnection *service, const char *message, GVariant *fields);

/* Answers Discover. */
void fake_worker_discover (GDBusMethodInvocation *invocation);

/* Scripts: NULL: all is well */
GError *fake_worker_threads (GDBusConnection *service, Worker *worker);
GError *fake_worker_mapping (GDBusConnection *service, Worker *worker);
GError *fake_worker_sockets (GDBusConnection *service, Worker *worker);
GError *fake_worker_inspect (GDBusConnection *service, Worker *worker);
GError *fake_worker_tracer (GDBusConnection *service, Worker *worker);

G_END_DECLS
