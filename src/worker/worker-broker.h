/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-broker.h"

G_BEGIN_DECLS

/* A HapBroker that asks the service: a worker opens nothing itself. */
#define WORKER_TYPE_BROKER (worker_broker_get_type ())
G_DECLARE_FINAL_TYPE (WorkerBroker, worker_broker, WORKER, BROKER, GObject)

/* @pid: the process to ask for; the service refuses any that it did not hand over */
HapBroker *worker_broker_new (GDBusConnection *service, guint pid);

G_END_DECLS
