/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-caller.h"
#include "service-process.h"

G_BEGIN_DECLS

/**
 * service_own_ask:
 *
 * Whether @caller could look into @process without us. service_own_ask_finish() returns what the kernel says;
 * FALSE also when it cannot be asked.
 */
void
service_own_ask (ServiceCaller *caller, ServiceProcess *process, GAsyncReadyCallback callback, gpointer data);
gboolean service_own_ask_finish (GAsyncResult *result);

G_END_DECLS
